#include "tool/simulate/comparison.h"

#include <algorithm>
#include <functional>

#include "tool/simulate/dice.h"

namespace vitrine::simulate {
namespace {

using Sums = std::vector<Tally>;  // by policy

// What a round of the bootstrap sees: everything, or shops and visitors drawn again.
Sums sum_of(const std::vector<SimulationResult>& runs, Random* random) {
  Sums sums(runs.front().policies.size());
  for (std::size_t r = 0; r < runs.size(); ++r) {
    const bool again = random != nullptr;
    const auto& run = runs[again && runs.size() > 1 ? random->below(runs.size()) : r];
    const std::size_t visitors = run.policies.front().by_visitor.size();
    for (std::size_t v = 0; v < visitors; ++v) {
      const std::size_t drawn = again ? random->below(visitors) : v;
      for (std::size_t p = 0; p < sums.size(); ++p) sums[p] += run.policies[p].by_visitor[drawn];
    }
  }
  return sums;
}

using Measure = std::function<double(const Sums&)>;

double ratio(double a, double b) { return b > 0 ? a / b : 0; }

class Bootstrap {
 public:
  Bootstrap(const std::vector<SimulationResult>& runs, const ComparisonOptions& options)
      : all_(sum_of(runs, nullptr)) {
    Random random(options.seed);
    for (std::uint32_t i = 0; i < options.rounds; ++i) rounds_.push_back(sum_of(runs, &random));
  }
  Interval of(const Measure& measure) const {
    std::vector<double> samples;
    for (const Sums& round : rounds_) samples.push_back(measure(round));
    std::sort(samples.begin(), samples.end());
    const double value = measure(all_);
    if (samples.empty()) return {value, value, value};
    const auto at = [&](double q) {
      return samples[static_cast<std::size_t>(q * static_cast<double>(samples.size() - 1) + 0.5)];
    };
    return {value, at(0.025), at(0.975)};
  }

 private:
  Sums all_;
  std::vector<Sums> rounds_;
};

double revenue_per_visit(const Tally& tally) { return ratio(tally.revenue, tally.visits); }

}  // namespace

Comparison compare(const std::vector<SimulationResult>& runs, const ComparisonOptions& options) {
  const Bootstrap bootstrap(runs, options);
  const auto& policies = runs.front().policies;
  const auto number_of = [&](std::string_view name) {
    std::size_t n = 0;
    while (n < policies.size() && policies[n].name != name) ++n;
    return n;
  };
  // a / b by a measure of one policy; 0 where one of them did not run.
  const auto over = [&](std::size_t a, std::size_t b, double (*measure)(const Tally&)) {
    if (a == policies.size() || b == policies.size()) return Interval{};
    return bootstrap.of([=](const Sums& s) { return ratio(measure(s[a]), measure(s[b])); });
  };
  const auto conversion = [](const Tally& t) { return t.conversion(); };
  const std::size_t popularity = number_of("popularity");
  const std::size_t vitrine = number_of("vitrine");
  const std::size_t oracle = number_of("oracle");
  Comparison out;
  for (std::size_t p = 0; p < policies.size(); ++p) {
    PolicyFigures figures;
    figures.name = policies[p].name;
    figures.conversion = bootstrap.of([=](const Sums& s) { return s[p].conversion(); });
    figures.revenue_per_visit =
        bootstrap.of([=](const Sums& s) { return revenue_per_visit(s[p]); });
    figures.click_rate =
        bootstrap.of([=](const Sums& s) { return ratio(s[p].clicks, s[p].shown); });
    figures.conversion_lift = over(p, popularity, conversion);
    figures.revenue_lift = over(p, popularity, revenue_per_visit);
    out.policies.push_back(std::move(figures));
  }
  out.lift_over_popularity = over(vitrine, popularity, conversion);
  out.lift_over_random = over(vitrine, number_of("random"), conversion);
  out.lift_over_item_item = over(vitrine, number_of("item-item"), conversion);
  const Interval reached = over(vitrine, oracle, conversion);
  if (reached.value > 0) {
    out.regret_share = {1 - reached.value, 1 - reached.high, 1 - reached.low};
  }
  return out;
}

}  // namespace vitrine::simulate
