#pragma once
// The candidates of one query on their way to the answer: a buffer that the scan appends to and
// that is cut back to the best `keep` whenever it runs full.
//
// Which candidates survive does not depend on the order they came in: the best are those with the
// largest (estimate, then smallest slot), so cluster by cluster and query by query give the same.

#include <cstdint>
#include <vector>

#include "engine/vec/kernels.h"

namespace vitrine::vec {

struct Candidate {
  float estimate = 0;
  std::uint32_t slot = 0;
};

/// Room for what scans append between two cuts.
inline constexpr std::uint32_t kShortlistSlack = 192;

/// Entries of a shortlist's two arrays: keep + kShortlistSlack + what one scan call may append
/// before its caller looks again (`burst` candidates).
constexpr std::size_t shortlist_capacity(std::size_t keep, std::size_t burst) {
  return keep + kShortlistSlack + burst + kLanes;
}

/// Keeps the best `keep` of query.count candidates and raises query.threshold to the worst of
/// them. `keys` is scratch.
void cut(ScanQuery& query, std::uint32_t keep, std::vector<std::uint64_t>& keys);

/// When there are more than keep + kShortlistSlack, drops most of those that can't be among the
/// best `keep` and raises the threshold: cheaper than cut(), for in between.
void shrink(ScanQuery& query, std::uint32_t keep, std::vector<std::uint64_t>& keys);

/// A number that sorts descending as (estimate descending, slot ascending).
std::uint64_t key_of(float estimate, std::uint32_t slot);
Candidate candidate_of(std::uint64_t key);

}  // namespace vitrine::vec
