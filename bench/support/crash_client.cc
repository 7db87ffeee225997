#include "bench/support/crash_client.h"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <map>
#include <memory>
#include <mutex>
#include <random>
#include <thread>

#include <signal.h>

#include "base/clock.h"
#include "bench/support/event_traffic.h"
#include "bench/support/server_process.h"
#include "domain/event/event_codec.h"
#include "domain/record/record.h"
#include "engine/eventlog/reader.h"
#include "service/apply/partition_set.h"
#include "service/apply/partition_state.h"

namespace vitrine::bench {
namespace {

using std::chrono::microseconds;
using std::chrono::milliseconds;

constexpr std::uint64_t kEventsPerUser = 50;  // fewer than a history keeps

std::string event_name(std::uint64_t n) { return "crash-" + std::to_string(n); }
std::string user_of(std::uint64_t n) { return "user-" + std::to_string(n / kEventsPerUser); }
std::string item_of(std::uint64_t n) { return "item-" + std::to_string(n % kEventsPerUser); }

// The same text each time it is sent: another one would be another event.
std::string body_of(const std::vector<std::uint64_t>& batch, std::int64_t base_ms) {
  std::string text = "[";
  for (std::uint64_t n : batch) {
    if (text.size() > 1) text += ',';
    text += R"({"event_id":")" + event_name(n) + R"(","type":"detail-page-view","event_time":)" +
            std::to_string(base_ms + static_cast<std::int64_t>(n / 10)) +
            R"(,"user":{"user_id":")" + user_of(n) + R"("},"items":[{"item_id":")" + item_of(n) +
            R"("}]})";
  }
  return text + "]";
}

// What the connections share with the one who kills.
struct Shared {
  std::string key;
  std::int64_t base_ms = 0;
  std::uint64_t events_per_batch = 0;
  std::atomic<std::uint16_t> port{0};  // 0: no server
  std::atomic<bool> finishing{false};  // send what is unanswered, nothing new
  std::atomic<std::uint64_t> next{0};
  std::atomic<std::uint64_t> resent{0};
  std::atomic<std::uint64_t> duplicates{0};
  std::mutex mutex;
  std::string error;  // guarded by mutex: the first answer that must not be

  void fail(std::string what) {
    std::lock_guard lock(mutex);
    if (error.empty()) error = std::move(what);
  }
  std::string failure() {
    std::lock_guard lock(mutex);
    return error;
  }
};

class Sender {
 public:
  Sender(Shared& shared, std::uint64_t seed) : shared_(shared), random_(seed) {}

  void run() {
    while (shared_.failure().empty()) {
      if (batch_.empty()) {
        if (shared_.finishing) return;
        batch_ = next_batch();
      }
      const std::uint16_t port = shared_.port;
      if (port == 0 || !send(port)) {
        std::this_thread::sleep_for(milliseconds(1));
        continue;
      }
      batch_.clear();
      std::this_thread::sleep_for(microseconds(random_() % 2000));
    }
  }

 private:
  std::vector<std::uint64_t> next_batch() {
    // Answered, and sent again all the same: a client whose own memory failed.
    if (!answered_.empty() && random_() % 20 == 0) {
      tries_ = 1;
      return answered_[random_() % answered_.size()];
    }
    tries_ = 0;
    std::vector<std::uint64_t> batch(shared_.events_per_batch);
    const std::uint64_t first = shared_.next.fetch_add(batch.size());
    for (std::size_t i = 0; i < batch.size(); ++i) batch[i] = first + i;
    return batch;
  }

  bool send(std::uint16_t port) {
    if (!client_ || port != port_) {
      net::ClientOptions options;
      options.port = port_ = port;
      options.request_timeout = milliseconds(10'000);
      client_ = std::make_unique<net::Client>(options);
    }
    if (tries_++ > 0) shared_.resent += batch_.size();
    const std::string credential = "Bearer " + shared_.key;
    const net::Header headers[] = {{"Authorization", credential},
                                   {"Content-Type", "application/json"}};
    auto answer = client_->request("POST", "/v1/events", headers, body_of(batch_, shared_.base_ms));
    if (!answer.ok()) return false;
    if (answer->status == 429 || answer->status == 503) return false;  // busy or ending
    const std::uint64_t accepted = find_number(answer->body, "accepted");
    const std::uint64_t duplicates = find_number(answer->body, "duplicates");
    if (answer->status != 202 || accepted + duplicates != batch_.size()) {
      shared_.fail("POST /v1/events answered " + std::to_string(answer->status) + ": " +
                   answer->body.substr(0, 1000));
      return false;
    }
    shared_.duplicates += duplicates;
    if (answered_.size() < 64) {
      answered_.push_back(batch_);
    } else {
      answered_[random_() % answered_.size()] = batch_;
    }
    return true;
  }

  Shared& shared_;
  std::mt19937_64 random_;
  std::unique_ptr<net::Client> client_;
  std::uint16_t port_ = 0;
  std::vector<std::uint64_t> batch_;
  std::uint64_t tries_ = 0;  // of batch_
  std::vector<std::vector<std::uint64_t>> answered_;
};

class KillRun {
 public:
  KillRun(const KillOptions& options, Progress& progress)
      : options_(options), progress_(progress), random_(options.seed) {}

  Result<KillReport> run() {
    VITRINE_TRY(tenant_, create_tenant(options_.binary, options_.data, "crash"));
    VITRINE_TRY(auto server, ServerProcess::start(server_options()));
    shared_.key = tenant_.publishable_key;
    shared_.events_per_batch = options_.events_per_batch;
    shared_.base_ms = (system_clock().wall_us() - kHourUs) / 1000;
    for (int i = 0; i < options_.connections; ++i) {
      senders_.emplace_back(
          [this, i] { Sender(shared_, options_.seed * 1000 + unsigned(i)).run(); });
    }
    const Status killed = kill_again_and_again(std::move(server));
    if (!killed.ok()) shared_.fail("ended early");  // lets the senders go
    shared_.finishing = true;
    for (std::thread& sender : senders_) sender.join();
    VITRINE_TRY(killed);
    if (const std::string error = shared_.failure(); !error.empty()) {
      return Error(ErrorCode::kInternal, error);
    }
    VITRINE_TRY(const int status, last_->terminate());
    if (status != 0) {
      return Error(ErrorCode::kInternal, "after SIGTERM the server ended with status " +
                                             std::to_string(status) + ":\n" + last_->log_tail());
    }
    report_.events = shared_.next;
    report_.resent = shared_.resent;
    report_.duplicates_told = shared_.duplicates;
    VITRINE_TRY(examine());
    return report_;
  }

 private:
  ServerOptions server_options() const {
    ServerOptions options;
    options.binary = options_.binary;
    options.data = options_.data;
    // Small segments and frequent snapshots, so that kills hit those too.
    options.arguments = {"--log.segment", "1MiB", "--snapshot.records", "5000"};
    return options;
  }

  Status kill_again_and_again(std::unique_ptr<ServerProcess> server) {
    progress_.start("killing the server", options_.kills, "kills");
    while (report_.kills < options_.kills && shared_.failure().empty()) {
      const bool starting = server == nullptr && random_() % 5 == 0;
      if (starting) {
        VITRINE_TRY(server, ServerProcess::launch(server_options()));
        std::this_thread::sleep_for(microseconds(random_() % 60'000));
        if (server->ended()) {
          return Error(ErrorCode::kInternal, "the server ended by itself:\n" + server->log_tail());
        }
        ++report_.kills_while_starting;
      } else {
        if (server == nullptr) {
          VITRINE_TRY(server, restart());
        }
        shared_.port = server->port();
        std::this_thread::sleep_for(microseconds(random_() % 120'000));
        if (server->ended()) {
          return Error(ErrorCode::kInternal, "the server ended by itself:\n" + server->log_tail());
        }
      }
      ::kill(server->pid(), SIGKILL);
      shared_.port = 0;
      server->kill_now();  // waits for the end
      server.reset();
      progress_.update(++report_.kills);
    }
    progress_.finish();
    VITRINE_TRY(last_, restart());
    shared_.port = last_->port();
    return ok_status();
  }

  Result<std::unique_ptr<ServerProcess>> restart() {
    VITRINE_TRY(auto server, ServerProcess::start(server_options()));
    report_.restart_s.push_back(server->seconds_to_ready());
    report_.replayed += server->replayed_records();
    if (server->snapshot_position() > 0) ++report_.snapshots_used;
    return server;
  }

  // The state as the next start would have it.
  Result<std::unique_ptr<apply::PartitionState>> load(const std::string& directory,
                                                      const std::string& log) const {
    apply::PartitionStateOptions options;
    options.directory = directory;
    apply::LoadReport ignored;
    VITRINE_TRY(auto state,
                apply::PartitionState::load(io::system_files(), options, true, ignored));
    VITRINE_TRY(auto reader, eventlog::Reader::open(io::system_files(), log, state->position() + 1,
                                                    eventlog::ReadScope::kWholeFrames));
    eventlog::RecordView record;
    while (true) {
      VITRINE_TRY(const auto end, reader->next(record));
      if (end == eventlog::ReadEnd::kEndOfLog) return state;
      VITRINE_TRY(const auto outcome, state->apply(record));
      if (outcome.code == apply::ApplyCode::kIdConflict) {
        return Error(ErrorCode::kInternal, "an event id has two bodies in the log");
      }
    }
  }

  Status examine() {
    const std::string partition =
        apply::PartitionSet::directory_of(options_.data, tenant_.partition);
    const std::string log = partition + "/log";
    VITRINE_TRY(const auto state, load(partition, log));
    const auto runtime = state->tenant(tenant_.id);
    if (runtime == nullptr) {
      report_.lost = report_.events;
      return ok_status();
    }
    const auto read = runtime->read();
    VITRINE_TRY(count_events(*read));
    VITRINE_TRY(const auto found, read->digest());
    VITRINE_TRY(const auto replayed, load(options_.data + "-replayed", log));
    VITRINE_TRY(const auto expected, replayed->tenant(tenant_.id)->read()->digest());
    if (found != expected) {
      return Error(ErrorCode::kInternal,
                   "a replay of the whole log gives another state than the restarts did");
    }
    return ok_status();
  }

  Status count_events(const apply::TenantState& state) {
    std::uint64_t entries = 0;
    VITRINE_TRY(const auto id_known, known_ids(state));
    std::vector<profile::HistoryEntry> history;
    for (std::uint64_t first = 0; first < report_.events; first += kEventsPerUser) {
      std::map<std::string_view, std::uint64_t> seen;
      const UserIndex user = state.profiles().find_user(profile::user_key(user_of(first)));
      history.clear();
      if (user != kNoUser) {
        VITRINE_TRY(state.profiles().history(user, history));
      }
      for (const auto& entry : history) ++seen[state.catalog().item_id(entry.item)];
      entries += history.size();
      const std::uint64_t end = std::min(first + kEventsPerUser, report_.events);
      for (std::uint64_t n = first; n < end; ++n) {
        const std::uint64_t times = seen[item_of(n)];
        if (times == 0 || !id_known[n]) ++report_.lost;
        if (times > 1) report_.duplicated += times - 1;
      }
    }
    const std::uint64_t counted = state.counts().events;
    if (counted + report_.lost > report_.events) {
      report_.duplicated = std::max(report_.duplicated, counted + report_.lost - report_.events);
    }
    if (entries != counted) {
      return Error(ErrorCode::kInternal, "histories hold " + std::to_string(entries) +
                                             " entries but " + std::to_string(counted) +
                                             " events were counted");
    }
    return ok_status();
  }

  // Which ids a retry would be told to be duplicates of.
  Result<std::vector<bool>> known_ids(const apply::TenantState& state) const {
    std::vector<bool> known(report_.events);
    for (std::uint64_t n = 0; n < report_.events; ++n) {
      // The body hash is not the point here: whatever it is, an id that is known is not new.
      VITRINE_TRY(const auto verdict,
                  state.event_ids().find(event::event_id_hash(event_name(n)), 0));
      known[n] = verdict != kv::IdVerdict::kNew;
    }
    return known;
  }

  const KillOptions& options_;
  Progress& progress_;
  std::mt19937_64 random_;
  Shared shared_;
  TenantAccess tenant_;
  std::vector<std::thread> senders_;
  std::unique_ptr<ServerProcess> last_;
  KillReport report_;
};

}  // namespace

Result<KillReport> run_kills(const KillOptions& options, Progress& progress) {
  auto run = std::make_unique<KillRun>(options, progress);
  return run->run();
}

}  // namespace vitrine::bench
