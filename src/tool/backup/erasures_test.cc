#include "tool/backup/erasures.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "domain/profile/profiles.h"
#include "platform/io/atomic_file.h"
#include "tool/backup/backup_test_util.h"
#include "tool/backup/prune.h"

namespace vitrine::backup {
namespace {

using namespace testing;  // NOLINT: the words of the tests
using ::testing::ElementsAre;
using ::testing::IsEmpty;

constexpr TenantId kShoes{1};
constexpr TenantId kBooks{2};

class Erasures : public ::testing::Test {
 protected:
  static Hash128 user(const std::string& id) { return profile::user_key(id); }

  BackupManifest backup() {
    auto made = create_backup(*repository_, shop_.create_options(), no_progress());
    VITRINE_CHECK_MSG(made.ok(), made.error().to_string());
    return std::move(made->manifest);
  }

  static privacy::ErasureTarget target_in(io::FileSystem& files, const std::string& folder) {
    privacy::ErasureTarget target;
    target.files = &files;
    target.state = state_options(folder + "/partition-0");
    target.answers_directory = folder + "/answers";
    return target;
  }

  // With what the repository knows, and a file.
  Result<RestoreReport> restore(const std::string& id, const std::string& target,
                                io::FileSystem& files = io::system_files(),
                                const std::string& file = {}) {
    VITRINE_TRY(auto known, erasures_for_restore(*repository_, io::system_files(), file));
    auto options = restore_options(target);
    options.id = id;
    options.files = &files;
    options.erasures = std::move(known.list);
    options.erase = [&files](const std::string& folder, std::uint32_t,
                             const privacy::ErasureList& orders) {
      return privacy::apply_erasures(target_in(files, folder), orders, no_progress());
    };
    return restore_backup(*repository_, options, no_progress());
  }

  // Nothing of the erased is left in the files, and the state knows nothing of them.
  static void expect_erased(const std::string& folder, const Hash128& key) {
    const auto status = privacy::erasure_status(target_in(io::system_files(), folder));
    ASSERT_TRUE(status.ok()) << status.error().to_string();
    EXPECT_TRUE(status->done());
    EXPECT_FALSE(status->orders.empty());
    apply::LoadReport report;
    const auto state = apply::PartitionState::load(
        io::system_files(), state_options(folder + "/partition-0"), true, report);
    ASSERT_TRUE(state.ok()) << state.error().to_string();
    const auto shoes = (*state)->tenant(kShoes);
    ASSERT_NE(shoes, nullptr);
    const auto read = shoes->read();
    const UserIndex index = read->profiles().find_user(key);
    if (index != kNoUser) {
      EXPECT_EQ(read->profiles().info(index).events, 0u);
    }
  }

  io::SimulatedFiles files_, store_;
  SourceShop shop_{files_};
  TestRepository repository_{store_};
  TempFolder folder_;
  const std::string target_ = folder_.path() + "/data";
};

TEST_F(Erasures, APersonErasedAfterABackupIsNotInWhatIsRestoredFromIt) {
  shop_.add_events(200);
  shop_.snapshot();
  shop_.add_events(30);
  const auto before = backup();
  EXPECT_THAT(before.erasures, IsEmpty());
  const Digests expected = digests_of(files_, shop_.partition());
  const TimeUs ordered = shop_.erase(kShoes, {user("user-3")});
  shop_.add_events(20);
  const auto after = backup();
  EXPECT_THAT(after.erasures,
              ElementsAre(privacy::ErasureEntry{ordered, kShoes, {user("user-3")}}));

  const auto restored = restore(before.id, target_);
  ASSERT_TRUE(restored.ok()) << restored.error().to_string();
  EXPECT_EQ(restored->erasures, 1u);
  EXPECT_GT(restored->erased_records, 5u);
  expect_erased(target_, user("user-3"));
  const Digests now = digests_of(io::system_files(), target_ + "/partition-0");
  EXPECT_EQ(now.at(kBooks.value), expected.at(kBooks.value)) << "no other tenant's user-3";
  EXPECT_NE(now.at(kShoes.value), expected.at(kShoes.value));

  const auto newest = restore(after.id, folder_.path() + "/newest");
  ASSERT_TRUE(newest.ok());
  EXPECT_EQ(newest->erasures, 0u) << "the newest backup's log has the order itself";
}

TEST_F(Erasures, AVisitorWhoSignedInAfterTheBackupIsErasedByTheHashOfTheDevice) {
  shop_.add_events(200);
  const auto before = backup();
  // The user is nobody the backup knows; of what was merged into it "user-5" stands for a visitor.
  shop_.erase(kShoes, {user("came later"), user("user-5")});
  backup();
  const auto restored = restore(before.id, target_);
  ASSERT_TRUE(restored.ok()) << restored.error().to_string();
  EXPECT_EQ(restored->erasures, 1u);
  expect_erased(target_, user("user-5"));
}

TEST_F(Erasures, AnOrderGivenAfterTheLastBackupComesFromAFile) {
  shop_.add_events(100);
  const auto only = backup();
  const TimeUs ordered = shop_.erase(kShoes, {user("user-3")});
  const std::string file = folder_.path() + "/erasures";
  const std::string text =
      privacy::erasures_text({{ordered, kShoes, {user("user-3")}},
                              {ordered, TenantId{77}, {user("user-3")}},         // no such tenant
                              {SourceShop::kStart, kShoes, {user("user-4")}}});  // before the cut
  ASSERT_TRUE(io::write_file_atomically(io::system_files(), file, text).ok());
  const auto restored = restore(only.id, target_, io::system_files(), file);
  ASSERT_TRUE(restored.ok()) << restored.error().to_string();
  EXPECT_EQ(restored->erasures, 1u);
  expect_erased(target_, user("user-3"));
  ASSERT_TRUE(io::write_file_atomically(io::system_files(), file, text + "nonsense\n").ok());
  const auto refused = restore(only.id, folder_.path() + "/other", io::system_files(), file);
  ASSERT_FALSE(refused.ok());
  EXPECT_NE(refused.error().message().find("line 4"), std::string::npos);
}

// Goal: the target never has its name with anybody in it who was to go. Method: fail at operations
// on the files that are spread over all of a restore, those of erasing included, and at each of the
// last ones, where the folder gets its name.
TEST_F(Erasures, WhereverARestoreFailsItsTargetIsAbsentOrErased) {
  constexpr std::int64_t kMany = 1'000'000;
  constexpr int kTrials = 6;
  constexpr std::int64_t kLast = 3;
  shop_.add_events(40);
  shop_.snapshot();
  const auto before = backup();
  shop_.erase(kShoes, {user("user-3")});
  backup();
  FailingFiles counting(kMany);
  ASSERT_TRUE(restore(before.id, target_, counting).ok());
  const std::int64_t operations = kMany - counting.left();
  FailingFiles plain(kMany);
  auto unerased = restore_options(folder_.path() + "/unerased");
  unerased.id = before.id;
  unerased.files = &plain;
  ASSERT_TRUE(restore_backup(*repository_, unerased, no_progress()).ok());
  EXPECT_GT(operations, kMany - plain.left() + kTrials) << "erasing has steps of its own";
  std::vector<std::int64_t> failures;
  for (int i = 0; i < kTrials; ++i) failures.push_back(operations * i / kTrials);
  for (std::int64_t i = kLast; i > 0; --i) failures.push_back(operations - i);
  int whole = 0;
  for (const std::int64_t at : failures) {
    SCOPED_TRACE(at);
    TempFolder folder;
    const std::string target = folder.path() + "/data";
    FailingFiles failing(at);
    const auto restored = restore(before.id, target, failing);
    EXPECT_FALSE(restored.ok());
    if (std::filesystem::exists(target)) {
      ++whole;
    } else if (at % 2 == 0) {
      const auto again = restore(before.id, target);
      ASSERT_TRUE(again.ok()) << again.error().to_string();
    } else {
      continue;
    }
    expect_erased(target, user("user-3"));
  }
  EXPECT_GE(whole, 1) << "the last ones come after the name";
}

TEST_F(Erasures, AnOrderThatWasCarriedOutIsTheSameOrderInLaterBackupsAndRestores) {
  shop_.add_events(100);
  const auto before = backup();
  const TimeUs ordered = shop_.erase(kShoes, {user("user-3")});
  backup();
  ASSERT_TRUE(restore(before.id, target_).ok());
  SourceShop again(io::system_files(), target_);
  again.add_events(50);  // user-3 among them, who came back
  const auto made = create_backup(*repository_, again.create_options(), no_progress());
  ASSERT_TRUE(made.ok()) << made.error().to_string();
  EXPECT_THAT(made->manifest.erasures,
              ElementsAre(privacy::ErasureEntry{ordered, kShoes, {user("user-3")}}));
  const auto restored = restore(made->manifest.id, folder_.path() + "/again");
  ASSERT_TRUE(restored.ok()) << restored.error().to_string();
  EXPECT_EQ(restored->erasures, 0u) << "who came back is not erased by the old order";
}

TEST_F(Erasures, TheListIsKeptWhileABackupMayLackItsOrders) {
  shop_.add_events(300);
  backup();
  shop_.erase(kShoes, {user("user-3")});
  shop_.add_events(300);  // its segment is sealed
  EXPECT_EQ(backup().erasures.size(), 1u);
  const auto third = backup();
  EXPECT_EQ(third.erasures.size(), 1u) << "of segments that were not read";
  ASSERT_TRUE(prune_repository(*repository_, 1, no_progress()).ok());
  EXPECT_THAT(backup().erasures, IsEmpty()) << "every backup has the order in its log";
}

TEST_F(Erasures, ADamagedNewestBackupIsNoReasonToForgetWhatItKnew) {
  shop_.add_events(100);
  const auto before = backup();
  const TimeUs ordered = shop_.erase(kShoes, {user("user-3")});
  const auto newest = backup();
  const std::string path = repository_.path_of(backup_key(newest.id));
  auto object = store_.open(path, io::OpenMode::kReadWrite);
  ASSERT_TRUE(object.ok());
  ASSERT_TRUE((*object)->write_at(300, "damage").ok());
  const auto refused = restore(before.id, target_);
  ASSERT_FALSE(refused.ok());
  EXPECT_EQ(refused.error().code(), ErrorCode::kCorrupt);
  EXPECT_NE(refused.error().message().find(newest.id), std::string::npos);
  EXPECT_NE(refused.error().message().find("--erasures"), std::string::npos);
  const std::string file = folder_.path() + "/erasures";
  ASSERT_TRUE(
      io::write_file_atomically(io::system_files(), file,
                                privacy::erasures_text({{ordered, kShoes, {user("user-3")}}}))
          .ok());
  const auto restored = restore(before.id, target_, io::system_files(), file);
  ASSERT_TRUE(restored.ok()) << restored.error().to_string();
  EXPECT_EQ(restored->erasures, 1u);
  EXPECT_EQ(backup().erasures.size(), 1u) << "the next backup finds it in the log again";
}

TEST_F(Erasures, ABackupOfTheFormatBeforeKeepsNoListAndIsReadAgain) {
  shop_.add_events(600);
  auto manifest = backup();
  manifest.id = "30000101T000000Z-0000";
  std::string bytes = encode_backup_manifest(manifest);
  bytes.resize(bytes.size() - 2);  // the list
  bytes[std::string_view("vitrine backup").size()] = 1;
  const auto old = decode_backup_manifest(bytes);
  ASSERT_TRUE(old.ok()) << old.error().to_string();
  EXPECT_FALSE(old->erasures_known);
  ASSERT_TRUE(repository_->put_manifest(*old).ok());
  EXPECT_EQ(known_erasures(*repository_)->backup, "");
  const auto next = create_backup(*repository_, shop_.create_options(), no_progress());
  ASSERT_TRUE(next.ok());
  EXPECT_EQ(next->read_bytes, next->data_bytes);
  EXPECT_TRUE(next->manifest.erasures_known);
}

}  // namespace
}  // namespace vitrine::backup
