#include "tool/train/model_scorers.h"

#include <algorithm>
#include <cmath>

#include "engine/train/gemm.h"
#include "service/evaluate/metrics.h"

namespace vitrine::train_tool {
namespace {

constexpr std::size_t kAsked = 10;

template <class T>
T value_of(Result<T> result) {
  VITRINE_CHECK_MSG(result.ok(), result.error().to_string());
  return std::move(*result);
}
void must(const Status& status) { VITRINE_CHECK_MSG(status.ok(), status.error().to_string()); }

}  // namespace

spectral::Interactions interactions_of(std::span<const Interaction> train, std::uint32_t items) {
  std::vector<std::pair<std::uint32_t, std::uint32_t>> pairs;
  pairs.reserve(train.size());
  std::uint32_t users = 0;
  for (const Interaction& one : train) {
    if (!one.positive()) continue;
    users = std::max(users, one.user.value + 1);
    pairs.emplace_back(one.user.value, one.item.value);
  }
  return spectral::Interactions::build(users, items, std::move(pairs));
}

session::Sequences sequences_of(std::span<const Interaction> train) {
  session::Sequences out;
  for (const Interaction& one : train) {
    if (!one.positive()) continue;
    if (one.user.value >= out.size()) out.resize(one.user.value + 1);
    out[one.user.value].push_back(one.item.value);
  }
  std::erase_if(out, [](const auto& sequence) { return sequence.empty(); });
  return out;
}

void FilterScorer::fit(std::span<const Interaction> train, std::uint32_t items) {
  data_ = interactions_of(train, items);
  spectral::FilterOptions options = options_;
  options.rank = std::min(options.rank, items);
  filter_.emplace(
      value_of(spectral::ItemFilter::fit(data_, options, means_.workers, means_.progress)));
}

void FilterScorer::score(std::span<const Case> cases, DenseScores& out) {
  std::vector<std::vector<std::uint32_t>> histories;
  for (const Case& one : cases) histories.push_back(distinct_items(one));
  filter_->score(histories, out.values, scratch_, means_.workers);
  out.case_stride = 1;
  out.item_stride = spectral::ItemFilter::kBatch;
}

void EaseScorer::fit(std::span<const Interaction> train, std::uint32_t items) {
  ease_.emplace(value_of(spectral::Ease::fit(interactions_of(train, items), options_,
                                             means_.workers, means_.progress)));
}

void EaseScorer::score(std::span<const Case> cases, DenseScores& out) {
  const std::vector<std::uint32_t> history = distinct_items(cases[0]);
  ease_->score(history, std::vector<float>(history.size(), 1.0f), out.values);
  out.case_stride = out.values.size();
  out.item_stride = 1;
}

void IalsScorer::fit(std::span<const Interaction> train, std::uint32_t items) {
  const spectral::Interactions data = interactions_of(train, items);
  const auto store = factor::memory_users(data);
  model_.emplace(value_of(factor::Ials::create(options_.ials, items, data.users())));
  means_.progress.start("iALS", options_.epochs, "epochs");
  for (std::uint32_t epoch = 0; epoch < options_.epochs; ++epoch) {
    must(model_->epoch(*store, means_.workers));
    means_.progress.update(epoch + 1);
  }
  means_.progress.finish();
  const std::size_t d = options_.ials.dimensions;
  const auto vectors = model_->item_vectors();
  std::vector<float> rows(vectors.begin(), vectors.end());
  if (options_.hop != 0) {
    std::vector<float> between;
    std::vector<float> hop(rows.size());
    spectral::NormalisedGraph(data).apply(rows.data(), d, hop.data(), between, means_.workers);
    for (std::size_t j = 0; j < rows.size(); ++j) {
      rows[j] += static_cast<float>(options_.hop) * hop[j];
    }
  }
  if (options_.degree_power != 0) {
    const auto by = spectral::NormalisedGraph(data).item_degree_power(options_.degree_power);
    for (std::size_t j = 0; j < rows.size(); ++j) rows[j] *= by[j / d];
  }
  exported_.resize(rows.size());
  train::transpose(rows.data(), items, d, exported_.data());
}

void IalsScorer::score(std::span<const Case> cases, DenseScores& out) {
  const std::size_t d = options_.ials.dimensions;
  const std::size_t items = model_->items();
  std::vector<float> users(cases.size() * d);
  for (std::size_t n = 0; n < cases.size(); ++n) {
    model_->fold_in(distinct_items(cases[n]), std::span(users).subspan(n * d, d));
  }
  out.values.resize(cases.size() * items);
  out.case_stride = items;
  out.item_stride = 1;
  train::multiply({.rows = cases.size(),
                   .cols = items,
                   .inner = d,
                   .a = users.data(),
                   .a_row = d,
                   .b = exported_.data(),
                   .b_row = items,
                   .c = out.values.data(),
                   .c_row = items},
                  means_.workers);
}

void SessionScorer::score_with(const session::SessionModel& model, std::span<const Case> cases,
                               std::vector<float>& scores) {
  const std::size_t d = model.shape().width;
  std::vector<float> vectors(cases.size() * d);
  std::vector<std::uint32_t> history;
  for (std::size_t n = 0; n < cases.size(); ++n) {
    history.clear();
    for (const Interaction& seen : cases[n].history) {
      if (seen.positive()) history.push_back(seen.item.value);
    }
    model.encode(history, std::span(vectors).subspan(n * d, d), scratch_, means_.workers);
  }
  model.score(vectors, cases.size(), scores, means_.workers);
}

double SessionScorer::ndcg_of(const session::SessionModel& model) {
  const std::size_t items = model.shape().items;
  std::vector<float> scores;
  double sum = 0;
  for (std::size_t first = 0; first < validation_.size(); first += batch()) {
    const auto cases = validation_.subspan(first, std::min(batch(), validation_.size() - first));
    score_with(model, cases, scores);
    for (std::size_t n = 0; n < cases.size(); ++n) {
      float* row = scores.data() + n * items;
      for (const Interaction& seen : cases[n].history) row[seen.item.value] = -1e30f;
      // NDCG of one target from its rank alone.
      const float wanted = row[cases[n].targets[0].value];
      std::size_t above = 0;
      for (std::size_t i = 0; i < items; ++i) above += row[i] > wanted ? 1 : 0;
      if (above < kAsked) sum += 1 / std::log2(static_cast<double>(above) + 2);
    }
  }
  return validation_.empty() ? 0 : sum / static_cast<double>(validation_.size());
}

void SessionScorer::fit(std::span<const Interaction> train, std::uint32_t items) {
  shape_.items = items;
  model_.emplace(value_of(session::SessionModel::create(shape_, options_.seed)));
  report_ = value_of(model_->train(
      sequences_of(train), options_,
      [this](const session::SessionModel& model) { return ndcg_of(model); }, means_.workers,
      means_.progress));
}

void SessionScorer::score(std::span<const Case> cases, DenseScores& out) {
  score_with(*model_, cases, out.values);
  out.case_stride = model_->shape().items;
  out.item_stride = 1;
}

void BlendScorer::score(std::span<const Case> cases, DenseScores& out) {
  session_.score(cases, out);
  for (std::size_t n = 0; n < cases.size(); ++n) {
    float* row = out.values.data() + n * out.case_stride;
    float top = row[0];
    for (std::size_t i = 1; i < out.case_stride; ++i) top = std::max(top, row[i]);
    double sum = 0;
    for (std::size_t i = 0; i < out.case_stride; ++i) sum += std::exp(row[i] - top);
    const float shift = top + static_cast<float>(std::log(sum));
    for (std::size_t i = 0; i < out.case_stride; ++i) row[i] -= shift;
    item_item_.candidates(cases[n], scratch_, found_);
    double total = 0;
    for (const covisit::Candidate& c : found_) total += c.score;
    for (const covisit::Candidate& c : found_) {
      row[c.item.value] +=
          static_cast<float>(options_.weight * std::log1p(options_.sharpness * c.score / total));
    }
  }
}

BlendOptions choose_blend(SessionScorer& session, evaluate::CovisitScorer& item_item,
                          std::span<const Case> validation, std::size_t cases_max,
                          std::uint32_t items) {
  const std::size_t every =
      std::max<std::size_t>(1, validation.size() / std::max<std::size_t>(1, cases_max));
  std::vector<Case> some;
  for (std::size_t n = 0; n < validation.size(); n += every) some.push_back(validation[n]);
  BlendOptions best;
  double best_ndcg = -1;
  Mask mask(items);
  std::vector<ItemIndex> answer;
  for (const double weight : {0.25, 0.5, 0.75, 1.0, 1.5}) {
    for (const double sharpness : {30.0, 300.0, 3000.0}) {
      BlendScorer blend(session, item_item, {weight, sharpness});
      blend.prepare(some);
      double ndcg = 0;
      for (const Case& one : some) {
        for (const Interaction& seen : one.history) mask[seen.item.value] = 1;
        blend.rank(one, mask, kAsked, answer);
        for (const Interaction& seen : one.history) mask[seen.item.value] = 0;
        ndcg += evaluate::score_case(answer, one.targets, kAsked).ndcg;
      }
      if (ndcg <= best_ndcg) continue;
      best_ndcg = ndcg;
      best = {weight, sharpness};
    }
  }
  return best;
}

}  // namespace vitrine::train_tool
