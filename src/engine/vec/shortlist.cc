#include "engine/vec/shortlist.h"

#include <algorithm>
#include <bit>
#include <functional>

namespace vitrine::vec {

std::uint64_t key_of(float estimate, std::uint32_t slot) {
  // Positive floats order like their bits; negative ones in reverse below them.
  const auto bits = std::bit_cast<std::uint32_t>(estimate);
  const std::uint32_t ordered = (bits & 0x80000000U) != 0 ? ~bits : bits | 0x80000000U;
  return std::uint64_t{ordered} << 32 | static_cast<std::uint32_t>(~slot);
}

Candidate candidate_of(std::uint64_t key) {
  const auto ordered = static_cast<std::uint32_t>(key >> 32);
  const std::uint32_t bits = (ordered & 0x80000000U) != 0 ? ordered & 0x7FFFFFFFU : ~ordered;
  return {std::bit_cast<float>(bits), ~static_cast<std::uint32_t>(key)};
}

void cut(ScanQuery& query, std::uint32_t keep, std::vector<std::uint64_t>& keys) {
  if (query.count <= keep || keep == 0) return;
  query.count =
      kernels().cut(query.estimates, query.slots, query.count, keep, keep, &query.threshold);
  if (query.count <= keep) return;
  // Equal estimates at the border: the smaller slots stay.
  keys.resize(query.count);
  for (std::uint32_t i = 0; i < query.count; ++i)
    keys[i] = key_of(query.estimates[i], query.slots[i]);
  std::nth_element(keys.begin(), keys.begin() + (keep - 1), keys.end(), std::greater<>());
  for (std::uint32_t i = 0; i < keep; ++i) {
    const Candidate candidate = candidate_of(keys[i]);
    query.estimates[i] = candidate.estimate;
    query.slots[i] = candidate.slot;
  }
  query.count = keep;
}

void shrink(ScanQuery& query, std::uint32_t keep, std::vector<std::uint64_t>& keys) {
  if (query.count < keep + kShortlistSlack) return;
  const std::uint32_t most = keep + kShortlistSlack / 4;
  query.count =
      kernels().cut(query.estimates, query.slots, query.count, keep, most, &query.threshold);
  if (query.count > most) cut(query, keep, keys);
}

}  // namespace vitrine::vec
