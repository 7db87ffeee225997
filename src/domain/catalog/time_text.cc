#include "domain/catalog/time_text.h"

#include <cstdio>

namespace vitrine::catalog {

namespace {

// Days since 1970-01-01 in the proleptic Gregorian calendar (Howard Hinnant, "chrono-compatible
// low-level date algorithms").
std::int64_t days_from_civil(std::int64_t y, unsigned m, unsigned d) {
  y -= m <= 2 ? 1 : 0;
  const std::int64_t era = y / 400;
  const auto yoe = static_cast<unsigned>(y - era * 400);
  const unsigned doy = (153 * (m > 2 ? m - 3 : m + 9) + 2) / 5 + d - 1;
  const unsigned doe = yoe * 365 + yoe / 4 - yoe / 100 + doy;
  return era * 146097 + static_cast<std::int64_t>(doe) - 719468;
}

// Reads digits and fixed characters from the front; ok stays false after the first miss.
struct Scanner {
  std::string_view rest;
  bool ok = true;

  unsigned digits(std::size_t count, unsigned low, unsigned high) {
    unsigned value = 0;
    if (rest.size() < count) ok = false;
    for (std::size_t i = 0; ok && i < count; ++i) {
      if (rest[i] < '0' || rest[i] > '9') ok = false;
      value = value * 10 + static_cast<unsigned>(rest[i] - '0');
    }
    if (!ok || value < low || value > high) ok = false;
    if (ok) rest.remove_prefix(count);
    return value;
  }
  bool skip(std::string_view any_of) {
    if (!ok || rest.empty() || any_of.find(rest.front()) == std::string_view::npos) return false;
    rest.remove_prefix(1);
    return true;
  }
  void expect(std::string_view any_of) { ok = skip(any_of) && ok; }
};

unsigned days_in_month(unsigned year, unsigned month) {
  if (month == 2) return year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) ? 29 : 28;
  return month == 4 || month == 6 || month == 9 || month == 11 ? 30 : 31;
}

}  // namespace

Result<TimeUs> parse_time(std::string_view text) {
  Scanner in{text};
  const unsigned year = in.digits(4, 1, 9999);
  in.expect("-");
  const unsigned month = in.digits(2, 1, 12);
  in.expect("-");
  const unsigned day = in.digits(2, 1, in.ok ? days_in_month(year, month) : 31);
  std::int64_t seconds = in.ok ? days_from_civil(year, month, day) * 86'400 : 0;
  TimeUs micros = 0;
  if (in.ok && !in.rest.empty()) {
    in.expect("Tt ");
    seconds += in.digits(2, 0, 23) * 3600;
    in.expect(":");
    seconds += in.digits(2, 0, 59) * 60;
    in.expect(":");
    seconds += in.digits(2, 0, 60);
    if (in.skip(".")) {
      TimeUs unit = kSecondUs / 10;
      bool any = false;
      for (; !in.rest.empty() && in.rest.front() >= '0' && in.rest.front() <= '9'; unit /= 10) {
        micros += (in.rest.front() - '0') * unit;
        in.rest.remove_prefix(1);
        any = true;
      }
      in.ok = in.ok && any;
    }
    if (!in.skip("Zz")) {
      const bool minus = in.skip("-");
      if (!minus) in.expect("+");
      const std::int64_t hours = in.digits(2, 0, 23);
      in.expect(":");
      const std::int64_t offset = hours * 3600 + in.digits(2, 0, 59) * 60;
      seconds += minus ? offset : -offset;
    }
  }
  if (!in.ok || !in.rest.empty()) {
    return Error(
        ErrorCode::kInvalidArgument,
        "must be a time such as \"2026-11-22T16:10:43Z\" or a date such as \"2026-11-22\"");
  }
  return seconds * kSecondUs + micros;
}

std::string format_time(TimeUs time) {
  std::int64_t seconds = time / kSecondUs;
  TimeUs micros = time % kSecondUs;
  if (micros < 0) {
    micros += kSecondUs;
    --seconds;
  }
  std::int64_t days = seconds / 86'400;
  std::int64_t rest = seconds % 86'400;
  if (rest < 0) {
    rest += 86'400;
    --days;
  }
  const std::int64_t z = days + 719468;
  const std::int64_t era = z / 146097;
  const std::int64_t doe = z - era * 146097;
  const std::int64_t yoe = (doe - doe / 1460 + doe / 36524 - doe / 146096) / 365;
  const std::int64_t doy = doe - (365 * yoe + yoe / 4 - yoe / 100);
  const std::int64_t mp = (5 * doy + 2) / 153;
  const int day = static_cast<int>(doy - (153 * mp + 2) / 5 + 1);
  const int month = static_cast<int>(mp < 10 ? mp + 3 : mp - 9);
  const int year = static_cast<int>(yoe + era * 400 + (month <= 2 ? 1 : 0));
  char buffer[80];
  int size = std::snprintf(buffer, sizeof buffer, "%04d-%02d-%02dT%02d:%02d:%02d", year, month, day,
                           static_cast<int>(rest / 3600), static_cast<int>(rest / 60 % 60),
                           static_cast<int>(rest % 60));
  std::string out(buffer, static_cast<std::size_t>(size));
  if (micros != 0) {
    size = std::snprintf(buffer, sizeof buffer, ".%06d", static_cast<int>(micros));
    out.append(buffer, static_cast<std::size_t>(size));
  }
  return out + "Z";
}

}  // namespace vitrine::catalog
