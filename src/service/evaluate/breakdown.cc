#include "service/evaluate/breakdown.h"

#include <algorithm>
#include <array>
#include <cstdio>

namespace vitrine::evaluate {
namespace {

// Sizes from the one of a bucket up to, not including, the next bucket's.
constexpr std::array<std::uint32_t, 6> kActivity = {1, 3, 6, 11, 21, 51};
constexpr std::array<std::uint32_t, 6> kPopularity = {0, 1, 5, 20, 100, 500};

std::size_t bucket_of(std::uint32_t size, std::span<const std::uint32_t> starts) {
  const auto after = std::upper_bound(starts.begin(), starts.end(), size);
  return after == starts.begin() ? 0 : static_cast<std::size_t>(after - starts.begin()) - 1;
}

std::string range_name(std::span<const std::uint32_t> starts, std::size_t i) {
  if (i + 1 == starts.size()) return std::to_string(starts[i]) + " and more";
  if (starts[i] + 1 == starts[i + 1]) return std::to_string(starts[i]);
  return std::to_string(starts[i]) + " to " + std::to_string(starts[i + 1] - 1);
}

// values[bucket][report] holds what is averaged.
using Values = std::vector<std::vector<std::vector<float>>>;

std::vector<Bucket> average(const Values& values, std::span<const std::uint32_t> starts,
                            const BootstrapOptions& bootstrap) {
  std::vector<Bucket> buckets;
  for (std::size_t b = 0; b < values.size(); ++b) {
    if (values[b].empty() || values[b].front().empty()) continue;
    Bucket bucket{range_name(starts, b), values[b].front().size(), {}};
    for (const auto& of_report : values[b]) {
      bucket.values.push_back(bootstrap_mean(of_report, bootstrap));
    }
    buckets.push_back(std::move(bucket));
  }
  return buckets;
}

}  // namespace

std::vector<Bucket> by_activity(const Split& split, std::span<const Report> reports,
                                const BootstrapOptions& bootstrap) {
  Values values(kActivity.size(), std::vector<std::vector<float>>(reports.size()));
  for (std::size_t c = 0; c < split.cases.size(); ++c) {
    const auto length = static_cast<std::uint32_t>(split.cases[c].history.size());
    auto& bucket = values[bucket_of(length, kActivity)];
    for (std::size_t r = 0; r < reports.size(); ++r) bucket[r].push_back(reports[r].per_case[c].hr);
  }
  return average(values, kActivity, bootstrap);
}

std::vector<Bucket> by_popularity(const Split& split, std::span<const Report> reports,
                                  const BootstrapOptions& bootstrap) {
  std::vector<std::uint32_t> count;
  for (const Interaction& one : split.train) {
    if (one.item.value >= count.size()) count.resize(one.item.value + 1);
    if (one.positive()) ++count[one.item.value];
  }
  Values values(kPopularity.size(), std::vector<std::vector<float>>(reports.size()));
  std::size_t at = 0;
  for (const Case& one : split.cases) {
    for (const ItemIndex target : one.targets) {
      const std::uint32_t seen = target.value < count.size() ? count[target.value] : 0;
      auto& bucket = values[bucket_of(seen, kPopularity)];
      for (std::size_t r = 0; r < reports.size(); ++r)
        bucket[r].push_back(reports[r].target_found[at] != 0 ? 1.0f : 0.0f);
      ++at;
    }
  }
  return average(values, kPopularity, bootstrap);
}

std::vector<Bucket> buckets_of(std::span<const CaseGroup> groups) {
  std::vector<Bucket> out;
  for (const CaseGroup& group : groups) out.push_back({group.name, group.cases.size(), {}});
  return out;
}

void add_values(Scorer& scorer, std::span<const CaseGroup> groups, std::uint32_t items,
                std::size_t k, const BootstrapOptions& bootstrap, std::vector<Bucket>& buckets) {
  Mask mask(items);
  std::vector<ItemIndex> answer;
  for (std::size_t g = 0; g < groups.size(); ++g) {
    scorer.prepare(groups[g].cases);
    std::vector<float> found;
    for (const Case& one : groups[g].cases) {
      for (const Interaction& seen : one.history) mask[seen.item.value] = 1;
      scorer.rank(one, mask, k, answer);
      for (const Interaction& seen : one.history) mask[seen.item.value] = 0;
      found.push_back(score_case(answer, one.targets, k).hr);
    }
    buckets[g].values.push_back(bootstrap_mean(found, bootstrap));
  }
}

std::vector<Bucket> learning_curve(const Split& split, std::uint32_t items,
                                   const std::function<Scorers()>& make_scorers,
                                   const LearningOptions& options) {
  Split part;
  const std::size_t cases = std::min(options.cases_max, split.cases.size());
  for (std::size_t i = 0; i < cases; ++i)
    part.cases.push_back(split.cases[i * split.cases.size() / cases]);
  std::vector<Bucket> curve;
  for (const double share : options.shares) {
    const auto n = static_cast<std::size_t>(share * static_cast<double>(split.train.size()));
    part.train.assign(split.train.begin(), split.train.begin() + static_cast<std::ptrdiff_t>(n));
    char name[32];
    std::snprintf(name, sizeof name, "%g %%", 100 * share);
    Bucket bucket{name, n, {}};
    const Evaluator evaluator(part, items, options.evaluator);
    for (const auto& scorer : make_scorers()) bucket.values.push_back(evaluator.run(*scorer).hr);
    curve.push_back(std::move(bucket));
  }
  return curve;
}

}  // namespace vitrine::evaluate
