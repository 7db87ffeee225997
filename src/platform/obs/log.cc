#include "platform/obs/log.h"

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <cmath>
#include <ctime>
#include <mutex>
#include <utility>

#include <fcntl.h>
#include <unistd.h>

#include "base/clock.h"
#include "platform/obs/internal/utf8.h"

namespace vitrine::obs {
namespace {

constexpr std::size_t kFieldBytesMax = 4096;

struct Output {
  std::mutex mutex;
  int fd = STDERR_FILENO;  // guarded by mutex, as is the rest
  std::string path;
  std::function<void(std::string_view)> sink;
};

// Never destroyed: threads may log until the process is gone.
Output& output() {
  static Output* const instance = new Output;
  return *instance;
}

thread_local std::string_view context_request_id;
thread_local std::string_view context_tenant;

void append_json_text(std::string& out, std::string_view text) {
  static constexpr char kHex[] = "0123456789abcdef";
  const bool cut = text.size() > kFieldBytesMax;
  if (cut) text = text.substr(0, kFieldBytesMax);
  out.push_back('"');
  while (!text.empty()) {
    const auto byte = static_cast<unsigned char>(text.front());
    const std::size_t size = internal::utf8_sequence(text);
    if (size == 0) {
      out.append(internal::kReplacement);
    } else if (byte == '"' || byte == '\\') {
      out.push_back('\\');
      out.push_back(text.front());
    } else if (byte < 0x20 || byte == 0x7F) {
      out.append("\\u00");
      out.push_back(kHex[byte >> 4]);
      out.push_back(kHex[byte & 15]);
    } else {
      out.append(text.substr(0, size));
    }
    text.remove_prefix(std::max<std::size_t>(size, 1));
  }
  if (cut) out.append("...");
  out.push_back('"');
}

template <class T>
void append_number(std::string& out, T value) {
  char digits[32];
  out.append(digits, std::to_chars(digits, digits + sizeof digits, value).ptr);
}

void append_value(std::string& out, const LogField::Value& value) {
  if (const auto* text = std::get_if<std::string_view>(&value)) {
    append_json_text(out, *text);
  } else if (const auto* truth = std::get_if<bool>(&value)) {
    out.append(*truth ? "true" : "false");
  } else if (const auto* real = std::get_if<double>(&value)) {
    if (std::isfinite(*real)) {
      append_number(out, *real);
    } else {
      out.append("null");  // JSON has no other word for it
    }
  } else if (const auto* whole = std::get_if<std::int64_t>(&value)) {
    append_number(out, *whole);
  } else {
    append_number(out, std::get<std::uint64_t>(value));
  }
}

// 2024-05-01T12:00:00.123456Z
void append_time(std::string& out, TimeUs now_us) {
  const std::time_t seconds = static_cast<std::time_t>(now_us / kSecondUs);
  std::tm parts{};
  gmtime_r(&seconds, &parts);
  char text[40];
  out.append(text, std::strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%S.", &parts));
  std::string micros = std::to_string(now_us % kSecondUs);
  out.append(6 - micros.size(), '0').append(micros).push_back('Z');
}

void append_field(std::string& out, std::string_view key, const LogField::Value& value) {
  out.push_back(',');
  append_json_text(out, key);
  out.push_back(':');
  append_value(out, value);
}

void write_all(int fd, std::string_view line) {
  while (!line.empty()) {
    const ssize_t n = ::write(fd, line.data(), line.size());
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) return;  // a log that can't be written must not stop the service
    line.remove_prefix(static_cast<std::size_t>(n));
  }
}

Result<int> open_log(const std::string& path) {
  if (path.empty()) return STDERR_FILENO;
  const int fd = ::open(path.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0640);
  if (fd < 0) return io_error("open the log", path, errno);
  return fd;
}

// With its lock held.
void use_fd(Output& o, int fd) {
  if (o.fd != STDERR_FILENO) ::close(o.fd);
  o.fd = fd;
}

}  // namespace

namespace internal {

std::atomic<LogLevel> log_level{LogLevel::kInfo};

void write_log(LogLevel level, std::string_view event, LogFields fields) {
  thread_local std::string line;
  line.assign("{\"time\":\"");
  append_time(line, system_clock().wall_us());
  line.append("\",\"level\":\"").append(log_level_name(level)).append("\"");
  append_field(line, "event", event);
  if (!context_request_id.empty()) append_field(line, "request_id", context_request_id);
  if (!context_tenant.empty()) append_field(line, "tenant", context_tenant);
  for (const LogField& field : fields) {
    append_field(
        line, field.key,
        field.owned.empty() ? field.value : LogField::Value(std::string_view(field.owned)));
  }
  line.append("}\n");
  Output& o = output();
  std::lock_guard lock(o.mutex);
  if (o.sink) {
    o.sink(line);
  } else {
    write_all(o.fd, line);
  }
}

}  // namespace internal

std::optional<LogLevel> parse_log_level(std::string_view name) {
  for (const LogLevel level :
       {LogLevel::kDebug, LogLevel::kInfo, LogLevel::kWarn, LogLevel::kError, LogLevel::kOff}) {
    if (name == log_level_name(level)) return level;
  }
  return std::nullopt;
}

std::string_view log_level_name(LogLevel level) {
  switch (level) {
    case LogLevel::kDebug: return "debug";
    case LogLevel::kInfo: return "info";
    case LogLevel::kWarn: return "warn";
    case LogLevel::kError: return "error";
    case LogLevel::kOff: break;
  }
  return "off";
}

LogField::LogField(std::string_view k, const Error& e)
    : key(k), value(std::string_view()), owned(e ? e.to_string() : std::string("none")) {}

Status configure_log(LogOptions options) {
  VITRINE_TRY(const int fd, open_log(options.path));
  Output& o = output();
  std::lock_guard lock(o.mutex);
  use_fd(o, fd);
  o.path = std::move(options.path);
  o.sink = std::move(options.sink);
  internal::log_level.store(options.level, std::memory_order_relaxed);
  return ok_status();
}

Status reopen_log() {
  Output& o = output();
  std::lock_guard lock(o.mutex);
  VITRINE_TRY(const int fd, open_log(o.path));
  use_fd(o, fd);
  return ok_status();
}

LogContext::LogContext(std::string_view request_id, std::string_view tenant)
    : outer_request_id_(std::exchange(context_request_id, request_id)),
      outer_tenant_(std::exchange(context_tenant, tenant)) {}

LogContext::~LogContext() {
  context_request_id = outer_request_id_;
  context_tenant = outer_tenant_;
}

std::optional<std::uint64_t> LogLimit::allow() {
  const std::int64_t now = system_clock().steady_ns();
  std::int64_t next = next_ns_.load(std::memory_order_relaxed);
  // Of several threads that find the interval over, the one whose exchange succeeds goes.
  if (now < next || !next_ns_.compare_exchange_strong(next, now + interval_ns_)) {
    skipped_.fetch_add(1, std::memory_order_relaxed);
    return std::nullopt;
  }
  return skipped_.exchange(0, std::memory_order_relaxed);
}

}  // namespace vitrine::obs
