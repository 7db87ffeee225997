// What trainings in epochs have from their context: validation, reports, checkpoints, stopping.
#pragma once

#include <optional>
#include <string>

#include "service/learn/fit.h"

namespace vitrine::learn {

// `Hooks` and `Report`: TrainHooks and TrainReport of the model's module. Outlives the training.
template <class Hooks, class Report>
class EpochWatch {
 public:
  explicit EpochWatch(const FitContext& context) : context_(context) {}
  EpochWatch(const EpochWatch&) = delete;
  EpochWatch& operator=(const EpochWatch&) = delete;

  // Hooks that report, save and stop, and go on from what was saved.
  Result<Hooks> hooks() {
    Hooks made;
    made.after_epoch = [this](const Report& so_far, const auto& save) {
      return after_epoch(so_far, save);
    };
    if (context_.checkpoint == nullptr) return made;
    VITRINE_TRY(saved_, context_.checkpoint->load(context_.phase));
    if (saved_) made.resume = &resume_.emplace(*saved_);
    return made;
  }

  // How good a model is as it would serve. 0 where it can't serve: training ends after this epoch.
  template <class Frozen>
  double measure(const Frozen& frozen) {
    if (frozen.ok()) return context_.validate(**frozen);
    kept_ = frozen.error();
    return 0;
  }

  // What went wrong beside the training itself.
  const Status& kept() const { return kept_; }

 private:
  template <class Save>
  bool after_epoch(const Report& so_far, const Save& save) {
    if (context_.on_epoch) {
      context_.on_epoch(so_far.epochs, so_far.losses.back(),
                        context_.validate ? std::optional(so_far.measures.back()) : std::nullopt);
    }
    if (context_.checkpoint != nullptr) {
      StringSink out;
      save(out);
      if (kept_.ok()) kept_ = context_.checkpoint->save(context_.phase, out.bytes());
    }
    return kept_.ok() && !context_.stopped();
  }

  const FitContext& context_;
  Status kept_ = ok_status();
  std::optional<std::string> saved_;
  std::optional<StringSource> resume_;
};

}  // namespace vitrine::learn
