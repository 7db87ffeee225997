#include "engine/blob/directory_store.h"

#include <cerrno>
#include <filesystem>
#include <thread>

#include <gtest/gtest.h>
#include <unistd.h>

#include "platform/io/simulated_files.h"

namespace vitrine::blob {
namespace {

std::unique_ptr<DirectoryStore> store_on(io::FileSystem& files, const std::string& root = "store") {
  auto store = DirectoryStore::create(files, root);
  EXPECT_TRUE(store.ok());
  return std::move(store).value();
}

TEST(DirectoryStore, GivesBackWhatWasPutAndNeverReplacesIt) {
  io::SimulatedFiles files;
  auto store = store_on(files);
  EXPECT_EQ(store->put("a/b/one", "first").value(), Put::kStored);
  EXPECT_EQ(store->put("a/b/one", "second").value(), Put::kExisted);
  EXPECT_EQ(store->get("a/b/one", 100).value(), "first");
  EXPECT_EQ(store->get("a/b/one", 4).error().code(), ErrorCode::kTooLarge);
  EXPECT_EQ(store->get("a/b/two", 100).error().code(), ErrorCode::kNotFound);
  EXPECT_TRUE(store->remove("a/b/one").ok());
  EXPECT_TRUE(store->remove("a/b/one").ok()) << "removing twice is fine";
  EXPECT_FALSE(store->exists("a/b/one").value());
}

TEST(DirectoryStore, ListsByPrefixInOrderOfKeys) {
  io::SimulatedFiles files;
  auto store = store_on(files);
  for (const char* key : {"a/z", "a/b/2", "a/b/1", "ab/x", "c"}) {
    ASSERT_TRUE(store->put(key, key).ok());
  }
  std::string listed;
  const auto below_a = store->list("a/").value();
  for (const auto& object : below_a) {
    listed += object.key + ":" + std::to_string(object.bytes) + " ";
  }
  EXPECT_EQ(listed, "a/b/1:5 a/b/2:5 a/z:3 ");
  EXPECT_EQ(store->list("").value().size(), 5u);
  EXPECT_TRUE(store->list("nothing/").value().empty());
  EXPECT_EQ(store->list("a").error().code(), ErrorCode::kInvalidArgument);
}

TEST(DirectoryStore, KeysThatCouldMeanSomethingElseAreRefused) {
  io::SimulatedFiles files;
  auto store = store_on(files);
  for (const std::string key : {"", "/a", "a/", "a//b", "../a", "a/../b", "a/./b", "a b", "a\nb",
                                "tmp/a", "lock", "\xC3\xA4"}) {
    EXPECT_EQ(store->put(key, "x").error().code(), ErrorCode::kInvalidArgument) << key;
    EXPECT_EQ(store->get(key, 9).error().code(), ErrorCode::kInvalidArgument) << key;
    EXPECT_EQ(store->remove(key).error().code(), ErrorCode::kInvalidArgument) << key;
  }
  EXPECT_EQ(store->put(std::string(513, 'a'), "x").error().code(), ErrorCode::kInvalidArgument);
  EXPECT_TRUE(store->put("date=2026-11-22/a_b.zst", "x").ok());
}

// Goal: whatever power loss leaves, an object is whole or absent, and one whose put returned is
// there. Method: power goes at each operation of three puts, with several outcomes each.
TEST(DirectoryStore, AnObjectIsWholeOrAbsentWhereverPowerGoes) {
  const std::string body(3000, 'x');
  for (std::uint64_t cut = 0; cut < 40; ++cut) {
    for (std::uint64_t seed = 0; seed < 4; ++seed) {
      SCOPED_TRACE(std::to_string(cut) + " " + std::to_string(seed));
      io::SimulatedFiles files;
      std::vector<std::string> put;
      {
        auto store = store_on(files);
        files.cut_power_at(cut);
        for (const std::string key : {"a/1", "a/2", "b/3"}) {
          if (store->put(key, key + body).ok()) put.push_back(key);
        }
      }
      files.crash(seed);
      auto store = store_on(files);
      ASSERT_TRUE(store->lock().ok());
      const auto all = store->list("").value();
      for (const auto& object : all) {
        EXPECT_EQ(store->get(object.key, 10'000).value(), object.key + body);
      }
      for (const auto& key : put) EXPECT_TRUE(store->exists(key).value()) << key;
      EXPECT_FALSE(files.exists("store/tmp").value()) << "leftovers are cleared";
    }
  }
}

// A writer that died after naming an object and before the name was certain: who builds on the
// object must make it so.
TEST(DirectoryStore, WhatWasListedSurvivesPowerLossOnceSettled) {
  int saved = 0;
  for (std::uint64_t seed = 0; seed < 20; ++seed) {
    io::SimulatedFiles files;
    {
      auto store = store_on(files);
      files.fail_operation(files.operations() + 4, EIO);  // the sync of the folder
      EXPECT_FALSE(store->put("a/1", "body").ok());
    }
    files.kill_process();
    auto store = store_on(files);
    if (store->list("a/").value().empty()) continue;
    ++saved;
    ASSERT_TRUE(store->settle().ok());
    files.crash(seed);
    EXPECT_EQ(store_on(files)->get("a/1", 9).value(), "body");
  }
  EXPECT_GT(saved, 0);
}

TEST(DirectoryStore, AFullDiskIsSaidAndLeavesNothingBehind) {
  io::SimulatedFiles files;
  auto store = store_on(files);
  ASSERT_TRUE(store->put("a", "small").ok());
  files.set_capacity(1000);
  EXPECT_EQ(store->put("b", std::string(5000, 'x')).error().code(), ErrorCode::kExhausted);
  files.set_capacity(~0ull);
  EXPECT_FALSE(store->exists("b").value());
  EXPECT_EQ(store->put("b", std::string(5000, 'x')).value(), Put::kStored);
}

TEST(DirectoryStore, OneHolderOfTheLock) {
  io::SimulatedFiles files;
  auto store = store_on(files);
  auto first = store->lock();
  ASSERT_TRUE(first.ok());
  EXPECT_EQ(store_on(files)->lock().error().code(), ErrorCode::kConflict);
  first.value().reset();
  EXPECT_TRUE(store->lock().ok());
}

TEST(DirectoryStore, OfManyThatPutOneNameOneIsToldThatItStored) {
  const std::string root = (std::filesystem::temp_directory_path() /
                            ("vitrine_store_test." + std::to_string(::getpid())))
                               .string();
  auto store = store_on(io::system_files(), root);
  for (int round = 0; round < 20; ++round) {
    const std::string key = "k/" + std::to_string(round);
    std::atomic<int> stored{0};
    std::vector<std::thread> threads;
    for (int t = 0; t < 4; ++t) {
      threads.emplace_back([&] { stored += store->put(key, "same").value() == Put::kStored; });
    }
    for (auto& thread : threads) thread.join();
    EXPECT_EQ(stored, 1);
    EXPECT_EQ(store->get(key, 9).value(), "same");
  }
  std::filesystem::remove_all(root);
}

}  // namespace
}  // namespace vitrine::blob
