// How fast is a backup of a running server, how long until a restored one answers, is it the same,
// and is every flipped bit found?
//
//   bench_backup [--events N]      default BACKUP_EVENTS, else 10,000,000
//
// A shop of 30 days is written into a log; a real server replays it and writes its snapshot; then
// it runs under a load of live events while `vitrine backup` is used as an operator uses it:
// create, create again, verify, drill. At the end single bits are flipped in 100 objects.
//   backup_mb_per_s     bytes of the data directory by the time of the first backup
//   restore_s           from the beginning of the restore to the first answer of the new server
//   digest_equal        the restored state against the source's log replayed up to the cut
//   rpo_events          acknowledged before the backup was begun, and not in it
// Exits with 1 where the restored state differs, an event is missing or a bit was not found.
#include <atomic>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <random>
#include <thread>

#include "base/executor.h"
#include "base/progress.h"
#include "bench/support/event_traffic.h"
#include "bench/support/report.h"
#include "bench/support/server_process.h"
#include "bench/support/shop_log.h"
#include "bench/support/subprocess.h"
#include "platform/codec/json_parse.h"
#include "service/apply/partition_set.h"
#include "tool/backup/commands.h"
#include "tool/backup/verify.h"

using namespace vitrine;
using namespace vitrine::bench;

namespace {

constexpr std::uint32_t kItems = 100'000;
constexpr std::uint32_t kEventsPerUser = 50;
constexpr std::uint64_t kTail = 100'000;  // live events behind the snapshot
constexpr std::size_t kFlips = 100;

template <class T>
T must(Result<T> result) {
  if (!result.ok()) give_up(result.error().to_string());
  return std::move(result).value();
}

// One JSON object that a command printed.
class Answer {
 public:
  explicit Answer(std::string text) : text_(std::move(text)), json_(must(parser_.parse(text_))) {}
  double number(const char* name) const {
    double value = 0;
    if (json_[name].get(value) != simdjson::SUCCESS) give_up(std::string("no ") + name);
    return value;
  }
  bool truth(const char* name) const {
    bool value = false;
    return json_[name].get(value) == simdjson::SUCCESS && value;
  }
  std::string text(const char* name) const {
    std::string_view value;
    return json_[name].get(value) == simdjson::SUCCESS ? std::string(value) : "";
  }
  double last_position() const {
    double value = 0;
    if (json_["logs"].at(0)["last"].get(value) != simdjson::SUCCESS) give_up("no position");
    return value;
  }

 private:
  std::string text_;
  codec::JsonParser parser_;
  simdjson::dom::element json_;
};

// A shop that goes on sending events, as fast as one connection does.
class Load {
 public:
  Load(const ServerProcess& server, std::string key)
      : server_(server), key_(std::move(key)), thread_([this] { run(); }) {}
  ~Load() { stop(); }
  void stop() {
    stopping_ = true;
    if (thread_.joinable()) thread_.join();
  }
  std::uint64_t acknowledged() const { return acknowledged_; }
  std::uint64_t position() const { return position_; }  // of the last acknowledged event

 private:
  void run() {
    TrafficOptions options;
    options.id_prefix = "live";
    options.users = 100'000;
    options.items = kItems;
    EventTraffic traffic(options);
    net::Client client = client_of(server_);
    while (!stopping_) {
      const auto answer = must(post_json(client, key_, "/v1/events", traffic.next_body()));
      acknowledged_ += find_number(answer, "accepted");
      position_ = find_version_position(answer);
    }
  }
  const ServerProcess& server_;
  const std::string key_;
  std::atomic<bool> stopping_{false};
  std::atomic<std::uint64_t> acknowledged_{0};
  std::atomic<std::uint64_t> position_{0};
  std::thread thread_;
};

struct Experiment {
  std::string binary;
  std::uint64_t events = 0;
  std::string data, repository, key_file, scratch;

  std::vector<std::string> command(const std::string& verb, bool with_data) const {
    std::vector<std::string> words{binary,     "backup",     verb,     "--repository",
                                   repository, "--key-file", key_file, "--json"};
    if (with_data) words.insert(words.end(), {"--data", data});
    return words;
  }
};

void prepare(const Experiment& e, const TenantAccess& tenant) {
  ShopSizes sizes;
  sizes.items = kItems;
  sizes.events_per_user = kEventsPerUser;
  sizes.users = static_cast<std::uint32_t>(std::max<std::uint64_t>(1, e.events / kEventsPerUser));
  std::printf("writing a log of %s events\n", human_count(static_cast<double>(e.events)).c_str());
  std::fflush(stdout);
  const Shop shop(kItems);
  const std::string partition = apply::PartitionSet::directory_of(e.data, tenant.partition);
  must(write_shop_log(shop, sizes, partition + "/log", tenant.id));
  std::printf("replaying it once, for the snapshot\n");
  std::fflush(stdout);
  auto server = must(ServerProcess::start({e.binary, e.data, {}, -1}, std::chrono::minutes(60)));
  if (must(server->terminate(std::chrono::minutes(10))) != 0) give_up(server->log_tail());
}

struct Figures {
  double mb_per_s = 0, again_mb = 0, first_mb = 0, restore_s = 0;
  std::uint64_t rpo_events = 0;
  bool digest_equal = false;
};

Figures back_up_and_restore(const Experiment& e, const TenantAccess& tenant) {
  const auto server =
      must(ServerProcess::start({e.binary, e.data, {}, -1}, std::chrono::minutes(60)));
  Load load(*server, tenant.secret_key);
  while (load.acknowledged() < std::min(kTail, e.events)) {
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  }
  Figures figures;
  std::printf("backing up, with %s live events behind the snapshot and more coming\n",
              human_count(static_cast<double>(load.acknowledged())).c_str());
  std::fflush(stdout);
  const std::uint64_t acknowledged = load.position();
  const Answer first(must(run_and_read(e.command("create", true))));
  figures.mb_per_s = first.number("mb_per_s");
  figures.first_mb = first.number("stored_bytes") / 1e6;
  const double last = first.last_position();
  if (last < static_cast<double>(acknowledged)) {
    figures.rpo_events = acknowledged - static_cast<std::uint64_t>(last);
  }
  const Answer again(must(run_and_read(e.command("create", true))));
  figures.again_mb = again.number("stored_bytes") / 1e6;
  load.stop();
  std::printf("drill\n");
  std::fflush(stdout);
  auto command = e.command("drill", true);
  command.insert(command.end(), {"--to", e.scratch, "--backup", first.text("backup")});
  const Answer drill(must(run_and_read(command)));
  figures.restore_s = drill.number("rto_s");
  figures.digest_equal = drill.truth("digest_equal");
  figures.rpo_events += static_cast<std::uint64_t>(drill.number("rpo_events"));
  Table table({"step", "seconds", "what"});
  table.add({"backup", fixed(first.number("seconds"), 2),
             human_bytes(first.number("data_bytes")) + ", stored as " +
                 human_bytes(first.number("stored_bytes"))});
  table.add({"backup again", fixed(again.number("seconds"), 2),
             human_bytes(again.number("stored_bytes")) + " new, " +
                 human_bytes(again.number("read_bytes")) + " read"});
  table.add({"restore", fixed(drill.number("restore_s"), 2), ""});
  table.add({"server ready", fixed(drill.number("start_s"), 2),
             human_count(drill.number("replayed")) + " records replayed"});
  table.add({"first answer", fixed(drill.number("answer_s"), 3), ""});
  std::printf("\n");
  table.print();
  return figures;
}

void flip(const std::string& path, std::uint64_t bit) {
  std::fstream file(path, std::ios::in | std::ios::out | std::ios::binary);
  file.seekg(static_cast<std::streamoff>(bit / 8));
  char byte = 0;
  file.get(byte);
  file.seekp(static_cast<std::streamoff>(bit / 8));
  file.put(static_cast<char>(byte ^ (1 << (bit % 8))));
  if (!file.flush()) give_up("can't change " + path);
}

struct Flip {
  blob::ObjectInfo object;
  std::uint64_t bit = 0;
  bool found = false;
};

// Flips one bit in each of up to `wanted` objects, verifies, and flips them back.
std::size_t count_found(const Experiment& e, std::vector<Flip>& flips) {
  const backup::CommandOptions options{e.repository, e.key_file, false};
  const auto opened = must(backup::open_repository(options, false));
  for (const Flip& f : flips) flip(e.repository + "/" + f.object.key, f.bit);
  backup::VerifyOptions verify;
  verify.executor = &thread_executor();
  const auto report = must(verify_repository(*opened.repository, verify, no_progress()));
  const bool opens = backup::open_repository(options, false).ok();
  std::size_t found = 0;
  for (Flip& f : flips) {
    if (f.object.key == "repository") f.found = !opens;
    for (const auto& damage : report.damages) {
      const std::uint64_t at = f.bit / 8;
      const bool near = damage.offset <= at && at - damage.offset < blob::kSealPieceBytes + 128;
      f.found = f.found || (damage.object == f.object.key && near);
    }
    found += f.found;
    flip(e.repository + "/" + f.object.key, f.bit);
  }
  return found;
}

std::size_t flip_bits(const Experiment& e) {
  std::printf("flipping a bit in %zu objects\n", kFlips);
  std::fflush(stdout);
  auto store = must(blob::DirectoryStore::open(io::system_files(), e.repository));
  auto objects = must(store->list(""));
  std::mt19937_64 random(17);
  std::shuffle(objects.begin(), objects.end(), random);
  // The manifests and the description of the repository are among them for certain.
  std::stable_partition(objects.begin(), objects.end(), [](const blob::ObjectInfo& object) {
    return !object.key.starts_with("chunks/");
  });
  std::size_t found = 0;
  for (std::size_t done = 0; done < kFlips;) {
    std::vector<Flip> flips;
    for (const auto& object : objects) {
      if (done + flips.size() == kFlips) break;
      flips.push_back({object, random() % (object.bytes * 8), false});
    }
    done += flips.size();
    found += count_found(e, flips);
  }
  return found;
}

}  // namespace

int main(int argc, char** argv) {
  Experiment e;
  e.events = static_cast<std::uint64_t>(number_from_environment("BACKUP_EVENTS", 10e6));
  for (int i = 1; i < argc; ++i) {
    if (std::strcmp(argv[i], "--events") == 0 && i + 1 < argc) {
      e.events = std::strtoull(argv[++i], nullptr, 10);
    } else {
      std::fprintf(stderr, "usage: bench_backup [--events N]\n");
      return std::strcmp(argv[i], "--help") == 0 ? 0 : 2;
    }
  }
  e.binary = must(find_vitrine(argv[0]));
  const ScratchDirectory scratch("backup");
  e.data = scratch.path() + "/data";
  e.repository = scratch.path() + "/repository";
  e.key_file = scratch.path() + "/key";
  e.scratch = scratch.path() + "/restored";
  const auto tenant = must(create_tenant(e.binary, e.data, "shop"));
  prepare(e, tenant);
  must(run_and_read({e.binary, "backup", "key", e.key_file}));
  const Figures figures = back_up_and_restore(e, tenant);
  const std::size_t found = flip_bits(e);

  JsonLine json;
  json.add("events", static_cast<double>(e.events));
  json.add("backup_mb_per_s", figures.mb_per_s);
  json.add("backup_stored_mb", figures.first_mb);
  json.add("second_backup_stored_mb", figures.again_mb);
  json.add("restore_s", figures.restore_s);
  json.add_truth("digest_equal", figures.digest_equal);
  json.add("bitflips_detected", static_cast<double>(found));
  json.add("rpo_events", static_cast<double>(figures.rpo_events));
  json.print();
  return figures.digest_equal && found == kFlips && figures.rpo_events == 0 ? 0 : 1;
}
