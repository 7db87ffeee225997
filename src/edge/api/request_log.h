// What requests are called, and what the log says of those that did not go well.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "platform/net/http.h"

namespace vitrine::api {

// The name of a request in the log and in X-Request-Id: what the client sent there, if that is 1 to
// 64 characters of A-Z a-z 0-9 . _ -, else 13 characters made here, of which no two are equal in
// one process. Thread-safe, some 10 ns.
std::string request_name(std::string_view sent);

// An answer that takes longer is told.
inline constexpr std::int64_t kSlowRequestNs = 1'000'000'000;

struct Answered {
  std::string_view name;
  bool named_by_client = false;
  std::string_view tenant;  // empty: none, or not known yet
  std::string_view route;   // operation, as in OpenAPI; empty: none was found
  std::int64_t took_ns = 0;
};

// Names the answer (X-Request-Id) where something went wrong or the client named the request, and
// writes a line about what went wrong: request_failed (5xx, error), request_slow (warn),
// request_refused (4xx, debug). At most ten lines a second of each; `skipped` counts those left
// out. Thread-safe.
void finish_answer(const Answered& answered, net::Response& response);

}  // namespace vitrine::api
