#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <ostream>

#include "engine/train/training_plan.h"
#include "platform/codec/json_writer.h"
#include "tool/graph/commands.h"
#include "tool/graph/synthetic.h"

namespace vitrine::graphtool {
namespace {

using graph::StoreKind;

struct Measured {
  StoreKind kind;
  std::uint64_t cache_bytes;
  std::uint64_t peak_bytes;
  train::TrainStats stats;
  std::uint64_t digest;
};

// A folder for spilled batches and packed rows, removed at the end.
class WorkFolder {
 public:
  explicit WorkFolder(std::string path) : path_(std::move(path)) {
    std::filesystem::create_directories(path_);
  }
  ~WorkFolder() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  const std::string& path() const { return path_; }

 private:
  std::string path_;
};

Result<Measured> measure(const BenchCommand& command, const std::string& rows, StoreKind kind,
                         const std::string& folder, Progress& progress) {
  auto& files = io::system_files();
  graph::MemoryBudget budget(command.memory_bytes);
  VITRINE_TRY(auto graph, graph::Snapshot::open(files, command.directory, budget));
  VITRINE_TRY(const auto format, graph::read_row_format(files, rows));
  if (command.lists_bytes > 0) {
    const std::uint64_t requests = std::uint64_t{command.superbatch} * command.batch_examples * 3;
    VITRINE_TRY(graph->pin(command.lists_bytes, requests));
  }
  train::TrainerOptions options;
  options.files = &files;
  options.budget = &budget;
  options.executor = &thread_executor();
  options.clock = &system_clock();
  options.sample.batch_examples = command.batch_examples;
  options.shape = {format.dimension, command.hidden, command.hidden / 2};
  options.superbatch = command.superbatch;
  options.threads = command.threads;
  options.spill_directory = folder;
  graph::StoreOptions store_of;
  store_of.kind = kind;
  store_of.files = &files;
  store_of.path = rows;
  store_of.budget = &budget;
  store_of.executor = &thread_executor();
  store_of.clock = &system_clock();
  store_of.pack_directory = folder;
  VITRINE_TRY(const auto needs, train::measure_needs(*graph, format, options));
  const std::uint64_t fixed = needs.bytes() - graph::Snapshot::kReadBytes;
  if (budget.free() < fixed) {
    return Error(ErrorCode::kExhausted,
                 "training needs " + human_bytes(static_cast<double>(budget.used() + fixed)) +
                     " besides the rows (gathered rows " +
                     human_bytes(static_cast<double>(needs.gathered_bytes)) + ", model " +
                     human_bytes(static_cast<double>(needs.model_bytes)) + ", traces " +
                     human_bytes(static_cast<double>(needs.trace_bytes)) + ", sampling " +
                     human_bytes(static_cast<double>(needs.sampling_bytes)) +
                     "); give more with --memory, or take smaller batches or superbatches");
  }
  VITRINE_TRY(store_of.cache_bytes,
              largest_cache(budget.free() - fixed, store_of, format, needs.superbatch));
  VITRINE_TRY(auto store, graph::RowStore::open(store_of));
  VITRINE_TRY(auto trainer, train::Trainer::open(*graph, *store, options));
  VITRINE_TRY(auto stats, trainer->run(command.batches, progress));
  return Measured{kind, store_of.cache_bytes, budget.peak(), stats, trainer->digest().low};
}

void print_table(const std::vector<Measured>& all, std::ostream& out) {
  char line[256];
  std::snprintf(line, sizeof line, "%-8s %9s %9s %9s %9s %7s %12s %12s %10s %8s\n", "store",
                "s/batch", "step", "gather", "prepare", "hits", "read/batch", "written", "cache",
                "loss");
  out << line;
  for (const Measured& m : all) {
    const auto batches = static_cast<double>(std::max<std::uint64_t>(m.stats.batches, 1));
    const auto& store = m.stats.store;
    std::snprintf(line, sizeof line, "%-8s %9.4f %9.4f %9.4f %9.4f %6.1f%% %12s %12s %10s %8.4f\n",
                  std::string(store_kind_name(m.kind)).c_str(), m.stats.seconds / batches,
                  m.stats.step_s / batches, m.stats.gather_s / batches,
                  (m.stats.sample_s + m.stats.plan_s) / batches,
                  100 * static_cast<double>(store.hits) /
                      static_cast<double>(std::max<std::uint64_t>(store.rows, 1)),
                  human_bytes(static_cast<double>(store.bytes_read) / batches).c_str(),
                  human_bytes(static_cast<double>(store.bytes_written) / batches).c_str(),
                  human_bytes(static_cast<double>(m.cache_bytes)).c_str(), m.stats.loss);
    out << line;
  }
}

void print_json(const std::vector<Measured>& all, std::ostream& out) {
  std::string text;
  codec::JsonWriter writer(text);
  writer.begin_array();
  for (const Measured& m : all) {
    writer.begin_object();
    writer.key("store").string(store_kind_name(m.kind));
    writer.key("batches").number(m.stats.batches);
    writer.key("seconds").number(m.stats.seconds);
    writer.key("step_s").number(m.stats.step_s);
    writer.key("gather_s").number(m.stats.gather_s);
    writer.key("sample_s").number(m.stats.sample_s);
    writer.key("plan_s").number(m.stats.plan_s);
    writer.key("rows").number(m.stats.store.rows);
    writer.key("hits").number(m.stats.store.hits);
    writer.key("bytes_read").number(m.stats.store.bytes_read);
    writer.key("bytes_written").number(m.stats.store.bytes_written);
    writer.key("cache_bytes").number(m.cache_bytes);
    writer.key("peak_bytes").number(m.peak_bytes);
    writer.key("loss").number(m.stats.loss);
    writer.end_object();
  }
  writer.end_array();
  writer.finish();
  out << text << "\n";
}

}  // namespace

Status run_graph_bench(const BenchCommand& command, bool json, Progress& progress,
                       std::ostream& out) {
  if (command.stores.empty() || command.superbatch == 0 || command.batch_examples == 0 ||
      command.hidden < 2) {
    return Error(ErrorCode::kInvalidArgument,
                 "stores, superbatch and batch must not be empty, hidden at least 2");
  }
  std::vector<StoreKind> kinds;
  for (const std::string& name : command.stores) {
    VITRINE_TRY(const StoreKind kind, graph::parse_store_kind(name));
    kinds.push_back(kind);
  }
  const WorkFolder folder(io::join_path(command.directory, "bench.tmp"));
  std::string rows = command.rows;
  if (rows.empty()) {
    graph::MemoryBudget budget;
    VITRINE_TRY(auto graph, graph::Snapshot::open(io::system_files(), command.directory, budget));
    rows = io::join_path(folder.path(), "rows");
    const graph::RowFormat format{graph->info().nodes(), command.dimension, command.type};
    VITRINE_TRY(write_synthetic_rows(io::system_files(), rows, format, 1, {}, progress));
  }
  std::vector<Measured> all;
  for (const StoreKind kind : kinds) {
    auto measured = measure(command, rows, kind, folder.path(), progress);
    if (!measured.ok()) return std::move(measured).error().context(store_kind_name(kind));
    all.push_back(std::move(measured).value());
  }
  json ? print_json(all, out) : print_table(all, out);
  for (const Measured& m : all) {
    if (m.digest != all.front().digest) {
      return Error(ErrorCode::kInternal, "stores gave different weights");
    }
  }
  return ok_status();
}

}  // namespace vitrine::graphtool
