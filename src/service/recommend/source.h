// Names of what an answer's items come from, and of why items were left out.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "domain/policy/policy.h"

namespace vitrine::recommend {

// What speaks for an item is a policy::Source: its name is the `source` of the API, its value
// is in the recommendation log.
using policy::Source;
inline constexpr std::size_t kSources = policy::kSourceCount;

constexpr std::size_t index_of(Source source) { return static_cast<std::size_t>(source); }

// Sources that are gathered item by item for one visitor or context, before ranking, by the slot of
// their evidence. The others (trending, popular, new arrivals) are the same for everyone and are
// read where needed; similarity is a bonus and a link of its own. One slot is for nearness by
// vectors, which is of kContent or kVector (Context::near_source).
inline constexpr std::array kEvidenceOf{Source::kHistory,   Source::kCoView, Source::kCoBuy,
                                        Source::kSecondHop, Source::kRepeat, Source::kContent,
                                        Source::kModel};
inline constexpr std::size_t kEvidenceSources = kEvidenceOf.size();
inline constexpr std::size_t kNearEvidence = 5;
static_assert(kEvidenceOf[kNearEvidence] == Source::kContent);
// Only for those sources.
constexpr std::size_t slot_of(Source source) {
  return source == Source::kModel ? kEvidenceSources - 1 : index_of(source);
}

// The links of the fallback chain, in the order in which they are asked. An item belongs to
// the first link that knows it. Values are in the recommendation log: add, never renumber.
enum class Link : std::uint8_t {
  kPrimary = 0,   // evidence for this visitor or context
  kCategory = 1,  // the category or brand of the context
  kRanked = 2,    // trending and popular
  kNewest = 3,    // anything listed, newest first
};
inline constexpr std::size_t kLinks = 4;
std::string_view link_name(Link link);

// What brought an item there: the largest contribution, in the primary link among the evidence,
// since the rest only multiplies it.
Source main_source(Link link, const std::array<float, kSources>& contributions);

// Why a candidate is not in the answer, in the order in which it is tested; kFilter comes before
// all. Values are in the recommendation log: add, never renumber.
enum class Drop : std::uint8_t {
  kUnlisted = 0,  // deleted, or only known from events
  kOutOfStock = 1,
  kContext = 2,  // the page's own item, or already in the cart
  kDisliked = 3,
  kBought = 4,
  kSeen = 5,
  kAge = 6,
  kFilter = 7,
  kDiversity = 8,  // eligible, but its category or brand already had its share
  kPaged = 9,      // on an earlier page of the same list
};
inline constexpr std::size_t kDrops = 10;
std::string_view drop_name(Drop drop);

// The steps of the pipeline, in order. Values are metric labels by name.
enum class Stage : std::uint8_t { kContext, kCandidates, kFilter, kRank, kSlate, kRecord };
inline constexpr std::size_t kStages = 6;
std::string_view stage_name(Stage stage);

}  // namespace vitrine::recommend
