#include "service/learn/model_vectors.h"

#include <algorithm>
#include <cmath>

#include "engine/vec/lists.h"
#include "engine/vec/random.h"

namespace vitrine::learn {
namespace {

// Pairs of an item's fold-in and another item that say what a cosine means.
constexpr std::size_t kSampledQueries = 64, kSampledItems = 64;
// Of the deviations' median: two standard deviations, if they were normal.
constexpr float kDeviations = 3;
constexpr double kBelowSame = 0.9;
// Of `same`: some likeness is left to tell apart.
constexpr float kFloorMost = 0.9F;

// What an index takes a row, besides codes and exact row: its id, and places that stay empty.
constexpr std::uint64_t kIndexRowBytes = 32;

// The catalog's number of each of the model's items that is to have a vector, else kNoItem.
std::vector<ItemIndex> known_items(const ServedModel& model) {
  std::vector<ItemIndex> out(model.to_catalog().begin(), model.to_catalog().end());
  const std::span<const float> visitors = model.fitted().popularity();
  for (std::size_t i = 0; i < out.size(); ++i) {
    if (!model.listed()[i] || visitors[i] < ModelVectors::kKnownFrom) out[i] = kNoItem;
  }
  return out;
}

float quantile_of(std::vector<float>& values, double share) {
  const auto at =
      values.begin() + static_cast<std::ptrdiff_t>(static_cast<double>(values.size() - 1) * share);
  std::nth_element(values.begin(), at, values.end());
  return *at;
}

// What cosines of a visitor's vector mean in this model, which differs from one to the next: of
// items that have nothing in common with what the visitor turned to, and of the nearest ones.
//
// Most items have nothing in common with a visitor, whatever the model: so the floor is the median
// over pairs taken by chance, and three times the median deviation above it. The few pairs that do
// have something in common move medians little. The nearest are far from a cosine of 1, because a
// fold-in turns away from what everybody likes: those of nine in ten queries stay below `same`.
void find_scale(const FittedModel& model, std::span<const std::uint32_t> known,
                recommend::IndexedVectors::Parts& parts) {
  const recommend::IndexedVectors plain({parts.rows, parts.base, parts.fresh, 0, 1});
  const std::uint32_t d = model.dimensions();
  vec::Random random(1);
  ModelScratch scratch;
  recommend::VectorScratch space;
  std::vector<float> query(d), row(d), cosines, nearest;
  for (std::size_t q = 0; q < kSampledQueries; ++q) {
    const std::uint32_t from = known[random.below(known.size())];
    if (!model.user_vector(std::span(&from, 1), scratch, query)) return;
    vec::normalize(query.data(), d, query.data());
    plain.nearest(query.data(), 1, nullptr, space, space.near);
    if (!space.near.empty()) nearest.push_back(space.near.front().likeness);
    for (std::size_t n = 0; n < kSampledItems; ++n) {
      const std::uint32_t to = known[random.below(known.size())];
      if (to == from) continue;
      vec::normalize(model.item_vectors().data() + std::size_t{to} * d, d, row.data());
      float sum = 0;
      for (std::uint32_t j = 0; j < d; ++j) sum += query[j] * row[j];
      cosines.push_back(sum);
    }
  }
  if (nearest.empty() || cosines.empty()) return;
  parts.same = quantile_of(nearest, kBelowSame);
  const float middle = quantile_of(cosines, 0.5);
  for (float& cosine : cosines) cosine = std::abs(cosine - middle);
  parts.floor =
      std::clamp(middle + kDeviations * quantile_of(cosines, 0.5), 0.0F, kFloorMost * parts.same);
}

}  // namespace

std::uint64_t ModelVectors::bytes_needed(const ServedModel& model) {
  const std::uint64_t d = model.fitted().dimensions();
  if (d == 0) return 0;
  const auto known = known_items(model);
  const auto rows = static_cast<std::uint64_t>(
      std::count_if(known.begin(), known.end(), [](ItemIndex item) { return item != kNoItem; }));
  std::uint64_t end = 0;
  for (const ItemIndex item : known) {
    if (item != kNoItem) end = std::max(end, std::uint64_t{item.value} + 1);
  }
  constexpr std::uint64_t kChunk = recommend::VectorRows::kChunkRows;
  const std::uint64_t padded = (d + 63) / 64 * 64;
  const std::uint64_t compared = (end + kChunk - 1) / kChunk * kChunk * (padded + 4);
  if (rows < recommend::kExhaustiveMost) return compared + rows * 4;
  return compared + rows * (5 * d + d / 4 + kIndexRowBytes);
}

Result<std::shared_ptr<const ModelVectors>> ModelVectors::make(
    std::shared_ptr<const ServedModel> model, const vec::Workers& workers, Progress& progress) {
  const FittedModel& fitted = model->fitted();
  const std::uint32_t d = fitted.dimensions();
  if (d == 0) return std::shared_ptr<const ModelVectors>();
  const auto items = known_items(*model);
  std::vector<std::uint32_t> known;
  for (std::uint32_t i = 0; i < items.size(); ++i) {
    if (items[i] != kNoItem) known.push_back(i);
  }
  if (known.empty()) return std::shared_ptr<const ModelVectors>();
  const vec::Rows rows{fitted.item_vectors().data(), items.size(), d};
  std::shared_ptr<ModelVectors> made(new ModelVectors);
  VITRINE_TRY(const auto plain, recommend::IndexedVectors::make(rows, items, 0, workers, progress));
  recommend::IndexedVectors::Parts scaled = plain->parts();
  find_scale(fitted, known, scaled);
  made->vectors_ = std::make_shared<const recommend::IndexedVectors>(std::move(scaled));
  made->model_ = std::move(model);
  const auto& parts = made->vectors_->parts();
  Stats& stats = made->stats_;
  stats = {.items = parts.rows.size(), .dimensions = d, .floor = parts.floor, .same = parts.same};
  stats.bytes = parts.rows.memory_bytes();
  if (parts.fresh != nullptr) stats.bytes += parts.fresh->capacity() * sizeof(std::uint32_t);
  if (parts.base != nullptr) {
    stats.indexed = parts.base->index().size();
    stats.bytes += parts.base->index().lists().total_bytes();
  }
  return std::shared_ptr<const ModelVectors>(std::move(made));
}

bool ModelVectors::query(std::span<const covisit::HistoryItem> items,
                         recommend::VectorScratch& scratch, float* out) const {
  ServedScratch& s = ServedScratch::of(scratch.model);
  s.known.clear();
  for (auto item = items.rbegin(); item != items.rend(); ++item) {
    if (item->weight > 0 && vectors_->parts().rows.has(item->item)) s.known.push_back(item->item);
  }
  model_->to_model(s.known, s.history);
  if (s.history.empty()) return false;
  const std::span<float> vector(out, dim());
  if (!model_->fitted().user_vector(s.history, s.model, vector)) {
    return ItemVectors::query(items, scratch, out);
  }
  vec::normalize(out, dim(), out);
  return std::any_of(vector.begin(), vector.end(), [](float value) { return value != 0; });
}

}  // namespace vitrine::learn
