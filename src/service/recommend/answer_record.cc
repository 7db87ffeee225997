#include "service/recommend/answer_record.h"

#include <charconv>
#include <cmath>

#include "base/bytes.h"

namespace vitrine::recommend {

namespace {

constexpr std::uint8_t kVersion = 4;

Error corrupt(std::string_view what) {
  return Error(ErrorCode::kCorrupt, "an answer's record: " + std::string(what));
}

template <std::size_t N>
void write_sparse(ByteWriter& out, const std::array<std::uint32_t, N>& values) {
  static_assert(N < 16);
  std::uint16_t mask = 0;
  for (std::size_t i = 0; i < N; ++i) {
    if (values[i] != 0) mask = static_cast<std::uint16_t>(mask | 1u << i);
  }
  out.varint(mask);
  for (const std::uint32_t value : values) {
    if (value != 0) out.varint(value);
  }
}

// Reads a count that fits 32 bits; anything larger was not written here.
std::uint32_t read_u32(ByteReader& in) {
  const std::uint64_t value = in.varint();
  if (value > 0xFFFFFFFFu) in.fail();
  return static_cast<std::uint32_t>(value);
}

template <std::size_t N>
void read_sparse(ByteReader& in, std::array<std::uint32_t, N>& values) {
  const std::uint64_t mask = in.varint();
  if (mask >> N != 0) return in.fail();
  for (std::size_t i = 0; i < N; ++i) {
    if ((mask >> i & 1) == 0) continue;
    values[i] = read_u32(in);
    if (values[i] == 0) return in.fail();
  }
}

template <class Item>
void write_scores(ByteWriter& out, const Item& item, bool with_boost) {
  static_assert(kSources < 16);
  out.fixed(item.score);
  out.u8(static_cast<std::uint8_t>(item.link));
  if (with_boost) out.fixed(item.boost);
  std::uint16_t mask = 0;
  for (std::size_t i = 0; i < kSources; ++i) {
    if (item.contributions[i] != 0) mask = static_cast<std::uint16_t>(mask | 1u << i);
  }
  out.varint(mask);
  for (const float contribution : item.contributions) {
    if (contribution != 0) out.fixed(contribution);
  }
}

float read_score(ByteReader& in) {
  const float value = in.fixed<float>();
  if (!std::isfinite(value)) in.fail();
  return value;
}

RecordedItem read_item(ByteReader& in, bool with_boost) {
  RecordedItem item;
  item.item_id = in.string();
  item.score = read_score(in);
  const std::uint8_t link = in.u8();
  if (link >= kLinks) in.fail();
  item.link = static_cast<Link>(link);
  if (with_boost) item.boost = read_score(in);
  const std::uint64_t mask = in.varint();
  if (mask >> kSources != 0) in.fail();
  for (std::size_t i = 0; i < kSources && in.ok(); ++i) {
    if ((mask >> i & 1) == 0) continue;
    item.contributions[i] = read_score(in);
    if (item.contributions[i] == 0) in.fail();
  }
  return item;
}

// Each element takes at least one byte, so a count above what is left is a lie.
std::size_t read_count(ByteReader& in) {
  const std::uint64_t count = in.varint();
  if (count > in.remaining()) in.fail();
  return in.ok() ? static_cast<std::size_t>(count) : 0;
}

double read_number(ByteReader& in) {
  const double value = in.f64();
  if (!std::isfinite(value)) in.fail();
  return value;
}

// Head and body are written in one place for both encoders: `R` has the fields of Request,
// `A` those of Answer, and AnswerRecord has both.
template <class R, class A>
void write_head(ByteWriter& out, RequestId id, TenantId tenant, const R& request, const A& answer) {
  out.u8(kVersion);
  out.u64(id.low);
  out.u64(id.high);
  out.varint(tenant.value);
  out.i64(answer.now);
  out.varint(answer.position);
  for (std::string_view text :
       {std::string_view(request.placement), std::string_view(request.user_id),
        std::string_view(request.anonymous_id), std::string_view(request.filter)}) {
    out.string(text);
  }
  out.varint(request.item_ids.size());
  for (std::string_view item : request.item_ids) out.string(item);
  out.varint(request.cart.size());
  for (std::string_view item : request.cart) out.string(item);
  out.varint(request.boosts.size());
  for (const auto& boost : request.boosts) {
    out.string(boost.filter);
    out.f64(boost.factor);
  }
}

void write_asked(ByteWriter& out, std::optional<std::uint32_t> limit,
                 std::optional<double> diversity) {
  out.varint(limit ? std::uint64_t{*limit} + 1 : 0);
  out.u8(diversity ? 1 : 0);
  if (diversity) out.f64(*diversity);
}

template <class A>
void write_answered(ByteWriter& out, const A& answer, std::uint64_t total_us) {
  out.varint(answer.limit);
  out.f64(answer.diversity);
  out.u8(static_cast<std::uint8_t>(answer.filter_path));
  for (std::uint32_t count :
       {answer.candidates, answer.tested, answer.unknown_items, answer.history}) {
    out.varint(count);
  }
  write_sparse(out, answer.drops);
  write_sparse(out, answer.supplied);
  out.varint(answer.relaxed);
  out.varint(total_us);
  out.varint(answer.items.size());
}

template <class R, class A>
void write_tail(ByteWriter& out, const R& request, const A& answer) {
  const auto& items = answer.items;
  out.varint(request.already_shown.size());
  for (const ItemIndex item : request.already_shown) out.varint(item.value);
  out.varint(request.to_rank.size());
  for (std::string_view item : request.to_rank) out.string(item);
  out.u64(request.policy_fingerprint);
  out.string(request.policy_json);
  bool faded = false;
  for (const auto& item : items) faded = faded || item.fade != 1;
  out.u8(faded ? 1 : 0);
  if (faded) {
    for (const auto& item : items) out.fixed(item.fade);
  }
  out.varint(answer.near.size());
  if (!answer.near.empty()) {
    out.u8(static_cast<std::uint8_t>(answer.near_source));
    std::uint32_t before = 0;
    for (const NearEvidence& near : answer.near) {
      out.varint(near.item.value - before);
      out.fixed(near.evidence);
      before = near.item.value;
    }
  }
  out.string(answer.model);
}

void read_head(ByteReader& in, AnswerRecord& r) {
  r.request_id.low = in.u64();
  r.request_id.high = in.u64();
  r.tenant = TenantId{read_u32(in)};
  r.now = in.i64();
  r.position = in.varint();
  for (std::string* text : {&r.placement, &r.user_id, &r.anonymous_id, &r.filter})
    *text = in.string();
  for (auto* list : {&r.item_ids, &r.cart}) {
    const std::size_t count = read_count(in);
    for (std::size_t i = 0; i < count && in.ok(); ++i) list->emplace_back(in.string());
  }
  const std::size_t boosts = read_count(in);
  for (std::size_t i = 0; i < boosts && in.ok(); ++i) {
    RecordedBoost& boost = r.boosts.emplace_back();
    boost.filter = in.string();
    boost.factor = read_number(in);
  }
}

void read_answered(ByteReader& in, AnswerRecord& r) {
  const std::uint64_t limit = in.varint();
  if (limit > 0x100000000u) in.fail();
  if (limit > 0) r.asked_limit = static_cast<std::uint32_t>(limit - 1);
  const std::uint8_t has_diversity = in.u8();
  if (has_diversity > 1) in.fail();
  if (has_diversity == 1) r.asked_diversity = read_number(in);
  r.limit = read_u32(in);
  r.diversity = read_number(in);
  const std::uint8_t path = in.u8();
  if (path > static_cast<std::uint8_t>(FilterPath::kEnumerated)) in.fail();
  r.filter_path = static_cast<FilterPath>(path);
  for (std::uint32_t* count : {&r.candidates, &r.tested, &r.unknown_items, &r.history}) {
    *count = read_u32(in);
  }
  read_sparse(in, r.drops);
  read_sparse(in, r.supplied);
  const std::uint64_t relaxed = in.varint();
  if (relaxed >> kDrops != 0) in.fail();
  r.relaxed = static_cast<std::uint16_t>(relaxed);
  r.total_us = in.varint();
}

void read_tail(ByteReader& in, AnswerRecord& r) {
  const std::size_t paged = read_count(in);
  for (std::size_t i = 0; i < paged && in.ok(); ++i)
    r.already_shown.push_back(ItemIndex{read_u32(in)});
  const std::size_t to_rank = read_count(in);
  for (std::size_t i = 0; i < to_rank && in.ok(); ++i) r.to_rank.emplace_back(in.string());
  r.policy_fingerprint = in.u64();
  r.policy_json = in.string();
  const std::uint8_t faded = in.u8();
  if (faded > 1) in.fail();
  bool any = false;
  for (std::size_t i = 0; faded == 1 && i < r.items.size() && in.ok(); ++i) {
    r.items[i].fade = read_score(in);
    any = any || r.items[i].fade != 1;
  }
  if (faded == 1 && !any) in.fail();
}

void read_near(ByteReader& in, AnswerRecord& r) {
  const std::size_t count = read_count(in);
  if (count == 0 || !in.ok()) return;
  r.near_source = static_cast<Source>(in.u8());
  if (r.near_source != Source::kContent && r.near_source != Source::kVector) in.fail();
  std::uint64_t item = 0;
  for (std::size_t i = 0; i < count && in.ok(); ++i) {
    const std::uint64_t step = in.varint();
    if ((step == 0 && i > 0) || step > kNoItem.value || item + step >= kNoItem.value) in.fail();
    item += step;
    const float evidence = read_score(in);
    if (!(evidence > 0)) in.fail();
    r.near.push_back({ItemIndex{static_cast<std::uint32_t>(item)}, evidence});
  }
}

}  // namespace

std::string format_request_id(RequestId id) {
  std::string text;
  text.reserve(32);
  for (const std::uint64_t half : {id.high, id.low}) {
    for (int shift = 60; shift >= 0; shift -= 4) text += "0123456789abcdef"[half >> shift & 15];
  }
  return text;
}

std::optional<RequestId> parse_request_id(std::string_view text) {
  if (text.size() != 32) return std::nullopt;
  RequestId id;
  for (std::uint64_t* half : {&id.high, &id.low}) {
    const char* end = text.data() + 16;
    const auto [at, error] = std::from_chars(text.data(), end, *half, 16);
    if (error != std::errc() || at != end) return std::nullopt;
    text.remove_prefix(16);
  }
  return id;
}

void encode_answer(RequestId id, TenantId tenant, const Request& request, const Answer& answer,
                   std::string& bytes) {
  ByteWriter out(bytes);
  write_head(out, id, tenant, request, answer);
  write_asked(out, request.limit, request.diversity);
  std::int64_t total_ns = 0;
  for (const std::int64_t ns : answer.stage_ns) total_ns += ns;
  write_answered(out, answer, static_cast<std::uint64_t>(total_ns < 0 ? 0 : total_ns / 1000));
  for (std::size_t i = 0; i < answer.items.size(); ++i) {
    const AnswerItem& item = answer.items[i];
    out.string(answer.item_id(i));
    write_scores(out, item, !request.boosts.empty());
  }
  write_tail(out, request, answer);
}

void encode_record(const AnswerRecord& record, std::string& bytes) {
  ByteWriter out(bytes);
  write_head(out, record.request_id, record.tenant, record, record);
  write_asked(out, record.asked_limit, record.asked_diversity);
  write_answered(out, record, record.total_us);
  for (const RecordedItem& item : record.items) {
    out.string(item.item_id);
    write_scores(out, item, !record.boosts.empty());
  }
  write_tail(out, record, record);
}

std::optional<RequestId> peek_request_id(std::string_view bytes) {
  ByteReader in(bytes);
  in.u8();
  RequestId id;
  id.low = in.u64();
  id.high = in.u64();
  if (!in.ok()) return std::nullopt;
  return id;
}

Result<AnswerRecord> decode_answer(std::string_view bytes) {
  ByteReader in(bytes);
  const std::uint8_t version = in.u8();
  if (!in.ok()) return corrupt("it is empty");
  if (version > kVersion) {
    return Error(ErrorCode::kUnsupported,
                 "an answer's record of version " + std::to_string(version) +
                     "; this build reads up to " + std::to_string(kVersion));
  }
  if (version == 0) return corrupt("its version is 0");
  AnswerRecord record;
  read_head(in, record);
  read_answered(in, record);
  const std::size_t items = read_count(in);
  for (std::size_t i = 0; i < items && in.ok(); ++i)
    record.items.push_back(read_item(in, !record.boosts.empty()));
  if (version >= 2 && in.ok()) read_tail(in, record);
  if (version >= 3 && in.ok()) read_near(in, record);
  if (version >= 4 && in.ok()) record.model = in.string();
  if (!in.ok()) return corrupt("a field is cut off or out of range");
  if (!in.at_end()) return corrupt(std::to_string(in.remaining()) + " bytes too many");
  return record;
}

}  // namespace vitrine::recommend
