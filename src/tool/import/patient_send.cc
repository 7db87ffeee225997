#include "tool/import/patient_send.h"

#include <algorithm>

namespace vitrine::importer {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr milliseconds kFirstWait{100}, kLongestWait{5000};
constexpr std::uint32_t kRetryAfterMostS = 60;

// Twice as long after each failure, unless the server says when.
milliseconds wait_after(const Result<ApiAnswer>& answer, int failures) {
  if (answer.ok() && answer->retry_after_s > 0) {
    return seconds(std::min(answer->retry_after_s, kRetryAfterMostS));
  }
  return std::min(kFirstWait * (1 << std::min(failures - 1, 6)), kLongestWait);
}

}  // namespace

Result<ApiAnswer> send_patiently(ApiClient& client, const PatientRequest& request,
                                 const Patience& patience, Retries& retries) {
  const auto where = [&] { return std::string(request.method) + " " + request.path; };
  milliseconds throttled{0};
  int failures = 0;
  for (;;) {
    auto answer = client.send(request.method, request.path, request.content_type, request.body);
    milliseconds wait{0};
    if (answer.ok() && answer->status == 429) {
      wait = seconds(std::max<std::uint32_t>(1, answer->retry_after_s));
      throttled += wait;
      if (throttled > patience.throttled_max) {
        return refusal(*answer).context(where() + ": still refused after waiting");
      }
      retries.throttled += wait;
    } else if (answer.ok() && answer->status < 500) {
      return answer;
    } else {
      if (++failures >= patience.attempts_max) {
        Error why = answer.ok() ? refusal(*answer) : std::move(answer).error();
        return std::move(why).context(where() + ": gave up after " + std::to_string(failures) +
                                      " attempts");
      }
      wait = wait_after(answer, failures);
    }
    ++retries.requests;
    if (!patience.pause(wait)) {
      return Error(ErrorCode::kUnavailable, "the sending was stopped");
    }
  }
}

}  // namespace vitrine::importer
