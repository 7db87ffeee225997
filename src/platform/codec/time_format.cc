#include "platform/codec/time_format.h"

#include <array>
#include <cmath>
#include <cstdint>

namespace vitrine::codec {
namespace {

struct Date {
  int year = 0;
  int month = 0;
  int day = 0;
};

Error invalid(std::string_view text, std::string_view what) {
  std::string shown(text.substr(0, 40));
  return {ErrorCode::kInvalidArgument, "'" + shown + (text.size() > 40 ? "...'" : "'") +
                                           " is not an RFC 3339 time: " + std::string(what)};
}

// `count` digits at `at`, or -1.
int digits(std::string_view text, std::size_t at, std::size_t count) {
  if (text.size() < at + count) return -1;
  int value = 0;
  for (std::size_t i = at; i < at + count; ++i) {
    if (text[i] < '0' || text[i] > '9') return -1;
    value = value * 10 + (text[i] - '0');
  }
  return value;
}

bool has(std::string_view text, std::size_t at, char c) {
  return at < text.size() && text[at] == c;
}

bool is_leap_year(int year) { return (year % 4 == 0 && year % 100 != 0) || year % 400 == 0; }

int days_in_month(int year, int month) {
  constexpr std::array<int, 12> kDays = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
  if (month == 2 && is_leap_year(year)) return 29;
  return kDays[static_cast<std::size_t>(month - 1)];
}

Result<Date> parse_civil_date(std::string_view text) {
  const Date date{digits(text, 0, 4), digits(text, 5, 2), digits(text, 8, 2)};
  if (date.year < 0 || date.month < 0 || date.day < 0 || !has(text, 4, '-') || !has(text, 7, '-')) {
    return invalid(text, "it must begin with a date like 2026-11-22");
  }
  if (date.year == 0) return invalid(text, "years go from 0001 to 9999");
  if (date.month < 1 || date.month > 12) return invalid(text, "months go from 01 to 12");
  if (date.day < 1 || date.day > days_in_month(date.year, date.month)) {
    return invalid(text, "that month has no such day");
  }
  return date;
}

// Offset of "Z", "z", "+hh:mm" or "-hh:mm", which must be all of `zone`.
Result<TimeUs> parse_offset(std::string_view text, std::string_view zone) {
  if (zone == "Z" || zone == "z") return TimeUs{0};
  const int hours = digits(zone, 1, 2);
  const int minutes = digits(zone, 4, 2);
  if (zone.size() != 6 || (zone[0] != '+' && zone[0] != '-') || zone[3] != ':' || hours < 0 ||
      minutes < 0) {
    return invalid(text, "it must end with Z or an offset like +01:00");
  }
  if (hours > 23 || minutes > 59) return invalid(text, "offsets go up to 23:59");
  const TimeUs offset = hours * kHourUs + minutes * kMinuteUs;
  return zone[0] == '-' ? -offset : offset;
}

// Reads ".123" at `at` and moves behind it.
Result<TimeUs> parse_fraction(std::string_view text, std::size_t& at) {
  TimeUs fraction = 0;
  if (!has(text, at, '.')) return fraction;
  const std::size_t first = ++at;
  TimeUs unit = kSecondUs / 10;
  for (; at < text.size() && text[at] >= '0' && text[at] <= '9'; ++at) {
    fraction += unit * (text[at] - '0');
    unit /= 10;
  }
  if (at == first) return invalid(text, "digits must follow the decimal point");
  return fraction;
}

}  // namespace

// Howard Hinnant, "chrono-Compatible Low-Level Date Algorithms", days_from_civil: years begin in
// March, so that the leap day is the last of its year.
std::int64_t days_from_civil(std::int64_t year, unsigned month, unsigned day) {
  year -= month <= 2;
  const std::int64_t era = (year >= 0 ? year : year - 399) / 400;
  const auto year_of_era = static_cast<unsigned>(year - era * 400);
  const unsigned day_of_year = (153 * (month > 2 ? month - 3 : month + 9) + 2) / 5 + day - 1;
  const unsigned day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
  return era * 146097 + static_cast<std::int64_t>(day_of_era) - 719468;
}

Result<TimeUs> parse_date(std::string_view text) {
  VITRINE_TRY(const Date date, parse_civil_date(text));
  if (text.size() != 10) return invalid(text, "more follows the date");
  return days_from_civil(date.year, static_cast<unsigned>(date.month),
                         static_cast<unsigned>(date.day)) *
         kDayUs;
}

Result<TimeUs> parse_rfc3339(std::string_view text) {
  VITRINE_TRY(const Date date, parse_civil_date(text));
  if (!has(text, 10, 'T') && !has(text, 10, 't') && !has(text, 10, ' ')) {
    return invalid(text, "a T must stand between date and time");
  }
  const int hour = digits(text, 11, 2);
  const int minute = digits(text, 14, 2);
  const int second = digits(text, 17, 2);
  if (hour < 0 || minute < 0 || second < 0 || !has(text, 13, ':') || !has(text, 16, ':')) {
    return invalid(text, "behind the date it needs a time like 16:10:43");
  }
  if (hour > 23 || minute > 59 || second > 60) {
    return invalid(text, "times go from 00:00:00 to 23:59:59");
  }
  std::size_t at = 19;
  VITRINE_TRY(const TimeUs fraction, parse_fraction(text, at));
  VITRINE_TRY(const TimeUs offset, parse_offset(text, text.substr(at)));
  const TimeUs minutes_us = days_from_civil(date.year, static_cast<unsigned>(date.month),
                                            static_cast<unsigned>(date.day)) *
                                kDayUs +
                            hour * kHourUs + minute * kMinuteUs - offset;
  if (second == 60 && (minutes_us + kMinuteUs) % kDayUs != 0) {
    return invalid(text, "a second 60 exists only at 23:59 UTC");
  }
  const TimeUs time = minutes_us + second * kSecondUs + fraction;
  if (time < kTimeUsMin || time > kTimeUsMax) return invalid(text, "years go from 0001 to 9999");
  return time;
}

std::optional<TimeUs> time_from_epoch_number(double number) {
  constexpr double kFirstMilliseconds = 1e11;
  if (!std::isfinite(number)) return std::nullopt;
  const bool is_ms = number >= kFirstMilliseconds;
  // Milliseconds stay exact: split before scaling.
  const double whole = std::floor(number);
  const double limit = is_ms ? 1e15 : 1e12;
  if (whole < -limit || whole > limit) return std::nullopt;
  const TimeUs unit = is_ms ? 1000 : kSecondUs;
  const TimeUs time = static_cast<TimeUs>(whole) * unit +
                      static_cast<TimeUs>((number - whole) * static_cast<double>(unit));
  if (time < kTimeUsMin || time > kTimeUsMax) return std::nullopt;
  return time;
}

std::string format_rfc3339(TimeUs time) {
  TimeUs days = time / kDayUs;
  TimeUs rest = time % kDayUs;
  if (rest < 0) {
    rest += kDayUs;
    --days;
  }
  // civil_from_days of the same source.
  const std::int64_t z = days + 719468;
  const std::int64_t era = (z >= 0 ? z : z - 146096) / 146097;
  const auto day_of_era = static_cast<unsigned>(z - era * 146097);
  const unsigned year_of_era =
      (day_of_era - day_of_era / 1460 + day_of_era / 36524 - day_of_era / 146096) / 365;
  const unsigned day_of_year =
      day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
  const unsigned month_from_march = (5 * day_of_year + 2) / 153;
  const unsigned day = day_of_year - (153 * month_from_march + 2) / 5 + 1;
  const unsigned month = month_from_march < 10 ? month_from_march + 3 : month_from_march - 9;
  const auto year = static_cast<unsigned>(year_of_era + era * 400 + (month <= 2));

  std::string out;
  out.reserve(27);
  const auto put = [&out](unsigned value, int width) {
    char buffer[8];
    for (int i = width - 1; i >= 0; --i, value /= 10)
      buffer[i] = static_cast<char>('0' + value % 10);
    out.append(buffer, static_cast<std::size_t>(width));
  };
  put(year, 4), out += '-', put(month, 2), out += '-', put(day, 2), out += 'T';
  const auto seconds = static_cast<unsigned>(rest / kSecondUs);
  put(seconds / 3600, 2), out += ':', put(seconds / 60 % 60, 2), out += ':', put(seconds % 60, 2);
  const auto micros = static_cast<unsigned>(rest % kSecondUs);
  if (micros % 1000 != 0) {
    out += '.', put(micros, 6);
  } else if (micros != 0) {
    out += '.', put(micros / 1000, 3);
  }
  out += 'Z';
  return out;
}

}  // namespace vitrine::codec
