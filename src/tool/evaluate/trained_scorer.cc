#include "tool/evaluate/trained_scorer.h"

#include <algorithm>

#include "service/learn/fit.h"

namespace vitrine::evaluate {
namespace {

constexpr double kChosenFrom = 0.875;  // of the interactions
constexpr std::size_t kChoosingCasesMin = 10;
constexpr std::size_t kChoosingCasesMost = 1'000;

// What settings are chosen on, of the train part.
Split choosing_part(std::span<const Interaction> train, std::uint32_t users,
                    const TrainedOptions& options) {
  Dataset data;
  data.interactions.assign(train.begin(), train.end());
  data.users.resize(users);
  data.has_times = options.has_times;
  data.live = options.live;
  Split split;
  if (options.has_times) {
    const auto at = static_cast<std::size_t>(kChosenFrom * static_cast<double>(train.size()));
    split = temporal(data, {train[at].time, true, true});
  }
  if (split.cases.size() < kChoosingCasesMin) {
    split = leave_one_out(data, LeaveOneOutOptions{Stage::kTest, true});
  }
  learn::thin_out(split.cases, kChoosingCasesMost);
  return split;
}

}  // namespace

std::string TrainedScorer::name() const {
  return "trained " + std::string(learn::kind_name(options_.recipe.kind));
}

void TrainedScorer::fit(std::span<const Interaction> train, std::uint32_t items) {
  popular_.fit(train, items);
  auto made = make(train, items);
  if (!made.ok()) {
    status_ = std::move(made).error().context(learn::kind_name(options_.recipe.kind));
    return;
  }
  model_ = std::move(*made);
  mapped_ = {model_.get(), {}, {}};
  alone_.emplace(name(), mapped_);
  alone_->fit(train, items);
}

Result<std::unique_ptr<learn::FittedModel>> TrainedScorer::make(std::span<const Interaction> train,
                                                                std::uint32_t items) {
  std::uint32_t users = 0;
  for (const Interaction& one : train) users = std::max(users, one.user.value + 1);
  learn::Recipe recipe = options_.recipe;
  const std::uint64_t bytes = learn::training_bytes(recipe, users, items, train.size());
  if (bytes > options_.memory_bytes_max) {
    return Error(ErrorCode::kTooLarge,
                 "training takes about " + human_bytes(static_cast<double>(bytes)) +
                     ", above models.memory (" +
                     human_bytes(static_cast<double>(options_.memory_bytes_max)) +
                     "): raise it, or choose fewer dimensions")
        .with_reason("memory_budget");
  }
  graph::Workers workers(thread_executor(), options_.threads);
  learn::FitContext context{workers, progress_};
  if (learn::has_epochs(recipe.kind) || recipe.kind == learn::Kind::kBlend) {
    const Split choosing = choosing_part(train, users, options_);
    learn::MappedModel probe;
    learn::AloneScorer alone("", probe);
    alone.fit(choosing.train, items);
    context.validate = [&](const learn::FittedModel& model) {
      probe.model = &model;
      return learn::mean_ndcg(alone, choosing.cases, items, options_.k);
    };
    VITRINE_TRY(const auto chosen, learn::fit_model(recipe, choosing.train, items, context));
    context.validate = nullptr;
    if (learn::has_epochs(recipe.kind)) context.epochs = chosen.report.epochs;
    if (chosen.report.settled) recipe = *chosen.report.settled;
  }
  VITRINE_TRY(auto fit, learn::fit_model(recipe, train, items, context));
  return std::move(fit.model);
}

void TrainedScorer::rank(const Case& one, const Mask& mask, std::size_t k,
                         std::vector<ItemIndex>& out) {
  alone_ ? alone_->rank(one, mask, k, out) : popular_.rank(one, mask, k, out);
}

}  // namespace vitrine::evaluate
