#include "service/privacy/erasure_list.h"

#include <algorithm>
#include <charconv>
#include <tuple>

#include "domain/person/person_codec.h"
#include "domain/record/record.h"
#include "platform/codec/json_parse.h"
#include "platform/codec/json_writer.h"

namespace vitrine::privacy {
namespace {

auto order_of(const ErasureEntry& entry) {
  return std::tuple(entry.time, entry.tenant.value, entry.keys.front().high, entry.keys.front().low,
                    entry.keys.back().high, entry.keys.back().low, entry.keys.size());
}

std::string hex(const Hash128& hash) {
  static constexpr std::string_view kDigits = "0123456789abcdef";
  std::string out;
  for (const std::uint64_t half : {hash.high, hash.low}) {
    for (int shift = 60; shift >= 0; shift -= 4) out += kDigits[(half >> shift) & 15];
  }
  return out;
}

bool read_half(std::string_view text, std::uint64_t& out) {
  const auto [end, code] = std::from_chars(text.data(), text.data() + text.size(), out, 16);
  return code == std::errc{} && end == text.data() + text.size();
}

bool read_hex(std::string_view text, Hash128& out) {
  return text.size() == 32 && read_half(text.substr(0, 16), out.high) &&
         read_half(text.substr(16), out.low);
}

bool read_line(const simdjson::dom::element& json, ErasureEntry& out) {
  std::uint64_t tenant = 0;
  simdjson::dom::array keys;
  if (json["tenant"].get(tenant) != simdjson::SUCCESS || tenant == 0 || tenant > 0xFFFFFFFFu ||
      json["time_us"].get(out.time) != simdjson::SUCCESS || out.time < 0 ||
      json["keys"].get(keys) != simdjson::SUCCESS) {
    return false;
  }
  out.tenant = TenantId{static_cast<std::uint32_t>(tenant)};
  for (const auto entry : keys) {
    std::string_view text;
    if (entry.get(text) != simdjson::SUCCESS || !read_hex(text, out.keys.emplace_back())) {
      return false;
    }
    if (out.keys.size() > person::kErasureKeysMax) return false;
  }
  return !out.keys.empty();
}

}  // namespace

void settle(ErasureList& list) {
  std::ranges::sort(list, {}, order_of);
  list.erase(std::unique(list.begin(), list.end()), list.end());
}

Result<std::optional<ErasureEntry>> erasure_of(const eventlog::RecordView& record) {
  if (record.kind != static_cast<std::uint16_t>(record::RecordKind::kUserErase)) {
    return std::optional<ErasureEntry>();
  }
  ByteReader in(record.payload);
  const TenantId tenant = record::read_tenant(in);
  VITRINE_TRY(auto erasure, person::decode_erasure(in.raw(in.remaining())));
  return std::optional(ErasureEntry{record.append_time_us, tenant, std::move(erasure.keys)});
}

void encode_erasures(const ErasureList& list, ByteWriter& out) {
  out.varint(list.size());
  for (const auto& [time, tenant, keys] : list) {
    out.i64(time);
    out.u32(tenant.value);
    out.varint(keys.size());
    for (const Hash128& key : keys) {
      out.u64(key.low);
      out.u64(key.high);
    }
  }
}

ErasureList decode_erasures(ByteReader& in) {
  ErasureList list;
  const std::uint64_t count = in.varint();
  for (std::uint64_t i = 0; in.ok() && i < count; ++i) {
    ErasureEntry entry;
    entry.time = in.i64();
    entry.tenant = TenantId{in.u32()};
    const std::uint64_t keys = in.varint();
    if (keys == 0 || keys > person::kErasureKeysMax || keys > in.remaining() / 16) in.fail();
    for (std::uint64_t k = 0; in.ok() && k < keys; ++k) {
      const std::uint64_t low = in.u64();
      entry.keys.push_back({low, in.u64()});
    }
    if (in.ok()) list.push_back(std::move(entry));
  }
  return in.ok() ? list : ErasureList();
}

std::string erasures_text(const ErasureList& list) {
  std::string out;
  for (const auto& [time, tenant, keys] : list) {
    codec::JsonWriter json(out);
    json.begin_object();
    json.key("tenant").number(tenant.value);
    json.key("time_us").number(time);
    json.key("keys").begin_array();
    for (const Hash128& key : keys) json.string(hex(key));
    json.end_array();
    json.end_object();
    json.newline();
    json.finish();
  }
  return out;
}

Result<ErasureList> parse_erasures(std::string_view text) {
  ErasureList list;
  codec::JsonParser parser;
  for (std::size_t number = 1; !text.empty(); ++number) {
    const std::size_t end = text.find('\n');
    const std::string_view line = text.substr(0, end);
    text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
    if (line.find_first_not_of(" \t\r") == std::string_view::npos) continue;
    const auto parsed = parser.parse(line);
    ErasureEntry entry;
    if (!parsed.ok() || !read_line(*parsed, entry)) {
      return Error(ErrorCode::kInvalidArgument,
                   "line " + std::to_string(number) +
                       " is no order to erase as `vitrine erase list` writes it");
    }
    list.push_back(std::move(entry));
  }
  settle(list);
  return list;
}

}  // namespace vitrine::privacy
