// `vitrine graph build|info|bench`: a graph from files or a log, what is in it, and what training
// on it costs with each store.
#pragma once

#include <cstdint>
#include <iosfwd>
#include <string>
#include <vector>

#include "base/progress.h"
#include "base/result.h"
#include "engine/graph/row_store.h"

namespace vitrine::graphtool {

struct BuildCommand {
  std::string directory;  // the graph; made here
  std::string csv;        // one of csv and log
  std::string log;        // a log directory, or a data directory with partition-N/log
  std::uint32_t partition = 0;
  std::uint32_t tenant = 0;        // its number; required with log
  std::vector<std::string> types;  // names of event types; empty: those that show interest
  std::uint64_t memory_bytes = 1 << 30;
};

// Builds the graph, then users.names and items.names beside it.
Status run_graph_build(const BuildCommand& command, bool json, Progress& progress,
                       std::ostream& out);

struct InfoCommand {
  std::string directory;
  bool verify = false;
};

Status run_graph_info(const InfoCommand& command, bool json, Progress& progress, std::ostream& out);

struct BenchCommand {
  std::string directory;
  std::string rows;  // a row file; empty: random rows of `dimension` are written for the run
  std::uint32_t dimension = 128;
  graph::RowType type = graph::RowType::kFp32;
  std::vector<std::string> stores{"auto"};
  std::uint64_t memory_bytes = 1 << 30;  // all of it: rows, graph, plan, buffers, model
  std::uint64_t lists_bytes = 0;         // of it, for neighbour lists that stay in memory
  std::uint64_t batches = 256;
  std::uint32_t superbatch = 128;
  std::uint32_t batch_examples = 1024;
  std::uint32_t hidden = 256;
  unsigned threads = 2;
};

// Trains a GraphSAGE for some batches with each store in turn and prints what each took. The
// budget is kept by the program itself: under kMmap the kernel's page cache comes on top, and
// kMemory is refused where the rows do not fit.
Status run_graph_bench(const BenchCommand& command, bool json, Progress& progress,
                       std::ostream& out);

// "512M", "2G", "300000000". kInvalidArgument otherwise.
Result<std::uint64_t> parse_bytes(std::string_view text);

}  // namespace vitrine::graphtool
