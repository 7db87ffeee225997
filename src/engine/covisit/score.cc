#include "engine/covisit/score.h"

#include <algorithm>
#include <bit>
#include <cmath>

#include "base/check.h"
#include "engine/covisit/covisit.h"
#include "engine/covisit/power.h"
#include "engine/covisit/power_many.h"

namespace vitrine::covisit {

void ScoreScratch::start(std::size_t items) {
  for (const std::uint32_t at : used_) slots_[at] = Slot{kEmpty, 0, 0};
  used_.clear();
  const std::size_t wanted = std::bit_ceil(std::max<std::size_t>(items * 2, 64));
  if (wanted > slots_.size()) {
    slots_.assign(wanted, Slot{kEmpty, 0, 0});
    shift_ = 32 - static_cast<int>(std::bit_width(wanted) - 1);
  }
}

namespace {

// Heaviest first; among equals the lowest ItemIndex, so that the cut is the same everywhere.
bool goes_first(const ScoreScratch::Source& a, const ScoreScratch::Source& b) {
  return a.score != b.score ? a.score > b.score : a.item < b.item;
}

}  // namespace

// An item that was only ever in others' histories has a row but no count: it counts as seen once.
float Covisit::source_norm(std::uint32_t item, const ScoreOptions& options) const {
  const float count = count_[item];
  return count > 0 ? fast_power(count, -options.source_power) : 1.0f;
}

float Covisit::row_sum(const Row& row) const {
  float sum = 0;
  for (std::uint32_t s = 0; s < segments_of(row); ++s) {
    const Entries e = entries(row, s);
    for (std::uint32_t i = 0; i < e.used; ++i) sum += e.weights[i];
  }
  return sum;
}

void Covisit::score(std::span<const HistoryItem> newest_first, const ScoreOptions& options,
                    const ItemMask& mask, ScoreScratch& scratch,
                    std::vector<Candidate>& out) const {
  VITRINE_CHECK(options.count_offset > 0);
  out.clear();
  newest_first =
      newest_first.first(std::min<std::size_t>(newest_first.size(), options.max_history));
  std::size_t bound = std::size_t{options.second_hop_sources} * options_.max_neighbours;
  for (const HistoryItem& h : newest_first) {
    if (h.item.value < size()) __builtin_prefetch(&rows_[h.item.value]);
  }
  for (const HistoryItem& h : newest_first) {
    if (h.item.value >= size()) continue;
    prefetch_row(h.item.value);
    bound += rows_[h.item.value].size;
  }
  scratch.start(bound);
  scratch.norms.clear();

  const bool hops = options.second_hop > 0 && options.second_hop_sources > 0;
  // The second hop starts from all neighbours, whether they are asked for or not.
  add_direct(newest_first, options, hops ? ItemMask() : mask, scratch);
  find_norms(options, scratch);
  if (hops) {
    add_second_hop(options, mask, scratch);
    find_norms(options, scratch);
  }
  out.reserve(scratch.used().size());
  if (hops) {
    for (const std::uint32_t at : scratch.used()) mask.prefetch(scratch.at(at).item);
  }
  for (std::size_t i = 0; i < scratch.used().size(); ++i) {
    const ScoreScratch::Slot& slot = scratch.at(scratch.used()[i]);
    if (!mask.contains(slot.item)) continue;
    const float norm = scratch.norms[i];
    out.push_back({ItemIndex{slot.item}, (slot.direct + slot.second) * norm, slot.direct * norm});
  }
}

// A mask of a million items is larger than the nearest cache, and whether an item is in it decides
// a branch that nobody can foresee: without this the misses come one after the other.
void Covisit::prefetch_in(const ItemMask& mask, const Row& row) const {
  if (mask.all()) return;
  for (std::uint32_t s = 0; s < segments_of(row); ++s) {
    const Entries e = entries(row, s);
    for (std::uint32_t i = 0; i < e.used; ++i) mask.prefetch(e.items[i]);
  }
}

void Covisit::add_direct(std::span<const HistoryItem> newest_first, const ScoreOptions& options,
                         const ItemMask& mask, ScoreScratch& scratch) const {
  Recency recency(options.history_decay);
  for (std::size_t n = 0; n < newest_first.size(); ++n) {
    const HistoryItem& h = newest_first[n];
    if (n + 1 < newest_first.size() && newest_first[n + 1].item.value < size()) {
      prefetch_in(mask, rows_[newest_first[n + 1].item.value]);
    }
    const float weight = h.weight * recency.at(h.age);
    if (h.item.value >= size() || !(weight > 0)) continue;
    const Row& row = rows_[h.item.value];
    const float factor = weight * source_norm(h.item.value, options);
    for (std::uint32_t s = 0; s < segments_of(row); ++s) {
      const Entries e = entries(row, s);
      for (std::uint32_t i = 0; i < e.used; ++i) {
        if (!mask.contains(e.items[i])) continue;
        ScoreScratch::Slot& slot = scratch.slot(e.items[i], count_.data());
        slot.direct += factor * e.weights[i];
      }
    }
  }
}

// norm(b) of the slots that were used since the last call.
void Covisit::find_norms(const ScoreOptions& options, ScoreScratch& scratch) const {
  const auto& used = scratch.used();
  std::vector<float>& norms = scratch.norms;
  const std::size_t first = norms.size();
  norms.resize(used.size());
  for (std::size_t i = first; i < used.size(); ++i) norms[i] = count_[scratch.at(used[i]).item];
  power_many(std::span(norms).subspan(first), options.count_offset, -options.target_power);
}

void Covisit::add_second_hop(const ScoreOptions& options, const ItemMask& mask,
                             ScoreScratch& scratch) const {
  auto& sources = scratch.sources;
  sources.clear();
  for (std::size_t i = 0; i < scratch.used().size(); ++i) {
    const ScoreScratch::Slot& slot = scratch.at(scratch.used()[i]);
    sources.push_back({slot.direct * scratch.norms[i], slot.item});
  }
  if (sources.size() > options.second_hop_sources) {
    std::nth_element(sources.begin(), sources.begin() + options.second_hop_sources, sources.end(),
                     goes_first);
    sources.resize(options.second_hop_sources);
  }
  // In one order whatever nth_element left: floating-point sums depend on it.
  std::sort(sources.begin(), sources.end(), goes_first);
  for (const ScoreScratch::Source& source : sources) __builtin_prefetch(&rows_[source.item]);
  for (const ScoreScratch::Source& source : sources) prefetch_row(source.item);
  for (std::size_t n = 0; n < sources.size(); ++n) {
    const ScoreScratch::Source& source = sources[n];
    if (n + 1 < sources.size()) prefetch_in(mask, rows_[sources[n + 1].item]);
    const Row& row = rows_[source.item];
    const float sum = row_sum(row);
    if (!(sum > 0)) continue;
    const float factor = options.second_hop * source.score / sum;
    for (std::uint32_t s = 0; s < segments_of(row); ++s) {
      const Entries e = entries(row, s);
      for (std::uint32_t i = 0; i < e.used; ++i) {
        if (!mask.contains(e.items[i])) continue;
        scratch.slot(e.items[i], count_.data()).second += factor * e.weights[i];
      }
    }
  }
}

ItemIndex Covisit::strongest_source(std::span<const HistoryItem> newest_first,
                                    const ScoreOptions& options, ItemIndex candidate) const {
  ItemIndex best = kNoItem;
  float best_share = 0;
  Recency recency(options.history_decay);
  newest_first =
      newest_first.first(std::min<std::size_t>(newest_first.size(), options.max_history));
  for (const HistoryItem& h : newest_first) {
    const float weight = h.weight * recency.at(h.age);
    if (h.item.value >= size()) continue;
    const Place place = find(rows_[h.item.value], candidate.value);
    if (place.weight == nullptr) continue;
    const float share = weight * source_norm(h.item.value, options) * *place.weight;
    if (share > best_share) {
      best_share = share;
      best = h.item;
    }
  }
  return best;
}

}  // namespace vitrine::covisit
