#include "service/control/control_store.h"

#include <filesystem>
#include <fstream>
#include <thread>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include "service/control/control_test_util.h"

namespace vitrine::control {
namespace {

using tenant::KeyId;
using tenant::Scope;
using tenant::TenantStatus;
using tenant::Tier;
using testing::HasSubstr;

// Keeps what it is told, like a gateway does.
class Recorder final : public ChangeListener {
 public:
  void on_change(const DirectoryChange& change) override { changes.push_back(change); }
  std::vector<DirectoryChange> changes;
};

class Control : public StoreTest {
 protected:
  CreatedTenant make(const std::string& name, Tier tier = Tier::kStandard) {
    auto made = store().create_tenant(operator_, {.name = name, .tier = tier, .with_keys = true});
    EXPECT_TRUE(made.ok()) << made.error().to_string();
    return made.value();
  }
  std::vector<std::string> actions() {
    std::vector<std::string> out;
    const auto entry_list = store().audit(0, 1000).value();
    for (const auto& entry : entry_list) out.push_back(entry.action);
    return out;
  }
  const Actor operator_{};
};

TEST_F(Control, ATenantIsStoredWithAllItsFieldsAndSurvivesReopening) {
  tenant::Quotas quotas;
  quotas.events_per_s = 1234.5;
  quotas.items_max = ~0ull;
  const auto made = store().create_tenant(Actor{KeyId{7}}, {.name = "shoes",
                                                            .tier = Tier::kPremium,
                                                            .quotas = quotas,
                                                            .event_types = {"wishlist", "gift"}});
  ASSERT_TRUE(made.ok()) << made.error().to_string();
  EXPECT_EQ(made->tenant.created_us, clock_.wall_us());
  EXPECT_THAT(made->tenant.event_types, testing::ElementsAre("gift", "wishlist"));
  reopen();
  EXPECT_EQ(store().get_tenant("shoes").value(), made->tenant);
  EXPECT_EQ(store().audit(0, 10)->at(0).actor, KeyId{7});
}

TEST_F(Control, ASecondCreateConflictsOrGivesTheSameTenantWhenAskedTo) {
  const auto first = make("shoes");
  const auto again = store().create_tenant(operator_, {.name = "shoes"});
  EXPECT_EQ(again.error().code(), ErrorCode::kConflict);
  EXPECT_EQ(again.error().reason(), "tenant_exists");
  const auto same =
      store().create_tenant(operator_, {.name = "shoes", .with_keys = true, .if_not_exists = true});
  EXPECT_EQ(same->tenant, first.tenant);
  EXPECT_FALSE(same->created);
  EXPECT_TRUE(same->keys.empty());
  EXPECT_EQ(store().version().value(), 1u);
}

TEST_F(Control, PoolTenantsShareThePoolAndEachSiloTenantGetsAPartitionOfItsOwn) {
  EXPECT_EQ(make("a").tenant.partition, 0u);
  EXPECT_EQ(make("b", Tier::kPremium).tenant.partition, 1u);
  ASSERT_TRUE(store().delete_tenant(operator_, "b").ok());
  EXPECT_EQ(make("c", Tier::kEnterprise).tenant.partition, 2u);
  EXPECT_EQ(make("d").tenant.partition, 0u);
}

TEST_F(Control, NumbersOfDeletedTenantsAreNeverGivenOutAgainButTheirNamesAre) {
  const auto first = make("shoes").tenant.id;
  ASSERT_TRUE(store().delete_tenant(operator_, "shoes").ok());
  EXPECT_EQ(store().get_tenant("shoes").error().code(), ErrorCode::kNotFound);
  const auto second = make("shoes").tenant.id;
  EXPECT_GT(second, first);
  EXPECT_EQ(store().list_tenants()->size(), 1u);
}

TEST_F(Control, DeletingATenantRevokesEveryKeyInTheSameStep) {
  const auto made = make("shoes");
  Recorder recorder;
  ASSERT_TRUE(store().add_listener(recorder).ok());
  ASSERT_TRUE(store().delete_tenant(operator_, "shoes").ok());
  ASSERT_EQ(recorder.changes.size(), 2u);
  EXPECT_EQ(recorder.changes[1].keys.size(), 2u);
  for (const auto& key : recorder.changes[1].keys) EXPECT_NE(key.info.revoked_us, 0);
  EXPECT_EQ(recorder.changes[1].tenants.at(0).status, TenantStatus::kDeleted);
  store().remove_listener(recorder);
}

TEST_F(Control, SuspendAndResumeAreIdempotentAndAuditedOnce) {
  make("shoes");
  EXPECT_EQ(store().suspend_tenant(operator_, "shoes")->status, TenantStatus::kSuspended);
  EXPECT_EQ(store().suspend_tenant(operator_, "shoes")->status, TenantStatus::kSuspended);
  EXPECT_EQ(store().resume_tenant(operator_, "shoes")->status, TenantStatus::kActive);
  EXPECT_EQ(store().resume_tenant(operator_, "shoes")->status, TenantStatus::kActive);
  EXPECT_THAT(actions(), testing::ElementsAre("tenant.create", "tenant.suspend", "tenant.resume"));
}

TEST_F(Control, QuotasAndEventTypesAreReplacedAndBadOnesRefused) {
  make("shoes");
  tenant::Quotas quotas;
  quotas.requests_per_s = 5;
  EXPECT_EQ(store().set_quotas(operator_, "shoes", quotas)->quotas, quotas);
  quotas.requests_per_s = -5;
  EXPECT_EQ(store().set_quotas(operator_, "shoes", quotas).error().code(),
            ErrorCode::kInvalidArgument);
  EXPECT_THAT(store().set_event_types(operator_, "shoes", {"b", "a"})->event_types,
              testing::ElementsAre("a", "b"));
  EXPECT_THAT(store().set_event_types(operator_, "shoes", {"c"})->event_types,
              testing::ElementsAre("c"));
  EXPECT_THAT(store().get_tenant("shoes")->event_types, testing::ElementsAre("c"));
  EXPECT_EQ(store().set_quotas(operator_, "none", {}).error().code(), ErrorCode::kNotFound);
}

TEST_F(Control, NeitherTheFileNorListsNorTheAuditLogHoldASecret) {
  const auto made = make("shoes");
  const auto admin = store().create_key(operator_, {.scope = Scope::kAdmin, .label = "ops"});
  std::vector<std::string> secrets = {admin->text, made.keys[0].text, made.keys[1].text};
  std::string everything;
  const auto entry_list = store().audit(0, 100).value();
  for (const auto& entry : entry_list) {
    everything += entry.action + entry.target + entry.detail;
  }
  for (const auto& file : std::filesystem::directory_iterator(folder_)) {
    std::ifstream in(file.path(), std::ios::binary);
    everything.append(std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>());
  }
  EXPECT_THAT(everything, HasSubstr("shoes"));
  for (const auto& secret : secrets) {
    EXPECT_EQ(everything.find(secret.substr(20, 43)), std::string::npos);
  }
}

TEST_F(Control, TheFileIsReadableByItsOwnerOnly) {
  struct stat info {};
  for (const auto& file : std::filesystem::directory_iterator(folder_)) {
    ASSERT_EQ(::stat(file.path().c_str(), &info), 0);
    EXPECT_EQ(info.st_mode & 0777, 0600u) << file.path();
  }
}

TEST_F(Control, KeysBelongToATenantUnlessTheyAreAdminKeys) {
  make("shoes");
  EXPECT_EQ(store().create_key(operator_, {.scope = Scope::kSecret}).error().code(),
            ErrorCode::kInvalidArgument);
  EXPECT_EQ(store()
                .create_key(operator_, {.scope = Scope::kAdmin, .tenant_name = "shoes"})
                .error()
                .code(),
            ErrorCode::kInvalidArgument);
  EXPECT_EQ(store().create_key(operator_, {.tenant_name = "none"}).error().code(),
            ErrorCode::kNotFound);
  clock_.advance_us(1);  // lists are by creation time
  const auto key = store().create_key(operator_, {.tenant_name = "shoes", .label = "caf\xc3\xa9"});
  ASSERT_TRUE(key.ok()) << key.error().to_string();
  EXPECT_EQ(tenant::parse_key(key->text)->id, key->info.id);
  EXPECT_EQ(store().list_keys({"shoes"})->size(), 3u);
  EXPECT_EQ(store().list_keys({"shoes"})->back().label, "caf\xc3\xa9");
  for (const char* label : {"a\nb", "\xff", "\x1b[2J"}) {
    EXPECT_FALSE(store().create_key(operator_, {.tenant_name = "shoes", .label = label}).ok());
  }
}

TEST_F(Control, RotationWithGraceKeepsTheOldKeyUntilThenAndWithoutRevokesItAtOnce) {
  const auto keys = make("shoes").keys;
  const auto next = store().rotate_key(operator_, keys[0].info.id, kHourUs);
  ASSERT_TRUE(next.ok());
  EXPECT_EQ(next->info.scope, keys[0].info.scope);
  EXPECT_EQ(next->info.tenant, keys[0].info.tenant);
  const auto now_keys = store().list_keys({"shoes"}).value();
  const auto old = std::find_if(now_keys.begin(), now_keys.end(),
                                [&](const auto& k) { return k.id == keys[0].info.id; });
  EXPECT_EQ(old->expires_us, clock_.wall_us() + kHourUs);
  EXPECT_EQ(old->replaced_by, next->info.id);
  EXPECT_EQ(store().rotate_key(operator_, old->id, 0).error().code(), ErrorCode::kConflict);
  ASSERT_TRUE(store().rotate_key(operator_, keys[1].info.id, 0).ok());
  EXPECT_EQ(store().revoke_key(operator_, keys[1].info.id)->revoked_us, clock_.wall_us());
  EXPECT_EQ(store().rotate_key(operator_, keys[1].info.id, 0).error().reason(), "key_not_active");
  EXPECT_EQ(store().rotate_key(operator_, KeyId{1}, 0).error().code(), ErrorCode::kNotFound);
  EXPECT_FALSE(store().rotate_key(operator_, next->info.id, 91 * kDayUs).ok());
}

TEST_F(Control, SettingsAreKeptAndTheirValuesStayOutOfTheAuditLog) {
  ASSERT_TRUE(store().set_setting(operator_, "smtp", std::string("pass\0word", 9)).ok());
  ASSERT_TRUE(store().set_setting(operator_, "smtp", "hunter2").ok());
  EXPECT_EQ(store().setting("smtp").value(), "hunter2");
  EXPECT_EQ(store().setting("other").error().code(), ErrorCode::kNotFound);
  const auto e_list = store().audit(0, 10).value();
  for (const auto& e : e_list) EXPECT_EQ(e.detail, "");
  EXPECT_FALSE(store().set_setting(operator_, "", "x").ok());
  EXPECT_EQ(store().set_setting(operator_, "big", std::string(70000, 'x')).error().code(),
            ErrorCode::kTooLarge);
}

TEST_F(Control, ListenersGetEverythingFirstAndThenEachChangeBeforeItsCallReturns) {
  make("shoes");
  Recorder recorder;
  ASSERT_TRUE(store().add_listener(recorder).ok());
  ASSERT_EQ(recorder.changes.size(), 1u);
  EXPECT_TRUE(recorder.changes[0].full);
  EXPECT_EQ(recorder.changes[0].keys.size(), 2u);
  const KeyId id = recorder.changes[0].keys[0].info.id;
  ASSERT_TRUE(store().revoke_key(operator_, id).ok());
  ASSERT_EQ(recorder.changes.size(), 2u);
  EXPECT_FALSE(recorder.changes[1].full);
  EXPECT_EQ(recorder.changes[1].keys.at(0).info.id, id);
  EXPECT_EQ(recorder.changes[1].version, 2u);
  store().remove_listener(recorder);
}

TEST_F(Control, ChangesOfAnotherProcessAreNoticedAtTheNextLook) {
  make("shoes");
  Recorder recorder;
  ASSERT_TRUE(store().add_listener(recorder).ok());
  auto other = ControlStore::open(options()).value();
  EXPECT_FALSE(store().refresh_if_changed().value());
  ASSERT_TRUE(other->create_tenant(operator_, {.name = "hats"}).ok());
  EXPECT_FALSE(store().refresh_if_changed().value()) << "looked again within the interval";
  clock_.advance_us(100'000);
  EXPECT_TRUE(store().refresh_if_changed().value());
  ASSERT_EQ(recorder.changes.size(), 2u);
  EXPECT_TRUE(recorder.changes[1].full);
  EXPECT_EQ(recorder.changes[1].tenants.size(), 2u);
  clock_.advance_us(100'000);
  EXPECT_FALSE(store().refresh_if_changed().value());
  store().remove_listener(recorder);
}

TEST_F(Control, AnOwnChangeAfterAnUnnoticedForeignOneBringsBothToTheListeners) {
  make("shoes");
  Recorder recorder;
  ASSERT_TRUE(store().add_listener(recorder).ok());
  auto other = ControlStore::open(options()).value();
  ASSERT_TRUE(other->create_tenant(operator_, {.name = "hats"}).ok());
  make("bags");
  ASSERT_EQ(recorder.changes.size(), 2u);
  EXPECT_TRUE(recorder.changes[1].full);
  EXPECT_EQ(recorder.changes[1].tenants.size(), 3u);
  store().remove_listener(recorder);
}

TEST_F(Control, TwoProcessesCreatingTheSameTenantMakeOne) {
  auto other = ControlStore::open(options()).value();
  int created = 0;
  const auto run = [&](ControlStore& target, std::atomic<int>& count) {
    for (int i = 0; i < 20; ++i) {
      auto made = target.create_tenant(
          Actor{}, {.name = "t" + std::to_string(i), .with_keys = true, .if_not_exists = true});
      ASSERT_TRUE(made.ok()) << made.error().to_string();
      if (made->created) ++count;
    }
  };
  std::atomic<int> count{0};
  std::thread rival([&] { run(*other, count); });
  run(store(), count);
  rival.join();
  created = count;
  EXPECT_EQ(created, 20);
  EXPECT_EQ(store().list_tenants()->size(), 20u);
  EXPECT_EQ(store().list_keys({})->size(), 40u);
  EXPECT_EQ(store().verify_audit()->sequence, 20u);
}

TEST_F(Control, TheAuditChainCoversEveryChangeAndItsHeadMoves) {
  EXPECT_EQ(store().verify_audit()->sequence, 0u);
  make("shoes");
  const auto head = store().verify_audit().value();
  EXPECT_EQ(head.sequence, 1u);
  ASSERT_TRUE(store().suspend_tenant(operator_, "shoes").ok());
  EXPECT_NE(store().verify_audit()->hash_hex, head.hash_hex);
  EXPECT_EQ(store().version().value(), store().verify_audit()->sequence);
}

TEST_F(Control, ABackupIsACompleteDatabaseAndNeverOverwrites) {
  make("shoes");
  const std::string copy = (folder_ / "copy.db").string();
  ASSERT_TRUE(store().backup_to(copy).ok());
  auto options = this->options();
  options.path = copy;
  auto restored = ControlStore::open(options).value();
  EXPECT_EQ(restored->list_tenants().value(), store().list_tenants().value());
  EXPECT_EQ(restored->verify_audit()->hash_hex, store().verify_audit()->hash_hex);
  EXPECT_FALSE(store().backup_to(copy).ok());
}

TEST_F(StoreTest, ARestoreRaisesEveryEpochAndIsAudited) {
  ASSERT_TRUE(store().create_tenant({}, {.name = "one"}).ok());
  ASSERT_TRUE(store().create_tenant({}, {.name = "two"}).ok());
  ASSERT_TRUE(store().note_restore({}, "backup 1").ok());
  const auto tenants = store().list_tenants().value();
  ASSERT_EQ(tenants.size(), 2u);
  for (const auto& tenant : tenants) EXPECT_EQ(tenant.epoch, 2u);
  const auto last = store().audit(2, 10).value();
  ASSERT_EQ(last.size(), 1u);
  EXPECT_EQ(last[0].action, "backup.restore");
  EXPECT_EQ(last[0].detail, "backup 1");
  EXPECT_TRUE(store().verify_audit().ok());
}

}  // namespace
}  // namespace vitrine::control
