#include "bench/train_parts.h"

#include <algorithm>
#include <cstdio>
#include <cstring>
#include <fstream>
#include <numeric>

#include <fcntl.h>
#include <liburing.h>
#include <time.h>
#include <unistd.h>

#include "engine/graph/memory_plan.h"
#include "engine/graph/min_plan.h"
#include "engine/train/training_plan.h"
#include "tool/graph/synthetic.h"

namespace vitrine::bench {
namespace {

using namespace vitrine::graph;

// Code, stacks, page tables, the kernel's own buffers: what no budget counts.
constexpr std::uint64_t kProcessBytes = 32 << 20;
constexpr std::uint64_t kSeed = 1;

double now_s() { return static_cast<double>(system_clock().steady_ns()) / 1e9; }

double cpu_s() {
  timespec t{};
  ::clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
  return static_cast<double>(t.tv_sec) + static_cast<double>(t.tv_nsec) / 1e9;
}

std::uint64_t budget_bytes(const Setup& setup) {
  return setup.memory_bytes == 0 ? MemoryBudget::kUnlimited : setup.memory_bytes - kProcessBytes;
}

// Cold start: nothing of the file is in the page cache.
void forget(const std::string& path) {
  const int fd = ::open(path.c_str(), O_RDONLY);
  if (fd < 0) return;
  ::fdatasync(fd);
  ::posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED);
  ::close(fd);
}

Status write_trace(const std::string& path, const std::vector<std::vector<RowId>>& batches) {
  std::ofstream out(path, std::ios::binary);
  const auto put = [&](std::uint32_t n) { out.write(reinterpret_cast<const char*>(&n), 4); };
  put(static_cast<std::uint32_t>(batches.size()));
  for (const auto& batch : batches) {
    put(static_cast<std::uint32_t>(batch.size()));
    out.write(reinterpret_cast<const char*>(batch.data()),
              static_cast<std::streamsize>(batch.size() * 4));
  }
  out.flush();
  if (!out) return Error(ErrorCode::kIo, "writing " + path);
  return ok_status();
}

Result<std::shared_ptr<AccessTrace>> read_trace(const std::string& path, MemoryBudget& budget) {
  std::ifstream in(path, std::ios::binary);
  const auto take = [&] {
    std::uint32_t n = 0;
    in.read(reinterpret_cast<char*>(&n), 4);
    return n;
  };
  auto trace = std::make_shared<AccessTrace>();
  std::vector<RowId> batch;
  for (std::uint32_t left = take(); left > 0 && in; --left) {
    batch.resize(take());
    in.read(reinterpret_cast<char*>(batch.data()), static_cast<std::streamsize>(batch.size() * 4));
    trace->add_batch(batch);
  }
  if (!in) return Error(ErrorCode::kIo, "reading " + path);
  VITRINE_TRY(trace->hold(budget));
  return trace;
}

SuperbatchSize size_of(const AccessTrace& trace) {
  return {trace.batches(), trace.accesses(), trace.rows_max()};
}

StoreOptions store_options(const Setup& setup, StoreKind kind, const std::string& rows,
                           MemoryBudget& budget) {
  StoreOptions options;
  options.kind = kind;
  options.files = &io::system_files();
  options.path = setup.path(rows);
  options.budget = &budget;
  options.executor = &thread_executor();
  options.clock = &system_clock();
  options.depth = setup.depth;
  options.pack_directory = setup.folder;
  return options;
}

train::TrainerOptions trainer_options(const Setup& setup, MemoryBudget& budget) {
  train::TrainerOptions options;
  options.files = &io::system_files();
  options.budget = &budget;
  options.executor = &thread_executor();
  options.clock = &system_clock();
  options.sample.seed = kSeed;
  options.shape = {setup.dimension, setup.hidden, setup.dimension};
  options.superbatch = setup.superbatch;
  return options;
}

}  // namespace

Result<Figures> part_build(const Setup& setup) {
  MemoryBudget budget(budget_bytes(setup));
  graphtool::SyntheticShop shop({setup.users, setup.items, setup.events, kSeed});
  BuildOptions options;
  options.files = &io::system_files();
  options.directory = setup.path("graph");
  options.budget = &budget;
  options.sort_bytes = std::min<std::uint64_t>(budget.limit() / 2, 256 << 20);
  const double before = now_s();
  const auto progress = terminal_progress();
  VITRINE_TRY(const SnapshotInfo info, build_snapshot(shop, options, *progress));
  return Figures{{"build_s", now_s() - before},
                 {"neighbour_bytes", static_cast<double>(info.blocks * kBlockBytes)},
                 {"attribute_bytes", static_cast<double>(info.attribute_bytes)},
                 {"degree_max", info.degree_max}};
}

Result<Figures> part_data(const Setup& setup) {
  auto& files = io::system_files();
  const auto progress = terminal_progress();
  MemoryBudget budget;
  const double before = now_s();
  const RowFormat fp32{setup.nodes(), setup.dimension, RowType::kFp32};
  const RowFormat bf16{setup.nodes(), setup.dimension, RowType::kBf16};
  const Permutation shuffled(setup.nodes(), kSeed, 9);
  const auto at = [&](std::uint64_t i) { return shuffled.at(i); };
  using graphtool::write_synthetic_rows;
  VITRINE_TRY(write_synthetic_rows(files, setup.path("rows"), fp32, kSeed, {}, *progress));
  VITRINE_TRY(write_synthetic_rows(files, setup.path("rows.bf16"), bf16, kSeed, {}, *progress));
  VITRINE_TRY(write_synthetic_rows(files, setup.path("rows.random"), fp32, kSeed, at, *progress));

  VITRINE_TRY(auto graph, Snapshot::open(files, setup.path("graph"), budget));
  VITRINE_TRY(auto scratch, SegmentStore::create({}, budget));
  VITRINE_TRY(auto structures, SegmentStore::create({}, budget));
  SampleOptions sample;
  sample.seed = kSeed;
  Sampler sampler(*graph, sample, *scratch, budget);
  AccessTrace trace;
  const double sampling = now_s();
  VITRINE_TRY(sampler.sample(0, 0, setup.superbatch, trace, *structures));
  const double sample_s = now_s() - sampling;
  std::vector<std::uint32_t> place(setup.nodes());
  for (std::uint32_t i = 0; i < place.size(); ++i) place[at(i)] = i;
  std::vector<std::vector<RowId>> hot_first(trace.batches());
  std::vector<std::vector<RowId>> random(trace.batches());
  for (std::uint32_t b = 0; b < trace.batches(); ++b) {
    trace.decode(b, hot_first[b]);
    for (const RowId id : hot_first[b]) random[b].push_back(place[id]);
    std::sort(random[b].begin(), random[b].end());
  }
  VITRINE_TRY(write_trace(setup.path("trace"), hot_first));
  VITRINE_TRY(write_trace(setup.path("trace.random"), random));
  for (const char* name : {"rows", "rows.bf16", "rows.random", "trace", "trace.random"}) {
    forget(setup.path(name));
  }
  return Figures{{"data_s", now_s() - before},
                 {"sample_s_per_batch", sample_s / setup.superbatch},
                 {"rows_per_batch", static_cast<double>(trace.accesses()) / trace.batches()},
                 {"trace_bytes", static_cast<double>(trace.bytes())}};
}

Result<Figures> part_gather(const Setup& setup, StoreKind kind, const std::string& rows,
                            const std::string& trace_name) {
  forget(setup.path(rows));
  MemoryBudget budget(budget_bytes(setup));
  VITRINE_TRY(auto trace, read_trace(setup.path(trace_name), budget));
  forget(setup.path(trace_name));
  VITRINE_TRY(const RowFormat format, read_row_format(io::system_files(), setup.path(rows)));
  const std::uint64_t out_bytes = std::uint64_t{trace->rows_max()} * format.stride();
  VITRINE_TRY(const Reservation held, budget.reserve("gathered rows", out_bytes));
  AlignedBuffer out(out_bytes);
  StoreOptions options = store_options(setup, kind, rows, budget);
  VITRINE_TRY(options.cache_bytes, largest_cache(budget.free(), options, format, size_of(*trace)));
  VITRINE_TRY(auto store, RowStore::open(options));
  const double begin = now_s();
  VITRINE_TRY(store->plan(trace));
  const double planned = now_s();
  VITRINE_TRY(store->advance());
  const bool stops = kind == StoreKind::kMmap || kind == StoreKind::kLru ||
                     kind == StoreKind::kStatic || kind == StoreKind::kBelady;
  std::uint32_t batches = 0;
  while (batches < trace->batches() && (!stops || now_s() - planned < setup.stop_s)) {
    const std::size_t bytes = std::size_t{trace->rows(batches)} * format.stride();
    VITRINE_TRY(store->gather(batches, out.bytes().first(bytes)));
    ++batches;
  }
  const double gather_s = now_s() - planned;
  const StoreStats stats = store->stats();
  const auto min_misses = [&] {
    return static_cast<double>(
        plan_min(*trace, {}, options.cache_bytes / format.stride(), format.count).misses);
  };
  Figures found{{"s_per_batch", gather_s / batches + (planned - begin) / trace->batches()},
                {"gather_s", gather_s},
                {"plan_s", stats.plan_s},
                {"pack_s", stats.pack_s},
                {"batches", batches},
                {"hit_ratio", static_cast<double>(stats.hits) / static_cast<double>(stats.rows)},
                {"iops", static_cast<double>(stats.requests) / gather_s},
                {"bytes_read", static_cast<double>(stats.bytes_read)},
                {"bytes_written", static_cast<double>(stats.bytes_written)},
                {"cache_bytes", static_cast<double>(options.cache_bytes)}};
  if (kind == StoreKind::kPacked) {
    store.reset();
    found["bytes_over_min"] = static_cast<double>(stats.bytes_read + stats.bytes_written) /
                              (min_misses() * format.stride());
  }
  return found;
}

Result<Figures> part_epoch(const Setup& setup, StoreKind kind) {
  for (const char* name : {"rows", "graph/neighbours"}) forget(setup.path(name));
  MemoryBudget budget(budget_bytes(setup));
  auto& files = io::system_files();
  VITRINE_TRY(auto graph, Snapshot::open(files, setup.path("graph"), budget));
  VITRINE_TRY(const RowFormat format, read_row_format(files, setup.path("rows")));
  train::TrainerOptions options = trainer_options(setup, budget);
  StoreOptions store_of = store_options(setup, kind, "rows", budget);
  if (kind == StoreKind::kMemory) {
    VITRINE_TRY(graph->pin(graph->info().blocks * kBlockBytes, 1));
  } else {
    options.spill_directory = setup.folder;
    VITRINE_TRY(const auto needs, train::measure_needs(*graph, format, options));
    // The reads of the graph are held by the snapshot since the measurement.
    const std::uint64_t fixed = needs.bytes() - Snapshot::kReadBytes;
    if (budget.free() < fixed) {
      return Error(ErrorCode::kExhausted,
                   "training needs " + std::to_string(fixed) + " bytes besides the rows");
    }
    VITRINE_TRY(store_of.cache_bytes,
                largest_cache(budget.free() - fixed, store_of, format, needs.superbatch));
    std::fprintf(stderr,
                 "  memory: gathered rows %.0f, model %.0f, traces %.0f, sampling %.0f, row cache "
                 "%.0f MB\n",
                 static_cast<double>(needs.gathered_bytes) / 1e6,
                 static_cast<double>(needs.model_bytes) / 1e6,
                 static_cast<double>(needs.trace_bytes) / 1e6,
                 static_cast<double>(needs.sampling_bytes) / 1e6,
                 static_cast<double>(store_of.cache_bytes) / 1e6);
  }
  VITRINE_TRY(auto store, RowStore::open(store_of));
  constexpr int kSuperbatches = 2;
  int done = 0;
  train::TrainStats at_end;
  options.on_superbatch = [&](const train::TrainStats& so_far) {
    at_end = so_far;
    return ++done < kSuperbatches;
  };
  VITRINE_TRY(auto trainer, train::Trainer::open(*graph, *store, options));
  const auto progress = terminal_progress();
  const auto run = trainer->run(std::uint64_t{setup.superbatch} * (kSuperbatches + 1), *progress);
  if (!run.ok()) return run.error();
  const double batches = static_cast<double>(at_end.batches);
  const Hash128 digest = trainer->digest();
  return Figures{{"s_per_batch", (at_end.seconds - at_end.first_prepare_s) / batches},
                 {"step_s", at_end.step_s / batches},
                 {"gather_s", at_end.gather_s / batches},
                 {"sample_s", at_end.sample_s / batches * kSuperbatches / (kSuperbatches + 1)},
                 {"plan_s", at_end.plan_s / batches * kSuperbatches / (kSuperbatches + 1)},
                 {"loss", at_end.loss},
                 {"digest", static_cast<double>(digest.low >> 12)},
                 {"peak_reserved", static_cast<double>(budget.peak())}};
}

Result<Figures> part_disk(const Setup& setup, const std::string& rows) {
  const std::string path = setup.path(rows);
  forget(path);
  const int fd = ::open(path.c_str(), O_RDONLY | O_DIRECT);
  if (fd < 0) return io_error("open", path, errno);
  const std::uint64_t pages = static_cast<std::uint64_t>(::lseek(fd, 0, SEEK_END)) / kPage;
  io_uring ring{};
  if (const int refused = ::io_uring_queue_init(setup.depth, &ring, 0); refused < 0) {
    ::close(fd);
    return io_error("io_uring", path, -refused);
  }
  AlignedBuffer buffers(setup.depth * kPage);
  const RandomStream random(kSeed, 77);
  std::uint64_t sent = 0;
  std::uint64_t completed = 0;
  const auto submit = [&](std::uint64_t slot) {
    io_uring_sqe* entry = ::io_uring_get_sqe(&ring);
    ::io_uring_prep_read(entry, fd, buffers.data() + slot * kPage, kPage,
                         random.below(pages, sent++) * kPage);
    ::io_uring_sqe_set_data64(entry, slot);
  };
  for (std::uint64_t slot = 0; slot < setup.depth; ++slot) submit(slot);
  const double begin = now_s();
  double seconds = 0;
  bool failed = false;
  while (seconds < 3 && !failed) {
    ::io_uring_submit_and_wait(&ring, 1);
    io_uring_cqe* done[64];
    const unsigned count = ::io_uring_peek_batch_cqe(&ring, done, 64);
    std::uint64_t slots[64];
    for (unsigned i = 0; i < count; ++i) {
      slots[i] = ::io_uring_cqe_get_data64(done[i]);
      failed = failed || done[i]->res != static_cast<int>(kPage);
    }
    ::io_uring_cq_advance(&ring, count);
    for (unsigned i = 0; i < count; ++i) submit(slots[i]);
    completed += count;
    seconds = now_s() - begin;
  }
  ::io_uring_queue_exit(&ring);
  ::close(fd);
  if (failed) return Error(ErrorCode::kIo, path + ": a read failed");
  return Figures{{"iops", static_cast<double>(completed) / seconds}};
}

namespace {

// After each batch keep, of all rows at hand, the `capacity` that are used soonest.
std::uint64_t plain_min_misses(const std::vector<std::vector<RowId>>& batches,
                               std::uint64_t capacity, std::uint64_t rows) {
  std::vector<std::vector<std::uint32_t>> uses(rows);
  for (std::uint32_t b = 0; b < batches.size(); ++b) {
    for (const RowId id : batches[b]) uses[id].push_back(b);
  }
  std::vector<bool> cached(rows);
  std::vector<RowId> cache;
  std::uint64_t misses = 0;
  std::vector<std::pair<std::uint32_t, RowId>> at_hand;
  for (std::uint32_t b = 0; b < batches.size(); ++b) {
    for (const RowId id : batches[b]) {
      if (cached[id]) continue;
      ++misses;
      cache.push_back(id);
    }
    at_hand.clear();
    for (const RowId id : cache) {
      const auto next = std::upper_bound(uses[id].begin(), uses[id].end(), b);
      at_hand.emplace_back(next == uses[id].end() ? ~0u : *next, id);
      cached[id] = false;
    }
    std::sort(at_hand.begin(), at_hand.end());
    if (at_hand.size() > capacity) at_hand.resize(capacity);
    cache.clear();
    for (const auto& [next, id] : at_hand) {
      cached[id] = true;
      cache.push_back(id);
    }
  }
  return misses;
}

}  // namespace

Result<Figures> part_plan(const Setup& setup) {
  MemoryBudget budget;
  VITRINE_TRY(auto trace, read_trace(setup.path("trace"), budget));
  const std::uint64_t capacity = setup.nodes() / 8;
  double best = 1e9;
  std::uint64_t misses = 0;
  for (int i = 0; i < 3; ++i) {
    const double before = cpu_s();
    misses = plan_min(*trace, {}, capacity, setup.nodes()).misses;
    best = std::min(best, cpu_s() - before);
  }
  std::vector<std::vector<RowId>> batches(trace->batches());
  for (std::uint32_t b = 0; b < trace->batches(); ++b) trace->decode(b, batches[b]);
  const std::uint64_t plain = plain_min_misses(batches, capacity, setup.nodes());
  return Figures{
      {"accesses_per_s", static_cast<double>(trace->accesses()) / best},
      {"exact", plain == misses ? 1.0 : 0.0},
      {"hit_ratio", 1 - static_cast<double>(misses) / static_cast<double>(trace->accesses())}};
}

Result<Figures> part_same(const Setup& setup) {
  auto& files = io::system_files();
  Setup small = setup;
  small.users = 50'000;
  small.items = 10'000;
  small.events = 1'000'000;
  small.superbatch = 16;
  small.memory_bytes = 0;
  small.folder = setup.path("small");
  VITRINE_TRY(files.create_directories(small.folder));
  VITRINE_TRY(part_build(small));
  const RowFormat format{small.nodes(), small.dimension, RowType::kFp32};
  VITRINE_TRY(
      graphtool::write_synthetic_rows(files, small.path("rows"), format, kSeed, {}, no_progress()));
  double same = 1;
  std::optional<Hash128> first;
  for (const StoreKind kind :
       {StoreKind::kMemory, StoreKind::kMmap, StoreKind::kLru, StoreKind::kStatic,
        StoreKind::kBelady, StoreKind::kPacked, StoreKind::kAuto}) {
    MemoryBudget budget;
    VITRINE_TRY(auto graph, Snapshot::open(files, small.path("graph"), budget));
    train::TrainerOptions options = trainer_options(small, budget);
    options.sample.batch_examples = 256;
    if (kind != StoreKind::kMemory) options.spill_directory = small.folder;
    StoreOptions store_of = store_options(small, kind, "rows", budget);
    store_of.cache_bytes = format.count * format.stride() / 8;
    VITRINE_TRY(auto store, RowStore::open(store_of));
    VITRINE_TRY(auto trainer, train::Trainer::open(*graph, *store, options));
    const auto run = trainer->run(48, no_progress());
    if (!run.ok()) return run.error();
    const Hash128 digest = trainer->digest();
    if (!first) first = digest;
    if (digest != *first) same = 0;
  }
  return Figures{{"same", same}};
}

}  // namespace vitrine::bench
