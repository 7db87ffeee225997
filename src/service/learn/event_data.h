// The data set that a tenant's log holds up to a position, as far as its people allow.
//
// A function of the log up to that position: same log, same data, in the same order.
//
// Left out, and counted (model::DataCut):
//   - what somebody did while personalisation or analytics was denied, and all that was done by
//     somebody who denies either at the end, whatever was allowed before;
//   - what a user did before being erased or deleted (domain/record/record.h);
//   - all that flagged visitors did.
// Visitors that became a known user are that user. An event that the applier would drop as a
// duplicate is dropped by the same window. No user ids are kept.
#pragma once

#include <atomic>
#include <functional>
#include <string>

#include "base/hash.h"
#include "base/progress.h"
#include "base/result.h"
#include "domain/model/manifest.h"
#include "domain/model/registry.h"
#include "engine/eventlog/types.h"
#include "platform/io/file_system.h"
#include "service/evaluate/dataset.h"

namespace vitrine::learn {

struct CutOptions {
  eventlog::Position until = ~eventlog::Position{0};  // the last record that counts
  // True for visitors that are not to be learned from; may be empty. By profile::user_key() or
  // anonymous_key() of who they are at the end.
  std::function<bool(const Hash128& key)> flagged = {};
  const std::atomic<bool>* stop = nullptr;  // set: gives up with kUnavailable
};

struct TenantData {
  evaluate::Dataset data;
  model::DataCut cut;      // position 0 where the tenant has no record
  model::Registry models;  // at the cut, as far as the log is kept
};

// Reads files only, so a server may run on them. Memory: 28 bytes an interaction, the ids of items,
// 80 bytes a user, and 38 bytes for each event of the last 73 hours of log. kNotFound where there
// is no log, kCorrupt with file and offset where it is damaged. Records that retention has dropped
// are not there to learn from.
Result<TenantData> cut_tenant_data(io::FileSystem& files, const std::string& log_directory,
                                   TenantId tenant, const CutOptions& options,
                                   Progress& progress = no_progress());

}  // namespace vitrine::learn
