// One complete head (request line and headers up to the blank line) into its parts. The grammar is
// Boost.Beast's parser, which stays inside the source file; what it tolerates and we
// don't (see the source) is checked on top.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "platform/net/http.h"

namespace vitrine::net::internal {

struct ParsedHead {
  Method method = Method::kOther;
  std::string_view method_name;
  std::string_view target;
  std::vector<Header> headers;  // views into the parsed bytes
  std::optional<std::uint64_t> content_length;
  bool chunked = false;
  bool keep_alive = true;
  bool expects_continue = false;
};

struct HeadError {
  int status = 0;  // 0: none
  std::string_view code;
  std::string detail;
};

// `head` ends with its blank line. O(size), no allocation once `out` has been used before.
HeadError parse_head(std::string_view head, std::size_t target_bytes_max, std::size_t headers_max,
                     ParsedHead& out);

}  // namespace vitrine::net::internal
