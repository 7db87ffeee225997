#include "service/archive/archive_manifest.h"

#include <array>
#include <charconv>

#include <sodium.h>

#include "platform/codec/json_parse.h"
#include "platform/codec/json_writer.h"

namespace vitrine::archive {
namespace {

constexpr std::string_view kFormat = "vitrine archive manifest 1";
constexpr std::string_view kPlanFormat = "vitrine archive plan 1";
constexpr std::size_t kDigits = 20;

std::string digits(eventlog::Position position) {
  std::string text = std::to_string(position);
  return std::string(kDigits - text.size(), '0') + text;
}

std::string range_name(eventlog::PositionRange range) {
  return digits(range.first) + "-" + digits(range.last);
}

Error corrupt(std::string_view what) { return {ErrorCode::kCorrupt, std::string(what)}; }

bool read_text(const simdjson::dom::element& json, const char* name, std::string& out) {
  std::string_view text;
  if (json[name].get(text) != simdjson::SUCCESS) return false;
  out = text;
  return true;
}

bool read_number(const simdjson::dom::element& json, const char* name, std::uint64_t& out) {
  return json[name].get(out) == simdjson::SUCCESS;
}

bool read_object(const simdjson::dom::element& json, ArchivedObject& out) {
  std::uint64_t tenant = 0;
  const bool read =
      read_number(json, "tenant", tenant) && read_text(json, "date", out.date) &&
      read_number(json, "first", out.range.first) && read_number(json, "last", out.range.last) &&
      read_number(json, "records", out.records) && read_number(json, "raw_bytes", out.raw_bytes) &&
      read_number(json, "bytes", out.bytes) && read_text(json, "raw_hash", out.raw_hash) &&
      read_text(json, "hash", out.hash);
  out.tenant = static_cast<std::uint32_t>(tenant);
  return read;
}

}  // namespace

std::string object_key(const std::string& log, const ArchivedObject& object) {
  return "events/tenant=" + std::to_string(object.tenant) + "/date=" + object.date + "/" + log +
         "-" + range_name(object.range) + ".ndjson.zst";
}

std::string plan_key(const std::string& log, eventlog::Position first) {
  return "plans/" + log + "/" + digits(first);
}

std::string manifest_prefix(const std::string& log) { return "manifests/" + log + "/"; }

std::string manifest_key(const ArchiveManifest& manifest) {
  return manifest_prefix(manifest.log) + range_name(manifest.range) + ".json";
}

Result<eventlog::PositionRange> parse_manifest_key(std::string_view key) {
  std::string_view name = key.substr(key.rfind('/') + 1);
  eventlog::PositionRange range;
  if (name.size() == 2 * kDigits + 1 + 5 && name[kDigits] == '-' && name.ends_with(".json")) {
    const char* begin = name.data();
    const auto first = std::from_chars(begin, begin + kDigits, range.first);
    const char* second = begin + kDigits + 1;
    const auto last = std::from_chars(second, second + kDigits, range.last);
    if (first.ptr == begin + kDigits && last.ptr == second + kDigits && first.ec == std::errc{} &&
        last.ec == std::errc{} && range.first > 0 && range.first <= range.last) {
      return range;
    }
  }
  return corrupt(std::string(key) + " is no name of a manifest");
}

std::string encode_archive_manifest(const ArchiveManifest& manifest) {
  std::string out;
  codec::JsonWriter json(out);
  json.begin_object();
  json.key("format").string(kFormat);
  json.key("log").string(manifest.log);
  json.key("first").number(manifest.range.first);
  json.key("last").number(manifest.range.last);
  json.key("previous").string(manifest.previous);
  json.key("objects").begin_array();
  for (const auto& object : manifest.objects) {
    json.begin_object();
    json.key("tenant").number(object.tenant);
    json.key("date").string(object.date);
    json.key("first").number(object.range.first);
    json.key("last").number(object.range.last);
    json.key("records").number(object.records);
    json.key("raw_bytes").number(object.raw_bytes);
    json.key("bytes").number(object.bytes);
    json.key("raw_hash").string(object.raw_hash);
    json.key("hash").string(object.hash);
    json.end_object();
  }
  json.end_array();
  json.end_object();
  json.finish();
  return out + "\n";
}

Result<ArchiveManifest> decode_archive_manifest(std::string_view text) {
  codec::JsonParser parser;
  auto parsed = parser.parse(text);
  if (!parsed.ok()) return corrupt(parsed.error().message());
  const auto& json = parsed.value();
  std::string format;
  if (!read_text(json, "format", format)) return corrupt("it says no format");
  if (format != kFormat) {
    return Error(ErrorCode::kUnsupported, "it is a '" + format.substr(0, 60) +
                                              "', this build reads '" + std::string(kFormat) + "'");
  }
  ArchiveManifest manifest;
  simdjson::dom::array objects;
  if (!read_text(json, "log", manifest.log) || !read_number(json, "first", manifest.range.first) ||
      !read_number(json, "last", manifest.range.last) ||
      !read_text(json, "previous", manifest.previous) ||
      json["objects"].get(objects) != simdjson::SUCCESS) {
    return corrupt("a field is missing or of another type");
  }
  for (const auto& object : objects) {
    if (!read_object(object, manifest.objects.emplace_back())) {
      return corrupt("a field of an object is missing or of another type");
    }
  }
  // Any other text of the same meaning was not written by this program.
  if (encode_archive_manifest(manifest) != text) return corrupt("it is not as it was written");
  return manifest;
}

std::string encode_plan(eventlog::PositionRange range) {
  std::string out;
  codec::JsonWriter json(out);
  json.begin_object();
  json.key("format").string(kPlanFormat);
  json.key("first").number(range.first);
  json.key("last").number(range.last);
  json.end_object();
  json.finish();
  return out + "\n";
}

Result<eventlog::PositionRange> decode_plan(std::string_view text) {
  codec::JsonParser parser;
  auto parsed = parser.parse(text);
  eventlog::PositionRange range;
  if (!parsed.ok() || !read_number(parsed.value(), "first", range.first) ||
      !read_number(parsed.value(), "last", range.last) || range.first == 0 ||
      range.first > range.last || encode_plan(range) != text) {
    return corrupt("it is not as it was written");
  }
  return range;
}

std::string content_hash(std::string_view bytes) {
  std::array<unsigned char, 32> hash{};
  crypto_generichash(hash.data(), hash.size(), reinterpret_cast<const unsigned char*>(bytes.data()),
                     bytes.size(), nullptr, 0);
  std::array<char, 65> text{};
  sodium_bin2hex(text.data(), text.size(), hash.data(), hash.size());
  return text.data();
}

Result<eventlog::Position> archived_position(blob::ObjectStore& store, const std::string& log) {
  VITRINE_TRY(const auto manifests, store.list(manifest_prefix(log)));
  if (manifests.empty()) return eventlog::Position{0};
  VITRINE_TRY(const auto range, parse_manifest_key(manifests.back().key));
  return range.last;
}

}  // namespace vitrine::archive
