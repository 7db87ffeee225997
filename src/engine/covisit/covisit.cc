#include "engine/covisit/covisit.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstring>
#include <string>

#include "base/check.h"
#include "base/decay.h"

namespace vitrine::covisit {
namespace {

__extension__ using Wide = __int128;

constexpr std::int64_t kStepsPerHalfLife = 16;
constexpr float kFaded = 1e-4f;  // entries lighter than this are dropped when a row decays
constexpr float kMaxCount = 1e30f;

// gap^-(half_power / 2), by square root and division only: the same bits everywhere.
float weight_of_gap(std::uint32_t gap, std::uint32_t half_power) {
  double weight = half_power % 2 == 1 ? 1.0 / std::sqrt(static_cast<double>(gap)) : 1.0;
  for (std::uint32_t i = 0; i < half_power / 2; ++i) weight /= gap;
  return static_cast<float>(weight);
}

typedef std::uint32_t Four __attribute__((vector_size(16)));

std::uint64_t mix(std::uint64_t x) {  // the finaliser of SplitMix64
  x = (x ^ (x >> 30)) * 0xBF58476D1CE4E5B9u;
  x = (x ^ (x >> 27)) * 0x94D049BB133111EBu;
  return x ^ (x >> 31);
}

}  // namespace

Covisit::Covisit(const Options& options) : options_(options) {
  VITRINE_CHECK(options.window >= 1 && options.window <= kMaxWindow);
  VITRINE_CHECK(options.max_neighbours >= kSegments && options.max_neighbours <= 65'532);
  VITRINE_CHECK(options.gap_half_power <= 8);
  VITRINE_CHECK(options.backward >= 0 && options.backward <= 1);
  VITRINE_CHECK(options.half_life == 0 || options.half_life >= kHourUs);
  const std::uint32_t quarter = (options.max_neighbours + kSegments - 1) / kSegments;
  segment_entries_ = std::bit_ceil(std::max(quarter, 4u));
  for (std::uint32_t entries = 4; entries <= segment_entries_; entries *= 2) {
    pools_.emplace_back(entries);
  }
  for (std::uint32_t gap = 1; gap <= options.window; ++gap) {
    gap_weight_[gap - 1] = weight_of_gap(gap, options.gap_half_power);
  }
}

std::uint32_t Covisit::step_of(TimeUs at) const {
  if (options_.half_life == 0 || at <= 0) return 0;
  const Wide step = static_cast<Wide>(at) * kStepsPerHalfLife / options_.half_life;
  return static_cast<std::uint32_t>(std::min<Wide>(step, 0xFFFFFFFFu));
}

float Covisit::fade(std::uint32_t steps) const {
  return static_cast<float>(decay_factor(steps, kStepsPerHalfLife));
}

Covisit::Entries Covisit::entries(const Row& row, std::uint32_t segment) const {
  const BlockPool& pool = segment == 0 ? pools_[row.first_class - 1] : pools_.back();
  const std::uint32_t block = row.segment[segment];
  return {pool.items(block), pool.weights(block),
          std::min(row.size - segment * segment_entries_, segment_entries_)};
}

// Compares four entries at a time (GCC's and Clang's vectors: SSE2, NEON, ...). Free entries hold a
// number that no item has, so whole fours can be read.
Covisit::Place Covisit::find(const Row& row, std::uint32_t item) const {
  const Four wanted = {item, item, item, item};
  for (std::uint32_t s = 0; s < segments_of(row); ++s) {
    const Entries e = entries(row, s);
    for (std::uint32_t i = 0; i < e.used; i += 4) {
      Four four;
      std::memcpy(&four, e.items + i, sizeof four);
      const auto equal = std::bit_cast<std::array<std::uint64_t, 2>>(four == wanted);
      if ((equal[0] | equal[1]) == 0) continue;
      std::uint32_t at = i;
      while (e.items[at] != item) ++at;
      return {e.items + at, e.weights + at};
    }
  }
  return {};
}

Covisit::Place Covisit::lightest(const Row& row) const {
  Place best;
  for (std::uint32_t s = 0; s < segments_of(row); ++s) {
    const Entries e = entries(row, s);
    for (std::uint32_t i = 0; i < e.used; ++i) {
      if (best.weight == nullptr || e.weights[i] < *best.weight)
        best = {e.items + i, e.weights + i};
    }
  }
  return best;
}

void Covisit::append(Row& row, std::uint32_t item, float weight) {
  if (row.first_class == 0) {
    row.segment[0] = pools_[0].allocate();
    row.first_class = 1;
  }
  if (row.size < segment_entries_) {
    BlockPool& pool = pools_[row.first_class - 1];
    if (row.size == pool.entries()) {
      BlockPool& bigger = pools_[row.first_class];
      const std::uint32_t block = bigger.allocate();
      std::copy_n(pool.items(row.segment[0]), row.size, bigger.items(block));
      std::copy_n(pool.weights(row.segment[0]), row.size, bigger.weights(block));
      pool.free(row.segment[0]);
      row.segment[0] = block;
      ++row.first_class;
    }
  } else if (row.size % segment_entries_ == 0) {
    row.segment[row.size / segment_entries_] = pools_.back().allocate();
  }
  const std::uint32_t at = row.size++ % segment_entries_;
  const Entries e = entries(row, (row.size - 1) / segment_entries_);
  e.items[at] = item;
  e.weights[at] = weight;
  row.floor = 0;
}

// In [0, 1), from 24 bits of the hash.
float Covisit::dice(std::uint32_t from, std::uint32_t to) const {
  const std::uint64_t hash = mix((std::uint64_t{from} << 32 | to) + events_ * 0x9E3779B97F4A7C15u);
  return static_cast<float>(hash >> 40) * 0x1p-24f;
}

// The row is full and does not know `to`. `floor` only saves reading the weights: whoever fails
// against it would fail against the lightest entry.
void Covisit::admit(Row& row, std::uint32_t from, std::uint32_t to, float weight) {
  const float thrown = dice(from, to);
  if (thrown * (row.floor + weight) >= weight) return;
  const Place place = lightest(row);
  row.floor = *place.weight;
  if (thrown * (row.floor + weight) >= weight) return;
  *place.item = to;
  *place.weight = std::max(row.floor, weight);
}

void Covisit::drop_faded(Row& row) {
  const std::uint32_t segments = segments_of(row);
  std::uint32_t kept = 0;
  for (std::uint32_t s = 0; s < segments; ++s) {
    const Entries e = entries(row, s);
    for (std::uint32_t i = 0; i < e.used; ++i) {
      if (e.weights[i] < kFaded) continue;
      const Entries to = entries(row, kept / segment_entries_);
      to.items[kept % segment_entries_] = e.items[i];
      to.weights[kept % segment_entries_] = e.weights[i];
      ++kept;
    }
  }
  for (std::uint32_t i = kept; i < row.size; ++i) {
    entries(row, i / segment_entries_).items[i % segment_entries_] = BlockPool::kFreeEntry;
  }
  row.size = kept;
  for (std::uint32_t s = std::max(1u, segments_of(row)); s < segments; ++s) {
    pools_.back().free(row.segment[s]);
  }
}

void Covisit::bring_to(std::uint32_t item, std::uint32_t step) {
  Row& row = rows_[item];
  if (step <= row.stamp) return;
  const float factor = fade(step - row.stamp);
  row.stamp = step;
  count_[item] *= factor;
  if (count_[item] < kFaded) count_[item] = 0;
  bool faded = false;
  for (std::uint32_t s = 0; s < segments_of(row); ++s) {
    const Entries e = entries(row, s);
    for (std::uint32_t i = 0; i < e.used; ++i) {
      e.weights[i] *= factor;
      faded |= e.weights[i] < kFaded;
    }
  }
  row.floor = 0;
  if (faded) drop_faded(row);
}

void Covisit::add(std::uint32_t from, std::uint32_t to, float weight, std::uint32_t step) {
  Row& row = rows_[from];
  if (step != row.stamp) {
    if (step > row.stamp) {
      bring_to(from, step);
    } else {
      weight *= fade(row.stamp - step);
    }
  }
  if (options_.half_life != 0 && weight < kFaded) return;
  const Place place = find(row, to);
  if (place.weight != nullptr) {
    *place.weight = std::min(*place.weight + weight, kMaxCount);
  } else if (row.size < options_.max_neighbours) {
    append(row, to, weight);
  } else {
    admit(row, from, to, weight);
  }
}

void Covisit::observe(std::span<const ItemIndex> recent_newest_first, ItemIndex item, TimeUs at,
                      float weight) {
  VITRINE_CHECK(item != kNoItem);
  VITRINE_CHECK(weight > 0 && weight <= kMaxWeight);
  const auto recent =
      recent_newest_first.first(std::min<std::size_t>(recent_newest_first.size(), options_.window));
  std::uint32_t highest = item.value;
  for (const ItemIndex earlier : recent) highest = std::max(highest, earlier.value);
  VITRINE_CHECK(highest != kNoItem.value);
  if (highest >= size()) grow(highest + 1);
  prefetch(recent);
  for (const ItemIndex earlier : recent) prefetch_row(earlier.value);
  prefetch_row(item.value);

  ++events_;
  const std::uint32_t step = step_of(at);
  bring_to(item.value, step);
  const float own =
      step < rows_[item.value].stamp ? weight * fade(rows_[item.value].stamp - step) : weight;
  count_[item.value] = std::min(count_[item.value] + own, kMaxCount);
  for (std::size_t i = 0; i < recent.size(); ++i) {
    if (recent[i] == item) continue;
    const float added = weight * gap_weight_[i];
    add(recent[i].value, item.value, added, step);
    if (options_.backward > 0) add(item.value, recent[i].value, added * options_.backward, step);
  }
}

void Covisit::subtract(std::uint32_t from, std::uint32_t to, float weight, std::uint32_t step) {
  Row& row = rows_[from];
  if (step > row.stamp) bring_to(from, step);
  if (step < row.stamp) weight *= fade(row.stamp - step);
  const Place place = find(row, to);
  if (place.weight == nullptr) return;
  row.floor = 0;
  *place.weight -= weight;
  if (*place.weight >= kFaded) return;
  *place.weight = 0;
  drop_faded(row);
}

void Covisit::retract(std::span<const ItemIndex> recent_newest_first, ItemIndex item, TimeUs at,
                      float weight) {
  const auto recent =
      recent_newest_first.first(std::min<std::size_t>(recent_newest_first.size(), options_.window));
  if (item.value >= size()) return;
  const std::uint32_t step = step_of(at);
  bring_to(item.value, step);
  const std::uint32_t stamp = rows_[item.value].stamp;
  const float own = step < stamp ? weight * fade(stamp - step) : weight;
  count_[item.value] -= own;
  if (count_[item.value] < kFaded) count_[item.value] = 0;
  for (std::size_t i = 0; i < recent.size(); ++i) {
    if (recent[i] == item || recent[i].value >= size()) continue;
    const float added = weight * gap_weight_[i];
    subtract(recent[i].value, item.value, added, step);
    if (options_.backward > 0) {
      subtract(item.value, recent[i].value, added * options_.backward, step);
    }
  }
}

void Covisit::prefetch(std::span<const ItemIndex> items) const {
  for (const ItemIndex item : items) {
    if (item.value < size()) __builtin_prefetch(&rows_[item.value]);
  }
}

void Covisit::prefetch_rows(std::span<const ItemIndex> items) const {
  for (const ItemIndex item : items) {
    if (item.value < size()) prefetch_row(item.value);
  }
}

void Covisit::prefetch_row(std::uint32_t item) const {
  const Row& row = rows_[item];
  for (std::uint32_t s = 0; s < segments_of(row); ++s) {
    const Entries e = entries(row, s);
    for (std::uint32_t i = 0; i < e.used; i += 16) {
      __builtin_prefetch(e.items + i);
      __builtin_prefetch(e.weights + i);
    }
  }
}

void Covisit::grow(std::uint32_t items) {
  if (items > rows_.capacity()) {
    const std::size_t capacity = std::max<std::size_t>(items, rows_.capacity() * 3 / 2);
    rows_.reserve(capacity);
    count_.reserve(capacity);
  }
  rows_.resize(items);
  count_.resize(items, 0.0f);
}

void Covisit::clear() {
  rows_.clear();
  count_.clear();
  for (BlockPool& pool : pools_) pool.clear();
  events_ = 0;
}

std::vector<Neighbour> Covisit::row(ItemIndex item) const {
  std::vector<Neighbour> out;
  if (item.value >= size()) return out;
  const Row& row = rows_[item.value];
  for (std::uint32_t s = 0; s < segments_of(row); ++s) {
    const Entries e = entries(row, s);
    for (std::uint32_t i = 0; i < e.used; ++i) out.push_back({ItemIndex{e.items[i]}, e.weights[i]});
  }
  std::sort(out.begin(), out.end(), [](const Neighbour& a, const Neighbour& b) {
    return a.weight != b.weight ? a.weight > b.weight : a.item < b.item;
  });
  return out;
}

std::uint64_t Covisit::memory_bytes() const {
  std::uint64_t bytes =
      sizeof(*this) + rows_.capacity() * sizeof(Row) + count_.capacity() * sizeof(float);
  for (const BlockPool& pool : pools_) bytes += pool.memory_bytes();
  return bytes;
}

}  // namespace vitrine::covisit
