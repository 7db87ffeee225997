#include "engine/vec/calibrate.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <numeric>

#include "engine/vec/random.h"

namespace vitrine::vec {
namespace {

constexpr std::size_t kTop = 10;
constexpr std::array<float, 8> kGoals{0.80F, 0.90F, 0.95F, 0.97F, 0.98F, 0.99F, 0.995F, 0.999F};
constexpr std::array<std::uint32_t, 11> kKeeps{20, 30, 40, 60, 80, 120, 200, 400, 700, 1200, 2000};
constexpr std::array<std::uint32_t, 7> kExacts{11, 13, 16, 20, 24, 40, 80};
constexpr std::array<std::uint32_t, 20> kBeams{11, 14, 17, 20,  24,  28,  34,  40,  48,  57,
                                               68, 80, 96, 115, 140, 170, 220, 300, 420, 600};
// Nanoseconds of one vector in a scan of one query, of one step of a walk, and of what
// each does before (ranking lists against entering the graph); only their ratio matters.
constexpr double kScanNs = 4.5;
constexpr double kStepNs = 220;
constexpr double kStartNs = 5000;

// Plans of equal volume may scan this many times what plans of equal probes do; they also vary
// less.
constexpr double kVolumeWorth = 1.0;

class Trial {
 public:
  Trial(const Lists& lists, const Graph* graph, const CalibrationOptions& options,
        const Workers& workers)
      : lists_(lists), graph_(graph), workers_(workers), search_(lists_) {
    // Answers as slots, so that their lists are known.
    lists_.ids = Column<std::uint32_t>(lists.slot_count());
    for (std::size_t slot = 0; slot < lists.slot_count(); ++slot)
      lists_.ids.mutable_data()[slot] =
          lists.ids[slot] == kNoId ? kNoId : static_cast<std::uint32_t>(slot);
    choose_queries(options);
    k_ = kTop + (self_.empty() ? 0 : 1);
    found_.resize(count_ * k_);
    truth_.resize(count_ * kTop);
    Plan all;
    all.probes = static_cast<std::uint32_t>(lists.list_count());
    // Product codes are less exact; without a second look everything kept is compared.
    all.keep = lists.coding.is_product() ? 4000 : 400;
    all.exact = has_second() ? 200 : all.keep;
    run_lists(all, nullptr);
    for (std::size_t q = 0; q < count_; ++q) copy_without_self(q, truth_.data() + q * kTop);
    found_at_ = ranks_of(truth_, &volume_before_);
  }

  // Probes without which a share `goal` of the true neighbours can't be found.
  std::uint32_t probes_for(double goal) const { return quantile(found_at_, goal); }

  // The same in volume (types.h): what lies in nearer lists must be below it.
  float volume_for(double goal) const {
    std::vector<float> before = volume_before_;
    if (before.empty()) return 1;
    std::sort(before.begin(), before.end());
    const auto at = static_cast<std::size_t>(std::ceil(goal * static_cast<double>(before.size())));
    return before[std::clamp<std::size_t>(at, 1, before.size()) - 1] * 1.001F + 0.001F;
  }

  // Vectors in the lists that a query with this plan visits, on average.
  double mean_volume(const Plan& plan) const {
    std::vector<std::uint64_t> seen(std::max(1U, workers_.count));
    std::vector<SearchScratch> scratch(seen.size());
    parallel_for(workers_, count_, [&](std::size_t q, unsigned worker) {
      search_.rank_lists(queries_.data() + q * lists_.dim, plan, scratch[worker]);
      for (const std::uint32_t list : scratch[worker].lists) seen[worker] += lists_.sizes[list];
    });
    return static_cast<double>(std::accumulate(seen.begin(), seen.end(), std::uint64_t{0})) /
           static_cast<double>(count_);
  }

  // How the number of lists that hold the nearest survivors grows as a filter gets narrower: the
  // exponent between everything and one in 30 passing, at random, for a recall of 0.95.
  float filter_growth() {
    constexpr std::uint32_t kOneIn = 30;
    Random random(0x66696C746572ULL);
    std::vector<std::uint32_t> words(lists_.block_count());
    for (std::size_t slot = 0; slot < lists_.slot_count(); ++slot)
      if (lists_.ids[slot] != kNoId && random.below(kOneIn) == 0)
        words[slot / kLanes] |= 1U << (slot % kLanes);
    const Filter filter(lists_, std::move(words));
    if (filter.count() <= kExactSurvivors) return Plan{}.filter_growth;
    Plan all;
    all.probes = static_cast<std::uint32_t>(lists_.list_count());
    const std::size_t whole = count_;
    count_ = std::min<std::size_t>(count_, 200);
    run_lists(all, &filter);
    std::vector<std::uint32_t> nearest(count_ * kTop);
    for (std::size_t q = 0; q < count_; ++q) copy_without_self(q, nearest.data() + q * kTop);
    const std::uint32_t filtered = quantile(ranks_of(nearest, nullptr), 0.95);
    count_ = whole;
    const double growth = std::log(static_cast<double>(filtered) / probes_for(0.95)) /
                          std::log(static_cast<double>(kOneIn));
    // Survivors that lie away from the query are spread over more lists than random ones.
    return static_cast<float>(std::clamp(growth * 1.25, 0.4, 0.8));
  }

  std::size_t count() const { return count_; }
  bool has_second() const { return lists_.coding.second_bytes() > 0; }

  double lists_recall(const Plan& plan) {
    run_lists(plan, nullptr);
    return recall();
  }

  // Recall of a walk, and steps of a query.
  std::pair<double, double> graph_recall(const Plan& plan) {
    std::uint64_t steps = 0;
    std::vector<GraphScratch> scratch(std::max(1U, workers_.count));
    parallel_for(workers_, count_, [&](std::size_t q, unsigned worker) {
      scratch[worker].avoid = self_.empty() ? kNoId : self_[q];
      search_graph(lists_, *graph_, queries_.data() + q * lists_.dim, k_, plan, nullptr,
                   scratch[worker], found_.data() + q * k_);
    });
    for (const GraphScratch& s : scratch) steps += s.steps;
    return {recall(), static_cast<double>(steps) / static_cast<double>(count_)};
  }

  double scanned(const Plan& plan) const {
    if (plan.volume > 0) return mean_volume(plan);
    return plan.probes * static_cast<double>(lists_.count) /
           static_cast<double>(lists_.list_count()) * 1.15;
  }

 private:
  void choose_queries(const CalibrationOptions& options) {
    if (options.own_queries.count > 0) {
      count_ = options.own_queries.count;
      queries_.assign(options.own_queries.data, options.own_queries.row(count_));
      return;
    }
    Random random(options.seed ^ 0x63616C6962ULL);
    for (std::uint32_t i = 0; i < options.queries; ++i) {
      const auto slot = static_cast<std::uint32_t>(random.below(lists_.slot_count()));
      if (lists_.ids[slot] == kNoId) continue;
      self_.push_back(slot);
      const float* row = lists_.rows.data() + std::size_t{slot} * lists_.dim;
      queries_.insert(queries_.end(), row, row + lists_.dim);
    }
    count_ = self_.size();
  }

  void run_lists(const Plan& plan, const Filter* filter) {
    search_.search_batch(Rows{queries_.data(), count_, lists_.dim}, k_, plan, filter, workers_,
                         found_.data(), scratch_, nullptr);
  }

  // For each neighbour (slots, kTop a query) how many lists the query ranks up to its list; into
  // `before` (may be null) how many mean lists' vectors lie in those before it.
  std::vector<std::uint32_t> ranks_of(const std::vector<std::uint32_t>& neighbours,
                                      std::vector<float>* before) const {
    std::vector<std::uint32_t> out(neighbours.size(), 0);
    std::vector<float> volumes(neighbours.size(), -1);
    const float mean = static_cast<float>(lists_.count) / static_cast<float>(lists_.list_count());
    const std::size_t queries = neighbours.size() / kTop;
    std::vector<SearchScratch> scratch(std::max(1U, workers_.count));
    parallel_for(workers_, queries, [&](std::size_t q, unsigned worker) {
      SearchScratch& space = scratch[worker];
      const CoarseTable& coarse = lists_.coarse;
      space.dots.resize(coarse.padded());
      space.scores.resize(coarse.padded());
      const RotatedQuery query = search_.prepare_with(queries_.data() + q * lists_.dim, space);
      coarse.score(&query, 1, space.dots.data(), space.scores.data(), nullptr);
      for (std::size_t i = q * kTop; i < (q + 1) * kTop; ++i) {
        if (neighbours[i] == kNoId) continue;
        const float score = space.scores[lists_.list_of_block[neighbours[i] / kLanes]];
        std::uint64_t nearer = 0;
        for (std::size_t list = 0; list < coarse.count(); ++list) {
          if (space.scores[list] >= score) ++out[i];
          if (space.scores[list] > score) nearer += lists_.sizes[list];
        }
        volumes[i] = static_cast<float>(nearer) / mean;
      }
    });
    if (before != nullptr) {
      std::erase_if(volumes, [](float volume) { return volume < 0; });
      *before = std::move(volumes);
    }
    return out;
  }

  static std::uint32_t quantile(std::vector<std::uint32_t> ranks, double share) {
    std::erase(ranks, 0U);
    if (ranks.empty()) return 1;
    std::sort(ranks.begin(), ranks.end());
    const auto at = static_cast<std::size_t>(std::ceil(share * static_cast<double>(ranks.size())));
    return ranks[std::clamp<std::size_t>(at, 1, ranks.size()) - 1];
  }

  void copy_without_self(std::size_t q, std::uint32_t* out) const {
    std::size_t n = 0;
    for (std::size_t i = 0; i < k_ && n < kTop; ++i) {
      const std::uint32_t id = found_[q * k_ + i].id;
      if (self_.empty() || id != self_[q]) out[n++] = id;
    }
    while (n < kTop) out[n++] = kNoId;
  }

  double recall() const {
    std::size_t hits = 0;
    std::size_t wanted = 0;
    std::array<std::uint32_t, kTop> mine{};
    for (std::size_t q = 0; q < count_; ++q) {
      copy_without_self(q, mine.data());
      const std::uint32_t* truth = truth_.data() + q * kTop;
      for (std::size_t i = 0; i < kTop && truth[i] != kNoId; ++i) {
        ++wanted;
        hits += std::find(mine.begin(), mine.end(), truth[i]) != mine.end() ? 1 : 0;
      }
    }
    return wanted == 0 ? 1.0 : static_cast<double>(hits) / static_cast<double>(wanted);
  }

  Lists lists_;
  const Graph* graph_;
  Workers workers_;
  ListSearch search_;
  BatchScratch scratch_;
  std::size_t count_ = 0;
  std::size_t k_ = kTop;
  std::vector<float> queries_;
  std::vector<std::uint32_t> self_;  // slots of the queries themselves
  std::vector<Neighbor> found_;
  std::vector<std::uint32_t> truth_;
  std::vector<std::uint32_t> found_at_;
  std::vector<float> volume_before_;
};

// What a candidate costs after the scan: the lines of its second codes and of its scale, and those
// of its exact row.
double candidate_cost(const Plan& plan, const Lists& lists) {
  const std::size_t second = lists.coding.second_bytes();
  const double look = second == 0 ? 0 : static_cast<double>((second + 63) / 64 + 1);
  const double row = static_cast<double>(lists.dim * sizeof(float) + 63) / 64;
  return plan.keep * look + plan.exact * row;
}

// The narrowest plan over lists that reaches `goal`.
std::pair<Plan, double> narrowest(Trial& trial, const Lists& lists, double goal) {
  Plan plan;
  plan.probes = trial.probes_for(goal);
  Plan bounded = plan;
  bounded.volume = trial.volume_for(goal);
  if (trial.mean_volume(bounded) <= kVolumeWorth * trial.mean_volume(plan)) plan = bounded;
  double reached = 0;
  // Candidates that the shortlist lost are made up for by more lists, a little at a time.
  for (;;) {
    for (const std::uint32_t keep : kKeeps) {
      plan.keep = keep;
      plan.exact = trial.has_second() ? std::min(keep, kExacts.back()) : keep;
      reached = trial.lists_recall(plan);
      if (reached >= goal) break;
    }
    if (reached >= goal || plan.probes >= lists.list_count() || goal >= 1) break;
    plan.probes = static_cast<std::uint32_t>(
        std::min<std::size_t>(lists.list_count(), plan.probes + std::max(1U, plan.probes / 16)));
    // Without a bound in the end: everything must be within reach.
    plan.volume = plan.probes >= lists.list_count() ? 0 : plan.volume * (1 + 1.0F / 16);
  }
  if (!trial.has_second()) return {plan, reached};
  // Fewer exact comparisons against more second looks: the cheapest pair that loses nothing.
  const double least = std::min(goal, reached);
  Plan best = plan;
  double best_recall = reached;
  for (const std::uint32_t exact : kExacts) {
    for (const std::uint32_t keep : kKeeps) {
      Plan other = plan;
      other.exact = exact;
      other.keep = keep;
      if (keep < exact || keep > 4 * plan.keep) continue;
      if (candidate_cost(other, lists) >= candidate_cost(best, lists)) break;
      const double recall = trial.lists_recall(other);
      if (recall < least) continue;
      best = other;
      best_recall = recall;
      break;
    }
  }
  return {best, best_recall};
}

void try_graph(Trial& trial, std::vector<CalibratedPlan>& plans, float margin) {
  std::size_t goal = 0;
  for (const std::uint32_t beam : kBeams) {
    if (goal == plans.size()) break;
    Plan plan;
    plan.beam = beam;
    plan.exact = std::min(beam, 24U);
    const auto [recall, steps] = trial.graph_recall(plan);
    for (; goal < plans.size() && recall >= plans[goal].recall + margin; ++goal) {
      const bool cheaper = steps * kStepNs < kStartNs + trial.scanned(plans[goal].single) * kScanNs;
      if (!cheaper) continue;
      plan.probes = plans[goal].single.probes;  // for filters, which use the lists
      plan.keep = plans[goal].single.keep;
      plan.filter_growth = plans[goal].single.filter_growth;
      plans[goal].single = plan;
      plans[goal].single_recall = static_cast<float>(recall);
    }
  }
}

}  // namespace

std::vector<CalibratedPlan> calibrate(const Lists& lists, const Graph* graph,
                                      const CalibrationOptions& options, const Workers& workers,
                                      Progress& progress) {
  std::vector<CalibratedPlan> out;
  if (lists.count == 0) return out;
  progress.start("calibrating", kGoals.size(), "goals");
  Trial trial(lists, graph, options, workers);
  if (trial.count() == 0) return out;
  const float growth = trial.filter_growth();
  for (const float goal : kGoals) {
    if (goal > options.goal_max) break;
    // Near 1 the margin shrinks with what is left to gain.
    const double margin = std::min<double>(options.margin, 0.3 * (1.0 - goal));
    auto [plan, reached] = narrowest(trial, lists, goal + margin);
    plan.filter_growth = growth;
    CalibratedPlan calibrated;
    calibrated.recall = goal;
    calibrated.single = calibrated.batch = plan;
    calibrated.single_recall = calibrated.batch_recall = static_cast<float>(reached);
    out.push_back(calibrated);
    progress.update(out.size());
  }
  if (graph != nullptr && !graph->empty()) try_graph(trial, out, options.margin);
  progress.finish();
  return out;
}

double scanned_vectors(const Lists& lists, const std::vector<CalibratedPlan>& plans, float recall) {
  for (const CalibratedPlan& plan : plans)
    if (plan.recall >= recall)
      return std::max(static_cast<double>(plan.batch.probes),
                      static_cast<double>(plan.batch.volume)) *
             static_cast<double>(lists.count) /
             static_cast<double>(std::max<std::size_t>(1, lists.list_count()));
  return 0;
}

Plan plan_for(const std::vector<CalibratedPlan>& plans, double recall, std::size_t k, bool batch) {
  Plan plan;
  plan.probes = 16;
  for (const CalibratedPlan& known : plans) {
    plan = batch ? known.batch : known.single;
    if (static_cast<double>(known.recall) >= recall - 1e-6) break;
  }
  if (k > kTop) {
    // The k best lie farther out than the ten best: measured, about the fourth root.
    const double wider = static_cast<double>(k) / kTop;
    const double more = std::pow(wider, 0.25);
    plan.probes = static_cast<std::uint32_t>(std::ceil(plan.probes * more));
    plan.volume *= static_cast<float>(more);
    plan.keep = static_cast<std::uint32_t>(std::ceil(plan.keep * wider * 0.6 + plan.keep * 0.4));
    plan.exact = static_cast<std::uint32_t>(k + k / 2);
    if (plan.beam != 0) plan.beam = static_cast<std::uint32_t>(plan.beam + k);
  }
  return plan;
}

}  // namespace vitrine::vec
