#include "service/apply/snapshots.h"

#include <filesystem>
#include <fstream>

#include <gtest/gtest.h>
#include <unistd.h>

namespace vitrine::apply {
namespace {

SnapshotManifest example() {
  return {1234, true, {{TenantId{1}, {}}, {TenantId{7}, {"run-1", "run-2"}}}};
}

TEST(SnapshotManifest, ReadsWhatItWroteAndRefusesEveryDamage) {
  const std::string bytes = encode_manifest(example());
  EXPECT_EQ(decode_manifest(bytes).value(), example());
  for (std::size_t size = 0; size < bytes.size(); ++size) {
    EXPECT_FALSE(decode_manifest(bytes.substr(0, size)).ok()) << size;
  }
  for (std::size_t at = 0; at < bytes.size(); ++at) {
    for (int bit = 0; bit < 8; ++bit) {
      std::string damaged = bytes;
      damaged[at] = static_cast<char>(damaged[at] ^ (1 << bit));
      EXPECT_FALSE(decode_manifest(damaged).ok()) << at << ":" << bit;
    }
  }
}

class SnapshotDirectoryTest : public ::testing::Test {
 protected:
  SnapshotDirectoryTest() { std::filesystem::remove_all(root_); }
  ~SnapshotDirectoryTest() override { std::filesystem::remove_all(root_); }
  SnapshotDirectory open() {
    auto opened = SnapshotDirectory::open(io::system_files(), root_);
    EXPECT_TRUE(opened.ok()) << opened.error().to_string();
    return std::move(opened).value();
  }
  static SnapshotManifest at(eventlog::Position position) { return {position, false, {}}; }

  const std::string root_ = ::testing::TempDir() + "snapshots-" + std::to_string(getpid());
};

TEST_F(SnapshotDirectoryTest, AFolderWithoutItsManifestIsNoSnapshotAndIsRemovedAtTheNextStart) {
  {
    auto directory = open();
    auto folder = directory.begin(7);
    ASSERT_TRUE(folder.ok());
    std::ofstream(*folder + "/tenant-1.state") << "half";
    EXPECT_TRUE(directory.list()->empty());
  }
  EXPECT_TRUE(open().list()->empty());
  EXPECT_FALSE(std::filesystem::exists(root_ + "/" + snapshot_name(7)));
}

TEST_F(SnapshotDirectoryTest, PruningKeepsTheNewestAndAsksForTheLogUntilThereAreEnough) {
  auto directory = open();
  for (eventlog::Position position : {5, 70, 600}) {
    ASSERT_TRUE(directory.begin(position).ok());
    ASSERT_TRUE(directory.finish(at(position)).ok());
    EXPECT_EQ(directory.manifest(position).value(), at(position));
    EXPECT_EQ(directory.prune(2).value(), position == 5 ? 0u : position == 70 ? 5u : 70u);
  }
  EXPECT_EQ(directory.list().value(), std::vector<eventlog::Position>({600, 70}));
}

TEST_F(SnapshotDirectoryTest, AnUnfinishedSnapshotOfTheSamePositionIsReplaced) {
  auto directory = open();
  ASSERT_TRUE(directory.begin(7).ok());
  ASSERT_TRUE(directory.finish(at(7)).ok());
  auto folder = directory.begin(7);
  ASSERT_TRUE(folder.ok());
  EXPECT_TRUE(std::filesystem::is_empty(*folder));
  EXPECT_TRUE(directory.list()->empty());
}

}  // namespace
}  // namespace vitrine::apply
