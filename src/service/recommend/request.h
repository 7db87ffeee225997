// What is asked of the Recommender.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

#include "base/clock.h"
#include "base/ids.h"
#include "service/recommend/answer.h"

namespace vitrine::recommend {

// Items that match get their score multiplied.
struct Boost {
  std::string_view filter;  // the filter language
  double factor = 1;        // 0.01 .. 100; below 1 it is a demotion
};

inline constexpr std::size_t kRequestItemsMax = 100;  // item_ids and cart, each
inline constexpr std::size_t kRequestBoostsMax = 8;
inline constexpr std::uint32_t kRequestLimitMax = 100;
inline constexpr std::size_t kPagedItemsMax = 1000;  // of all pages of one list
inline constexpr std::size_t kRankItemsMax = 500;    // to be ordered in one request

struct RecordedNear {
  Source source = Source::kContent;
  std::span<const NearEvidence> evidence = {};
};

// Owns nothing: views into the request's bytes.
struct Request {
  std::string_view placement = {};  // a name that domain/policy knows
  std::string_view user_id = {};    // both may be empty: a visitor without any id
  std::string_view anonymous_id = {};
  std::span<const std::string_view> item_ids = {};  // what the page is about
  std::span<const std::string_view> cart = {};      // what is in the cart now
  std::optional<std::uint32_t> limit = {};          // 1 .. kRequestLimitMax; absent: the policy's
  std::string_view filter = {};                     // empty: none
  std::optional<double> diversity = {};             // 0 .. 1; absent: the policy's
  std::span<const Boost> boosts = {};
  bool explain = false;
  // What earlier pages of the same list showed: not to be shown again.
  std::span<const ItemIndex> already_shown = {};
  // To be ordered, for Recommender::rank(); 1 .. kRankItemsMax.
  std::span<const std::string_view> to_rank = {};
  // For the record of the answer: policy_fingerprint() of the policy, and its JSON where it is no
  // built-in one.
  std::uint64_t policy_fingerprint = 0;
  std::string_view policy_json = {};
  // Of a recorded answer that is made again: what nearness by vectors gave. The vectors are not
  // asked then.
  std::optional<RecordedNear> recorded_near = {};
  // The moment the answer is for: decay is evaluated at it. It is in the record of the
  // answer, so that a replay evaluates it at the same moment.
  TimeUs now = 0;
};

}  // namespace vitrine::recommend
