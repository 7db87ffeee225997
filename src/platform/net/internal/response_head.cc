#include "platform/net/internal/response_head.h"

#include <charconv>

#include <strings.h>

namespace vitrine::net::internal {
namespace {

bool same(std::string_view a, std::string_view b) {
  return a.size() == b.size() && ::strncasecmp(a.data(), b.data(), a.size()) == 0;
}

std::string_view trimmed(std::string_view s) {
  while (!s.empty() && (s.front() == ' ' || s.front() == '\t')) s.remove_prefix(1);
  while (!s.empty() && (s.back() == ' ' || s.back() == '\t')) s.remove_suffix(1);
  return s;
}

}  // namespace

bool next_field(std::string_view& fields, std::string_view& name, std::string_view& value) {
  const std::size_t end = fields.find("\r\n");
  if (end == std::string_view::npos) return false;
  const std::string_view line = fields.substr(0, end);
  fields.remove_prefix(end + 2);
  const std::size_t colon = line.find(':');
  name = line.substr(0, colon);
  value = colon == std::string_view::npos ? std::string_view() : trimmed(line.substr(colon + 1));
  return true;
}

HeadState parse_response_head(std::string_view bytes, ResponseHead& out) {
  static constexpr std::string_view kVersion = "HTTP/1.";
  static constexpr std::size_t kHeadBytesMax = 64 << 10;
  const std::size_t end = bytes.find("\r\n\r\n");
  if (end == std::string_view::npos) {
    const bool may_be = bytes.substr(0, kVersion.size()) == kVersion.substr(0, bytes.size());
    return may_be && bytes.size() < kHeadBytesMax ? HeadState::kNeedMore : HeadState::kMalformed;
  }
  const std::string_view head = bytes.substr(0, end + 2);
  // "HTTP/1.1 200 OK"
  if (head.size() < 14 || !head.starts_with(kVersion) || head[8] != ' ') {
    return HeadState::kMalformed;
  }
  out = {};
  const char* const digits = head.data() + 9;
  const auto parsed = std::from_chars(digits, digits + 3, out.status);
  if (parsed.ec != std::errc() || parsed.ptr != digits + 3) return HeadState::kMalformed;
  out.size = end + 4;
  out.keep_alive = head[7] != '0';
  out.fields = head.substr(head.find("\r\n") + 2);
  std::string_view rest = out.fields;
  std::string_view name;
  std::string_view value;
  while (next_field(rest, name, value)) {
    if (same(name, "content-length")) {
      std::uint64_t length = 0;
      const auto r = std::from_chars(value.data(), value.data() + value.size(), length);
      if (r.ec != std::errc() || r.ptr != value.data() + value.size()) return HeadState::kMalformed;
      out.content_length = length;
    } else if (same(name, "transfer-encoding")) {
      out.chunked = same(value, "chunked");
    } else if (same(name, "connection")) {
      if (same(value, "close")) out.keep_alive = false;
      if (same(value, "keep-alive")) out.keep_alive = true;
    }
  }
  return HeadState::kComplete;
}

}  // namespace vitrine::net::internal
