// Both file systems behave alike; the simulated one also loses what was not synced.
#include <atomic>
#include <cerrno>
#include <filesystem>

#include <gtest/gtest.h>
#include <unistd.h>

#include "platform/io/atomic_file.h"
#include "platform/io/file_system.h"
#include "platform/io/simulated_files.h"

namespace vitrine::io {
namespace {

class BothFiles : public testing::TestWithParam<bool> {
 protected:
  void SetUp() override {
    if (GetParam()) {
      directory_ = (std::filesystem::temp_directory_path() /
                    ("vitrine_files_test." + std::to_string(::getpid())))
                       .string();
      files_ = &system_files();
    } else {
      directory_ = "folder";
      files_ = &simulated_;
    }
    ASSERT_TRUE(files_->create_directories(directory_).ok());
  }
  void TearDown() override {
    if (GetParam()) std::filesystem::remove_all(directory_);
  }
  std::string path(std::string_view name) const { return join_path(directory_, name); }

  SimulatedFiles simulated_;
  FileSystem* files_ = nullptr;
  std::string directory_;
};

INSTANTIATE_TEST_SUITE_P(SystemAndSimulated, BothFiles, testing::Bool());

TEST_P(BothFiles, ReadBackWhatWasWrittenAndEndWhereTheFileEnds) {
  auto file = files_->open(path("a"), OpenMode::kCreateNew).value();
  ASSERT_TRUE(file->write_at(3, "def").ok());
  ASSERT_TRUE(file->write_at(0, "abc").ok());
  char out[10];
  EXPECT_EQ(file->read_at(1, out).value(), 5u);
  EXPECT_EQ(std::string_view(out, 5), "bcdef");
  EXPECT_EQ(file->read_at(6, out).value(), 0u);
  ASSERT_TRUE(file->truncate(2).ok());
  EXPECT_EQ(file->size().value(), 2u);
  ASSERT_TRUE(file->preallocate_zeros(3'000'000).ok());
  EXPECT_EQ(file->size().value(), 3'000'000u);
  EXPECT_TRUE(file->sync_data().ok());
}

TEST_P(BothFiles, RenamingToANewNameNeverReplaces) {
  for (const char* name : {"from", "there"}) {
    auto file = files_->open(path(name), OpenMode::kCreateNew).value();
    ASSERT_TRUE(file->write_at(0, name).ok());
  }
  EXPECT_EQ(files_->rename_new(path("from"), path("there")).error().code(), ErrorCode::kConflict);
  EXPECT_EQ(read_file(*files_, path("there"), 100).value(), "there");
  EXPECT_EQ(files_->rename_new(path("gone"), path("new")).error().code(), ErrorCode::kNotFound);
  ASSERT_TRUE(files_->rename_new(path("from"), path("new")).ok());
  EXPECT_EQ(read_file(*files_, path("new"), 100).value(), "from");
  EXPECT_FALSE(files_->exists(path("from")).value());
}

TEST_P(BothFiles, ADirectoryIsToldFromAFile) {
  ASSERT_TRUE(files_->create_directories(path("sub")).ok());
  { ASSERT_TRUE(files_->open(path("sub/file"), OpenMode::kCreateNew).ok()); }
  EXPECT_TRUE(files_->is_directory(path("sub")).value());
  EXPECT_FALSE(files_->is_directory(path("sub/file")).value());
  EXPECT_FALSE(files_->is_directory(path("nothing")).value());
}

TEST_P(BothFiles, OpenModesSayWhatMustExist) {
  EXPECT_EQ(files_->open(path("x"), OpenMode::kRead).error().code(), ErrorCode::kNotFound);
  EXPECT_EQ(files_->open(path("x"), OpenMode::kReadWrite).error().code(), ErrorCode::kNotFound);
  ASSERT_TRUE(files_->open(path("x"), OpenMode::kCreate).ok());
  EXPECT_EQ(files_->open(path("x"), OpenMode::kCreateNew).error().code(), ErrorCode::kConflict);
  auto file = files_->open(path("x"), OpenMode::kRead).value();
  EXPECT_FALSE(file->write_at(0, "a").ok());
}

TEST_P(BothFiles, NamesAreListedRenamedAndRemoved) {
  ASSERT_TRUE(write_file_atomically(*files_, path("b"), "1").ok());
  ASSERT_TRUE(write_file_atomically(*files_, path("a"), "2").ok());
  EXPECT_EQ(files_->list(directory_).value(), (std::vector<std::string>{"a", "b"}));
  ASSERT_TRUE(files_->rename(path("a"), path("b")).ok());
  EXPECT_EQ(read_file(*files_, path("b"), 10).value(), "2");
  EXPECT_EQ(read_file(*files_, path("b"), 0).error().code(), ErrorCode::kTooLarge);
  EXPECT_FALSE(files_->exists(path("a")).value());
  ASSERT_TRUE(files_->remove(path("b")).ok());
  EXPECT_EQ(files_->remove(path("b")).error().code(), ErrorCode::kNotFound);
  EXPECT_TRUE(files_->list(directory_).value().empty());
  EXPECT_GT(files_->free_bytes(directory_).value(), 0u);
}

TEST_P(BothFiles, ALockHasOneHolder) {
  auto lock = files_->try_lock(path("lock"));
  ASSERT_TRUE(lock.ok());
  EXPECT_EQ(files_->try_lock(path("lock")).error().code(), ErrorCode::kConflict);
  lock.value().reset();
  EXPECT_TRUE(files_->try_lock(path("lock")).ok());
}

TEST_P(BothFiles, AMappingIsSharedByAllWhoMapTheFile) {
  auto file = files_->open(path("m"), OpenMode::kCreateNew).value();
  ASSERT_TRUE(file->write_at(0, std::string(4096, '\0')).ok());
  auto first = file->map_shared(4096).value();
  auto reader = files_->open(path("m"), OpenMode::kRead).value();
  auto second = reader->map_shared(4096).value();
  std::atomic_ref<char>(first->bytes()[17]).store('x');
  EXPECT_EQ(second->bytes()[17], 'x');
}

TEST(SimulatedFiles, ForgetsUnsyncedWritesForSomeSeedsAndKeepsSyncedOnesForAll) {
  int kept = 0;
  int lost = 0;
  int torn = 0;
  for (std::uint64_t seed = 0; seed < 200; ++seed) {
    SimulatedFiles files;
    auto file = files.open("d/f", OpenMode::kCreateNew).value();
    ASSERT_TRUE(file->preallocate_zeros(4096).ok());
    ASSERT_TRUE(files.sync_directory("d").ok());
    ASSERT_TRUE(file->write_at(0, std::string(1000, 'a')).ok());
    ASSERT_TRUE(file->sync_data().ok());
    ASSERT_TRUE(file->write_at(1000, std::string(2000, 'b')).ok());
    files.crash(seed);
    EXPECT_FALSE(file->sync_data().ok());
    const std::string found = files.contents("d/f").value();
    ASSERT_EQ(found.size(), 4096u);
    EXPECT_EQ(found.substr(0, 1000), std::string(1000, 'a'));
    const auto b = std::count(found.begin(), found.end(), 'b');
    ++(b == 2000 ? kept : b == 0 ? lost : torn);
  }
  EXPECT_GT(kept, 20);
  EXPECT_GT(lost, 20);
  EXPECT_GT(torn, 20);
}

TEST(SimulatedFiles, ANameNotSyncedMayVanish) {
  int vanished = 0;
  for (std::uint64_t seed = 0; seed < 50; ++seed) {
    SimulatedFiles files;
    auto file = files.open("d/f", OpenMode::kCreateNew).value();
    ASSERT_TRUE(file->write_at(0, "x").ok());
    ASSERT_TRUE(file->sync_data().ok());
    files.crash(seed);
    if (!files.exists("d/f").value()) ++vanished;
  }
  EXPECT_GT(vanished, 10);
  EXPECT_LT(vanished, 40);
}

TEST(SimulatedFiles, WhatAFailedSyncCoveredIsNotSavedByTheNextOne) {
  int lost = 0;
  for (std::uint64_t seed = 0; seed < 50; ++seed) {
    SimulatedFiles files;
    auto file = files.open("d/f", OpenMode::kCreateNew).value();
    ASSERT_TRUE(files.sync_directory("d").ok());
    ASSERT_TRUE(file->write_at(0, "x").ok());
    files.fail_operation(files.operations(), EIO);
    ASSERT_FALSE(file->sync_data().ok());
    ASSERT_TRUE(file->sync_data().ok());
    files.crash(seed);
    if (files.contents("d/f").value() != "x") ++lost;
  }
  EXPECT_GT(lost, 10);
}

TEST(SimulatedFiles, AFullDiskRefusesGrowthOnly) {
  SimulatedFiles files;
  files.set_capacity(100);
  auto file = files.open("d/f", OpenMode::kCreateNew).value();
  ASSERT_TRUE(file->preallocate_zeros(90).ok());
  EXPECT_EQ(file->write_at(80, std::string(30, 'x')).error().code(), ErrorCode::kExhausted);
  EXPECT_TRUE(file->write_at(0, std::string(90, 'x')).ok());
  EXPECT_EQ(files.free_bytes("d").value(), 10u);
}

TEST(AtomicFile, HoldsTheOldOrTheNewContentsWhereverPowerIsCut) {
  bool finished = false;
  for (std::uint64_t cut = 0; !finished; ++cut) {
    for (std::uint64_t seed = 0; seed < 16; ++seed) {
      SimulatedFiles files;
      ASSERT_TRUE(write_file_atomically(files, "d/f", "old").ok());
      files.cut_power_at(files.operations() + cut);
      finished = write_file_atomically(files, "d/f", "newer").ok();
      files.crash(seed);
      const std::string found = read_file(files, "d/f", 100).value();
      EXPECT_TRUE(found == "newer" || (!finished && found == "old")) << found;
    }
  }
}

}  // namespace
}  // namespace vitrine::io
