// What does training on rows larger than memory cost, and what do plan and packing save?
//
// A made-up shop (power laws), rows of 512 bytes, a memory cgroup of an eighth of the rows around
// each measurement, page cache included, every file cold. Rivals alternate, three rounds, median
// and range. The baseline is not a straw man: the map is advised MADV_RANDOM (read-ahead would make
// it hundreds of times slower), read by 16 threads, and its rows are in descending order of degree
// like everyone else's; the same with rows in random order, as the published comparisons have it,
// is beside it. Times hold all costs of a store: plan, packing, gathering.
//
//   bench_train [--scale 0.1] [--rounds 1] [--folder DIR] [--keep]
// The last line is JSON.
#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <vector>

#include <malloc.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/progress.h"
#include "bench/support/memory_cgroup.h"
#include "bench/train_parts.h"
#include "platform/codec/json_writer.h"

namespace {

using namespace vitrine;
using namespace vitrine::bench;
using graph::StoreKind;

int failures = 0;  // parts that gave no figures; the rest goes on

// Runs `part` in a child process, under the limit if there is one.
template <class Part>
Figures run_part(const std::string& name, std::uint64_t limit, Part part) {
  std::fprintf(stderr, "== %s\n", name.c_str());
  std::unique_ptr<MemoryCgroup> group;
  if (limit > 0) {
    auto made = MemoryCgroup::create(limit);
    if (made.ok()) group = std::move(made).value();
  }
  int ends[2];
  if (::pipe(ends) != 0) std::abort();
  const pid_t child = ::fork();
  if (child == 0) {
    ::close(ends[0]);
    if (group != nullptr && !group->enter()) ::_exit(3);
    // Large blocks go back to the system when they are freed, instead of staying in a heap that the
    // limit counts.
    ::mallopt(M_MMAP_THRESHOLD, 256 * 1024);
    const Result<Figures> found = part();
    if (!found.ok()) {
      std::fprintf(stderr, "bench_train: %s: %s\n", name.c_str(),
                   found.error().to_string().c_str());
      ::_exit(2);
    }
    FILE* out = ::fdopen(ends[1], "w");
    for (const auto& [key, value] : *found) std::fprintf(out, "%s %.17g\n", key.c_str(), value);
    std::fclose(out);
    ::_exit(0);
  }
  ::close(ends[1]);
  Figures figures;
  FILE* in = ::fdopen(ends[0], "r");
  char key[64];
  double value = 0;
  while (std::fscanf(in, "%63s %lf", key, &value) == 2) figures[key] = value;
  std::fclose(in);
  int status = 0;
  ::waitpid(child, &status, 0);
  if (!WIFEXITED(status) || WEXITSTATUS(status) != 0) {
    std::fprintf(
        stderr, "bench_train: %s ended with status %d%s\n", name.c_str(), status,
        WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL ? " (killed: out of memory?)" : "");
    ++failures;
    return {};
  }
  for (const auto& [name_of, found] : figures) {
    std::fprintf(stderr, "   %s %.6g", name_of.c_str(), found);
  }
  std::fprintf(stderr, "\n");
  if (group != nullptr) figures["cgroup_peak"] = static_cast<double>(group->peak_bytes());
  return figures;
}

struct Spread {
  double median = 0;
  double least = 0;
  double most = 0;
};

Spread spread(std::vector<double> values) {
  if (values.empty()) return {};
  std::ranges::sort(values);
  return {values[values.size() / 2], values.front(), values.back()};
}

class Table {
 public:
  void add(const std::string& row, const Figures& figures) {
    for (const auto& [key, value] : figures) values_[row][key].push_back(value);
  }
  std::vector<double> all(const std::string& row, const std::string& key) const {
    const auto at = values_.find(row);
    if (at == values_.end()) return {};
    const auto found = at->second.find(key);
    return found == at->second.end() ? std::vector<double>{} : found->second;
  }
  double median(const std::string& row, const std::string& key) const {
    return spread(all(row, key)).median;
  }
  // Round by round, so that what disturbs one round disturbs both sides.
  std::vector<double> ratios(const std::string& over, const std::string& under,
                             const std::string& key) const {
    const auto a = all(over, key);
    const auto b = all(under, key);
    std::vector<double> made;
    for (std::size_t i = 0; i < std::min(a.size(), b.size()); ++i) made.push_back(a[i] / b[i]);
    return made;
  }

 private:
  std::map<std::string, std::map<std::string, std::vector<double>>> values_;
};

void print_gathers(const Table& table) {
  std::printf("\n%-22s %22s %6s %9s %9s %9s %8s\n", "store", "s/batch (range)", "hits", "cache MB",
              "read MB/b", "write/b", "peak MB");
  for (const char* row : {"mmap random ids", "mmap", "lru", "static", "belady", "packed", "auto",
                          "belady bf16", "packed bf16"}) {
    const auto times = table.all(row, "s_per_batch");
    if (times.empty()) continue;
    const Spread s = spread(times);
    const double batches = table.median(row, "batches");
    std::printf("%-22s %8.4f (%.4f-%.4f) %6.3f %9.0f %9.1f %9.1f %8.0f\n", row, s.median, s.least,
                s.most, table.median(row, "hit_ratio"), table.median(row, "cache_bytes") / 1e6,
                table.median(row, "bytes_read") / batches / 1e6,
                table.median(row, "bytes_written") / batches / 1e6,
                table.median(row, "cgroup_peak") / 1e6);
  }
}

void print_epochs(const Table& table) {
  std::printf("\n%-22s %22s %8s %8s %8s %8s %8s\n", "training", "s/batch (range)", "step", "gather",
              "sample", "plan", "peak MB");
  for (const char* row : {"train in memory", "train capped"}) {
    const Spread s = spread(table.all(row, "s_per_batch"));
    std::printf("%-22s %8.4f (%.4f-%.4f) %8.4f %8.4f %8.4f %8.4f %8.0f\n", row, s.median, s.least,
                s.most, table.median(row, "step_s"), table.median(row, "gather_s"),
                table.median(row, "sample_s"), table.median(row, "plan_s"),
                table.median(row, "cgroup_peak") / 1e6);
  }
}

struct Arguments {
  double scale = 1;
  int rounds = 3;
  std::string folder = "build/bench-data/train";
  bool keep = false;
  std::string only;
};

Arguments parse(int argc, char** argv) {
  Arguments arguments;
  for (int i = 1; i < argc; ++i) {
    const std::string flag = argv[i];
    const auto value = [&]() -> const char* {
      if (i + 1 == argc) {
        std::fprintf(stderr, "bench_train: %s needs a value\n", flag.c_str());
        std::exit(2);
      }
      return argv[++i];
    };
    if (flag == "--scale") {
      arguments.scale = std::atof(value());
    } else if (flag == "--rounds") {
      arguments.rounds = std::atoi(value());
    } else if (flag == "--folder") {
      arguments.folder = value();
    } else if (flag == "--only") {
      arguments.only = value();
    } else if (flag == "--keep") {
      arguments.keep = true;
    } else {
      std::fprintf(stderr,
                   "usage: bench_train [--scale 0.1] [--rounds 1] [--folder DIR] [--keep] "
                   "[--only gather|epoch]\n");
      std::exit(2);
    }
  }
  return arguments;
}

void put(codec::JsonWriter& json, const std::string& key, std::vector<double> values) {
  if (values.empty()) {
    json.key(key).null();
    return;
  }
  const Spread s = spread(std::move(values));
  json.key(key).number(s.median);
  json.key(key + "_range").begin_array().number(s.least).number(s.most).end_array();
}

}  // namespace

int main(int argc, char** argv) {
  const Arguments arguments = parse(argc, argv);
  Setup setup;
  setup.users = static_cast<std::uint32_t>(setup.users * arguments.scale);
  setup.items = static_cast<std::uint32_t>(setup.items * arguments.scale);
  setup.events = static_cast<std::uint64_t>(static_cast<double>(setup.events) * arguments.scale);
  setup.folder = arguments.folder;
  // The buffers of a batch do not shrink with the shop: below full size the limit has a floor.
  setup.memory_bytes =
      std::max<std::uint64_t>(setup.nodes() * setup.dimension * 4 / 8, 300'000'000);
  setup.stop_s = std::min(30.0, std::max(5.0, 30 * arguments.scale));
  const bool gathers = arguments.only != "epoch";
  const bool epochs = arguments.only != "gather";

  std::unique_ptr<MemoryCgroup> probe;
  auto made = MemoryCgroup::create(setup.memory_bytes);
  const bool limited = made.ok();
  std::printf("%u users, %u items, %llu events, rows of %u bytes (%.2f GB), memory %.0f MB: %s\n",
              setup.users, setup.items, static_cast<unsigned long long>(setup.events),
              setup.dimension * 4, static_cast<double>(setup.nodes()) * setup.dimension * 4 / 1e9,
              static_cast<double>(setup.memory_bytes) / 1e6,
              limited ? made.value()->version().c_str()
                      : ("NO cgroup (" + made.error().message() +
                         "): stores keep to the budget by themselves, the kernel does not; the map "
                         "is left out, since its page cache would be unlimited")
                            .c_str());
  std::fflush(stdout);
  if (limited) std::move(made).value().reset();

  const double begin = static_cast<double>(system_clock().steady_ns()) / 1e9;
  std::filesystem::create_directories(setup.folder);
  Table table;
  if (!std::filesystem::exists(setup.path("ready"))) {
    std::filesystem::remove_all(setup.path("graph"));
    table.add("build", run_part("build the graph, within the limit", setup.memory_bytes,
                                [&] { return part_build(setup); }));
    if (failures > 0) return 1;
    table.add("data",
              run_part("write rows, sample a superbatch", 0, [&] { return part_data(setup); }));
    if (failures > 0) return 1;
    std::printf(
        "graph built in %.1f s (%.2f GB of neighbours, %.2f GB of attributes); %.0f rows a "
        "batch, trace of %u batches %.1f MB, sampling %.4f s a batch\n",
        table.median("build", "build_s"), table.median("build", "neighbour_bytes") / 1e9,
        table.median("build", "attribute_bytes") / 1e9, table.median("data", "rows_per_batch"),
        setup.superbatch, table.median("data", "trace_bytes") / 1e6,
        table.median("data", "sample_s_per_batch"));
    std::fclose(std::fopen(setup.path("ready").c_str(), "w"));
  }
  std::fflush(stdout);

  for (int round = 0; round < arguments.rounds; ++round) {
    const auto gather = [&](const char* row, StoreKind kind, const char* rows, const char* trace) {
      table.add(row, run_part(row, setup.memory_bytes,
                              [&] { return part_gather(setup, kind, rows, trace); }));
    };
    if (gathers) {
      if (limited) gather("mmap", StoreKind::kMmap, "rows", "trace");
      gather("belady", StoreKind::kBelady, "rows", "trace");
      table.add("disk", run_part("disk", 0, [&] { return part_disk(setup, "rows"); }));
      gather("packed", StoreKind::kPacked, "rows", "trace");
      if (limited) gather("mmap random ids", StoreKind::kMmap, "rows.random", "trace.random");
      gather("belady bf16", StoreKind::kBelady, "rows.bf16", "trace");
      gather("packed bf16", StoreKind::kPacked, "rows.bf16", "trace");
      // No figure is asked of these: one round tells where they stand.
      if (round == 0) {
        gather("lru", StoreKind::kLru, "rows", "trace");
        gather("static", StoreKind::kStatic, "rows", "trace");
        gather("auto", StoreKind::kAuto, "rows", "trace");
      }
    }
    if (epochs) {
      table.add("train in memory", run_part("train in memory", 0, [&] {
                  Setup unlimited = setup;
                  unlimited.memory_bytes = 0;
                  return part_epoch(unlimited, StoreKind::kMemory);
                }));
      table.add("train capped", run_part("train capped", setup.memory_bytes,
                                         [&] { return part_epoch(setup, StoreKind::kPacked); }));
    }
  }
  table.add("plan", run_part("plan", 0, [&] { return part_plan(setup); }));
  std::filesystem::remove_all(setup.path("small"));
  table.add("same", run_part("same results", 0, [&] { return part_same(setup); }));
  if (!arguments.keep) std::filesystem::remove_all(setup.folder);

  bool same = table.median("same", "same") == 1;
  const auto capped = table.all("train capped", "digest");
  const auto in_memory = table.all("train in memory", "digest");
  for (const double digest : capped) {
    same = same && !in_memory.empty() && digest == in_memory.front();
  }
  if (gathers) print_gathers(table);
  if (epochs) print_epochs(table);

  std::vector<double> iops;
  const auto belady_iops = table.all("belady", "iops");
  const auto disk_iops = table.all("disk", "iops");
  for (std::size_t i = 0; i < std::min(belady_iops.size(), disk_iops.size()); ++i)
    iops.push_back(belady_iops[i] / disk_iops[i]);
  std::string text;
  codec::JsonWriter json(text);
  json.begin_object();
  put(json, "belady_over_mmap", table.ratios("mmap", "belady", "s_per_batch"));
  put(json, "belady_over_mmap_random_ids",
      table.ratios("mmap random ids", "belady", "s_per_batch"));
  put(json, "belady_iops_over_disk", iops);
  put(json, "packed_over_belady", table.ratios("belady", "packed", "s_per_batch"));
  put(json, "packed_over_belady_bf16", table.ratios("belady bf16", "packed bf16", "s_per_batch"));
  put(json, "epoch_capped_over_in_memory",
      table.ratios("train capped", "train in memory", "s_per_batch"));
  put(json, "in_memory_s_per_batch", table.all("train in memory", "s_per_batch"));
  put(json, "plan_accesses_per_s", table.all("plan", "accesses_per_s"));
  json.key("min_misses_exact").boolean(table.median("plan", "exact") == 1);
  put(json, "bytes_over_min", table.all("packed", "bytes_over_min"));
  json.key("same_embeddings").boolean(same);
  json.key("memory_bytes").number(static_cast<double>(setup.memory_bytes));
  json.key("cgroup").boolean(limited);
  json.key("seconds").number(static_cast<double>(system_clock().steady_ns()) / 1e9 - begin);
  json.end_object();
  json.finish();
  std::printf("\n%s\n", text.c_str());
  return failures == 0 ? 0 : 1;
}
