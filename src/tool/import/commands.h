// `vitrine import ...`: files and a generated shop into a tenant, through its API.
//
// Each command prints a report (import_report.h) to `out`, also when lines were rejected. They are
// then an error all the same, so that a script notices, unless allow_errors is set. Running
// an import again changes nothing: items and users replace themselves, events are known by their id
// for 73 hours.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <ostream>
#include <string>

#include "base/clock.h"
#include "base/progress.h"
#include "base/result.h"
#include "tool/import/row_mapper.h"
#include "tool/import/row_source.h"

namespace vitrine::importer {

// Where to, and how. The key must be a secret one.
struct ImportOptions {
  std::string url;
  std::string ca_file;  // PEM: whom to trust with https; empty: the system's authorities
  std::string key;
  std::size_t batch = 1000;  // lines of a request, 1..1000
  // More are faster on machines with cores to spare. A customer's events stay in order, but the
  // order between customers in the log is then no longer that of the file.
  int connections = 1;
  // Rejected lines and unreadable rows are only reported.
  bool allow_errors = false;
  const Clock* clock = &system_clock();
  std::function<void(std::chrono::milliseconds)> sleep;  // empty: really; for tests
};

struct OnlineRetailOptions : ImportOptions {
  std::string file;  // CSV, plain or gzip
  // Moves all times so that the last event is now, by whole seconds. A second import then sends the
  // same ids with other times; those are reported as there before.
  bool shift_to_now = false;
};
// Catalog first, then events in the order of time. Times without the shift stay those of the file.
Status run_import_online_retail(const OnlineRetailOptions& options, Progress& progress,
                                std::ostream& out);

struct TableOptions : ImportOptions {
  std::string file;  // CSV or NDJSON, plain or gzip
  TableFormat format = TableFormat::kDetect;
  MapOptions map;        // row_mapper.h
  bool dry_run = false;  // read and check everything, send nothing
  // Goes on where an import of the same file with the same options was broken off, as far as
  // FILE.vitrine-resume knows, and keeps that file. Only with one connection.
  bool resume = false;
};
// Rows that can't be read or mapped, or are no good item, event or user, are reported by line and
// not sent.
Status run_import_items(const TableOptions& options, Progress& progress, std::ostream& out);
Status run_import_events(const TableOptions& options, Progress& progress, std::ostream& out);
Status run_import_users(const TableOptions& options, Progress& progress, std::ostream& out);

struct GeneratedOptions : ImportOptions {
  std::uint64_t seed = 1;
  std::uint32_t items = 600;
  std::uint32_t customers = 400;
  std::uint32_t days = 60;
};
// A shop made by shop_generator.h whose last day ends now.
Status run_import_generated(const GeneratedOptions& options, Progress& progress, std::ostream& out);

}  // namespace vitrine::importer
