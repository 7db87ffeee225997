// Structured logs: one JSON object a line, written at once (no queue, nothing lost in a crash).
//
//   log_info("snapshot_written", {{"partition", 3}, {"bytes", size}, {"seconds", 1.25}});
//   {"time":"2024-05-01T12:00:00.123456Z","level":"info","event":"snapshot_written","partition":3,...}
//
// Thread-safe. A line is one write(2), so lines of several threads and processes don't mix. Events
// are stable snake_case names (people search and alert on them); what varies goes into fields.
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <functional>
#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <variant>

#include "base/result.h"

namespace vitrine::obs {

enum class LogLevel : int { kDebug, kInfo, kWarn, kError, kOff };

// "debug", "info", "warn", "error", "off".
std::optional<LogLevel> parse_log_level(std::string_view name);
std::string_view log_level_name(LogLevel level);

// A string (any bytes: escaped, invalid UTF-8 replaced, cut at 4 KiB), a number or a truth value.
// Views are only used during the call.
struct LogField {
  using Value = std::variant<std::string_view, std::int64_t, std::uint64_t, double, bool>;

  LogField(std::string_view k, std::string_view v) : key(k), value(v) {}
  LogField(std::string_view k, const char* v) : key(k), value(std::string_view(v)) {}
  LogField(std::string_view k, const std::string& v) : key(k), value(std::string_view(v)) {}
  template <class T>
  requires std::is_arithmetic_v<T> LogField(std::string_view k, T v) : key(k), value(convert(v)) {}
  LogField(std::string_view k, const Error& e);  // its to_string()

  std::string_view key;
  Value value;
  std::string owned;  // for what is made here

 private:
  template <class T>
  static Value convert(T v) {
    if constexpr (std::is_same_v<T, bool>) {
      return v;
    } else if constexpr (std::is_floating_point_v<T>) {
      return static_cast<double>(v);
    } else if constexpr (std::is_signed_v<T>) {
      return static_cast<std::int64_t>(v);
    } else {
      return static_cast<std::uint64_t>(v);
    }
  }
};
using LogFields = std::initializer_list<LogField>;

struct LogOptions {
  LogLevel level = LogLevel::kInfo;
  std::string path;  // empty: stderr. Appended to; see reopen_log.
  // Instead of a file, for tests; called with whole lines under the log's lock.
  std::function<void(std::string_view line)> sink;
};

// Takes effect for the whole process. kIo if the file can't be opened (the log stays as it was).
Status configure_log(LogOptions options);
// Opens the file again under its name, after a rotation moved it away.
Status reopen_log();

namespace internal {
extern std::atomic<LogLevel> log_level;
void write_log(LogLevel level, std::string_view event, LogFields fields);
}  // namespace internal

inline bool log_enabled(LogLevel level) {
  return level >= internal::log_level.load(std::memory_order_relaxed);
}

// A disabled level costs a load and a compare, once the fields' values are there.
inline void log_debug(std::string_view event, LogFields fields = {}) {
  if (log_enabled(LogLevel::kDebug)) internal::write_log(LogLevel::kDebug, event, fields);
}
inline void log_info(std::string_view event, LogFields fields = {}) {
  if (log_enabled(LogLevel::kInfo)) internal::write_log(LogLevel::kInfo, event, fields);
}
inline void log_warn(std::string_view event, LogFields fields = {}) {
  if (log_enabled(LogLevel::kWarn)) internal::write_log(LogLevel::kWarn, event, fields);
}
inline void log_error(std::string_view event, LogFields fields = {}) {
  if (log_enabled(LogLevel::kError)) internal::write_log(LogLevel::kError, event, fields);
}

// While it lives, each line of this thread carries "request_id" and "tenant" (empty: left out).
// Nests; the views must live as long.
class LogContext {
 public:
  LogContext(std::string_view request_id, std::string_view tenant);
  ~LogContext();
  LogContext(const LogContext&) = delete;
  LogContext& operator=(const LogContext&) = delete;

 private:
  std::string_view outer_request_id_;
  std::string_view outer_tenant_;
};

// For what may happen thousands of times a second: lets one line through per interval and
// counts the rest. Thread-safe, one compare when it refuses.
//
//   static LogLimit limit(10s);
//   if (auto skipped = limit.allow()) log_warn("slow_sync", {{"ms", ms}, {"skipped", *skipped}});
class LogLimit {
 public:
  explicit LogLimit(std::chrono::milliseconds interval)
      : interval_ns_(std::chrono::nanoseconds(interval).count()) {}
  // How many were refused since the last time it allowed; nullopt: not now.
  std::optional<std::uint64_t> allow();

 private:
  const std::int64_t interval_ns_;
  std::atomic<std::int64_t> next_ns_{0};
  std::atomic<std::uint64_t> skipped_{0};
};

}  // namespace vitrine::obs
