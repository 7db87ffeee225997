// An answer as bytes of the recommendation log: enough to say why each item was shown without
// any other data, and to make the same answer again from a state at the same position.
//
// Layout, version 4 (integers are varints unless said; strings are length + bytes):
//   version u8 = 4; version 1 ends with the items, version 2 without nearness, version 3 without
//     model
//   request id 16 bytes, tenant, now i64, position
//   placement, user_id, anonymous_id, filter: strings
//   item_ids, cart: count, strings; boosts: count, (filter string, factor f64)
//   asked: limit + 1 or 0, diversity flag u8 and f64 if 1
//   answered: limit, diversity f64, filter path u8, candidates, tested, unknown_items, history
//   drops: mask of non-zero ones, then those; supplied: the same; relaxed: mask
//   total time of the answer in microseconds
//   items: count, then for each: id string, score f32, link u8, boost f32 if the request has
//   boosts,
//     mask of sources, f32 each
//   items of earlier pages: count, varint each; items to be ordered: count, strings
//   policy: fingerprint u64, JSON string (empty for a built-in placement)
//   faded u8, f32 for each item if 1
//   nearness by vectors: count; if not 0 its source u8, then for each item: difference to the one
//     before, evidence f32
//   model: string, empty for none
//
// 20 items with ids of 9 bytes and two sources each take about 550 bytes.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/hash.h"
#include "base/ids.h"
#include "base/result.h"
#include "service/recommend/answer.h"
#include "service/recommend/request.h"

namespace vitrine::recommend {

// The second in which the answer was made (32 bits, the upper half of `high`) and 96 random bits:
// by the time its record is found without an index. It is also the attribution token of events, so
// it must not be guessable.
using RequestId = Hash128;
inline void put_time(RequestId& id, TimeUs now) {
  const auto seconds = static_cast<std::uint64_t>(now < 0 ? 0 : now / kSecondUs) & 0xFFFFFFFFu;
  id.high = seconds << 32 | (id.high & 0xFFFFFFFFu);
}
inline TimeUs time_of(RequestId id) { return static_cast<TimeUs>(id.high >> 32) * kSecondUs; }

// 32 hex digits.
std::string format_request_id(RequestId id);
std::optional<RequestId> parse_request_id(std::string_view text);

struct RecordedBoost {
  std::string filter;
  double factor = 1;
  friend bool operator==(const RecordedBoost&, const RecordedBoost&) = default;
};

struct RecordedItem {
  std::string item_id;
  float score = 0;
  Link link = Link::kPrimary;
  float boost = 1;
  float fade = 1;
  std::array<float, kSources> contributions{};
  friend bool operator==(const RecordedItem&, const RecordedItem&) = default;
};

// What decode_answer() gives back: it owns everything.
struct AnswerRecord {
  RequestId request_id;
  TenantId tenant;
  TimeUs now = 0;
  std::uint64_t position = 0;
  std::string placement, user_id, anonymous_id, filter;
  std::vector<std::string> item_ids, cart;
  std::vector<RecordedBoost> boosts;
  std::optional<std::uint32_t> asked_limit;
  std::optional<double> asked_diversity;
  std::uint32_t limit = 0;
  double diversity = 0;
  FilterPath filter_path = FilterPath::kNone;
  std::uint32_t candidates = 0, tested = 0, unknown_items = 0, history = 0;
  std::array<std::uint32_t, kDrops> drops{};
  std::array<std::uint32_t, kLinks> supplied{};
  std::uint16_t relaxed = 0;
  std::uint64_t total_us = 0;
  std::vector<RecordedItem> items;
  std::vector<ItemIndex> already_shown;
  std::vector<std::string> to_rank;
  std::uint64_t policy_fingerprint = 0;  // 0 in records of version 1
  std::string policy_json;
  Source near_source = Source::kContent;
  std::vector<NearEvidence> near;  // by ItemIndex; empty in records before version 3
  std::string model;  // the trained model that was asked; empty: none, or version 3 and before

  friend bool operator==(const AnswerRecord&, const AnswerRecord&) = default;
};

// Appends to `out`, which may be reused: no other memory is taken.
void encode_answer(RequestId id, TenantId tenant, const Request& request, const Answer& answer,
                   std::string& out);
// The same bytes from what was decoded, but always of this version (tools that rewrite the log).
void encode_record(const AnswerRecord& record, std::string& out);

// The id of a record, without reading the rest; nothing where it is too short.
std::optional<RequestId> peek_request_id(std::string_view bytes);

// kCorrupt for anything encode_answer() doesn't write; kUnsupported for a later version.
Result<AnswerRecord> decode_answer(std::string_view bytes);

}  // namespace vitrine::recommend
