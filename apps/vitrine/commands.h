// What the commands do that need the application or a data directory; their parsing is in main.cc.
#pragma once

#include <memory>
#include <ostream>
#include <string>

#include "base/progress.h"
#include "base/result.h"
#include "platform/codec/json_writer.h"
#include "service/apply/partition_state.h"
#include "service/control/control_store.h"
#include "service/privacy/erase.h"
#include "settings.h"
#include "tool/backup/drill.h"
#include "tool/inspect/log_commands.h"

namespace vitrine::app {

// Runs until SIGTERM or SIGINT. Returns the process's exit code.
int run_serve(const Settings& settings);

// One line per tenant: tenant, position, digest of the state after snapshot and tail of the log.
// The server may be running; what it appends meanwhile is not waited for.
Status run_state_digest(const Settings& settings, bool json, std::ostream& out);

// What was ordered to be erased, and what of it is still to be found. With `must_be_done` an
// error where anything is.
Status run_erase_status(const Settings& settings, bool json, bool must_be_done, std::ostream& out);
// The orders to erase in the logs, as lines for `backup restore --erasures`. A server may run.
Status run_erase_list(const Settings& settings, std::ostream& out);
// Where one partition is erased from.
privacy::ErasureTarget erasure_target(const Settings& settings, std::uint32_t partition);
// Erases it for good; the server must be stopped.
Status run_erase(const Settings& settings, Progress& progress, std::ostream& out);

// How the states of this installation are made; without a directory.
apply::PartitionStateOptions partition_state_options(const Settings& settings);

// What it prints; of the log up to `last` of each partition, or with none given up to its end.
Result<std::vector<backup::StateDigest>> state_digests(const Settings& settings,
                                                       const backup::LastPositions& last);

// The state of one partition after its log's record `last`, from the newest snapshot before it and
// what is behind that in the log, on private copies. `snapshot` is that snapshot's position, 0 for
// none. kGone where the log's records in between are no longer kept.
Result<std::unique_ptr<apply::PartitionState>> replayed_state(
    const std::string& directory, const Settings& settings, eventlog::Position last,
    eventlog::Position* snapshot = nullptr);

// Makes a recorded answer again from the state of its moment and compares every bit; with an item
// also says what became of it. kConflict, after the report, where anything differs. The server may
// be running.
struct ReplayOptions {
  std::string request_id;
  std::string tenant;   // its name; empty: where there is only one
  std::string item_id;  // empty: none
  bool json = false;
  std::uint64_t job_memory = 0;  // not 0: as a child of a server, within that much memory
};
Status run_replay_decision(const Settings& settings, const ReplayOptions& options,
                           std::ostream& out);
// The state of a partition after snapshot and tail of the log, on private copies: a server may run.
Result<std::unique_ptr<apply::PartitionState>> partition_state_now(const Settings& settings,
                                                                   const std::string& directory);

struct SearchEvaluation {
  std::string tenant, queries, qrels;  // a name and two files
  bool json = false;
};
// Judged queries on the tenant's catalog (tool/evaluate/judged_search.h).
Status run_search_evaluation(const Settings& settings, const SearchEvaluation& options,
                             std::ostream& out);

// The control database of a data directory. A running server notices changes within 0.1 s.
Result<std::unique_ptr<control::ControlStore>> open_control_store(const Settings& settings);

// Where a server runs on the data directory, waits until it has noticed changes made here: then a
// key that was just made works, and one that was just revoked doesn't, when the command is back.
void wait_for_running_server(const Settings& settings);

// Adds the payload of a record to the JSON object that is open: "event" and an event in the form it
// is sent in, "item_upsert" and an item, and so on. kUnsupported for kinds this build doesn't know.
Status write_record_payload(const eventlog::RecordView& record, codec::JsonWriter& json);

// The payload of a record as JSON: events in the form they are sent in, catalog changes as items.
inspect::PayloadPrinter payload_printer();

// "DIR" itself if it is a log, else the log of the partition below it.
std::string log_directory(const std::string& directory, std::uint32_t partition);

}  // namespace vitrine::app
