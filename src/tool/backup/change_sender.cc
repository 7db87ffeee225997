#include "tool/backup/change_sender.h"

#include <algorithm>
#include <thread>

#include "tool/import/json_field.h"

namespace vitrine::backup {
namespace {

using importer::ApiAnswer;
using importer::read_field;
using std::chrono::milliseconds;

// The text of a field of the answer; empty where there is none.
std::string field_of(const ApiAnswer& answer, std::string_view name) {
  codec::JsonParser parser;
  std::string_view value;
  const auto document = parser.parse(answer.body);
  if (!document.ok() || !read_field(document.value(), name, value)) return {};
  return std::string(value);
}

bool about_the_change(int status) {
  return status == 400 || status == 404 || status == 409 || status == 413 || status == 422;
}

}  // namespace

Result<ChangeSender> ChangeSender::open(importer::SendOptions options) {
  VITRINE_TRY(auto client, importer::ApiClient::open(options.target));
  return ChangeSender(std::move(options), std::move(client));
}

Result<ChangeOutcome> ChangeSender::send(const Change& change) {
  VITRINE_TRY(const ApiAnswer answer, send_patiently(change));
  ++totals_.lines;
  if (answer.ok()) {
    ++totals_.accepted;
    totals_.profile_version = field_of(answer, "profile_version");
    return ChangeOutcome::kApplied;
  }
  const std::string code = field_of(answer, "code");
  if (!code.empty() && code == change.harmless_code) return ChangeOutcome::kHarmless;
  if (!about_the_change(answer.status)) {
    return refusal(answer).context(std::string(change.method) + " " + change.path);
  }
  ++totals_.rejected;
  ++totals_.rejected_by_code[code];
  if (totals_.first_rejected.size() < importer::kRejectedKept) {
    totals_.first_rejected.push_back({change.origin, code, refusal(answer).message()});
  }
  return ChangeOutcome::kRejected;
}

Result<ApiAnswer> ChangeSender::send_patiently(const Change& change) {
  const auto where = [&] { return std::string(change.method) + " " + change.path; };
  milliseconds throttled{0};
  int failures = 0;
  for (;;) {
    auto answer = client_.send(change.method, change.path,
                               change.body.empty() ? "" : "application/json", change.body);
    milliseconds wait{0};
    if (answer.ok() && answer->status == 429) {
      wait = std::chrono::seconds(std::max<std::uint32_t>(1, answer->retry_after_s));
      throttled += wait;
      if (throttled > options_.throttled_max) {
        return refusal(*answer).context(where() + ": still refused after waiting");
      }
      totals_.throttled += wait;
    } else if (answer.ok() && answer->status < 500) {
      return answer;
    } else {
      if (++failures >= options_.attempts_max) {
        Error why = answer.ok() ? refusal(*answer) : std::move(answer).error();
        return std::move(why).context(where() + ": gave up after " + std::to_string(failures) +
                                      " attempts");
      }
      wait = std::min(milliseconds(100) * (1 << std::min(failures - 1, 6)), milliseconds(5000));
    }
    ++totals_.retries;
    pause(wait);
  }
}

void ChangeSender::pause(milliseconds time) const {
  if (options_.sleep) return options_.sleep(time);
  std::this_thread::sleep_for(time);
}

}  // namespace vitrine::backup
