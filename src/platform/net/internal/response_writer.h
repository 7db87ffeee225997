// The bytes of an answer's head.
#pragma once

#include <string>
#include <string_view>

#include "platform/net/http.h"

namespace vitrine::net::internal {

// Appends status line, headers and the blank line. Header values can't break out of their
// line: control characters become blanks.
void append_head(std::string& out, const Response& response, std::string_view date,
                 bool keep_alive);

// 1xx, 204 and 304 have no body and no Content-Length.
bool status_has_body(int status);

}  // namespace vitrine::net::internal
