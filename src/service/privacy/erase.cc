#include "service/privacy/erase.h"

#include <algorithm>
#include <filesystem>

#include "domain/person/person_codec.h"
#include "domain/record/record.h"
#include "engine/eventlog/reader.h"
#include "engine/eventlog/writer.h"
#include "platform/io/atomic_file.h"
#include "service/apply/snapshots.h"
#include "service/privacy/answer_kind.h"
#include "service/recommend/answer_record.h"

namespace vitrine::privacy {
namespace {

using record::RecordKind;

std::string log_directory(const ErasureTarget& target) {
  return io::join_path(target.state.directory, "log");
}

template <class Fn>
Status each_record(io::FileSystem& files, const std::string& directory, Fn&& fn) {
  VITRINE_TRY(const auto reader,
              eventlog::Reader::open(files, directory, 0, eventlog::ReadScope::kWholeFrames));
  eventlog::RecordView record;
  while (true) {
    VITRINE_TRY(const auto end, reader->next(record));
    if (end == eventlog::ReadEnd::kEndOfLog) return ok_status();
    VITRINE_TRY(fn(record));
  }
}

// The same for a log that need not be there: who restored a backup without answers has none.
template <class Fn>
Status each_record_if_any(io::FileSystem& files, const std::string& directory, Fn&& fn) {
  const auto oldest = eventlog::oldest_position(files, directory);
  if (oldest.ok()) return each_record(files, directory, std::forward<Fn>(fn));
  if (oldest.error().code() == ErrorCode::kNotFound) return ok_status();
  return oldest.error();
}

Persons persons_of(const std::vector<ErasureOrder>& orders) {
  Persons persons;
  for (const auto& order : orders) {
    for (const Hash128& key : order.keys) persons.add(order.tenant, key, order.position);
  }
  return persons;
}

Result<bool> redact_record(const Persons& persons, const eventlog::RecordView& record,
                           std::uint16_t& kind, std::string& payload) {
  VITRINE_TRY(const Match match, persons.match(record));
  if (match.about == About::kNobody) return false;
  if (match.about == About::kPerson) {
    kind = static_cast<std::uint16_t>(RecordKind::kErased);
    std::fill(payload.begin() + record::kTenantBytes, payload.end(), '\0');
    return true;
  }
  // An id of the same length that nobody has, so that the event stays one.
  const auto at = static_cast<std::size_t>(match.device.data() - record.payload.data());
  payload.replace(at, match.device.size(), std::string(match.device.size(), '*'));
  return true;
}

Result<bool> is_answer_of(const Persons& persons, const eventlog::RecordView& record) {
  if (record.kind != kAnswerKind) return false;
  VITRINE_TRY(const auto answer, recommend::decode_answer(record.payload));
  return persons.matches_answer(answer.tenant, answer.user_id, answer.anonymous_id,
                                answer.position);
}

Status remove_all(const std::string& path) {
  std::error_code code;
  std::filesystem::remove_all(path, code);
  if (code) return io_error("remove", path, code.value());
  return ok_status();
}

// Everything that follows from the log and may hold what was erased from it.
Status remove_derived(const ErasureTarget& target) {
  for (const char* name : {"snapshots", "cold", "ids"}) {
    VITRINE_TRY(remove_all(io::join_path(target.state.directory, name)));
  }
  return target.files->sync_directory(target.state.directory);
}

Result<eventlog::Position> make_state_anew(const ErasureTarget& target, bool from_nothing,
                                           Progress& progress) {
  if (from_nothing) VITRINE_TRY(remove_derived(target));
  apply::LoadReport report;
  VITRINE_TRY(const auto state,
              apply::PartitionState::load(*target.files, target.state, false, report));
  VITRINE_TRY(const auto reader,
              eventlog::Reader::open(*target.files, log_directory(target), state->position() + 1,
                                     eventlog::ReadScope::kWholeFrames));
  progress.start("making the state anew", 0, "records");
  std::vector<eventlog::RecordView> batch;
  state->hold_locks(true);
  while (true) {
    VITRINE_TRY(reader->next_batch(batch, 256));
    if (batch.empty()) break;
    state->expect(batch);
    for (const auto& record : batch) {
      VITRINE_TRY(const auto outcome, state->apply(record));
      (void)outcome;
    }
    progress.update(state->position());
  }
  state->release();
  progress.finish();
  VITRINE_TRY(const auto position, state->write_snapshot());
  VITRINE_TRY(const auto floor, state->prune_snapshots(1));
  (void)floor;
  return position;
}

// The clock stands at the time each order was given: so it is the same order again, and a restore
// of another cut, or of this one, tells it from a new one.
Status append_orders(const ErasureTarget& target, const ErasureList& orders) {
  ManualClock clock;
  eventlog::WriterOptions options;
  options.directory = log_directory(target);
  options.files = target.files;
  options.clock = &clock;
  options.executor = &thread_executor();
  options.background = false;
  options.seal_after_us = 0;
  VITRINE_TRY(const auto writer, eventlog::Writer::open(options));
  for (const auto& [time, tenant, keys] : orders) {
    clock.set_us(time);
    std::string payload;
    ByteWriter out(payload);
    record::write_tenant(out, tenant);
    person::encode_erasure({keys}, out);
    const eventlog::RecordRef ref{static_cast<std::uint16_t>(RecordKind::kUserErase), 0, payload};
    VITRINE_TRY(const auto range, writer->append(std::span(&ref, 1), nullptr));
    VITRINE_TRY(const bool durable, writer->wait_durable(range.last, kMinuteUs));
    if (!durable) return Error(ErrorCode::kIo, "an order to erase did not become durable");
  }
  return writer->close();
}

}  // namespace

Result<std::vector<ErasureOrder>> find_orders(const ErasureTarget& target) {
  std::vector<ErasureOrder> orders;
  VITRINE_TRY(each_record(
      *target.files, log_directory(target), [&](const eventlog::RecordView& record) -> Status {
        VITRINE_TRY(auto entry, erasure_of(record));
        if (!entry) return ok_status();
        orders.push_back({entry->tenant, record.position, entry->time, std::move(entry->keys)});
        return ok_status();
      }));
  return orders;
}

Result<ErasureStatus> erasure_status(const ErasureTarget& target) {
  ErasureStatus status;
  VITRINE_TRY(status.orders, find_orders(target));
  if (status.orders.empty()) return status;
  const Persons persons = persons_of(status.orders);
  VITRINE_TRY(each_record(*target.files, log_directory(target),
                          [&](const eventlog::RecordView& record) -> Status {
                            VITRINE_TRY(const Match match, persons.match(record));
                            if (match.about != About::kNobody) ++status.records_left;
                            return ok_status();
                          }));
  VITRINE_TRY(each_record_if_any(*target.files, target.answers_directory,
                                 [&](const eventlog::RecordView& record) -> Status {
                                   VITRINE_TRY(const bool theirs, is_answer_of(persons, record));
                                   if (theirs) ++status.answers_left;
                                   return ok_status();
                                 }));
  const auto snapshots = apply::SnapshotDirectory::view(
      *target.files, io::join_path(target.state.directory, "snapshots"));
  VITRINE_TRY(const auto positions, snapshots.list());
  for (const eventlog::Position position : positions) {
    if (position < status.orders.back().position) ++status.snapshots_left;
  }
  return status;
}

Result<ErasureReport> run_erasure(const ErasureTarget& target, Progress& progress) {
  ErasureReport report;
  VITRINE_TRY(const auto orders, find_orders(target));
  report.orders = orders.size();
  if (orders.empty()) return report;
  const Persons persons = persons_of(orders);
  const auto redact = [&](const eventlog::RecordView& record, std::uint16_t& kind,
                          std::string& payload) {
    return redact_record(persons, record, kind, payload);
  };
  VITRINE_TRY(report.log,
              eventlog::rewrite_log(*target.files, log_directory(target), redact, progress));
  const auto redact_answer = [&](const eventlog::RecordView& record, std::uint16_t& kind,
                                 std::string& payload) -> Result<bool> {
    VITRINE_TRY(const bool theirs, is_answer_of(persons, record));
    if (!theirs) return false;
    kind = kErasedAnswerKind;
    payload.assign(payload.size(), '\0');
    return true;
  };
  VITRINE_TRY(const bool answers, target.files->is_directory(target.answers_directory));
  if (answers) {
    VITRINE_TRY(report.answers, eventlog::rewrite_log(*target.files, target.answers_directory,
                                                      redact_answer, progress));
  }
  VITRINE_TRY(const auto oldest, eventlog::oldest_position(*target.files, log_directory(target)));
  report.replayed = oldest == 1;
  VITRINE_TRY(report.snapshot, make_state_anew(target, report.replayed, progress));
  return report;
}

Result<ErasureReport> apply_erasures(const ErasureTarget& target, const ErasureList& orders,
                                     Progress& progress) {
  VITRINE_TRY(const auto held, find_orders(target));
  ErasureList missing = orders;
  settle(missing);
  std::erase_if(missing, [&](const ErasureEntry& order) {
    return std::ranges::any_of(held, [&](const ErasureOrder& known) {
      return known.tenant == order.tenant && known.time == order.time && known.keys == order.keys;
    });
  });
  if (missing.empty()) return ErasureReport{};
  VITRINE_TRY(append_orders(target, missing));
  VITRINE_TRY(auto report, run_erasure(target, progress));
  report.added = missing.size();
  return report;
}

}  // namespace vitrine::privacy
