#include "engine/kv/cold_rows.h"

#include <filesystem>
#include <fstream>
#include <map>
#include <random>

#include <gtest/gtest.h>

namespace vitrine::kv {
namespace {

namespace fs = std::filesystem;

class ColdRowsTest : public testing::Test {
 protected:
  ColdRowsTest() {
    std::string pattern = (fs::temp_directory_path() / "cold_rows_XXXXXX").string();
    folder_ = mkdtemp(pattern.data());
  }
  ~ColdRowsTest() override { fs::remove_all(folder_); }

  ColdRowsOptions options(const std::string& name = "work") const {
    return {
        .directory = (folder_ / name).string(), .cache_bytes = 1 << 20, .memtable_bytes = 1 << 20};
  }
  std::string path(const std::string& name) const { return (folder_ / name).string(); }

  fs::path folder_;
};

std::map<std::uint64_t, std::string> rows_of(const ColdRows& rows, std::uint32_t space) {
  std::map<std::uint64_t, std::string> out;
  ColdCursor cursor = rows.scan(space);
  for (; cursor.valid(); cursor.next()) out.emplace(cursor.row(), cursor.value());
  EXPECT_TRUE(cursor.status().ok());
  return out;
}

TEST_F(ColdRowsTest, AgreesWithAMapOverRandomWritesInThreeSpaces) {
  auto rows = std::move(ColdRows::create(options())).value();
  std::map<std::uint64_t, std::string> expected[3];
  std::mt19937_64 random(5);
  for (int i = 0; i < 3000; ++i) {
    const auto space = static_cast<std::uint32_t>(random() % 3);
    const std::uint64_t row = random() % 200 << (random() % 2 * 40);
    if (random() % 4 == 0) {
      ASSERT_TRUE(rows->erase({space, row}).ok());
      expected[space].erase(row);
    } else {
      const std::string value(random() % 300, static_cast<char>('a' + i % 26));
      ASSERT_TRUE(rows->put({space, row}, value).ok());
      expected[space][row] = value;
    }
  }
  for (std::uint32_t space = 0; space < 3; ++space) {
    EXPECT_EQ(rows_of(*rows, space), expected[space]);
    for (std::uint64_t row = 0; row < 200; ++row) {
      std::string value = "left over";
      EXPECT_EQ(rows->get({space, row}, value).value(), expected[space].contains(row));
      EXPECT_EQ(value, expected[space].contains(row) ? expected[space][row] : "");
    }
  }
}

TEST_F(ColdRowsTest, ErasingASpaceLeavesItsNeighboursAlone) {
  auto rows = std::move(ColdRows::create(options())).value();
  for (std::uint32_t space : {6u, 7u, 8u}) {
    for (std::uint64_t row : {std::uint64_t{0}, std::uint64_t{9}, ~std::uint64_t{0}}) {
      ASSERT_TRUE(rows->put({space, row}, "x").ok());
    }
  }
  ASSERT_TRUE(rows->erase_space(7).ok());
  EXPECT_EQ(rows_of(*rows, 6).size(), 3u);
  EXPECT_EQ(rows_of(*rows, 7).size(), 0u);
  EXPECT_EQ(rows_of(*rows, 8).size(), 3u);
}

// What a restart does: the working folder may hold anything, the checkpoint decides.
TEST_F(ColdRowsTest, ARestartSeesTheRowsAndThePositionOfTheCheckpointAndNothingLater) {
  auto rows = std::move(ColdRows::create(options())).value();
  ASSERT_TRUE(rows->put({1, 1}, "before").ok());
  ASSERT_TRUE(rows->put({1, 2}, "gone later").ok());
  ASSERT_TRUE(rows->checkpoint(path("check"), 42).ok());
  ASSERT_TRUE(rows->put({1, 1}, "after").ok());
  ASSERT_TRUE(rows->erase({1, 2}).ok());
  ASSERT_TRUE(rows->put({1, 3}, "after").ok());
  EXPECT_EQ(rows->position(), 0u);
  rows.reset();

  for (int restart = 0; restart < 3; ++restart) {  // opening must not use the checkpoint up
    SCOPED_TRACE(restart);
    auto again = std::move(ColdRows::open_from_checkpoint(path("check"), options())).value();
    EXPECT_EQ(again->position(), 42u);
    EXPECT_EQ(rows_of(*again, 1),
              (std::map<std::uint64_t, std::string>{{1, "before"}, {2, "gone later"}}));
    ASSERT_TRUE(again->put({1, 1}, "after " + std::to_string(restart)).ok());
  }
  auto empty = std::move(ColdRows::create(options())).value();
  EXPECT_TRUE(rows_of(*empty, 1).empty());
}

TEST_F(ColdRowsTest, ACursorKeepsSeeingWhatItStartedWith) {
  auto rows = std::move(ColdRows::create(options())).value();
  for (std::uint64_t row = 0; row < 10; ++row) ASSERT_TRUE(rows->put({1, row}, "old").ok());
  ColdCursor cursor = rows->scan(1);
  for (std::uint64_t row = 0; row < 20; ++row) ASSERT_TRUE(rows->put({1, row}, "new").ok());
  cursor.seek(4);
  for (std::uint64_t row = 4; row < 10; ++row, cursor.next()) {
    ASSERT_TRUE(cursor.valid());
    EXPECT_EQ(cursor.row(), row);
    EXPECT_EQ(cursor.value(), "old");
  }
  EXPECT_FALSE(cursor.valid());
}

// Goal: damage to a checkpoint is never served as data. Method: flip one byte in the middle of
// each table file in turn; then reading every row must meet kCorrupt or give what was written.
TEST_F(ColdRowsTest, AFlippedByteInATableFileIsCorruptAndNamesTheFile) {
  auto rows = std::move(ColdRows::create(options())).value();
  std::mt19937_64 random(3);
  std::map<std::uint64_t, std::string> expected;
  for (std::uint64_t row = 0; row < 2000; ++row) {
    std::string value(64, '\0');
    for (char& c : value) c = static_cast<char>(random());
    ASSERT_TRUE(rows->put({1, row}, value).ok());
    expected[row] = value;
  }
  ASSERT_TRUE(rows->checkpoint(path("check"), 1).ok());
  rows.reset();
  int damaged = 0;
  for (const auto& entry : fs::directory_iterator(path("check"))) {
    if (entry.path().extension() != ".sst") continue;
    SCOPED_TRACE(entry.path());
    fs::remove_all(path("bad"));
    fs::copy(path("check"), path("bad"), fs::copy_options::recursive);
    const fs::path victim = fs::path(path("bad")) / entry.path().filename();
    std::fstream file(victim, std::ios::in | std::ios::out | std::ios::binary);
    const auto middle = static_cast<std::streamoff>(fs::file_size(victim) / 2);
    file.seekg(middle);
    const char byte = static_cast<char>(file.get());
    file.seekp(middle);
    file.put(static_cast<char>(byte ^ 0x40));
    file.close();
    auto opened = ColdRows::open_from_checkpoint(path("bad"), options());
    ASSERT_TRUE(opened.ok());
    int refused = 0;
    for (const auto& [row, value] : expected) {
      std::string got;
      auto found = opened.value()->get({1, row}, got);
      if (found.ok()) {
        ASSERT_TRUE(*found);
        ASSERT_EQ(got, value);
        continue;
      }
      ++refused;
      ASSERT_EQ(found.error().code(), ErrorCode::kCorrupt);
      ASSERT_NE(found.error().message().find(entry.path().filename().string()), std::string::npos)
          << found.error().message();
    }
    EXPECT_GT(refused, 0);
    ++damaged;
  }
  EXPECT_GT(damaged, 0);
}

TEST_F(ColdRowsTest, ACheckpointWithoutAFileItNeedsIsRefused) {
  auto rows = std::move(ColdRows::create(options())).value();
  ASSERT_TRUE(rows->put({1, 1}, "x").ok());
  ASSERT_TRUE(rows->checkpoint(path("check"), 1).ok());
  rows.reset();
  for (const auto& entry : fs::directory_iterator(path("check"))) {
    if (entry.path().filename().string().starts_with("OPTIONS")) continue;  // informative only
    if (entry.path().extension() == ".log") continue;                       // nothing is logged
    SCOPED_TRACE(entry.path());
    fs::remove_all(path("less"));
    fs::copy(path("check"), path("less"), fs::copy_options::recursive);
    fs::remove(fs::path(path("less")) / entry.path().filename());
    auto opened = ColdRows::open_from_checkpoint(path("less"), options());
    ASSERT_FALSE(opened.ok());
    EXPECT_EQ(opened.error().code(), ErrorCode::kCorrupt) << opened.error().to_string();
  }
}

TEST_F(ColdRowsTest, AWorkingFolderThatCannotBeIsAnIoError) {
  std::ofstream(path("file")) << "x";
  auto opened = ColdRows::create(options("file/below"));
  ASSERT_FALSE(opened.ok());
  EXPECT_EQ(opened.error().code(), ErrorCode::kIo);
}

}  // namespace
}  // namespace vitrine::kv
