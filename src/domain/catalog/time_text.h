// RFC 3339 times of attributes and filters.
#pragma once

#include <string>
#include <string_view>

#include "base/clock.h"
#include "base/result.h"

namespace vitrine::catalog {

// "2026-11-22T16:10:43Z", with fraction and offset, or a date alone ("2026-11-22": midnight UTC).
Result<TimeUs> parse_time(std::string_view text);
// So that parse_time gives the same time back. Years 1..9999.
std::string format_time(TimeUs time);

}  // namespace vitrine::catalog
