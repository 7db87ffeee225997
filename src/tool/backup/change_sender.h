// Sends single changes to the API, one after the other, each answered before the next is sent.
//
// For what has no import route and must keep its place among events: an answer says that the
// change is applied, so that events that are sent after it come after it in the log, too.
//
// A change is sent as of patient_send.h, within the bounds of importer::SendOptions: so only
// changes that may happen twice are for it.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/result.h"
#include "tool/import/batch_sender.h"

namespace vitrine::backup {

struct Change {
  std::string_view method;
  std::string path;
  std::string body{};                // JSON, or none
  std::string_view harmless_code{};  // of a refusal that leaves all as it should be
  std::uint64_t origin = 0;          // what a rejection names
};

enum class ChangeOutcome : std::uint8_t {
  kApplied,
  kHarmless,  // refused with Change::harmless_code
  kRejected,  // counted in totals()
};

// From one thread.
class ChangeSender {
 public:
  // `options`: target, attempts_max, throttled_max and sleep are used. Errors of ApiClient::open.
  static Result<ChangeSender> open(importer::SendOptions options);

  // An error ends it all: no connection, a key without the right, a server that stays overloaded.
  Result<ChangeOutcome> send(const Change& change);

  const importer::SendTotals& totals() const { return totals_; }

 private:
  ChangeSender(importer::SendOptions options, importer::ApiClient client)
      : options_(std::move(options)), client_(std::move(client)) {}
  Result<importer::ApiAnswer> send_patiently(const Change& change);

  importer::SendOptions options_;
  importer::ApiClient client_;
  importer::SendTotals totals_;
};

}  // namespace vitrine::backup
