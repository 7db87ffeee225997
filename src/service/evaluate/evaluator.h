// Runs scorers over one split and measures them.
#pragma once

#include <string>
#include <vector>

#include "service/evaluate/metrics.h"
#include "service/evaluate/scorer.h"

namespace vitrine::evaluate {

struct Report {
  std::string name;
  std::size_t k = 0;
  std::size_t cases = 0;
  Interval hr, ndcg, recall, mrr;
  double coverage = 0;
  double novelty = 0;
  double popularity = 0;
  double fit_cpu_s = 0;             // of this thread
  double rank_cpu_s = 0;            // for all cases
  std::vector<CaseScore> per_case;  // in the order of Split::cases
  // 1 where a target was among the k, 0 where not; one entry a target, in the order of the cases
  // and of their targets.
  std::vector<std::uint8_t> target_found;
  std::vector<float> column(float CaseScore::*measure) const;
};

struct EvaluatorOptions {
  std::size_t k = 10;
  bool mask_history = true;  // items of the history can't be in the answer
  BootstrapOptions bootstrap;
};

class Evaluator {
 public:
  Evaluator(Split split, std::uint32_t items, const EvaluatorOptions& options);
  Report run(Scorer& scorer) const;
  const Split& split() const { return split_; }
  const EvaluatorOptions& options() const { return options_; }

 private:
  void measure_lists(const std::vector<std::uint32_t>& answered, Report& report) const;

  Split split_;
  std::uint32_t items_;
  EvaluatorOptions options_;
  std::vector<std::uint32_t> train_count_;
  double history_count_ = 0;  // mean training count of the items in the histories
};

}  // namespace vitrine::evaluate
