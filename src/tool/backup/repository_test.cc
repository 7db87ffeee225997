#include "tool/backup/repository.h"

#include "platform/io/atomic_file.h"
#include "tool/backup/backup_test_util.h"

namespace vitrine::backup {
namespace {

using namespace testing;  // NOLINT: the words of the tests

TEST(Repository, TheKeyDecides) {
  io::SimulatedFiles files;
  auto store = blob::DirectoryStore::create(files, "repo").value();
  const BackupKey key = test_key(1), other = test_key(2);
  EXPECT_EQ(Repository::open(*store, &key).error().code(), ErrorCode::kNotFound);
  ASSERT_TRUE(Repository::create(*store, &key).ok());
  EXPECT_TRUE(Repository::open(*store, &key).ok());
  const auto wrong = Repository::open(*store, &other);
  EXPECT_EQ(wrong.error().code(), ErrorCode::kPermissionDenied);
  EXPECT_NE(wrong.error().message().find("wrong key"), std::string::npos);
  EXPECT_EQ(Repository::open(*store, nullptr).error().code(), ErrorCode::kPermissionDenied);
  EXPECT_EQ(Repository::create(*store, &key).error().code(), ErrorCode::kConflict);

  auto plain = blob::DirectoryStore::create(files, "plain").value();
  EXPECT_FALSE(Repository::create(*plain, nullptr).value()->encrypted());
  EXPECT_EQ(Repository::open(*plain, &key).error().code(), ErrorCode::kInvalidArgument);
}

TEST(Repository, ChunksOfEqualBytesAreKeptOnceAndNamesTellNothingWithoutTheKey) {
  io::SimulatedFiles files;
  TestRepository repository(files);
  const auto lock = repository->begin_writing().value();
  const auto first = repository->put_chunk("some bytes", 1).value();
  EXPECT_GT(first.stored_bytes, 0u);
  EXPECT_EQ(repository->put_chunk("some bytes", 1).value().stored_bytes, 0u);
  EXPECT_EQ(repository->get_chunk(first.chunk).value(), "some bytes");
  TestRepository plain(files, false, "plain");
  EXPECT_NE(plain->name_of("some bytes"), first.chunk);
}

TEST(Repository, AnObjectUnderTheNameOfAnotherIsFound) {
  io::SimulatedFiles files;
  TestRepository repository(files, false);
  const auto lock = repository->begin_writing().value();
  const auto one = repository->put_chunk("one", 1).value().chunk;
  const auto two = repository->put_chunk("two", 1).value().chunk;
  const std::string bytes = repository.store().get(chunk_key(two), 1000).value();
  ASSERT_TRUE(repository.store().remove(chunk_key(one)).ok());
  ASSERT_TRUE(repository.store().put(chunk_key(one), bytes).ok());
  EXPECT_EQ(repository->get_chunk(one).error().code(), ErrorCode::kCorrupt);
}

TEST(Repository, ALaterVersionIsRefusedByName) {
  BackupManifest manifest;
  manifest.id = "20260101T000000Z-00000000";
  std::string bytes = encode_backup_manifest(manifest);
  EXPECT_EQ(decode_backup_manifest(bytes).value(), manifest);
  bytes[14] = 3;  // behind the magic
  const auto decoded = decode_backup_manifest(bytes);
  EXPECT_EQ(decoded.error().code(), ErrorCode::kUnsupported);
  EXPECT_NE(decoded.error().message().find("format 3"), std::string::npos);
}

TEST(Repository, ABackupIsFoundByTheBeginningOfItsName) {
  io::SimulatedFiles files;
  TestRepository repository(files);
  EXPECT_EQ(repository->get_manifest("latest").error().code(), ErrorCode::kNotFound);
  for (const char* id : {"20260101T000000Z-aa", "20260101T000000Z-bb", "20260202T000000Z-cc"}) {
    BackupManifest manifest;
    manifest.id = id;
    ASSERT_TRUE(repository->put_manifest(manifest).ok());
    EXPECT_EQ(repository->put_manifest(manifest).error().code(), ErrorCode::kConflict);
  }
  EXPECT_EQ(repository->get_manifest("").value().id, "20260202T000000Z-cc");
  EXPECT_EQ(repository->get_manifest("20260101T000000Z-b").value().id, "20260101T000000Z-bb");
  EXPECT_EQ(repository->get_manifest("202601").error().code(), ErrorCode::kInvalidArgument);
  EXPECT_EQ(repository->get_manifest("2027").error().code(), ErrorCode::kNotFound);
}

TEST(Manifest, PathsThatLeadElsewhereAreRefused) {
  for (const char* path : {"/etc/passwd", "../data", "a/../../b", "", "a//b", "./a"}) {
    BackupManifest manifest;
    manifest.files.emplace_back().path = path;
    EXPECT_EQ(decode_backup_manifest(encode_backup_manifest(manifest)).error().code(),
              ErrorCode::kCorrupt)
        << path;
  }
  BackupManifest twice;
  twice.files.resize(2);
  twice.files[0].path = twice.files[1].path = "a";
  EXPECT_FALSE(decode_backup_manifest(encode_backup_manifest(twice)).ok());
}

TEST(KeyFile, IsMadeOnceReadBackAndCheckedForTypos) {
  io::SimulatedFiles files;
  const BackupKey made = create_key_file(files, "key").value();
  const BackupKey read = read_key_file(files, "key").value();
  EXPECT_EQ(read.id, made.id);
  EXPECT_EQ(read.seal, made.seal);
  EXPECT_EQ(read.naming, made.naming);
  EXPECT_NE(read.seal, read.naming);
  EXPECT_EQ(create_key_file(files, "key").error().code(), ErrorCode::kConflict);
  EXPECT_EQ(read_key_file(files, "none").error().code(), ErrorCode::kNotFound);
  const std::string text = io::read_file(files, "key", 200).value();
  for (const std::string& wrong : {std::string(), text.substr(1), text.substr(0, text.size() - 3),
                                   text + "ff", text.substr(0, 30) + "x" + text.substr(31)}) {
    ASSERT_TRUE(io::write_file_atomically(files, "wrong", wrong).ok());
    EXPECT_EQ(read_key_file(files, "wrong").error().code(), ErrorCode::kInvalidArgument) << wrong;
  }
}

// Chunks lie at fixed places, so a file that only grows has all but its last chunk again.
TEST(Repository, AGrowingLogIsStoredOnce) {
  io::SimulatedFiles files, store;
  eventlog::WriterOptions options;
  options.directory = "data/partition-0/log";
  options.files = &files;
  options.clock = &system_clock();
  options.executor = &thread_executor();
  options.background = false;
  options.seal_after_us = 0;
  auto writer = eventlog::Writer::open(options).value();
  TestRepository repository(store);
  SourceShop words(store, "unused");
  auto create = words.create_options();
  create.source.files = &files;
  create.source.data_directory = "data";
  std::vector<std::uint64_t> new_chunks;
  for (int round = 0; round < 4; ++round) {
    for (int i = 0; i < 6; ++i) {
      std::string payload(1 << 20, static_cast<char>('a' + i));
      payload[0] = static_cast<char>(round);
      const eventlog::RecordRef ref{1, 0, payload};
      const auto range = writer->append(std::span(&ref, 1), nullptr).value();
      ASSERT_TRUE(writer->wait_durable(range.last, kMinuteUs).ok());
    }
    const auto made = create_backup(*repository, create, no_progress());
    ASSERT_TRUE(made.ok()) << made.error().to_string();
    new_chunks.push_back(made->new_chunks);
  }
  // 6, 12, 18, 24 MiB: the chunk that was begun and those behind it.
  EXPECT_EQ(new_chunks[0], 2u + 3u) << "with control data, settings and generation";
  for (int round = 1; round < 4; ++round) EXPECT_LE(new_chunks[round], 3u);
}

}  // namespace
}  // namespace vitrine::backup
