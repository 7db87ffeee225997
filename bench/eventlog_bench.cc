// What does a durable append cost, and how fast is the log read back?
//
// Cases: batches of 100 records of 150 bytes from one thread (the collector's shape), single
// appends with 1 and 64 outstanding (a client waits for each acknowledgement), the CPU time of one
// append call by itself, and a full read. The disk's own limit stands beside them: the same bytes
// through plain write + fdatasync on a preallocated file, one at a time.
//
//   eventlog_bench [directory, default /tmp] [seconds per case, default 3]
#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <filesystem>
#include <string>
#include <thread>
#include <vector>

#include <unistd.h>

#include "engine/eventlog/reader.h"
#include "engine/eventlog/writer.h"

namespace vitrine::eventlog {
namespace {

constexpr std::size_t kPayloadBytes = 150;

double now_s() { return static_cast<double>(system_clock().steady_ns()) * 1e-9; }

double thread_cpu_s() {
  timespec time{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
  return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_nsec) * 1e-9;
}

struct Row {
  std::string name;
  double per_s = 0;
  double p50_us = 0;
  double p99_us = 0;
};

void print(const Row& row) {
  std::printf("%-34s %14.0f %10.0f %10.0f\n", row.name.c_str(), row.per_s, row.p50_us, row.p99_us);
  std::fflush(stdout);
}

void add_quantiles(Row& row, std::vector<std::uint32_t>& latencies_us) {
  if (latencies_us.empty()) return;
  std::sort(latencies_us.begin(), latencies_us.end());
  row.p50_us = latencies_us[latencies_us.size() / 2];
  row.p99_us = latencies_us[latencies_us.size() * 99 / 100];
}

std::unique_ptr<Writer> open_log(const std::string& directory) {
  WriterOptions options;
  options.directory = directory;
  options.files = &io::system_files();
  options.clock = &system_clock();
  options.executor = &thread_executor();
  options.on_fatal = [](const Error& error) {
    std::fprintf(stderr, "eventlog_bench: %s\n", error.to_string().c_str());
    std::_Exit(1);
  };
  return Writer::open(std::move(options)).value();
}

// One thread appends batches as fast as the queue takes them.
Row batches(const std::string& directory, double seconds, int batch_records) {
  auto writer = open_log(directory);
  const std::string payload(kPayloadBytes, 'p');
  const std::vector<RecordRef> batch(static_cast<std::size_t>(batch_records),
                                     RecordRef{.kind = 1, .key_id = 0, .payload = payload});
  std::vector<std::uint32_t> latencies;  // only the committer touches it
  latencies.reserve(10'000'000);
  const double start = now_s();
  Position last = 0;
  while (now_s() - start < seconds) {
    const std::int64_t at = system_clock().steady_ns();
    auto range = writer->append(batch, [&latencies, at](const Status&) {
      latencies.push_back(static_cast<std::uint32_t>((system_clock().steady_ns() - at) / 1000));
    });
    if (range.ok()) {
      last = range->last;
    } else {
      std::this_thread::sleep_for(std::chrono::microseconds(50));
    }
  }
  const bool durable = writer->wait_durable(last, kMinuteUs).value();
  Row row{.name = "append, batches of " + std::to_string(batch_records)};
  row.per_s = durable ? static_cast<double>(last) / (now_s() - start) : 0;
  const LogMetrics metrics = writer->metrics();
  if (!writer->close().ok()) std::_Exit(1);
  add_quantiles(row, latencies);
  print(row);
  std::printf("    syncs: p50 %llu us, p99 %llu us; %llu groups; waited %llu ms for segments\n",
              static_cast<unsigned long long>(metrics.sync_us.quantile_us(0.5)),
              static_cast<unsigned long long>(metrics.sync_us.quantile_us(0.99)),
              static_cast<unsigned long long>(metrics.groups),
              static_cast<unsigned long long>(metrics.segment_wait_us / 1000));
  return row;
}

// `outstanding` clients, each of which appends again as soon as it is told.
class Outstanding {
 public:
  Outstanding(Writer& writer, double seconds) : writer_(writer), until_(now_s() + seconds) {
    latencies.reserve(10'000'000);
  }
  void append() {
    const RecordRef record{.kind = 1, .key_id = 0, .payload = payload_};
    const std::int64_t at = system_clock().steady_ns();
    auto range = writer_.append({&record, 1}, [this, at](const Status&) {
      latencies.push_back(static_cast<std::uint32_t>((system_clock().steady_ns() - at) / 1000));
      if (now_s() < until_) {
        append();
      } else {
        ++stopped;
      }
    });
    if (!range.ok()) ++stopped;
  }
  std::vector<std::uint32_t> latencies;
  std::atomic<int> stopped{0};

 private:
  Writer& writer_;
  const double until_;
  const std::string payload_ = std::string(kPayloadBytes, 'p');
};

Row singles(const std::string& directory, double seconds, int outstanding) {
  auto writer = open_log(directory);
  Outstanding clients(*writer, seconds);
  const double start = now_s();
  for (int i = 0; i < outstanding; ++i) clients.append();
  while (clients.stopped < outstanding) {
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
  Row row{.name = "append, singles, " + std::to_string(outstanding) + " outstanding"};
  row.per_s = static_cast<double>(writer->durable()) / (now_s() - start);
  if (!writer->close().ok()) std::_Exit(1);
  add_quantiles(row, clients.latencies);
  print(row);
  return row;
}

// CPU time of the call alone, in a burst that the queue can hold.
double append_call_us(const std::string& directory) {
  auto writer = open_log(directory);
  const std::string payload(kPayloadBytes, 'p');
  const RecordRef record{.kind = 1, .key_id = 0, .payload = payload};
  double cpu_s = 0;
  int calls = 0;
  for (int round = 0; round < 20; ++round) {
    const double before = thread_cpu_s();
    int accepted = 0;
    for (int i = 0; i < 20'000; ++i) {
      if (writer->append({&record, 1}, [](const Status&) {}).ok()) ++accepted;
    }
    if (round >= 5) {  // the first rounds grow the buffers
      cpu_s += thread_cpu_s() - before;
      calls += accepted;
    }
    if (!writer->wait_durable(writer->appended(), kMinuteUs).ok()) std::_Exit(1);
  }
  return cpu_s / calls * 1e6;
}

Row read_all(const std::string& directory) {
  double best = 0;
  for (int round = 0; round < 3; ++round) {
    auto reader = Reader::open(io::system_files(), directory, 0).value();
    RecordView record;
    std::uint64_t records = 0;
    std::uint64_t bytes = 0;
    const double start = now_s();
    while (reader->next(record).value() == ReadEnd::kRecord) {
      ++records;
      bytes += record.payload.size();
    }
    if (bytes != records * kPayloadBytes) std::_Exit(1);
    best = std::max(best, static_cast<double>(records) / (now_s() - start));
  }
  Row row{.name = "read, page cache", .per_s = best};
  print(row);
  return row;
}

Row bare_disk(const std::string& directory, double seconds) {
  std::filesystem::create_directories(directory);
  auto file = io::system_files().open(directory + "/bare", io::OpenMode::kCreate).value();
  constexpr std::uint64_t kBytes = 64u << 20;
  if (!file->preallocate_zeros(kBytes).ok()) std::_Exit(1);
  const std::string payload(kPayloadBytes, 'p');
  std::vector<std::uint32_t> latencies;
  const double start = now_s();
  for (std::uint64_t at = 0; now_s() - start < seconds;
       at = (at + kPayloadBytes) % (kBytes - 4096)) {
    const std::int64_t before = system_clock().steady_ns();
    if (!file->write_at(at, payload).ok() || !file->sync_data().ok()) std::_Exit(1);
    latencies.push_back(static_cast<std::uint32_t>((system_clock().steady_ns() - before) / 1000));
  }
  Row row{.name = "bare write + fdatasync"};
  row.per_s = static_cast<double>(latencies.size()) / (now_s() - start);
  add_quantiles(row, latencies);
  print(row);
  return row;
}

int run(const std::string& base, double seconds) {
  const std::string root = base + "/eventlog_bench." + std::to_string(::getpid());
  std::printf("%-34s %14s %10s %10s\n", "case", "records/s", "p50 us", "p99 us");
  const Row bare = bare_disk(root + "/bare", seconds / 3);
  const Row one = singles(root + "/one", seconds, 1);
  const Row many = singles(root + "/many", seconds, 64);
  const Row batch = batches(root + "/batch", seconds, 100);
  const double call_us = append_call_us(root + "/call");
  std::printf("%-34s %14s %10.2f us CPU\n", "one append call", "", call_us);
  const Row read = read_all(root + "/batch");
  std::filesystem::remove_all(root);
  std::printf(
      "{\"batch100_records_per_s\":%.0f,\"batch100_p99_us\":%.0f,\"single64_records_per_s\":%.0f,"
      "\"single64_p50_us\":%.0f,\"single64_p99_us\":%.0f,\"single1_p50_us\":%.0f,"
      "\"single1_p99_us\":%.0f,\"bare_fdatasync_p50_us\":%.0f,\"append_call_us\":%.3f,"
      "\"read_records_per_s\":%.0f}\n",
      batch.per_s, batch.p99_us, many.per_s, many.p50_us, many.p99_us, one.p50_us, one.p99_us,
      bare.p50_us, call_us, read.per_s);
  return 0;
}

}  // namespace
}  // namespace vitrine::eventlog

int main(int argc, char** argv) {
  const std::string directory = argc > 1 ? argv[1] : "/tmp";
  const double seconds = argc > 2 ? std::atof(argv[2]) : 3;
  return vitrine::eventlog::run(directory, seconds);
}
