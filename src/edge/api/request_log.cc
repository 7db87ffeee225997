#include "edge/api/request_log.h"

#include <algorithm>
#include <atomic>
#include <chrono>

#include "base/clock.h"
#include "platform/obs/log.h"

namespace vitrine::api {
namespace {

constexpr std::size_t kNameMost = 64;
constexpr std::string_view kDigits = "0123456789abcdefghjkmnpqrstvwxyz";

bool fits_name(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' ||
         c == '_' || c == '-';
}

// The bits of a counter in another order: neighbours in time look different.
std::string made_name() {
  static const auto began = static_cast<std::uint64_t>(system_clock().wall_us());
  static std::atomic<std::uint64_t> made{0};
  std::uint64_t number =
      (began << 20) + made.fetch_add(1, std::memory_order_relaxed) * 0x9E3779B97F4A7C15ull;
  std::string name(13, '0');
  for (char& c : name) {
    c = kDigits[number & 31];
    number >>= 5;
  }
  return name;
}

using WriteLine = void (*)(std::string_view event, obs::LogFields fields);

void tell(WriteLine write, obs::LogLimit& limit, std::string_view event, const Answered& answered,
          int status) {
  const auto skipped = limit.allow();
  if (!skipped) return;
  const obs::LogContext context(answered.name, answered.tenant);
  write(event, {{"route", answered.route},
                {"status", status},
                {"ms", static_cast<double>(answered.took_ns) / 1e6},
                {"skipped", *skipped}});
}

}  // namespace

std::string request_name(std::string_view sent) {
  const bool fits =
      !sent.empty() && sent.size() <= kNameMost && std::all_of(sent.begin(), sent.end(), fits_name);
  return fits ? std::string(sent) : made_name();
}

void finish_answer(const Answered& answered, net::Response& response) {
  using namespace std::chrono_literals;
  static obs::LogLimit failed(100ms), slow(100ms), refused(100ms);
  if (response.status >= 400 || answered.named_by_client) {
    response.headers.push_back({"X-Request-Id", std::string(answered.name)});
  }
  if (response.status >= 500) {
    tell(obs::log_error, failed, "request_failed", answered, response.status);
  } else if (response.status >= 400) {
    if (obs::log_enabled(obs::LogLevel::kDebug))
      tell(obs::log_debug, refused, "request_refused", answered, response.status);
  } else if (answered.took_ns > kSlowRequestNs) {
    tell(obs::log_warn, slow, "request_slow", answered, response.status);
  }
}

}  // namespace vitrine::api
