// The data set that a tenant's own log holds: what its visitors did, with the weights that its
// live state counts.
//
// Reads files only, so a server may run on them, in this or another process; what it appends
// meanwhile is not waited for. Live and imported events count alike. An event id that the
// applier would drop as a duplicate or conflict is dropped here by the same window.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/ids.h"
#include "base/progress.h"
#include "base/result.h"
#include "platform/io/file_system.h"
#include "service/evaluate/dataset.h"

namespace vitrine::evaluate {

// Fewer say nothing: intervals would be as wide as the scale.
inline constexpr std::size_t kTenantInteractionsMin = 100;

// Every event of `tenant` that turned to an item (profile::classify), or took that back, sorted
// by event time; equal times in the order of the log. Known users by their id, the others as
// "anonymous:ID". Interactions of events that say nothing about their items (impressions,
// searches) and of dropped duplicates are counted in Dataset::skipped.
//
// Memory: 40 bytes an interaction, the ids, and 38 bytes for each event of the last 73 hours of
// log. kNotFound where there is no log, kCorrupt with file and offset where it is damaged.
Result<Dataset> read_tenant_log(io::FileSystem& files, const std::string& log_directory,
                                TenantId tenant, Progress& progress);

// Finds the tenant in the control database of a data directory and reads its log. kNotFound for a
// folder without one, and for an unknown tenant with the names that are known; kInvalidArgument
// with both numbers where there are fewer than kTenantInteractionsMin interactions.
Result<Dataset> read_tenant(const std::string& data_directory, std::string_view tenant,
                            Progress& progress);

}  // namespace vitrine::evaluate
