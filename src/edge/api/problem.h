// Errors as RFC 9457 problem documents.
#pragma once

#include <cstdint>
#include <string_view>

#include "base/result.h"
#include "platform/net/http.h"

namespace vitrine::api {

// One status for each code; the document's `code` is the error's reason (or the code's name).
int http_status(ErrorCode code);

// {"type": "...#code", "title": "Not Found", "status": 404, "code": "not_found", "detail": "..."}
// with Retry-After where the error has one, and 1 s with every other 429 and 503. An internal
// error's detail stays in the log.
net::Response problem_response(const Error& error);

// The same for what is not an Error.
net::Response problem_response(int status, std::string_view code, std::string_view detail);
// With Retry-After: the same request may succeed after `wait_s` seconds.
net::Response passing_problem_response(int status, std::string_view code, std::string_view detail,
                                       std::uint32_t wait_s);

}  // namespace vitrine::api
