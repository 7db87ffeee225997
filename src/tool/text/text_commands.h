// What `vitrine text ...` does: build an index from a file, search it, time it, look into it.
#pragma once

#include <ostream>
#include <string>

#include "base/progress.h"
#include "base/result.h"
#include "platform/io/file_system.h"

namespace vitrine::text_tool {

struct BuildOptions {
  // Lines, plain or .gz: fields separated by a tab; or .ndjson or .jsonl: objects with the fields.
  std::string input;
  std::string directory;        // made anew; kConflict where it holds an index already
  std::string fields = "text";  // names in the order of the columns, each with ":weight" if not 1
  std::string language = "none";
  // The first column, or "id", is the document's number; else lines count from 0.
  bool first_is_id = false;
  bool positions = false;
  bool stop_words = false;
  bool reorder = false;
};

struct SearchOptions {
  std::string directory;
  std::string query;  // in the language of query_parser.h; words alone with `plain`
  std::uint32_t k = 10;
  bool any_word = false;  // words side by side: any of them instead of all
  bool plain = false;
  bool count = false;
  bool explain = false;
};

struct LogOptions {
  std::string directory;
  std::string queries;  // a file, one query a line, as SearchOptions::query
  std::uint32_t k = 10;
  bool any_word = false;
  bool plain = false;
  double bandwidth = 0;  // bytes a second; with latency_ns another medium of the model
  double latency_ns = 0;
};

Status run_build(io::FileSystem& files, const BuildOptions& options, Progress& progress,
                 std::ostream& out);
Status run_search(io::FileSystem& files, const SearchOptions& options, bool json,
                  std::ostream& out);
// Time per query on one thread: mean and percentiles.
Status run_bench(io::FileSystem& files, const LogOptions& options, bool json, Progress& progress,
                 std::ostream& out);
// Sizes, what each codec takes a posting, and how long terms take to be found; with a term (as it
// is in the index, or as typed) also how its list is coded in each segment.
Status run_info(io::FileSystem& files, const std::string& directory, const std::string& term,
                bool json, std::ostream& out);
// The model of engine/text/cost_model.h over a query log.
Status run_model(io::FileSystem& files, const LogOptions& options, bool json, Progress& progress,
                 std::ostream& out);

}  // namespace vitrine::text_tool
