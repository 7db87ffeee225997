#include "tool/backup/change_sender.h"

#include <chrono>
#include <thread>

#include "tool/import/json_field.h"
#include "tool/import/patient_send.h"

namespace vitrine::backup {
namespace {

using importer::ApiAnswer;
using importer::read_field;

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
  const importer::Patience patience{
      options_.attempts_max, options_.throttled_max, [this](std::chrono::milliseconds time) {
        options_.sleep ? options_.sleep(time) : std::this_thread::sleep_for(time);
        return true;
      }};
  importer::Retries retries;
  auto answer = importer::send_patiently(
      client_,
      {change.method, change.path, change.body.empty() ? "" : "application/json", change.body},
      patience, retries);
  totals_.retries += retries.requests;
  totals_.throttled += retries.throttled;
  return answer;
}

}  // namespace vitrine::backup
