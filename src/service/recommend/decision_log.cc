#include "service/recommend/decision_log.h"

#include <algorithm>

#include "engine/eventlog/info.h"
#include "engine/eventlog/reader.h"

namespace vitrine::recommend {

namespace {

// A record is appended at most this long after the moment that is in its id: the wait for a
// profile version, a pause of the machine, a clock that was set.
constexpr TimeUs kLate = 10 * kSecondUs;

// How long a fresh record may take to become durable: the log is synced each second.
constexpr TimeUs kSyncWait = 2 * kSecondUs;

Error not_found() {
  return Error(ErrorCode::kNotFound, "no decision of this tenant has this id")
      .with_reason("decision_not_found");
}

// Where to begin: segments are made ahead, so the one before the last that was there may still
// have been written to.
Result<eventlog::Position> begin_of(const DecisionLog& log, TimeUs made) {
  VITRINE_TRY(const auto report, eventlog::log_info(*log.files, log.directory));
  const auto& segments = report.segments;
  if (segments.empty() || segments.front().created_us > made + kLate) {
    return Error(ErrorCode::kGone, "decisions of that time are past their retention")
        .with_reason("decision_gone");
  }
  std::size_t at = 0;
  while (at + 1 < segments.size() && segments[at + 1].created_us <= made) ++at;
  return segments[at > 0 ? at - 1 : 0].first;
}

}  // namespace

Result<AnswerRecord> find_decision(const DecisionLog& log, RequestId id, TenantId tenant,
                                   TimeUs now) {
  const TimeUs made = time_of(id);
  if (made > now + kLate) return not_found();
  VITRINE_TRY(const eventlog::Position begin, begin_of(log, made));
  const auto scope =
      log.running ? eventlog::ReadScope::kDurable : eventlog::ReadScope::kWholeFrames;
  VITRINE_TRY(const auto reader, eventlog::Reader::open(*log.files, log.directory, begin, scope));
  bool waited = !log.running || now - made > kLate;
  eventlog::RecordView record;
  for (;;) {
    VITRINE_TRY(const auto read, reader->next(record));
    if (read == eventlog::ReadEnd::kEndOfLog) {
      if (waited) return not_found();
      waited = !reader->wait(reader->position(), kSyncWait);
      continue;
    }
    if (record.append_time_us > made + kLate) return not_found();
    if (record.kind != log.answer_kind) continue;
    if (peek_request_id(record.payload) != id) continue;
    VITRINE_TRY(auto found, decode_answer(record.payload));
    if (found.tenant != tenant) return not_found();
    return found;
  }
}

}  // namespace vitrine::recommend
