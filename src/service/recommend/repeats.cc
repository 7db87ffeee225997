#include "service/recommend/repeats.h"

#include <algorithm>
#include <array>

namespace vitrine::recommend {

namespace {

constexpr std::size_t kGapsMost = 8;  // of one visitor and item that are used, the newest

// Probability for the item of history[newest], which was bought there for the last time.
double probability(const repeat::Repeat& repeats, std::span<const profile::HistoryEntry> history,
                   std::size_t newest, TimeUs now) {
  std::array<TimeUs, kGapsMost> gaps;
  std::size_t count = 0;
  TimeUs later = history[newest].event_time();
  for (std::size_t i = newest; i-- > 0 && count < kGapsMost;) {
    if (history[i].item != history[newest].item || !history[i].bought()) continue;
    const TimeUs gap = later - history[i].event_time();
    if (repeat::bucket_of(gap) == repeat::kBuckets) continue;  // the same shopping trip
    gaps[count++] = gap;
    later = history[i].event_time();
  }
  return repeats.due(history[newest].item,
                     {history[newest].event_time(), std::span(gaps.data(), count)}, now);
}

}  // namespace

void find_due(const repeat::Repeat& repeats, std::span<const profile::HistoryEntry> history,
              TimeUs now, std::vector<DueItem>& out) {
  out.clear();
  std::array<ItemIndex, kDueLookedAt> looked_at;
  std::size_t count = 0;
  for (std::size_t i = history.size(); i-- > 0 && count < kDueLookedAt;) {
    const profile::HistoryEntry& entry = history[i];
    const bool refund = entry.type == event::EventType::kRefund;
    if (!entry.bought() && !refund) continue;
    const auto known = looked_at.begin() + static_cast<std::ptrdiff_t>(count);
    if (std::find(looked_at.begin(), known, entry.item) != known) continue;
    looked_at[count++] = entry.item;
    if (refund) continue;
    const double due = probability(repeats, history, i, now);
    if (due >= kDueLeast) out.push_back({entry.item, due});
  }
  std::sort(out.begin(), out.end(), [](const DueItem& a, const DueItem& b) {
    return a.probability != b.probability ? a.probability > b.probability : a.item < b.item;
  });
  if (out.size() > kDueMost) out.resize(kDueMost);
}

}  // namespace vitrine::recommend
