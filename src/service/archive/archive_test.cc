#include <cerrno>
#include <map>
#include <random>
#include <set>
#include <thread>

#include <gtest/gtest.h>

#include "base/bytes.h"
#include "domain/record/record.h"
#include "engine/blob/directory_store.h"
#include "engine/blob/seal.h"
#include "engine/eventlog/writer.h"
#include "platform/io/simulated_files.h"
#include "service/archive/archive_verify.h"

namespace vitrine::archive {
namespace {

const std::string kLog = "data/partition-0/log";

// A log of two tenants over two days.
class TestLog {
 public:
  explicit TestLog(TimeUs start = 1'795'305'000 * kSecondUs)
      : clock_(start) {  // an hour to midnight
    eventlog::WriterOptions options;
    options.directory = kLog;
    options.files = &files;
    options.clock = &clock_;
    options.executor = &thread_executor();
    options.segment_bytes = 16384;
    options.group_bytes_max = 4096;
    options.background = false;
    options.seal_after_us = 0;
    writer = eventlog::Writer::open(options).value();
  }
  void add(int count) {
    for (int i = 0; i < count; ++i, ++added_) {
      clock_.advance_us(60 * kSecondUs);
      std::string payload;
      ByteWriter w(payload);
      record::write_tenant(w, TenantId{1 + static_cast<std::uint32_t>(added_ % 3 == 0)});
      w.raw((added_ % 3 == 0 ? "secret of two " : "secret of one ") + std::to_string(added_));
      const eventlog::RecordRef ref{1, 0, payload};
      const auto range = writer->append(std::span(&ref, 1), nullptr).value();
      ASSERT_TRUE(writer->wait_durable(range.last, kMinuteUs).ok());
    }
  }
  io::SimulatedFiles files;
  std::unique_ptr<eventlog::Writer> writer;

 private:
  ManualClock clock_;
  int added_ = 0;
};

Status print(const eventlog::RecordView& record, codec::JsonWriter& json) {
  if (record.kind != 1) return Error(ErrorCode::kUnsupported, "a kind from the future");
  json.key("text").string(record.payload.substr(record::kTenantBytes));
  return ok_status();
}

ArchiveOptions options_for(TestLog& log, blob::ObjectStore& store) {
  ArchiveOptions options;
  options.store = &store;
  options.files = &log.files;
  options.log = "partition-0";
  options.log_directory = kLog;
  options.print = print;
  options.batch_records = 40;
  return options;
}

std::unique_ptr<blob::DirectoryStore> open_store(io::FileSystem& files) {
  return blob::DirectoryStore::create(files, "archive").value();
}

std::map<std::string, std::string> contents(blob::ObjectStore& store) {
  std::map<std::string, std::string> all;
  const auto objects = store.list("").value();
  for (const auto& object : objects) {
    all[object.key] = store.get(object.key, 1 << 30).value();
  }
  return all;
}

ArchiveVerifyReport verify(const ArchiveOptions& options) {
  auto report = verify_archive(options, no_progress());
  EXPECT_TRUE(report.ok());
  return std::move(report).value();
}

// What readers of complete batches see: every position, with its line.
std::map<std::uint64_t, std::string> archived_lines(blob::ObjectStore& store) {
  std::map<std::uint64_t, std::string> lines;
  const auto manifests = store.list(manifest_prefix("partition-0")).value();
  for (const auto& info : manifests) {
    const auto manifest = decode_archive_manifest(store.get(info.key, 1 << 20).value()).value();
    for (const auto& object : manifest.objects) {
      const std::string packed = store.get(object_key("partition-0", object), 1 << 20).value();
      std::string text = blob::decompress(packed, object.raw_bytes).value();
      for (std::size_t begin = 0; begin < text.size();) {
        const std::size_t end = text.find('\n', begin);
        const std::string line = text.substr(begin, end - begin);
        begin = end + 1;
        const std::size_t at = line.find("\"position\":") + 11;
        EXPECT_TRUE(lines.emplace(std::stoull(line.substr(at)), line).second) << "twice: " << line;
      }
    }
  }
  return lines;
}

void expect_complete(blob::ObjectStore& store, std::uint64_t last) {
  const auto lines = archived_lines(store);
  ASSERT_EQ(lines.size(), last);
  std::uint64_t expected = 0;
  for (const auto& [position, line] : lines) {
    EXPECT_EQ(position, ++expected);
    EXPECT_NE(line.find(" " + std::to_string(position - 1) + "\""), std::string::npos) << line;
  }
}

TEST(Archive, HoldsEveryRecordOnceByTenantAndDate) {
  TestLog log;
  log.add(130);
  io::SimulatedFiles files;
  auto store = open_store(files);
  const auto options = options_for(log, *store);
  const auto report = archive_log(options, no_progress()).value();
  EXPECT_EQ(report.records, 130u);
  EXPECT_EQ(report.batches, 4u);
  EXPECT_EQ(report.archived, 130u);
  expect_complete(*store, 130);
  std::set<std::string> folders;
  const auto objects = store->list("events/").value();
  for (const auto& object : objects) folders.insert(object.key.substr(0, object.key.rfind('/')));
  EXPECT_EQ(folders.size(), 4u) << "two tenants, two dates";
  const auto verified = verify(options);
  EXPECT_TRUE(verified.problems.empty());
  EXPECT_EQ(verified.records, 130u);
  EXPECT_EQ(verified.compared, 130u);
  EXPECT_EQ(archived_position(*store, "partition-0").value(), 130u);
  EXPECT_EQ(archived_logs(*store).value(), std::vector<std::string>{"partition-0"});
}

TEST(Archive, NoTenantIsInTheObjectsOfAnother) {
  TestLog log;
  log.add(100);
  io::SimulatedFiles files;
  auto store = open_store(files);
  ASSERT_TRUE(archive_log(options_for(log, *store), no_progress()).ok());
  int seen = 0;
  for (const auto& [key, bytes] : contents(*store)) {
    if (!key.starts_with("events/")) {
      EXPECT_EQ(bytes.find("secret"), std::string::npos);
      continue;
    }
    const bool one = key.starts_with("events/tenant=1/");
    const auto size = bytes.size();
    std::string text;
    for (std::uint64_t raw = 1; raw < 100'000 && text.empty(); ++raw) {
      if (auto plain = blob::decompress(bytes, raw); plain.ok()) text = std::move(plain).value();
    }
    ASSERT_FALSE(text.empty()) << key << " " << size;
    EXPECT_EQ(text.find(one ? "secret of two" : "secret of one"), std::string::npos) << key;
    EXPECT_EQ(text.find(one ? "\"tenant\":2" : "\"tenant\":1"), std::string::npos) << key;
    ++seen;
  }
  EXPECT_GT(seen, 4);
}

TEST(Archive, RunAgainItAddsOnlyWhatIsNew) {
  TestLog log;
  log.add(50);
  io::SimulatedFiles files;
  auto store = open_store(files);
  const auto options = options_for(log, *store);
  ASSERT_TRUE(archive_log(options, no_progress()).ok());
  const auto before = contents(*store);
  EXPECT_EQ(archive_log(options, no_progress()).value().records, 0u);
  EXPECT_EQ(contents(*store), before);
  log.add(7);
  EXPECT_EQ(archive_log(options, no_progress()).value().records, 7u);
  for (const auto& [key, bytes] : before) EXPECT_EQ(contents(*store)[key], bytes);
  expect_complete(*store, 57);
}

// Goal: killed at any step and taken up again, when the log has grown meanwhile, every record is in
// the archive exactly once, nothing that was written is changed, and no object is left over.
TEST(Archive, KilledAtAnyStepItIsTakenUpWithTheSameObjects) {
  bool finished = false;
  for (std::uint64_t cut = 0; !finished; ++cut) {
    SCOPED_TRACE(cut);
    TestLog log;
    log.add(60);
    io::SimulatedFiles files;
    {
      auto store = open_store(files);
      files.cut_power_at(cut);
      finished = archive_log(options_for(log, *store), no_progress()).ok();
    }
    cut % 2 == 0 ? files.kill_process() : files.crash(cut);
    auto store = open_store(files);
    const auto before = contents(*store);
    EXPECT_TRUE(verify(options_for(log, *store)).problems.empty());
    log.add(11);
    ASSERT_TRUE(archive_log(options_for(log, *store), no_progress()).ok());
    expect_complete(*store, 71);
    EXPECT_TRUE(verify(options_for(log, *store)).problems.empty());
    const auto after = contents(*store);
    for (const auto& [key, bytes] : before) EXPECT_EQ(after.at(key), bytes) << key;
    std::set<std::string> named;
    const auto manifests = store->list(manifest_prefix("partition-0")).value();
    for (const auto& info : manifests) {
      const auto manifest = decode_archive_manifest(after.at(info.key)).value();
      for (const auto& object : manifest.objects) named.insert(object_key("partition-0", object));
    }
    const auto objects = store->list("events/").value();
    EXPECT_EQ(objects.size(), named.size()) << "no object without a manifest";
  }
}

TEST(Archive, EveryFailureIsAnErrorAndTheNextRunGoesOn) {
  for (const int error : {EIO, ENOSPC}) {
    bool finished = false;
    for (std::uint64_t n = 0; !finished; ++n) {
      TestLog log;
      log.add(30);
      io::SimulatedFiles files;
      auto store = open_store(files);
      files.fail_operation(n, error);
      const auto first = archive_log(options_for(log, *store), no_progress());
      finished = first.ok();  // the operation that was to fail was not reached
      if (finished) break;
      EXPECT_EQ(first.error().code(), error == EIO ? ErrorCode::kIo : ErrorCode::kExhausted);
      ASSERT_TRUE(archive_log(options_for(log, *store), no_progress()).ok());
      expect_complete(*store, 30);
    }
  }
}

TEST(Archive, TwoThatRunAtOnceMakeOneArchive) {
  for (int round = 0; round < 10; ++round) {
    TestLog log;
    log.add(200);
    io::SimulatedFiles files;
    auto one = open_store(files), two = open_store(files);
    auto slow = options_for(log, *two);
    slow.batch_records = 17;  // would cut otherwise than the other
    std::thread other([&] { EXPECT_TRUE(archive_log(slow, no_progress()).ok()); });
    EXPECT_TRUE(archive_log(options_for(log, *one), no_progress()).ok());
    other.join();
    expect_complete(*one, 200);
    EXPECT_TRUE(verify(options_for(log, *one)).problems.empty());
  }
}

TEST(Archive, EveryFlippedBitAndEveryMissingObjectIsFound) {
  TestLog log;
  log.add(90);
  io::SimulatedFiles files;
  auto store = open_store(files);
  const auto options = options_for(log, *store);
  ASSERT_TRUE(archive_log(options, no_progress()).ok());
  std::mt19937_64 random(5);
  const auto all = contents(*store);
  std::string last_manifest;
  for (const auto& [key, bytes] : all) {
    if (key.starts_with("manifests/")) last_manifest = key;
  }
  for (const auto& [key, bytes] : all) {
    if (key.starts_with("plans/")) continue;  // nobody reads it once the batch is complete
    SCOPED_TRACE(key);
    for (int i = 0; i < 20; ++i) {
      const std::size_t at = random() % bytes.size();
      const char flipped = static_cast<char>(bytes[at] ^ (1 << (random() % 8)));
      files.overwrite("archive/" + key, at, std::string(1, flipped));
      const auto report = verify(options);
      EXPECT_FALSE(report.problems.empty()) << at;
      files.overwrite("archive/" + key, at, bytes.substr(at, 1));
    }
    ASSERT_TRUE(store->remove(key).ok());
    // Without its last manifest an archive ends one batch earlier, and the next run writes it
    // again.
    EXPECT_EQ(verify(options).problems.empty(), key == last_manifest);
    ASSERT_EQ(store->put(key, bytes).value(), blob::Put::kStored);
  }
  EXPECT_TRUE(verify(options).problems.empty());
}

TEST(Archive, TheArchiveOfAnotherLogIsNotContinued) {
  TestLog log, other(1'700'000'000 * kSecondUs);
  log.add(50);
  other.add(20);
  io::SimulatedFiles files;
  auto store = open_store(files);
  ASSERT_TRUE(archive_log(options_for(log, *store), no_progress()).ok());
  EXPECT_FALSE(archive_log(options_for(other, *store), no_progress()).ok());
  other.add(30);
  EXPECT_FALSE(verify(options_for(other, *store)).problems.empty());
}

TEST(Archive, AKindItCanNotPrintStopsItBeforeTheBatch) {
  TestLog log;
  log.add(10);
  const std::string payload("\1\0\0\0x", 5);
  const eventlog::RecordRef ref{77, 0, payload};
  const auto range = log.writer->append(std::span(&ref, 1), nullptr).value();
  ASSERT_TRUE(log.writer->wait_durable(range.last, kMinuteUs).ok());
  io::SimulatedFiles files;
  auto store = open_store(files);
  auto options = options_for(log, *store);
  options.batch_records = 10;
  const auto report = archive_log(options, no_progress());
  ASSERT_FALSE(report.ok());
  EXPECT_EQ(report.error().code(), ErrorCode::kUnsupported);
  EXPECT_NE(report.error().message().find("record 11"), std::string::npos);
  expect_complete(*store, 10);
}

TEST(Archive, ALogThatWasCutAtTheOldEndIsArchivedFromThereButNeverWithAGap) {
  TestLog log;
  log.add(300);
  const auto names = log.files.list(kLog).value();
  ASSERT_TRUE(log.files.remove(kLog + "/" + names.front()).ok());
  io::SimulatedFiles files;
  auto store = open_store(files);
  const auto options = options_for(log, *store);
  const auto report = archive_log(options, no_progress()).value();
  EXPECT_EQ(report.archived, 300u);
  EXPECT_LT(report.records, 300u);
  EXPECT_TRUE(verify(options).problems.empty());
}

TEST(Archive, NothingThereIsNothingToDo) {
  io::SimulatedFiles files;
  auto store = open_store(files);
  TestLog log;
  auto options = options_for(log, *store);
  EXPECT_EQ(archive_log(options, no_progress()).value().archived, 0u);
  options.log_directory = "nowhere";
  EXPECT_EQ(archive_log(options, no_progress()).value().archived, 0u);
}

}  // namespace
}  // namespace vitrine::archive
