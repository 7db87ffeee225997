#include "domain/conduct/standing.h"

#include <array>

#include "domain/event/event.h"
#include "platform/codec/json_parse.h"
#include "platform/codec/json_writer.h"
#include "platform/codec/utf8.h"

namespace vitrine::conduct {
namespace {

constexpr std::uint8_t kVersion = 1;
constexpr std::uint8_t kUser = 1;
constexpr std::uint8_t kAnonymous = 2;
constexpr std::array<std::string_view, 4> kNames = {"counted", "waiting", "flagged", "trusted"};

Error corrupt(const std::string& what) {
  return Error(ErrorCode::kCorrupt, "a record of a visitor's standing " + what);
}

Error wrong(const std::string& what) {
  return Error(ErrorCode::kInvalidArgument, what).with_reason("invalid_request");
}

}  // namespace

std::string_view standing_name(Standing standing) {
  const auto value = static_cast<std::size_t>(standing);
  return value < kNames.size() ? kNames[value] : std::string_view{};
}

Status check_change(const StandingChange& change) {
  if (change.id.empty() || change.id.size() > event::kIdBytesMax ||
      !codec::is_printable_utf8(change.id)) {
    return wrong(std::string(change.anonymous ? "anonymous_id" : "user_id") + " must be 1 to " +
                 std::to_string(event::kIdBytesMax) + " bytes of UTF-8 without control characters");
  }
  if (change.note.size() > kNoteBytesMax || !codec::is_printable_utf8(change.note)) {
    return wrong("note must be at most " + std::to_string(kNoteBytesMax) +
                 " bytes of UTF-8 without control characters");
  }
  if (change.standing == Standing::kWaiting || standing_name(change.standing).empty()) {
    return wrong("standing must be \"counted\", \"flagged\" or \"trusted\"");
  }
  return ok_status();
}

Result<StandingChange> parse_change(std::string_view json, std::size_t readable_behind) {
  thread_local codec::JsonParser parser;
  VITRINE_TRY(const simdjson::dom::element document, parser.parse(json, readable_behind));
  simdjson::dom::object object;
  if (document.get(object) != simdjson::SUCCESS) return wrong("the body must be a JSON object");
  StandingChange change;
  bool has_id = false, has_standing = false;
  for (const auto [key, value] : object) {
    const bool is_id = key == "user_id" || key == "anonymous_id";
    if (!is_id && key != "standing" && key != "note") {
      return wrong(std::string(key.substr(0, 64)) +
                   ": must be absent: the fields are user_id or anonymous_id, standing and note");
    }
    std::string_view text;
    if (value.get(text) != simdjson::SUCCESS) return wrong(std::string(key) + ": must be a string");
    if (is_id) {
      if (has_id) return wrong("user_id and anonymous_id: only one of them, once");
      has_id = true;
      change.anonymous = key == "anonymous_id";
      change.id = text;
    } else if (key == "note") {
      change.note = text;
    } else {
      for (std::uint8_t s = 0; s < kNames.size(); ++s) {
        if (kNames[s] != text) continue;
        change.standing = static_cast<Standing>(s);
        has_standing = true;
      }
    }
  }
  if (!has_id) return wrong("user_id or anonymous_id is missing");
  if (!has_standing) return wrong("standing must be \"counted\", \"flagged\" or \"trusted\"");
  VITRINE_TRY(check_change(change));
  return change;
}

void write_change(const StandingChange& change, codec::JsonWriter& json) {
  json.key(change.anonymous ? "anonymous_id" : "user_id").string(change.id);
  json.key("standing").string(standing_name(change.standing));
  json.key("note").string(change.note);
}

void encode_change(const StandingChange& change, ByteWriter& out) {
  out.u8(kVersion);
  out.u8(change.anonymous ? kAnonymous : kUser);
  out.string(change.id);
  out.u8(static_cast<std::uint8_t>(change.standing));
  out.string(change.note);
}

Result<StandingChange> decode_change(std::string_view body) {
  ByteReader in(body);
  const std::uint8_t version = in.u8();
  if (in.ok() && version != kVersion) {
    return Error(ErrorCode::kUnsupported, "a visitor's standing of version " +
                                              std::to_string(version) + ", this build reads " +
                                              std::to_string(kVersion));
  }
  const std::uint8_t kind = in.u8();
  StandingChange change;
  change.anonymous = kind == kAnonymous;
  change.id = std::string(in.string());
  change.standing = static_cast<Standing>(in.u8());
  change.note = std::string(in.string());
  if (!in.at_end()) return corrupt("ends early or has bytes left");
  if (kind != kUser && kind != kAnonymous) return corrupt("is about neither user nor visitor");
  if (const Status good = check_change(change); !good.ok()) {
    return corrupt("breaks a rule: " + good.error().message());
  }
  return change;
}

}  // namespace vitrine::conduct
