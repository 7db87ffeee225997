#include "service/evaluate/metrics.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <random>

#include "base/check.h"

namespace vitrine::evaluate {
namespace {

double mean_of(std::span<const float> values) {
  double sum = 0;
  for (const float value : values) sum += value;
  return values.empty() ? 0 : sum / static_cast<double>(values.size());
}

double ratio(double a, double b) {
  if (b == 0) return a == 0 ? 1 : std::numeric_limits<double>::infinity();
  return a / b;
}

Interval percentiles(double value, std::vector<double>& samples) {
  if (samples.empty()) return {value, value, value};
  std::sort(samples.begin(), samples.end());
  const auto at = [&](double share) {
    const double position = share * static_cast<double>(samples.size() - 1);
    return samples[static_cast<std::size_t>(std::lround(position))];
  };
  return {value, at(0.025), at(0.975)};
}

// A number below `bound` from 32 random bits (Lemire's multiplication; the bias is below 2^-32 *
// bound).
std::size_t below(std::uint64_t bits, std::size_t bound) {
  return static_cast<std::size_t>(((bits & 0xFFFFFFFFu) * bound) >> 32);
}

}  // namespace

CaseScore score_case(std::span<const ItemIndex> answer, std::span<const ItemIndex> targets,
                     std::size_t k) {
  CaseScore score;
  if (targets.empty()) return score;
  double gain = 0;
  int found = 0;
  const std::size_t n = std::min(k, answer.size());
  for (std::size_t i = 0; i < n; ++i) {
    if (std::find(targets.begin(), targets.end(), answer[i]) == targets.end()) continue;
    if (found++ == 0) score.mrr = 1.0f / static_cast<float>(i + 1);
    gain += 1 / std::log2(static_cast<double>(i) + 2);
  }
  double best = 0;
  for (std::size_t i = 0; i < std::min(k, targets.size()); ++i) {
    best += 1 / std::log2(static_cast<double>(i) + 2);
  }
  score.hr = found > 0 ? 1 : 0;
  score.ndcg = best > 0 ? static_cast<float>(gain / best) : 0;
  score.recall = static_cast<float>(found) / static_cast<float>(targets.size());
  return score;
}

Interval bootstrap_mean(std::span<const float> values, const BootstrapOptions& options) {
  std::vector<double> samples;
  std::mt19937_64 random(options.seed);
  for (std::uint32_t round = 0; round < options.rounds && !values.empty(); ++round) {
    double sum = 0;
    for (std::size_t i = 0; i < values.size(); ++i) sum += values[below(random(), values.size())];
    samples.push_back(sum / static_cast<double>(values.size()));
  }
  return percentiles(mean_of(values), samples);
}

Interval bootstrap_ratio(std::span<const float> a, std::span<const float> b,
                         const BootstrapOptions& options) {
  VITRINE_CHECK(a.size() == b.size());
  std::vector<double> samples;
  std::mt19937_64 random(options.seed);
  for (std::uint32_t round = 0; round < options.rounds && !a.empty(); ++round) {
    double sum_a = 0;
    double sum_b = 0;
    for (std::size_t i = 0; i < a.size(); ++i) {
      const std::size_t at = below(random(), a.size());
      sum_a += a[at];
      sum_b += b[at];
    }
    samples.push_back(ratio(sum_a, sum_b));
  }
  return percentiles(ratio(mean_of(a), mean_of(b)), samples);
}

}  // namespace vitrine::evaluate
