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
// Erases it for good; the server must be stopped.
Status run_erase(const Settings& settings, Progress& progress, std::ostream& out);

// How the states of this installation are made; without a directory.
apply::PartitionStateOptions partition_state_options(const Settings& settings);

// What it prints; of the log up to `last` of each partition, or with none given up to its end.
Result<std::vector<backup::StateDigest>> state_digests(const Settings& settings,
                                                       const backup::LastPositions& last);

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
