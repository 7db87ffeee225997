#include "service/evaluate/evaluator.h"

#include <algorithm>
#include <cmath>

#include <time.h>

namespace vitrine::evaluate {
namespace {

double thread_cpu_seconds() {
  timespec now{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  return static_cast<double>(now.tv_sec) + static_cast<double>(now.tv_nsec) * 1e-9;
}

}  // namespace

std::vector<float> Report::column(float CaseScore::*measure) const {
  std::vector<float> values;
  values.reserve(per_case.size());
  for (const CaseScore& score : per_case) values.push_back(score.*measure);
  return values;
}

Evaluator::Evaluator(Split split, std::uint32_t items, const EvaluatorOptions& options)
    : split_(std::move(split)), items_(items), options_(options), train_count_(items) {
  for (const Interaction& one : split_.train) ++train_count_[one.item.value];
  double sum = 0;
  double n = 0;
  for (const Case& one : split_.cases) {
    for (const Interaction& seen : one.history) sum += train_count_[seen.item.value];
    n += static_cast<double>(one.history.size());
  }
  history_count_ = n > 0 ? sum / n : 0;
}

Report Evaluator::run(Scorer& scorer) const {
  Report report;
  report.name = scorer.name();
  report.k = options_.k;
  report.cases = split_.cases.size();
  const double start = thread_cpu_seconds();
  scorer.fit(split_.train, items_);
  const double fitted = thread_cpu_seconds();
  report.fit_cpu_s = fitted - start;
  scorer.prepare(split_.cases);
  Mask mask(items_);
  std::vector<ItemIndex> answer;
  std::vector<std::uint32_t> answered(items_);  // how often an item was in an answer
  report.per_case.reserve(split_.cases.size());
  for (const Case& one : split_.cases) {
    if (options_.mask_history) {
      for (const Interaction& seen : one.history) mask[seen.item.value] = 1;
    }
    scorer.rank(one, mask, options_.k, answer);
    if (options_.mask_history) {
      for (const Interaction& seen : one.history) mask[seen.item.value] = 0;
    }
    report.per_case.push_back(score_case(answer, one.targets, options_.k));
    for (const ItemIndex target : one.targets) {
      const bool found = std::find(answer.begin(), answer.end(), target) != answer.end();
      report.target_found.push_back(found ? 1 : 0);
    }
    for (const ItemIndex item : answer) ++answered[item.value];
  }
  report.rank_cpu_s = thread_cpu_seconds() - fitted;
  report.hr = bootstrap_mean(report.column(&CaseScore::hr), options_.bootstrap);
  report.ndcg = bootstrap_mean(report.column(&CaseScore::ndcg), options_.bootstrap);
  report.recall = bootstrap_mean(report.column(&CaseScore::recall), options_.bootstrap);
  report.mrr = bootstrap_mean(report.column(&CaseScore::mrr), options_.bootstrap);
  measure_lists(answered, report);
  return report;
}

void Evaluator::measure_lists(const std::vector<std::uint32_t>& answered, Report& report) const {
  const double events = static_cast<double>(split_.train.size()) + items_;
  double lists = 0;
  double shown = 0;
  double bits = 0;
  double popular = 0;
  for (std::uint32_t i = 0; i < items_; ++i) {
    if (answered[i] == 0) continue;
    ++shown;
    lists += answered[i];
    bits -= answered[i] * std::log2((train_count_[i] + 1.0) / events);
    popular += static_cast<double>(answered[i]) * train_count_[i];
  }
  if (lists == 0) return;
  report.coverage = shown / items_;
  report.novelty = bits / lists;
  report.popularity = history_count_ > 0 ? popular / lists / history_count_ : 0;
}

}  // namespace vitrine::evaluate
