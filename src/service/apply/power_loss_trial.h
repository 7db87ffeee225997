// One life story of a partition on a disk that loses what it may: for tests and bench_crash.
//
// A client appends events with known ids through the real log, the real state applies them and
// writes snapshots, and at a random operation power goes: unsynced writes are forgotten,
// reordered or torn (io::SimulatedFiles). After each restart the client sends again whatever it
// got no answer for, and now and then something it did get one for. In the end each id must
// count exactly once, by three independent witnesses: the event id window, the users' histories,
// and the number of events counted; and replaying the whole log without any snapshot must give
// the same digest. A story is repeatable from its seed.
#pragma once

#include <algorithm>
#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <random>
#include <string>
#include <vector>

#include "engine/eventlog/reader.h"
#include "engine/eventlog/writer.h"
#include "platform/io/simulated_files.h"
#include "service/apply/apply_test_util.h"
#include "service/apply/partition_state.h"

namespace vitrine::apply::testing {

struct PowerLossReport {
  std::uint64_t power_cuts = 0;
  std::uint64_t process_deaths = 0;  // the same cut, but the machine stayed up
  std::uint64_t snapshots = 0;
  std::uint64_t snapshots_loaded = 0;  // restarts that began from one
  std::uint64_t torn_bytes = 0;        // cut from the end of the log by restarts
  std::uint64_t events = 0;            // distinct ids sent
  std::uint64_t resent = 0;            // events sent more than once
  std::uint64_t lost = 0;
  std::uint64_t duplicated = 0;
  std::string error;  // what went wrong that no power cut explains; empty if nothing
};

class PowerLossTrial {
 public:
  explicit PowerLossTrial(std::uint64_t seed) : random_(seed) {}

  // `cuts` power cuts, then a calm end.
  PowerLossReport run(int cuts) {
    for (int life = 0; life < cuts && report_.error.empty(); ++life) {
      // Early cuts hit recovery, later ones appends, snapshots and new segments.
      power_ends_at_ = files_.operations() + random_() % (life % 2 == 0 ? 160 : 40);
      files_.cut_power_at(power_ends_at_);
      live(1 << 20);
      close();
      if (random_() % 4 == 0) {
        files_.kill_process();
        ++report_.process_deaths;
      } else {
        files_.crash(random_());
        ++report_.power_cuts;
      }
    }
    power_ends_at_ = ~std::uint64_t{0};
    if (report_.error.empty()) live(static_cast<int>(unanswered_.size()) + 5);
    if (report_.error.empty()) examine();
    close();
    return report_;
  }

 private:
  using Batch = std::vector<std::uint64_t>;  // event numbers
  static constexpr TenantId kShop{1};
  static constexpr std::uint64_t kEventsPerUser = 40;  // fewer than a history keeps
  static constexpr TimeUs kStart = 1'760'000'000 * kSecondUs;
  inline static const std::string kDirectory = "data/partition-0";

  static TestRecord record_of(std::uint64_t n) {
    return event_record(kShop, event::EventType::kDetailPageView, "event-" + std::to_string(n),
                        "user-" + std::to_string(n / kEventsPerUser),
                        {"item-" + std::to_string(n % kEventsPerUser)},
                        kStart + static_cast<TimeUs>(n) * 1000);
  }

  eventlog::WriterOptions log_options() {
    eventlog::WriterOptions options;
    options.directory = kDirectory + "/log";
    options.files = &files_;
    options.clock = &clock_;
    options.executor = &thread_executor();
    options.segment_bytes = 16384;
    options.group_bytes_max = 4096;
    options.background = false;  // for a repeatable order of operations
    options.seal_after_us = 0;
    options.retain_from = 1;
    return options;
  }

  // So tight that event ids leave memory all the time.
  static PartitionStateOptions state_options(const std::string& directory) {
    PartitionStateOptions options;
    options.directory = directory;
    options.tenant.id_window_memory_bytes = 38 * 64;
    return options;
  }

  bool failed(const Error& error, std::string_view where) {
    // Before the cut nothing may fail; after it everything does.
    if (files_.operations() <= power_ends_at_ && report_.error.empty()) {
      report_.error = std::string(where) + ": " + error.to_string();
    }
    return false;
  }

  bool open() {
    auto writer = eventlog::Writer::open(log_options());
    if (!writer.ok()) return failed(writer.error(), "opening the log");
    writer_ = std::move(writer).value();
    report_.torn_bytes += writer_->open_report().torn_bytes;
    LoadReport loaded;
    auto state = PartitionState::load(files_, state_options(kDirectory), false, loaded);
    if (!state.ok()) return failed(state.error(), "loading the state");
    state_ = std::move(state).value();
    if (loaded.snapshot_position > 0) ++report_.snapshots_loaded;
    if (state_->position() > writer_->durable()) {
      report_.error = "a snapshot is ahead of the log";
      return false;
    }
    auto reader = eventlog::Reader::open(files_, kDirectory + "/log", state_->position() + 1);
    if (!reader.ok()) return failed(reader.error(), "opening the reader");
    reader_ = std::move(reader).value();
    return apply_durable();
  }

  void close() {
    reader_.reset();
    state_.reset();
    writer_.reset();
  }

  bool apply_durable() {
    eventlog::RecordView record;
    while (true) {
      auto end = reader_->next(record);
      if (!end.ok()) return failed(end.error(), "reading the log");
      if (*end == eventlog::ReadEnd::kEndOfLog) return true;
      auto outcome = state_->apply(record);
      if (!outcome.ok()) return failed(outcome.error(), "applying");
      if (outcome->code == ApplyCode::kIdConflict) {
        report_.error = "an id came back with another body";
        return false;
      }
    }
  }

  // One process: recovery, then batches until power goes.
  void live(int batches) {
    if (!open()) return;
    std::deque<Batch> again;
    again.swap(unanswered_);
    for (int i = 0; i < batches; ++i) {
      Batch batch;
      if (!again.empty()) {
        batch = std::move(again.front());
        again.pop_front();
        report_.resent += batch.size();
      } else {
        batch = next_batch();
      }
      if (!send(batch)) {
        unanswered_.push_back(std::move(batch));
        break;
      }
      if (random_() % 6 == 0 && !snapshot()) break;
    }
    for (Batch& batch : again) unanswered_.push_back(std::move(batch));
  }

  Batch next_batch() {
    Batch batch(random_() % 12 + 1);
    const bool retry = report_.events > 0 && random_() % 8 == 0;
    for (std::uint64_t& n : batch) n = retry ? random_() % report_.events : report_.events++;
    if (retry) report_.resent += batch.size();
    return batch;
  }

  // True: acknowledged and applied.
  bool send(const Batch& batch) {
    clock_.advance_us(static_cast<TimeUs>(random_() % 100'000));
    std::vector<TestRecord> records;
    std::vector<eventlog::RecordRef> refs;
    for (std::uint64_t n : batch) records.push_back(record_of(n));
    for (const TestRecord& record : records) refs.push_back(record.ref());
    auto range = writer_->append(refs, nullptr);
    if (!range.ok()) return failed(range.error(), "appending");
    auto durable = writer_->wait_durable(range->last, kMinuteUs);
    if (!durable.ok()) return failed(durable.error(), "waiting");
    return apply_durable();
  }

  bool snapshot() {
    auto written = state_->write_snapshot();
    if (!written.ok()) return failed(written.error(), "writing a snapshot");
    ++report_.snapshots;
    auto floor = state_->prune_snapshots(2);
    if (!floor.ok()) return failed(floor.error(), "pruning snapshots");
    return true;
  }

  void examine() {
    if (!unanswered_.empty()) {
      report_.error = "a batch found no answer without any fault";
      return;
    }
    close();
    if (!open()) return;
    const auto tenant = state_->tenant(kShop);
    if (tenant == nullptr) {
      report_.lost = report_.events;
      return;
    }
    const auto read = tenant->read();
    std::map<std::string, std::uint64_t> seen;  // "user item": entries in histories
    std::uint64_t entries = 0;
    if (!read_histories(*read, seen, entries)) return;
    for (std::uint64_t n = 0; n < report_.events; ++n) {
      const TestRecord record = record_of(n);
      const std::string_view body = std::string_view(record.payload).substr(record::kTenantBytes);
      const auto verdict = read->event_ids().find(
          event::event_id_hash("event-" + std::to_string(n)), event::body_hash(body));
      if (!verdict.ok()) {
        report_.error = verdict.error().to_string();
        return;
      }
      const std::uint64_t times = seen[name_of(n)];
      if (*verdict != kv::IdVerdict::kDuplicate || times == 0) ++report_.lost;
      if (times > 1) report_.duplicated += times - 1;
    }
    const std::uint64_t counted = read->counts().events;
    if (counted + report_.lost > report_.events) {
      report_.duplicated = std::max(report_.duplicated, counted + report_.lost - report_.events);
    }
    if (entries != counted) report_.error = "histories and event count differ";
    compare_with_replay(*read);
  }

  static std::string name_of(std::uint64_t n) {
    return std::to_string(n / kEventsPerUser) + " item-" + std::to_string(n % kEventsPerUser);
  }

  bool read_histories(const TenantState& state, std::map<std::string, std::uint64_t>& seen,
                      std::uint64_t& entries) {
    std::vector<profile::HistoryEntry> history;
    for (std::uint64_t user = 0; user * kEventsPerUser < report_.events; ++user) {
      const UserIndex index =
          state.profiles().find_user(profile::user_key("user-" + std::to_string(user)));
      if (index == kNoUser) continue;
      history.clear();
      if (auto size = state.profiles().history(index, history); !size.ok()) {
        report_.error = size.error().to_string();
        return false;
      }
      for (const auto& entry : history) {
        ++seen[std::to_string(user) + " " + std::string(state.catalog().item_id(entry.item))];
        ++entries;
      }
    }
    return true;
  }

  // The state that came through all the restarts against one that read the log in one go.
  void compare_with_replay(const TenantState& state) {
    LoadReport ignored;
    auto fresh = PartitionState::load(files_, state_options("data/replayed"), false, ignored);
    auto reader = eventlog::Reader::open(files_, kDirectory + "/log", 1);
    if (!fresh.ok() || !reader.ok()) {
      report_.error = "can't replay the log from its first record";
      return;
    }
    eventlog::RecordView record;
    while (true) {
      auto end = (*reader)->next(record);
      if (!end.ok() || *end == eventlog::ReadEnd::kEndOfLog) break;
      if (!(*fresh)->apply(record).ok()) break;
    }
    const auto replayed = (*fresh)->tenant(kShop);
    const auto expected = state.digest();
    const auto found = replayed->read()->digest();
    if (!expected.ok() || !found.ok() || *expected != *found) {
      report_.error = "a replay of the whole log gives another state than the restarts did";
    }
  }

  std::mt19937_64 random_;
  io::SimulatedFiles files_;
  ManualClock clock_{kStart};
  std::uint64_t power_ends_at_ = 0;
  std::unique_ptr<eventlog::Writer> writer_;
  std::unique_ptr<PartitionState> state_;
  std::unique_ptr<eventlog::Reader> reader_;
  std::deque<Batch> unanswered_;
  PowerLossReport report_;
};

}  // namespace vitrine::apply::testing
