// The head of a response, for clients: what is needed to find its end, and the rest as text.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

namespace vitrine::net::internal {

struct ResponseHead {
  int status = 0;
  std::size_t size = 0;  // up to and with the blank line
  std::optional<std::uint64_t> content_length;
  bool chunked = false;
  bool keep_alive = true;
  std::string_view fields;  // the header lines, each ending in CRLF

  // 1xx, 204 and 304 end with their head.
  bool has_body() const { return status >= 200 && status != 204 && status != 304; }
};

enum class HeadState { kNeedMore, kComplete, kMalformed };

// Looks at bytes from the start of a response. O(head).
HeadState parse_response_head(std::string_view bytes, ResponseHead& out);

// Takes the next "Name: value" off `fields`; false at the end.
bool next_field(std::string_view& fields, std::string_view& name, std::string_view& value);

}  // namespace vitrine::net::internal
