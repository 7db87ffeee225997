#include <cerrno>
#include <random>

#include "tool/backup/backup_test_util.h"
#include "tool/backup/prune.h"
#include "tool/backup/verify.h"

namespace vitrine::backup {
namespace {

using namespace testing;  // NOLINT: the words of the tests

VerifyReport verify(Repository& repository, const std::string& id = "") {
  VerifyOptions options;
  options.executor = &thread_executor();
  options.threads = 2;
  options.id = id;
  auto report = verify_repository(repository, options, no_progress());
  VITRINE_CHECK_MSG(report.ok(), report.error().to_string());
  return std::move(report).value();
}

// Restores and gives the digests of the state that comes out.
Digests restored_digests(Repository& repository, const std::string& id = "") {
  TempFolder folder;
  auto options = restore_options(folder.path() + "/data");
  options.id = id;
  const auto restored = restore_backup(repository, options, no_progress());
  VITRINE_CHECK_MSG(restored.ok(), restored.error().to_string());
  return digests_of(io::system_files(), folder.path() + "/data/partition-0");
}

TEST(Backup, WhatIsRestoredIsTheStateAtTheCutThoughTheServerWentOn) {
  for (const bool encrypted : {false, true}) {
    for (const bool with_snapshot : {false, true}) {
      SCOPED_TRACE(std::to_string(encrypted) + std::to_string(with_snapshot));
      io::SimulatedFiles files, store;
      SourceShop shop(files);
      TestRepository repository(store, encrypted);
      shop.add_events(300);
      if (with_snapshot) shop.snapshot();
      shop.add_events(50);
      const auto at_cut = shop.durable();
      // The log has been cut when the control data is copied: what comes now is not in it.
      shop.on_control = [&] { shop.add_events(30); };
      const auto made = create_backup(*repository, shop.create_options(), no_progress());
      ASSERT_TRUE(made.ok()) << made.error().to_string();
      const LogEntry& log = made->manifest.logs.at(0);
      EXPECT_EQ(log.last, at_cut);
      EXPECT_EQ(log.durable_before, at_cut);
      EXPECT_EQ(log.snapshot, with_snapshot ? 300u : 0u);
      const Digests restored = restored_digests(*repository);
      EXPECT_EQ(restored.size(), 2u);
      EXPECT_EQ(restored, digests_of(files, shop.partition(), at_cut));
      EXPECT_NE(restored, digests_of(files, shop.partition()));
      EXPECT_TRUE(verify(*repository).damages.empty());
    }
  }
}

TEST(Backup, ARestoredLogGoesOnBehindTheCut) {
  io::SimulatedFiles files, store;
  SourceShop shop(files);
  TestRepository repository(store);
  shop.add_events(120);
  shop.snapshot();
  shop.add_events(7);
  ASSERT_TRUE(create_backup(*repository, shop.create_options(), no_progress()).ok());
  TempFolder folder;
  const std::string target = folder.path() + "/data";
  const auto restored = restore_backup(*repository, restore_options(target), no_progress());
  ASSERT_TRUE(restored.ok()) << restored.error().to_string();
  EXPECT_EQ(io::read_file(io::system_files(), target + "/control.db", 100).value(),
            "control data of 1");
  EXPECT_EQ(io::read_file(io::system_files(), target + "/settings.toml", 100).value(),
            "history.entries = 100\n");
  SourceShop again(io::system_files(), target);
  EXPECT_EQ(again.durable(), 127u);
  again.add_events(20);
  EXPECT_EQ(again.durable(), 147u);
}

TEST(Backup, ASecondBackupStoresOnlyWhatIsNew) {
  io::SimulatedFiles files, store;
  SourceShop shop(files);
  TestRepository repository(store);
  shop.add_events(600);
  shop.snapshot();
  const auto first = create_backup(*repository, shop.create_options(), no_progress()).value();
  EXPECT_GT(first.new_chunks, 5u);
  const auto same = create_backup(*repository, shop.create_options(), no_progress()).value();
  EXPECT_EQ(same.new_chunks, 0u);
  EXPECT_EQ(same.manifest.parent, first.manifest.id);
  EXPECT_LT(same.read_bytes, first.read_bytes) << "sealed segments are not read again";
  auto reread = shop.create_options();
  reread.reread = true;
  const auto read = create_backup(*repository, reread, no_progress()).value();
  EXPECT_EQ(read.new_chunks, 0u);
  EXPECT_EQ(read.read_bytes, first.read_bytes);
  shop.add_events(10);
  const auto grown = create_backup(*repository, shop.create_options(), no_progress()).value();
  EXPECT_LE(grown.new_chunks, 2u) << "the end of the log";
  EXPECT_EQ(restored_digests(*repository, first.manifest.id),
            digests_of(files, shop.partition(), 600));
  EXPECT_EQ(restored_digests(*repository), digests_of(files, shop.partition(), 610));
}

// Goal: wherever the making of a backup ends, the repository holds whole backups only, what is in
// it is right, and the next attempt succeeds and stores nothing twice. Method: power goes at each
// operation on the store.
TEST(Backup, KilledAtAnyStepItLeavesNothingHalf) {
  io::SimulatedFiles files;
  SourceShop shop(files);
  shop.add_events(200);
  shop.snapshot();
  shop.add_events(9);
  const Digests expected = digests_of(files, shop.partition());
  bool finished = false;
  for (std::uint64_t cut = 0; !finished; ++cut) {
    SCOPED_TRACE(cut);
    io::SimulatedFiles store;
    TestRepository repository(store);
    store.cut_power_at(store.operations() + cut);
    const auto made = create_backup(*repository, shop.create_options(), no_progress());
    finished = made.ok();
    cut % 3 == 0 ? store.kill_process() : store.crash(cut);
    repository.reopen();
    const auto backups = repository->list_backups().value();
    if (finished) {
      EXPECT_EQ(backups.size(), 1u);
    }
    EXPECT_TRUE(verify(*repository).damages.empty());
    if (cut % 5 == 0 && !backups.empty()) {
      EXPECT_EQ(restored_digests(*repository), expected);
    }
    const auto again = create_backup(*repository, shop.create_options(), no_progress());
    ASSERT_TRUE(again.ok()) << again.error().to_string();
    const auto chunks = repository.store().list("chunks/").value();
    EXPECT_LE(chunks.size(), again->chunks) << "no object is there twice";
    if (cut % 5 == 0) {
      EXPECT_EQ(restored_digests(*repository), expected);
    }
  }
}

TEST(Backup, EveryFailureOfTheStoreIsAnErrorAndNoBackup) {
  io::SimulatedFiles files;
  SourceShop shop(files);
  shop.add_events(100);
  for (const int error : {EIO, ENOSPC}) {
    bool finished = false;
    for (std::uint64_t n = 0; !finished; ++n) {
      io::SimulatedFiles store;
      TestRepository repository(store);
      store.fail_operation(store.operations() + n, error);
      const auto made = create_backup(*repository, shop.create_options(), no_progress());
      finished = made.ok();
      if (finished) break;
      EXPECT_EQ(made.error().code(), error == EIO ? ErrorCode::kIo : ErrorCode::kExhausted);
      // The sync behind the manifest's name may be what failed: then it may be there, whole.
      EXPECT_TRUE(verify(*repository).damages.empty());
    }
  }
}

TEST(Backup, ADamagedLogIsAnErrorAndNoBackup) {
  io::SimulatedFiles files, store;
  SourceShop shop(files);
  TestRepository repository(store);
  shop.add_events(600);
  const auto names = files.list(shop.partition() + "/log").value();
  const std::string first = shop.partition() + "/log/" + names.front();
  files.overwrite(first, 6000, "damage");
  const auto made = create_backup(*repository, shop.create_options(), no_progress());
  ASSERT_FALSE(made.ok());
  EXPECT_EQ(made.error().code(), ErrorCode::kCorrupt);
  EXPECT_NE(made.error().message().find(names.front()), std::string::npos);
  EXPECT_TRUE(repository->list_backups().value().empty());
}

TEST(Backup, ASegmentThatRetentionDropsMeanwhileIsLeftOut) {
  io::SimulatedFiles files, store;
  SourceShop shop(files);
  TestRepository repository(store);
  shop.add_events(600);
  shop.snapshot();
  const auto names = files.list(shop.partition() + "/log").value();
  shop.on_control = [&, first = true]() mutable {
    if (first) {
      ASSERT_TRUE(files.remove(shop.partition() + "/log/" + names.front()).ok());
    }
    first = false;
  };
  const auto made = create_backup(*repository, shop.create_options(), no_progress());
  ASSERT_TRUE(made.ok()) << made.error().to_string();
  EXPECT_GT(made->manifest.logs.at(0).oldest, 1u);
  EXPECT_EQ(restored_digests(*repository), digests_of(files, shop.partition()));
}

TEST(Backup, ADirectoryWithoutAServersDataIsRefused) {
  io::SimulatedFiles files, store;
  TestRepository repository(store);
  SourceShop shop(files);
  auto options = shop.create_options();
  options.source.data_directory = "elsewhere";
  EXPECT_EQ(create_backup(*repository, options, no_progress()).error().code(),
            ErrorCode::kNotFound);
}

TEST(Backup, NamesAreInTheOrderOfMakingWhateverTheClockDoes) {
  io::SimulatedFiles files, store;
  SourceShop shop(files);
  TestRepository repository(store);
  shop.add_events(5);
  ManualClock clock(SourceShop::kStart);
  auto options = shop.create_options();
  options.clock = &clock;
  std::vector<std::string> made;
  for (const TimeUs step : {TimeUs{0}, TimeUs{0}, 3 * kSecondUs, -kHourUs, TimeUs{0}}) {
    clock.advance_us(step);
    made.push_back(create_backup(*repository, options, no_progress()).value().manifest.id);
  }
  EXPECT_EQ(made, repository->list_backups().value());
  EXPECT_EQ(repository->get_manifest("latest").value().id, made.back());
}

TEST(Backup, OneWriterAtATime) {
  io::SimulatedFiles files, store;
  SourceShop shop(files);
  TestRepository repository(store);
  shop.add_events(5);
  const auto held = repository.store().lock();
  ASSERT_TRUE(held.ok());
  EXPECT_EQ(create_backup(*repository, shop.create_options(), no_progress()).error().code(),
            ErrorCode::kConflict);
}

class Damages : public ::testing::TestWithParam<bool> {
 protected:
  void SetUp() override {
    shop_.add_events(400);
    shop_.snapshot();
    shop_.add_events(20);
    ASSERT_TRUE(create_backup(*repository_, shop_.create_options(), no_progress()).ok());
    objects_ = repository_.store().list("").value();
    ASSERT_GT(objects_.size(), 8u);
  }
  void flip(const blob::ObjectInfo& object, std::uint64_t bit) {
    const std::string path = repository_.path_of(object.key);
    std::string bytes = store_.contents(path).value();
    bytes[bit / 8] ^= static_cast<char>(1 << (bit % 8));
    store_.overwrite(path, bit / 8, bytes.substr(bit / 8, 1));
  }
  io::SimulatedFiles files_, store_;
  SourceShop shop_{files_};
  TestRepository repository_{store_, GetParam()};
  std::vector<blob::ObjectInfo> objects_;
};

INSTANTIATE_TEST_SUITE_P(PlainAndEncrypted, Damages, ::testing::Bool());

TEST_P(Damages, AFlippedBitInAnyObjectIsFoundAndItsPlaceIsNamed) {
  std::mt19937_64 random(3);
  for (const auto& object : objects_) {
    for (int i = 0; i < 6; ++i) {
      const std::uint64_t bit = random() % (object.bytes * 8);
      SCOPED_TRACE(object.key + " bit " + std::to_string(bit));
      flip(object, bit);
      if (object.key == "repository") {
        const BackupKey key = test_key();
        const auto opened = Repository::open(repository_.store(), GetParam() ? &key : nullptr);
        ASSERT_FALSE(opened.ok());
        EXPECT_NE(opened.error().message().find("repository: at byte"), std::string::npos);
      } else {
        const auto damages = verify(*repository_).damages;
        ASSERT_EQ(damages.size(), 1u);
        EXPECT_EQ(damages[0].object, object.key);
        EXPECT_LE(damages[0].offset, bit / 8);
        EXPECT_LT(bit / 8 - damages[0].offset, blob::kSealPieceBytes + 128);
        EXPECT_EQ(damages[0].needed.size(), 1u);
      }
      flip(object, bit);
    }
  }
  EXPECT_TRUE(verify(*repository_).damages.empty());
}

TEST_P(Damages, AMissingObjectIsFoundAndCanBePutBackByTheNextBackup) {
  for (const auto& object : objects_) {
    if (!object.key.starts_with("chunks/")) continue;
    SCOPED_TRACE(object.key);
    ASSERT_TRUE(repository_.store().remove(object.key).ok());
    const auto damages = verify(*repository_).damages;
    ASSERT_EQ(damages.size(), 1u);
    EXPECT_EQ(damages[0].object, object.key);
    TempFolder folder;
    const std::string target = folder.path() + "/data";
    const auto restored = restore_backup(*repository_, restore_options(target), no_progress());
    ASSERT_FALSE(restored.ok());
    EXPECT_EQ(restored.error().code(), ErrorCode::kNotFound);
    EXPECT_FALSE(std::filesystem::exists(target));
    EXPECT_FALSE(std::filesystem::exists(target + ".restoring"));
    ASSERT_TRUE(create_backup(*repository_, shop_.create_options(), no_progress()).ok());
    EXPECT_TRUE(verify(*repository_).damages.empty());
  }
}

TEST_P(Damages, ADamagedManifestIsNotInTheWayOfTheNextBackup) {
  flip(objects_.front(), 3000);  // backups/...
  ASSERT_TRUE(objects_.front().key.starts_with("backups/"));
  const auto made = create_backup(*repository_, shop_.create_options(), no_progress());
  ASSERT_TRUE(made.ok());
  EXPECT_EQ(made->notes.size(), 1u);
  EXPECT_EQ(verify(*repository_).damages.size(), 1u);
  EXPECT_TRUE(verify(*repository_, made->manifest.id).damages.empty());
}

TEST(Restore, WhereverItFailsTheTargetIsAbsentOrWholeAndTheNextOneSucceeds) {
  io::SimulatedFiles files, store;
  SourceShop shop(files);
  TestRepository repository(store);
  shop.add_events(60);
  shop.snapshot();
  ASSERT_TRUE(create_backup(*repository, shop.create_options(), no_progress()).ok());
  const Digests expected = digests_of(files, shop.partition());
  bool finished = false;
  for (std::int64_t n = 0; !finished; ++n) {
    SCOPED_TRACE(n);
    TempFolder folder;
    const std::string target = folder.path() + "/data";
    FailingFiles failing(n);
    auto options = restore_options(target);
    options.files = &failing;
    const auto restored = restore_backup(*repository, options, no_progress());
    finished = restored.ok();
    if (!finished) {
      EXPECT_EQ(restored.error().code(), ErrorCode::kExhausted);
    }
    if (std::filesystem::exists(target)) {
      EXPECT_EQ(digests_of(io::system_files(), target + "/partition-0"), expected);
    } else if (n % 7 == 0) {
      const auto again = restore_backup(*repository, restore_options(target), no_progress());
      ASSERT_TRUE(again.ok()) << again.error().to_string();
      EXPECT_EQ(digests_of(io::system_files(), target + "/partition-0"), expected);
    }
  }
}

TEST(Restore, NeverTouchesWhatIsThere) {
  io::SimulatedFiles files, store;
  SourceShop shop(files);
  TestRepository repository(store);
  shop.add_events(10);
  ASSERT_TRUE(create_backup(*repository, shop.create_options(), no_progress()).ok());
  TempFolder folder;
  const std::string target = folder.path() + "/data";
  std::filesystem::create_directories(target + "/mine");
  EXPECT_EQ(restore_backup(*repository, restore_options(target), no_progress()).error().code(),
            ErrorCode::kConflict);
  EXPECT_TRUE(std::filesystem::exists(target + "/mine"));
  std::filesystem::remove(target + "/mine");
  std::filesystem::create_directories(target + ".restoring/mine");
  EXPECT_EQ(restore_backup(*repository, restore_options(target), no_progress()).error().code(),
            ErrorCode::kConflict);
  EXPECT_TRUE(std::filesystem::exists(target + ".restoring/mine"));
  std::filesystem::remove_all(target + ".restoring");
  EXPECT_TRUE(restore_backup(*repository, restore_options(target), no_progress()).ok())
      << "an empty folder is fine";
}

TEST(Restore, ADiskThatIsTooSmallIsSaidBeforeAnythingIsWritten) {
  io::SimulatedFiles files, store;
  SourceShop shop(files);
  TestRepository repository(store);
  shop.add_events(10);
  ASSERT_TRUE(create_backup(*repository, shop.create_options(), no_progress()).ok());
  TempFolder folder;
  FailingFiles small(1000);
  small.free = 1000;
  auto options = restore_options(folder.path() + "/data");
  options.files = &small;
  const auto restored = restore_backup(*repository, options, no_progress());
  ASSERT_FALSE(restored.ok());
  EXPECT_EQ(restored.error().code(), ErrorCode::kExhausted);
  EXPECT_NE(restored.error().message().find("needs"), std::string::npos);
  EXPECT_TRUE(std::filesystem::is_empty(folder.path()));
}

TEST(Restore, AnErrorInTheLastStepLeavesNothing) {
  io::SimulatedFiles files, store;
  SourceShop shop(files);
  TestRepository repository(store);
  shop.add_events(10);
  ASSERT_TRUE(create_backup(*repository, shop.create_options(), no_progress()).ok());
  TempFolder folder;
  auto options = restore_options(folder.path() + "/data");
  options.finish = [](const std::string&) -> Status { return Error(ErrorCode::kIo, "no"); };
  EXPECT_FALSE(restore_backup(*repository, options, no_progress()).ok());
  EXPECT_TRUE(std::filesystem::is_empty(folder.path()));
}

TEST(Prune, KeepsTheNewestAndRemovesWhatOnlyOthersNeeded) {
  io::SimulatedFiles files, store;
  SourceShop shop(files);
  TestRepository repository(store);
  std::vector<Digests> at;
  for (int round = 0; round < 4; ++round) {
    shop.add_events(150);
    shop.snapshot();
    at.push_back(digests_of(files, shop.partition()));
    ASSERT_TRUE(create_backup(*repository, shop.create_options(), no_progress()).ok());
  }
  const auto before = repository->list_backups().value();
  const auto report = prune_repository(*repository, 2, no_progress()).value();
  EXPECT_EQ(report.removed, (std::vector<std::string>{before[0], before[1]}));
  EXPECT_GT(report.objects, 0u);
  EXPECT_EQ(repository->list_backups().value(), (std::vector<std::string>{before[2], before[3]}));
  const auto verified = verify(*repository);
  EXPECT_TRUE(verified.damages.empty());
  EXPECT_EQ(verified.unneeded_objects, 0u);
  EXPECT_EQ(restored_digests(*repository, before[2]), at[2]);
  EXPECT_EQ(prune_repository(*repository, 0, no_progress()).error().code(),
            ErrorCode::kInvalidArgument);
}

TEST(Prune, KilledAtAnyStepItLeavesWholeBackups) {
  io::SimulatedFiles files;
  SourceShop shop(files);
  bool finished = false;
  shop.add_events(100);
  for (std::uint64_t cut = 0; !finished; ++cut) {
    SCOPED_TRACE(cut);
    io::SimulatedFiles store;
    TestRepository repository(store);
    for (int round = 0; round < 2; ++round) {
      shop.add_events(3);
      ASSERT_TRUE(create_backup(*repository, shop.create_options(), no_progress()).ok());
    }
    store.cut_power_at(store.operations() + cut);
    finished = prune_repository(*repository, 1, no_progress()).ok();
    store.crash(cut);
    repository.reopen();
    EXPECT_TRUE(verify(*repository).damages.empty());
    EXPECT_GE(repository->list_backups().value().size(), 1u);
  }
}

}  // namespace
}  // namespace vitrine::backup
