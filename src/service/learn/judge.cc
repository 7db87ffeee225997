#include "service/learn/judge.h"

#include <algorithm>
#include <cstdio>
#include <unordered_map>

#include "service/recommend/evidence.h"
#include "service/recommend/trained_model.h"

namespace vitrine::learn {
namespace {

using evaluate::Case;
using evaluate::Interaction;
using evaluate::Mask;

constexpr double kWeights[] = {0.1, 0.25, 0.5, 1, 2, recommend::kModelWeightMax};

// Appends unmasked popular items that are not there yet until there are k.
void fill_up(const evaluate::Popularity& popular, const Mask& mask, std::size_t k,
             std::vector<ItemIndex>& out) {
  const std::size_t own = out.size();
  for (const ItemIndex item : popular.order()) {
    if (out.size() >= k) return;
    if (mask[item.value] != 0) continue;
    const auto end = out.begin() + static_cast<std::ptrdiff_t>(own);
    if (std::find(out.begin(), end, item) == end) out.push_back(item);
  }
}

std::string figure_text(const model::Figure& figure) {
  char text[96];
  std::snprintf(text, sizeof text, "%.4f [%.4f, %.4f]", figure.value, figure.low, figure.high);
  return text;
}

model::Figure figure_of(const evaluate::Interval& interval) {
  return {interval.value, interval.low, interval.high};
}

}  // namespace

MappedModel map_model(const FittedModel& model, std::span<const std::string> model_items,
                      std::span<const std::string> data_items) {
  MappedModel mapped{&model, {}, {}};
  std::unordered_map<std::string_view, std::uint32_t> numbers;
  for (std::uint32_t i = 0; i < data_items.size(); ++i) numbers.emplace(data_items[i], i);
  mapped.to_data.assign(model_items.size(), kNoItem.value);
  mapped.from_data.assign(data_items.size(), kNoItem.value);
  for (std::uint32_t i = 0; i < model_items.size(); ++i) {
    const auto at = numbers.find(model_items[i]);
    if (at == numbers.end()) continue;
    mapped.to_data[i] = at->second;
    mapped.from_data[at->second] = i;
  }
  return mapped;
}

void model_top(const MappedModel& mapped, const Case& one, ModelScratch& scratch,
               std::vector<std::uint32_t>& history, std::vector<Scored>& scored,
               std::vector<ItemIndex>& out) {
  history.clear();
  for (const Interaction& seen : one.history) {
    if (!seen.positive()) continue;
    const std::uint32_t item =
        mapped.from_data.empty() ? seen.item.value : mapped.from_data[seen.item.value];
    if (item < mapped.model->items()) history.push_back(item);
  }
  mapped.model->top(history, kTopMost, scratch, scored);
  out.clear();
  for (const Scored& best : scored) {
    const std::uint32_t item = mapped.to_data.empty() ? best.item : mapped.to_data[best.item];
    out.push_back(ItemIndex{item});
  }
}

void AloneScorer::fit(std::span<const Interaction> train, std::uint32_t items) {
  popular_.fit(train, items);
}

void AloneScorer::rank(const Case& one, const Mask& mask, std::size_t k,
                       std::vector<ItemIndex>& out) {
  model_top(mapped_, one, scratch_, history_, scored_, top_);
  out.clear();
  for (const ItemIndex item : top_) {
    if (out.size() == k) break;
    if (item != kNoItem && mask[item.value] == 0) out.push_back(item);
  }
  fill_up(popular_, mask, k, out);
}

void MixScorer::fit(std::span<const Interaction> train, std::uint32_t items) {
  popular_.fit(train, items);
  sums_.assign(items, 0);
}

void MixScorer::rank(const Case& one, const Mask& mask, std::size_t k,
                     std::vector<ItemIndex>& out) {
  item_item_.candidates(one, covisit_scratch_, found_);
  model_top(mapped_, one, scratch_, history_, scored_, top_);
  touched_.clear();
  const auto add = [&](ItemIndex item, double evidence) {
    if (item == kNoItem || mask[item.value] != 0 || !(evidence > 0)) return;
    if (sums_[item.value] == 0) touched_.push_back(item);
    sums_[item.value] += evidence;
  };
  for (const covisit::Candidate& candidate : found_) {
    add(candidate.item, recommend::saturate(static_cast<double>(candidate.score)));
  }
  for (std::size_t rank = 0; rank < top_.size(); ++rank) {
    add(top_[rank], weight_ * recommend::rank_evidence(rank));
  }
  const std::size_t n = std::min(k, touched_.size());
  std::partial_sort(touched_.begin(), touched_.begin() + static_cast<std::ptrdiff_t>(n),
                    touched_.end(), [this](ItemIndex a, ItemIndex b) {
                      const double x = sums_[a.value], y = sums_[b.value];
                      return x != y ? x > y : a < b;
                    });
  out.assign(touched_.begin(), touched_.begin() + static_cast<std::ptrdiff_t>(n));
  for (const ItemIndex item : touched_) sums_[item.value] = 0;
  fill_up(popular_, mask, k, out);
}

double mean_ndcg(evaluate::Scorer& scorer, std::span<const Case> cases, std::uint32_t items,
                 std::size_t k) {
  Mask mask(items);
  std::vector<ItemIndex> answer;
  double sum = 0;
  for (const Case& one : cases) {
    for (const Interaction& seen : one.history) mask[seen.item.value] = 1;
    scorer.rank(one, mask, k, answer);
    for (const Interaction& seen : one.history) mask[seen.item.value] = 0;
    sum += static_cast<double>(evaluate::score_case(answer, one.targets, k).ndcg);
  }
  return cases.empty() ? 0 : sum / static_cast<double>(cases.size());
}

double choose_weight(const MappedModel& mapped, const evaluate::Split& validation,
                     std::uint32_t items, std::size_t k) {
  evaluate::CovisitScorer item_item({}, {}, evaluate::CovisitScorer::Histories::kLive);
  item_item.fit(validation.train, items);
  MixScorer mix("mix", mapped, 1, item_item);
  mix.fit(validation.train, items);
  double best = 0, best_ndcg = -1;
  for (const double weight : kWeights) {
    mix.set_weight(weight);
    const double ndcg = mean_ndcg(mix, validation.cases, items, k);
    if (ndcg <= best_ndcg) continue;
    best_ndcg = ndcg;
    best = weight;
  }
  return best;
}

void thin_out(std::vector<Case>& cases, std::size_t most) {
  if (cases.size() <= most) return;
  std::vector<Case> kept;
  for (std::size_t i = 0; i < most; ++i) {
    kept.push_back(std::move(cases[i * cases.size() / most]));
  }
  cases = std::move(kept);
}

std::vector<model::Judged> table_of(std::span<const evaluate::Report> reports) {
  std::vector<model::Judged> table;
  for (const evaluate::Report& r : reports) {
    table.push_back({r.name, figure_of(r.hr), figure_of(r.ndcg), figure_of(r.recall),
                     figure_of(r.mrr), r.coverage, r.novelty, r.popularity, r.fit_cpu_s,
                     r.rank_cpu_s});
  }
  return table;
}

std::vector<model::Breakdown> breakdown_of(std::span<const evaluate::Bucket> buckets) {
  std::vector<model::Breakdown> out;
  for (const evaluate::Bucket& bucket : buckets) {
    auto& row = out.emplace_back();
    row.name = bucket.name;
    row.size = bucket.size;
    for (const evaluate::Interval& value : bucket.values) row.values.push_back(figure_of(value));
  }
  return out;
}

model::Comparison compare(const evaluate::Report& candidate, const evaluate::Report& other,
                          std::string with, std::string how,
                          const evaluate::BootstrapOptions& bootstrap) {
  std::vector<float> difference(candidate.per_case.size());
  for (std::size_t c = 0; c < difference.size(); ++c) {
    difference[c] = candidate.per_case[c].ndcg - other.per_case[c].ndcg;
  }
  const model::Figure figure = figure_of(evaluate::bootstrap_mean(difference, bootstrap));
  return {std::move(with), std::move(how), figure, figure.low > 0};
}

void decide(model::Judgement& judgement) {
  const std::string measure = " NDCG@" + std::to_string(judgement.k);
  std::string why;
  bool promote = !judgement.comparisons.empty();
  for (const model::Comparison& one : judgement.comparisons) {
    if (!why.empty()) why += "; ";
    promote = promote && one.better;
    const std::string with = one.with + " (" + one.how + ")";
    if (one.better) {
      why += "better than " + with + " by " + figure_text(one.difference) + measure;
    } else if (one.difference.high < 0) {
      why += "worse than " + with + ": " + figure_text(one.difference) + measure;
    } else {
      why += "not better than " + with + " beyond chance: the difference is " +
             figure_text(one.difference) + measure;
    }
  }
  judgement.judged = true;
  judgement.promote = promote;
  judgement.why = why + ", of " + std::to_string(judgement.cases) + " visitors";
}

}  // namespace vitrine::learn
