// A kind of model that the service trains (service/learn), as a scorer of an evaluation: fitted on
// the train part alone, which also decides when training stops and what a blend is weighted with.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/progress.h"
#include "service/evaluate/scorer.h"
#include "service/learn/judge.h"
#include "service/learn/recipe.h"

namespace vitrine::evaluate {

struct TrainedOptions {
  learn::Recipe recipe;
  bool has_times = false;  // as the data's
  bool live = false;
  std::size_t k = 10;  // of the NDCG that decides
  std::uint64_t memory_bytes_max = std::uint64_t{4} << 30;
  unsigned threads = 1;
};

// What is popular fills up lists that the model has too little for, as it does when it serves.
class TrainedScorer final : public Scorer {
 public:
  TrainedScorer(TrainedOptions options, Progress& progress)
      : options_(std::move(options)), progress_(progress) {}
  std::string name() const override;
  // A last part of `train` (an eighth of its time, or each user's last item where there are no
  // times) is held back to choose epochs and weights, then all of it is learned from.
  void fit(std::span<const Interaction> train, std::uint32_t items) override;
  void rank(const Case& one, const Mask& mask, std::size_t k, std::vector<ItemIndex>& out) override;

  // What fit() failed with: kTooLarge above the memory, kInvalidArgument where there is too little.
  // Then what is popular is all there is.
  const Status& status() const { return status_; }

 private:
  Result<std::unique_ptr<learn::FittedModel>> make(std::span<const Interaction> train,
                                                   std::uint32_t items);

  TrainedOptions options_;
  Progress& progress_;
  Status status_ = ok_status();
  std::unique_ptr<learn::FittedModel> model_;
  learn::MappedModel mapped_;
  std::optional<learn::AloneScorer> alone_;
  Popularity popular_;
};

}  // namespace vitrine::evaluate
