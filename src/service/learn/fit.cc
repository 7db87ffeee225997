#include "service/learn/fit.h"

#include <algorithm>
#include <cmath>
#include <numeric>

#include <time.h>

#include "engine/counters/counters.h"
#include "engine/covisit/covisit.h"
#include "engine/factor/user_store.h"
#include "engine/spectral/ease.h"
#include "engine/spectral/item_filter.h"
#include "service/evaluate/covisit_scorer.h"
#include "service/learn/fit_blend.h"
#include "service/learn/fit_epochs.h"

namespace vitrine::learn {
namespace {

using evaluate::Interaction;

// More make rows of a matrix of items one by one for longer than anybody waits.
constexpr std::uint32_t kFilterItemsMost = 100'000;
constexpr std::uint64_t kEaseBytesMost = std::uint64_t{16} << 30;

double process_cpu_seconds() {
  timespec now{};
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
  return static_cast<double>(now.tv_sec) + static_cast<double>(now.tv_nsec) * 1e-9;
}

// Cuts the `most` heaviest of `candidates` above 0 as the next row.
void add_row(std::vector<Scored>& candidates, std::size_t most, SparseRows& rows) {
  std::erase_if(candidates, [](const Scored& one) { return !(one.score > 0); });
  const std::size_t n = std::min(most, candidates.size());
  std::partial_sort(candidates.begin(), candidates.begin() + static_cast<std::ptrdiff_t>(n),
                    candidates.end(), [](const Scored& a, const Scored& b) {
                      return a.score != b.score ? a.score > b.score : a.item < b.item;
                    });
  for (std::size_t i = 0; i < n; ++i) {
    rows.item.push_back(candidates[i].item);
    rows.weight.push_back(candidates[i].score);
  }
  rows.begin.push_back(rows.item.size());
}

Result<Fit> fit_popularity(const Recipe& recipe, std::span<const Interaction> train,
                           std::uint32_t items) {
  const auto half_life =
      static_cast<TimeUs>(recipe.get("half_life_days") * static_cast<double>(kDayUs));
  const TimeUs now = train.back().time;
  std::vector<double> sums(items);
  for (const Interaction& one : train) {
    const double age = half_life == 0 ? 0 : static_cast<double>(now - one.time);
    sums[one.item.value] +=
        one.weight * (half_life == 0 ? 1 : std::exp2(-age / static_cast<double>(half_life)));
  }
  std::vector<float> scores(items);
  for (std::uint32_t i = 0; i < items; ++i) {
    scores[i] = static_cast<float>(std::max(0.0, sums[i]));
  }
  return Fit{make_popularity(std::move(scores)), {}};
}

// The live state's own counting, then for each item what it would bring along alone.
Result<Fit> fit_item_item(const Recipe& recipe, std::span<const Interaction> train,
                          std::uint32_t items, const FitContext& context) {
  evaluate::CovisitScorer counted(covisit::Options{}, covisit::ScoreOptions{},
                                  evaluate::CovisitScorer::Histories::kLive);
  counted.fit(train, items);
  covisit::ScoreOptions ask;
  covisit::ScoreScratch scratch;
  std::vector<covisit::Candidate> found;
  std::vector<Scored> row;
  SparseRows rows;
  context.progress.start("item-item", items, "items");
  for (std::uint32_t i = 0; i < items; ++i) {
    const covisit::HistoryItem from{ItemIndex{i}, 0, 1};
    counted.state().score({&from, 1}, ask, scratch, found);
    row.clear();
    for (const auto& one : found) {
      if (one.item.value != i) row.push_back({one.item.value, one.score});
    }
    add_row(row, recipe.whole("neighbours"), rows);
    if (i % 256 == 0) {
      context.progress.update(i);
      if (context.stopped()) return training_stopped();
    }
  }
  context.progress.finish();
  return Fit{make_rows(Kind::kItemItem, items, std::move(rows), ask.history_decay), {}};
}

Result<Fit> fit_filter(const Recipe& recipe, const spectral::Interactions& data,
                       const FitContext& context) {
  const std::uint32_t items = data.items();
  if (items > kFilterItemsMost) {
    return Error(ErrorCode::kTooLarge, "an item filter takes at most " +
                                           std::to_string(kFilterItemsMost) + " items, here are " +
                                           std::to_string(items) + ": train ials");
  }
  spectral::FilterOptions options;
  options.order = recipe.whole("order");
  options.flatness = recipe.get("flatness");
  options.rank_weight = recipe.get("rank_weight");
  options.degree_power = recipe.get("degree_power");
  // More directions than a third of the items are noise, and subspace iteration needs room.
  options.rank = std::min({recipe.whole("rank"), items / 3, data.users() / 3});
  options.seed = recipe.seed();
  VITRINE_TRY(const auto filter,
              spectral::ItemFilter::fit(data, options, context.workers, context.progress));
  constexpr std::size_t kBatch = spectral::ItemFilter::kBatch;
  spectral::ItemFilter::Scratch scratch;
  std::vector<float> scores;
  std::vector<std::vector<std::uint32_t>> histories;
  std::vector<Scored> row;
  SparseRows rows;
  context.progress.start("item filter", items, "items");
  for (std::uint32_t first = 0; first < items; first += kBatch) {
    const std::uint32_t n = std::min<std::uint32_t>(kBatch, items - first);
    histories.assign(n, {});
    for (std::uint32_t j = 0; j < n; ++j) histories[j].push_back(first + j);
    filter.score(histories, scores, scratch, context.workers);
    for (std::uint32_t j = 0; j < n; ++j) {
      row.clear();
      for (std::uint32_t i = 0; i < items; ++i) {
        const float score = scores[i * kBatch + j];
        if (score > 0 && i != first + j) row.push_back({i, score});
      }
      add_row(row, recipe.whole("neighbours"), rows);
    }
    context.progress.update(first + n);
    if (context.stopped()) return training_stopped();
  }
  context.progress.finish();
  return Fit{make_rows(Kind::kItemFilter, items, std::move(rows), 1), {}};
}

Result<Fit> fit_ease(const Recipe& recipe, const spectral::Interactions& data,
                     const FitContext& context) {
  spectral::EaseOptions options;
  options.ridge = recipe.get("ridge");
  options.degree_power = recipe.get("degree_power");
  options.bytes_max = kEaseBytesMost;
  VITRINE_TRY(const auto ease,
              spectral::Ease::fit(data, options, context.workers, context.progress));
  std::vector<Scored> row;
  SparseRows rows;
  for (std::uint32_t i = 0; i < data.items(); ++i) {
    row.clear();
    const auto weights = ease.row(i);
    for (std::uint32_t j = 0; j < weights.size(); ++j) {
      if (weights[j] > 0) row.push_back({j, weights[j]});
    }
    add_row(row, recipe.whole("neighbours"), rows);
  }
  return Fit{make_rows(Kind::kEase, data.items(), std::move(rows), 1), {}};
}

spectral::Interactions interactions_of(std::span<const Interaction> train, std::uint32_t items) {
  std::vector<std::pair<std::uint32_t, std::uint32_t>> pairs;
  std::uint32_t users = 0;
  for (const Interaction& one : train) {
    if (!one.positive()) continue;
    users = std::max(users, one.user.value + 1);
    pairs.emplace_back(one.user.value, one.item.value);
  }
  return spectral::Interactions::build(users, items, std::move(pairs));
}

Result<Fit> fit_kind(const Recipe& recipe, std::span<const Interaction> train, std::uint32_t items,
                     const FitContext& context) {
  switch (recipe.kind) {
    case Kind::kPopularity: return fit_popularity(recipe, train, items);
    case Kind::kItemItem: return fit_item_item(recipe, train, items, context);
    case Kind::kItemFilter: return fit_filter(recipe, interactions_of(train, items), context);
    case Kind::kEase: return fit_ease(recipe, interactions_of(train, items), context);
    case Kind::kIals: return fit_ials(recipe, interactions_of(train, items), context);
    case Kind::kSession: return fit_session(recipe, train, items, context);
    case Kind::kEmbedding: return fit_embedding(recipe, interactions_of(train, items), context);
    case Kind::kBlend: return fit_blend(recipe, train, items, context);
  }
  return Error(ErrorCode::kInternal, "an unknown kind of model");
}

}  // namespace

Error training_stopped() {
  return Error(ErrorCode::kUnavailable, "the training was stopped").with_reason("training_stopped");
}

Result<Fit> fit_model(const Recipe& recipe, std::span<const Interaction> train, std::uint32_t items,
                      const FitContext& context) {
  const bool any = std::any_of(train.begin(), train.end(),
                               [](const Interaction& one) { return one.positive(); });
  if (!any || items == 0) {
    return Error(ErrorCode::kInvalidArgument, "there is nothing to learn from")
        .with_reason("not_enough_data");
  }
  const double started = process_cpu_seconds();
  VITRINE_TRY(Fit fit, fit_kind(recipe, train, items, context));
  fit.report.cpu_s = process_cpu_seconds() - started;
  return fit;
}

}  // namespace vitrine::learn
