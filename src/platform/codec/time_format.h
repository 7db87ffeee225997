// Times as text (RFC 3339) and as epoch numbers.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "base/clock.h"
#include "base/result.h"

namespace vitrine::codec {

// First microsecond of year 1 and last of year 9999: what RFC 3339 can say.
inline constexpr TimeUs kTimeUsMin = -62'135'596'800 * kSecondUs;
inline constexpr TimeUs kTimeUsMax = 253'402'300'800 * kSecondUs - 1;

// "2026-11-22T16:10:43Z", with an optional fraction of any length (digits past microseconds are
// cut off) and an offset "+01:00" instead of Z; T and Z in either case, or a blank for the T.
// Years 0001..9999 before and after the offset is applied. A leap second (23:59:60 UTC) is the
// first second of the next day. Errors are kInvalidArgument and say which part is wrong.
Result<TimeUs> parse_rfc3339(std::string_view text);

// "2026-11-22" alone: midnight UTC.
Result<TimeUs> parse_date(std::string_view text);

// A number is taken as seconds since 1970 below 1e11 (the year 5138), as milliseconds from there
// on (1e11 ms is in 1973, which senders of milliseconds reach). Empty outside years 1..9999.
std::optional<TimeUs> time_from_epoch_number(double number);

// "2026-11-22T16:10:43Z", ".123Z" or ".123456Z": as many fraction digits as the time needs of
// 0, 3 and 6, so that parse_rfc3339 gives the same time back. `time` within kTimeUsMin..kTimeUsMax.
std::string format_rfc3339(TimeUs time);

// Days since 1970-01-01 of a date in the proleptic Gregorian calendar; month 1..12, day 1..31.
std::int64_t days_from_civil(std::int64_t year, unsigned month, unsigned day);

}  // namespace vitrine::codec
