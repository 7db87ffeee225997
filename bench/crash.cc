// Is any acknowledged event ever lost or counted twice, and how long does a restart take?
//
//   bench_crash [--runs N] [--seed N] [--no-restart-50m]
//
// Three experiments (N defaults to CRASH_RUNS, else 1000):
//   1. kill -9 of the real server at N random instants under load; bench/support/crash_client.h.
//   2. N simulated power losses of log and state; service/apply/power_loss_trial.h.
//   3. Restart with 50 million events (CRASH_EVENTS) in the log: the server has a snapshot, and the
//      longest tail behind it that snapshot.records allows.
// Exits with 1 if anything was lost or duplicated. The last line is JSON.
#include <algorithm>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <random>
#include <thread>

#include "base/executor.h"
#include "base/progress.h"
#include "bench/support/crash_client.h"
#include "bench/support/event_traffic.h"
#include "bench/support/report.h"
#include "bench/support/server_process.h"
#include "bench/support/subprocess.h"
#include "engine/eventlog/writer.h"
#include "service/apply/partition_set.h"
#include "service/apply/power_loss_trial.h"

using namespace vitrine;
using namespace vitrine::bench;

namespace {

struct Options {
  std::uint64_t runs = 1000;
  std::uint64_t seed = 1;
  bool restart = true;
};

Options read_options(int argc, char** argv) {
  Options options;
  options.runs = static_cast<std::uint64_t>(number_from_environment("CRASH_RUNS", 1000));
  for (int i = 1; i < argc; ++i) {
    const auto is = [&](const char* name) { return std::strcmp(argv[i], name) == 0; };
    if (is("--runs") && i + 1 < argc) {
      options.runs = std::strtoull(argv[++i], nullptr, 10);
    } else if (is("--seed") && i + 1 < argc) {
      options.seed = std::strtoull(argv[++i], nullptr, 10);
    } else if (is("--no-restart-50m")) {
      options.restart = false;
    } else {
      std::fprintf(stderr, "usage: bench_crash [--runs N] [--seed N] [--no-restart-50m]\n");
      std::exit(is("--help") ? 0 : 2);
    }
  }
  return options;
}

struct Verdict {
  std::uint64_t lost = 0;
  std::uint64_t duplicated = 0;
};

void kill_the_server(const Options& options, const std::string& binary, Verdict& verdict,
                     JsonLine& json) {
  const ScratchDirectory scratch("crash");
  KillOptions kill;
  kill.binary = binary;
  kill.data = scratch.path() + "/data";
  kill.kills = options.runs;
  kill.seed = options.seed;
  const auto progress = terminal_progress();
  auto report = run_kills(kill, *progress);
  if (!report.ok()) give_up(report.error().to_string());
  verdict.lost += report->lost;
  verdict.duplicated += report->duplicated;
  std::printf("kill -9 of the real server under load, 4 connections, batches of 20\n\n");
  Table table({"kills", "while starting", "events", "sent again", "known to it", "from snapshot",
               "replayed", "restart s (range)", "lost", "duplicated"});
  table.add({std::to_string(report->kills), std::to_string(report->kills_while_starting),
             std::to_string(report->events), std::to_string(report->resent),
             std::to_string(report->duplicates_told), std::to_string(report->snapshots_used),
             std::to_string(report->replayed), median_and_range(report->restart_s, 3),
             std::to_string(report->lost), std::to_string(report->duplicated)});
  table.print();
  json.add("kills", static_cast<double>(report->kills));
}

void cut_the_power(const Options& options, Verdict& verdict, JsonLine& json) {
  apply::testing::PowerLossReport sum;
  const auto progress = terminal_progress();
  progress->start("cutting the power", options.runs, "cuts");
  for (std::uint64_t seed = options.seed * 1'000'000; sum.power_cuts < options.runs; ++seed) {
    const auto left = options.runs - sum.power_cuts;
    const auto report = apply::testing::PowerLossTrial(seed).run(
        static_cast<int>(std::min<std::uint64_t>(8, left)));
    if (!report.error.empty()) give_up("seed " + std::to_string(seed) + ": " + report.error);
    sum.power_cuts += report.power_cuts;
    sum.process_deaths += report.process_deaths;
    sum.snapshots += report.snapshots;
    sum.snapshots_loaded += report.snapshots_loaded;
    sum.torn_bytes += report.torn_bytes;
    sum.events += report.events;
    sum.resent += report.resent;
    sum.lost += report.lost;
    sum.duplicated += report.duplicated;
    progress->update(sum.power_cuts);
  }
  progress->finish();
  verdict.lost += sum.lost;
  verdict.duplicated += sum.duplicated;
  std::printf("simulated power loss at random disk operations of log and state\n\n");
  Table table({"power cuts", "process deaths", "events", "sent again", "snapshots", "from snapshot",
               "torn bytes", "lost", "duplicated"});
  table.add({std::to_string(sum.power_cuts), std::to_string(sum.process_deaths),
             std::to_string(sum.events), std::to_string(sum.resent), std::to_string(sum.snapshots),
             std::to_string(sum.snapshots_loaded), std::to_string(sum.torn_bytes),
             std::to_string(sum.lost), std::to_string(sum.duplicated)});
  table.print();
  json.add("power_cuts", static_cast<double>(sum.power_cuts));
}

// A shop's history: 1 M users drawn evenly, 100 k items by popularity, views, carts, purchases.
class HistoryWriter {
 public:
  HistoryWriter(const std::string& log, TenantId tenant, TimeUs start)
      : clock_(start), tenant_(tenant) {
    eventlog::WriterOptions options;
    options.directory = log;
    options.files = &io::system_files();
    options.clock = &clock_;
    options.executor = &thread_executor();
    options.retain_from = 1;
    auto writer = eventlog::Writer::open(std::move(options));
    if (!writer.ok()) give_up(writer.error().to_string());
    writer_ = std::move(writer).value();
    double sum = 0;
    for (std::uint32_t i = 0; i < kItems; ++i) item_sums_.push_back(sum += 1.0 / (i + 1));
  }

  // Events number first .. first + count - 1, `gap` of append time between two.
  void write(std::uint64_t first, std::uint64_t count, TimeUs gap, Progress& progress) {
    constexpr std::uint64_t kBatch = 1000;
    for (std::uint64_t done = 0; done < count;) {
      const std::uint64_t size = std::min(kBatch, count - done);
      make_records(first + done, size, gap);
      append();
      done += size;
      progress.update(done);
    }
    if (auto closed = writer_->close(); !closed.ok()) give_up(closed.error().to_string());
  }

 private:
  static constexpr std::uint32_t kUsers = 1'000'000;
  static constexpr std::uint32_t kItems = 100'000;

  void make_records(std::uint64_t first, std::uint64_t size, TimeUs gap) {
    payloads_.resize(size);
    refs_.clear();
    for (std::uint64_t i = 0; i < size; ++i) {
      const std::string id = "01JD7Q5M-" + std::to_string(first + i);
      const std::string user = user_name(static_cast<std::uint32_t>(random_() % kUsers));
      std::uniform_real_distribution<double> even(0, item_sums_.back());
      const auto at = std::lower_bound(item_sums_.begin(), item_sums_.end(), even(random_));
      const std::string item = item_name(static_cast<std::uint32_t>(
          std::min<std::ptrdiff_t>(kItems - 1, at - item_sums_.begin())));
      event::Event& e = event_;
      e.event_id = id;
      const auto kind = random_() % 20;
      e.type = kind == 0  ? event::EventType::kPurchaseComplete
               : kind < 3 ? event::EventType::kAddToCart
                          : event::EventType::kDetailPageView;
      e.event_time = clock_.wall_us() + static_cast<TimeUs>(i) * gap;
      e.user_id = user;
      e.items.resize(1);
      e.items[0].item_id = item;
      e.items[0].price = 19.95;
      e.currency = "EUR";
      payloads_[i].clear();
      ByteWriter writer(payloads_[i]);
      record::write_tenant(writer, tenant_);
      event::encode_event(e, payloads_[i]);
      refs_.push_back({static_cast<std::uint16_t>(record::RecordKind::kEvent), 0, payloads_[i]});
    }
    clock_.advance_us(static_cast<TimeUs>(size) * gap);
  }

  void append() {
    while (true) {
      auto range = writer_->append(refs_, nullptr);
      if (range.ok()) return;
      if (range.error().code() != ErrorCode::kExhausted) give_up(range.error().to_string());
      std::this_thread::sleep_for(std::chrono::milliseconds(2));  // the disk is behind
    }
  }

  ManualClock clock_;
  TenantId tenant_;
  std::unique_ptr<eventlog::Writer> writer_;
  std::vector<double> item_sums_;
  std::mt19937_64 random_{7};
  event::Event event_;
  std::vector<std::string> payloads_;
  std::vector<eventlog::RecordRef> refs_;
};

double bytes_below(const std::string& folder) {
  double sum = 0;
  std::error_code error;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(folder, error)) {
    if (entry.is_regular_file(error)) sum += static_cast<double>(entry.file_size(error));
  }
  return sum;
}

std::unique_ptr<ServerProcess> start_or_give_up(const ServerOptions& options) {
  auto server = ServerProcess::start(options, std::chrono::minutes(30));
  if (!server.ok()) give_up(server.error().to_string());
  return std::move(server).value();
}

void stop_or_give_up(ServerProcess& server) {
  auto status = server.terminate(std::chrono::minutes(10));
  if (!status.ok()) give_up(status.error().to_string());
  if (*status != 0) give_up("the server ended with an error:\n" + server.log_tail());
}

void restart_with_a_long_log(const std::string& binary, JsonLine& json) {
  constexpr std::uint64_t kSnapshotRecords = 2'000'000;  // the default of snapshot.records
  const auto events = static_cast<std::uint64_t>(number_from_environment("CRASH_EVENTS", 50e6));
  const std::uint64_t tail = std::min(kSnapshotRecords - 1, events / 2);
  // A week of a shop: most event ids are older than the 73 hours for which they are remembered.
  const TimeUs span = 7 * kDayUs;
  const TimeUs gap = std::max<TimeUs>(1, span / static_cast<TimeUs>(events));

  const ScratchDirectory scratch("restart");
  ServerOptions options;
  options.binary = binary;
  options.data = scratch.path() + "/data";
  auto tenant = create_tenant(binary, options.data, "long");
  if (!tenant.ok()) give_up(tenant.error().to_string());

  const std::string partition = apply::PartitionSet::directory_of(options.data, tenant->partition);
  const auto progress = terminal_progress();
  const TimeUs start = system_clock().wall_us() - span;
  progress->start("writing the log", events - tail, "events");
  HistoryWriter(partition + "/log", tenant->id, start).write(0, events - tail, gap, *progress);
  progress->finish();

  std::printf("replaying %s events without a snapshot\n",
              human_count(static_cast<double>(events - tail)).c_str());
  std::fflush(stdout);
  auto server = start_or_give_up(options);
  const double replay_s = server->seconds_to_ready();
  const double replay_rss = server->rss_bytes();
  stop_or_give_up(*server);  // writes the snapshot
  const double snapshot_bytes = bytes_below(partition + "/snapshots");

  progress->start("writing the tail", tail, "events");
  HistoryWriter(partition + "/log", tenant->id, start + gap * static_cast<TimeUs>(events - tail))
      .write(events - tail, tail, gap, *progress);
  progress->finish();

  // The tail has no effect on the snapshot as long as the server is killed: three equal starts.
  std::vector<double> restart_s;
  std::vector<double> restart_rss;
  std::uint64_t replayed = 0;
  for (int round = 0; round < 3; ++round) {
    server = start_or_give_up(options);
    restart_s.push_back(server->seconds_to_ready());
    restart_rss.push_back(server->rss_bytes());
    replayed = server->replayed_records();
    server->kill_now();
    if (replayed != tail) {
      give_up("the restart replayed " + std::to_string(replayed) + " records, not " +
              std::to_string(tail));
    }
  }
  std::printf("\nrestart, from exec to /readyz 200, with %s events in the log\n\n",
              human_count(static_cast<double>(events)).c_str());
  Table table({"start", "replayed", "seconds (range)", "resident memory"});
  table.add({"without a snapshot", std::to_string(events - tail), fixed(replay_s, 2),
             human_bytes(replay_rss)});
  table.add({"snapshot and longest tail", std::to_string(replayed), median_and_range(restart_s, 2),
             human_bytes(median_of(restart_rss))});
  table.print();
  std::printf("log %s, snapshots %s\n\n", human_bytes(bytes_below(partition + "/log")).c_str(),
              human_bytes(snapshot_bytes).c_str());
  json.add("events_in_log", static_cast<double>(events));
  json.add("replayed", static_cast<double>(replayed));
  json.add("snapshot_bytes", snapshot_bytes);
  json.add("replay_events_per_s", static_cast<double>(events - tail) / replay_s);
  // Only a log of the full length earns the name.
  json.add(events >= 50'000'000 ? "restart_s_50m" : "restart_s_shorter_log", median_of(restart_s));
}

}  // namespace

int main(int argc, char** argv) {
  const Options options = read_options(argc, argv);
  auto binary = find_vitrine(argv[0]);
  if (!binary.ok()) give_up(binary.error().to_string());
  JsonLine json;
  Verdict verdict;
  kill_the_server(options, *binary, verdict, json);
  cut_the_power(options, verdict, json);
  json.add("lost", static_cast<double>(verdict.lost));
  json.add("duplicated", static_cast<double>(verdict.duplicated));
  if (options.restart) restart_with_a_long_log(*binary, json);
  json.print();
  return verdict.lost + verdict.duplicated == 0 ? 0 : 1;
}
