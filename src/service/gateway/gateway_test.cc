#include "service/gateway/gateway.h"

#include <atomic>
#include <thread>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "service/control/control_test_util.h"
#include "service/gateway/credential.h"
#include "service/gateway/key_memo.h"

namespace vitrine::gateway {
namespace {

using tenant::Right;
using tenant::Scope;
using testing::HasSubstr;

// A gateway fed by a real control store with two tenants.
class GatewayTest : public control::StoreTest {
 protected:
  GatewayTest() {
    VITRINE_CHECK(store().add_listener(gateway_).ok());
    shoes_ = store().create_tenant({}, {.name = "shoes", .with_keys = true}).value();
    hats_ = store().create_tenant({}, {.name = "hats", .with_keys = true}).value();
  }
  ~GatewayTest() override { store().remove_listener(gateway_); }

  Result<Caller> ask(std::string_view key, Right right = Right::kReadWindows) {
    return gateway_.authorise("Bearer " + std::string(key), "", right, clock_.wall_us());
  }
  std::string reason(std::string_view key, Right right = Right::kReadWindows) {
    const auto caller = ask(key, right);
    return caller.ok() ? "ok" : std::string(caller.error().reason());
  }
  Status admit(const Caller& caller, double events) {
    return gateway_.admit(caller, {.requests = 1, .events = events}, clock_.steady_ns());
  }
  void set_quotas(double events_per_s, double requests_per_s) {
    tenant::Quotas quotas;
    quotas.events_per_s = events_per_s;
    quotas.requests_per_s = requests_per_s;
    quotas.events_burst_s = 1;
    quotas.requests_burst_s = 1;
    ASSERT_TRUE(store().set_quotas({}, "shoes", quotas).ok());
  }
  const std::string& publishable() { return shoes_.keys[0].text; }
  const std::string& secret() { return shoes_.keys[1].text; }

  Gateway gateway_;
  control::CreatedTenant shoes_;
  control::CreatedTenant hats_;
};

TEST_F(GatewayTest, EachKeyLeadsToItsOwnTenantAndScope) {
  for (const auto* made : {&shoes_, &hats_}) {
    for (const auto& key : made->keys) {
      const auto caller = ask(key.text);
      ASSERT_TRUE(caller.ok()) << caller.error().to_string();
      EXPECT_EQ(caller->tenant, made->tenant.id);
      EXPECT_EQ(caller->view->tenant, made->tenant);
      EXPECT_EQ(caller->key, key.info.id);
      EXPECT_EQ(caller->scope, key.info.scope);
    }
  }
}

TEST_F(GatewayTest, EveryRightIsGrantedOrRefusedAsTheTableSays) {
  const auto admin = store().create_key({}, {.scope = Scope::kAdmin}).value();
  for (const std::string& key : {publishable(), secret(), admin.text}) {
    const Scope scope = tenant::parse_key(key)->scope;
    for (std::size_t i = 0; i < tenant::kRightCount; ++i) {
      const Right right = static_cast<Right>(i);
      const auto caller = ask(key, right);
      ASSERT_EQ(caller.ok(), tenant::allows(scope, right)) << tenant::right_name(right);
      if (caller.ok()) continue;
      EXPECT_EQ(caller.error().code(), ErrorCode::kPermissionDenied);
      EXPECT_EQ(caller.error().reason(), "right_missing");
      EXPECT_THAT(caller.error().message(), HasSubstr(tenant::right_name(right)));
    }
  }
}

TEST_F(GatewayTest, AnAdminKeyHasNoTenantAndNoQuota) {
  const auto admin = store().create_key({}, {.scope = Scope::kAdmin}).value();
  const auto caller = ask(admin.text, Right::kManageTenants);
  ASSERT_TRUE(caller.ok());
  EXPECT_EQ(caller->tenant, TenantId{});
  EXPECT_EQ(caller->view, nullptr);
  for (int i = 0; i < 10000; ++i) ASSERT_TRUE(admit(*caller, 1000).ok());
}

// Ids, scopes and secrets of two tenants' keys crossed: nothing but the whole key opens.
TEST_F(GatewayTest, MixingPartsOfOtherKeysIsUnknownOrMistyped) {
  std::vector<std::string> keys;
  for (const auto* made : {&shoes_, &hats_}) {
    for (const auto& key : made->keys) keys.push_back(key.text);
  }
  for (const auto& id_of : keys) {
    for (const auto& secret_of : keys) {
      if (id_of == secret_of) continue;
      EXPECT_EQ(reason(id_of.substr(0, 20) + secret_of.substr(20)), "key_mistyped");
      std::string forged = id_of;
      forged.replace(0, 7, secret_of.substr(0, 7));
      if (forged == id_of) continue;
      EXPECT_EQ(reason(forged), "key_mistyped");
    }
  }
  // A forger computes the checksum as well, so the id of a real key with another secret:
  const auto id = tenant::parse_key(publishable())->id;
  EXPECT_EQ(reason(format_key(Scope::kPublishable, id, {})), "key_unknown");
  EXPECT_EQ(reason(format_key(Scope::kSecret, tenant::KeyId{12345}, {})), "key_unknown");
}

TEST_F(GatewayTest, ATypoIsToldFromAnUnknownKeyAndNeverOpens) {
  for (std::size_t at = 0; at < secret().size(); ++at) {
    std::string typo = secret();
    typo[at] = typo[at] == 'a' ? 'b' : 'a';
    const std::string why = reason(typo);
    EXPECT_TRUE(why == "key_mistyped" || why == "key_malformed") << at << " " << why;
  }
  EXPECT_EQ(reason(secret().substr(0, 30)), "key_malformed");
  EXPECT_EQ(reason(std::string(100000, 'x')), "key_malformed");
}

TEST_F(GatewayTest, ARevokedKeyIsRefusedAsSoonAsTheCallIsBack) {
  ASSERT_EQ(reason(secret()), "ok");
  ASSERT_TRUE(store().revoke_key({}, shoes_.keys[1].info.id).ok());
  EXPECT_EQ(reason(secret()), "key_revoked");
  EXPECT_EQ(ask(secret()).error().code(), ErrorCode::kUnauthenticated);
  EXPECT_EQ(reason(publishable()), "ok");
  EXPECT_EQ(reason(format_key(Scope::kSecret, shoes_.keys[1].info.id, {})), "key_unknown")
      << "only its holder may learn that a key was revoked";
}

TEST_F(GatewayTest, ARotatedKeyWorksUntilItsGraceEndsAndTheNewOneAtOnce) {
  const auto next = store().rotate_key({}, shoes_.keys[1].info.id, kMinuteUs).value();
  EXPECT_EQ(reason(next.text), "ok");
  clock_.advance_us(kMinuteUs - 1);
  EXPECT_EQ(reason(secret()), "ok");
  clock_.advance_us(1);
  EXPECT_EQ(reason(secret()), "key_expired");
  EXPECT_EQ(reason(next.text), "ok");
  const auto last = store().rotate_key({}, next.info.id, 0).value();
  EXPECT_EQ(reason(next.text), "key_revoked");
  EXPECT_EQ(reason(last.text), "ok");
}

TEST_F(GatewayTest, ASuspendedTenantIsRefusedWithItsOwnReasonAndComesBack) {
  ASSERT_TRUE(store().suspend_tenant({}, "shoes").ok());
  EXPECT_EQ(reason(secret()), "tenant_suspended");
  EXPECT_EQ(ask(secret()).error().code(), ErrorCode::kPermissionDenied);
  EXPECT_EQ(reason(hats_.keys[0].text), "ok");
  ASSERT_TRUE(store().resume_tenant({}, "shoes").ok());
  EXPECT_EQ(reason(secret()), "ok");
}

TEST_F(GatewayTest, ADeletedTenantsKeysStayDeadWhenItsNameIsUsedAgain) {
  ASSERT_TRUE(store().delete_tenant({}, "shoes").ok());
  EXPECT_EQ(gateway_.find_tenant(shoes_.tenant.id), nullptr);
  const auto again = store().create_tenant({}, {.name = "shoes", .with_keys = true}).value();
  EXPECT_EQ(reason(secret()), "key_revoked");
  EXPECT_EQ(ask(again.keys[1].text)->tenant, again.tenant.id);
}

TEST_F(GatewayTest, ChangesMadeByAnotherProcessArriveWithTheRefresh) {
  auto other = control::ControlStore::open(options()).value();
  ASSERT_TRUE(other->revoke_key({}, shoes_.keys[0].info.id).ok());
  const auto made = other->create_tenant({}, {.name = "bags", .with_keys = true}).value();
  EXPECT_EQ(reason(made.keys[0].text), "key_unknown");
  clock_.advance_us(100'000);
  ASSERT_TRUE(store().refresh_if_changed().value());
  EXPECT_EQ(reason(made.keys[0].text), "ok");
  EXPECT_EQ(reason(publishable()), "key_revoked");
  EXPECT_EQ(gateway_.version(), store().version().value());
}

TEST_F(GatewayTest, QuotasCountEventsAndRequestsOfAllKeysOfATenantTogether) {
  set_quotas(100, 5);
  const auto one = ask(publishable()).value();
  const auto two = ask(secret()).value();
  EXPECT_TRUE(admit(one, 60).ok());
  EXPECT_TRUE(admit(two, 40).ok());
  const Status refused = admit(one, 50);
  ASSERT_FALSE(refused.ok());
  EXPECT_EQ(refused.error().code(), ErrorCode::kExhausted);
  EXPECT_EQ(refused.error().reason(), "quota_exceeded");
  EXPECT_EQ(refused.error().retry_after_s(), 1u);
  EXPECT_THAT(refused.error().message(), HasSubstr("events"));
  for (int i = 0; i < 3; ++i) EXPECT_TRUE(admit(one, 0).ok()) << "the refused one cost nothing";
  EXPECT_THAT(admit(two, 0).error().message(), HasSubstr("requests"));
  EXPECT_TRUE(admit(ask(hats_.keys[0].text).value(), 50).ok()) << "the neighbour isn't touched";
  clock_.advance_us(kSecondUs);
  EXPECT_TRUE(admit(one, 50).ok());
}

TEST_F(GatewayTest, WaitingRetryAfterSecondsIsEnough) {
  set_quotas(10, 0);
  const auto caller = ask(secret()).value();
  ASSERT_TRUE(admit(caller, 1000).ok());
  const auto refused = admit(caller, 1000);
  EXPECT_EQ(refused.error().retry_after_s(), 100u);
  clock_.advance_us(refused.error().retry_after_s() * kSecondUs);
  EXPECT_TRUE(admit(caller, 1000).ok());
}

TEST_F(GatewayTest, AChangeOfSomethingElseDoesntRefillTheBucket) {
  set_quotas(10, 0);
  ASSERT_TRUE(admit(ask(secret()).value(), 10).ok());
  ASSERT_TRUE(store().set_event_types({}, "shoes", {"x"}).ok());
  EXPECT_FALSE(admit(ask(secret()).value(), 10).ok());
  auto other = control::ControlStore::open(options()).value();
  ASSERT_TRUE(other->set_event_types({}, "shoes", {"y"}).ok());
  ASSERT_TRUE(store().refresh_if_changed().value());
  EXPECT_FALSE(admit(ask(secret()).value(), 10).ok());
  set_quotas(0, 0);
  EXPECT_TRUE(admit(ask(secret()).value(), 1e6).ok()) << "0 is unlimited";
}

TEST_F(GatewayTest, AKeysOwnLimitIsRefusedBeforeItCostsTheTenant) {
  set_quotas(100, 0);
  control::NewKey wanted{.tenant_name = "shoes"};
  wanted.limits.requests_per_s = 1;  // bursts of 2
  const auto key = store().create_key({}, wanted).value();
  const auto caller = ask(key.text).value();
  EXPECT_TRUE(admit(caller, 10).ok());
  EXPECT_TRUE(admit(caller, 10).ok());
  EXPECT_THAT(admit(caller, 10).error().message(), HasSubstr("of this key"));
  EXPECT_TRUE(admit(ask(secret()).value(), 80).ok());
  EXPECT_FALSE(admit(ask(secret()).value(), 1).ok());
}

TEST(Credential, ComesFromEitherHeaderButNotFromTwoThatDiffer) {
  const auto reason = [](std::string_view a, std::string_view b) {
    const auto found = find_credential(a, b);
    return found.ok() ? std::string(*found) : std::string(found.error().reason());
  };
  EXPECT_EQ(reason("Bearer k1", ""), "k1");
  EXPECT_EQ(reason("bEARER \t k1 ", ""), "k1");
  EXPECT_EQ(reason("", " k1 "), "k1");
  EXPECT_EQ(reason("Bearer k1", "k1"), "k1");
  EXPECT_EQ(reason("Basic dXNlcjpwYXNz", "k1"), "k1");
  EXPECT_EQ(reason("Bearer k1", "k2"), "credential_ambiguous");
  EXPECT_EQ(reason("", ""), "credential_missing");
  EXPECT_EQ(reason("  ", "\t"), "credential_missing");
  for (std::string_view bad : {"Bearer", "Bearer ", "Bearerk1", "Basic k1", "k1", "Token k1"}) {
    EXPECT_EQ(reason(bad, ""), "credential_malformed") << bad;
  }
}

// Goal: no answer but "the key is good" before and "revoked" after, while others change the
// directory as fast as they can. Under ThreadSanitizer this is also the race test.
TEST_F(GatewayTest, ConcurrentAuthoriseNeverSeesARevokedKeyAfterRevokeReturned) {
  constexpr int kKeys = 40;
  std::vector<control::IssuedKey> keys;
  for (int i = 0; i < kKeys; ++i) {
    keys.push_back(store().create_key({}, {.tenant_name = "hats"}).value());
  }
  std::atomic<int> revoked{0};
  std::atomic<bool> stop{false};
  std::atomic<long> asked{0};
  const auto reader = [&] {
    while (!stop) {
      const int gone = revoked;
      for (int i = 0; i < kKeys; ++i) {
        const auto caller = gateway_.authorise_key(keys[i].text, Right::kWriteEvents, 1);
        ASSERT_FALSE(i < gone && caller.ok()) << i;
        ASSERT_TRUE(caller.ok() || revoked >= i) << i;
        if (caller.ok()) (void)gateway_.admit(*caller, {1, 1}, 0).ok();
        ++asked;
      }
      ASSERT_EQ(gateway_.authorise_key(secret(), Right::kWriteCatalog, 1)->tenant,
                shoes_.tenant.id);
    }
  };
  std::vector<std::thread> threads;
  for (int t = 0; t < 3; ++t) threads.emplace_back(reader);
  for (int i = 0; i < kKeys; ++i) {
    ASSERT_TRUE(store().revoke_key({}, keys[i].info.id).ok());
    revoked = i + 1;
    tenant::Quotas quotas;
    quotas.events_per_s = 1 + i;
    ASSERT_TRUE(store().set_quotas({}, "hats", quotas).ok());
  }
  stop = true;
  for (auto& thread : threads) thread.join();
  EXPECT_GT(asked, 0);
}

// More keys than it has room for, each with a twin that takes the same place.
TEST(KeyMemo, SaysOfEveryTextWhatTheHashFunctionSays) {
  KeyMemo memo;
  std::vector<std::pair<std::string, tenant::KeyId>> keys;
  for (std::uint64_t n = 1; n <= 200; ++n) {
    tenant::KeySecret secret{};
    secret[0] = static_cast<unsigned char>(n);
    const tenant::KeyId id{n % 100 + 1};
    keys.emplace_back(tenant::format_key(Scope::kSecret, id, secret), id);
  }
  for (int round = 0; round < 3; ++round) {
    for (const auto& [text, id] : keys) {
      const auto hash = memo.hash_of(text, id);
      ASSERT_EQ(hash, tenant::hash_key(text));
      memo.remember(text, id, hash);
      ASSERT_EQ(memo.hash_of(text, id), hash);
      std::string other = text;
      other[30] = other[30] == 'a' ? 'b' : 'a';
      ASSERT_EQ(memo.hash_of(other, id), tenant::hash_key(other));
    }
  }
}

}  // namespace
}  // namespace vitrine::gateway
