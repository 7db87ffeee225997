#include "service/learn/event_data.h"

#include <gmock/gmock.h>

#include "service/learn/testing_shop_log.h"

namespace vitrine::learn {
namespace {

using record::RecordKind;
using testing::ElementsAre;

constexpr const char* kNoPersonalization = R"({"consent":{"personalization":false}})";
constexpr const char* kNoAnalytics = R"({"consent":{"analytics":false}})";

class EventData : public testing::Test {
 protected:
  TenantData cut(CutOptions options = {}) {
    auto data = cut_tenant_data(io::system_files(), log_.log_directory(), log_.tenant, options);
    EXPECT_TRUE(data.ok()) << data.error().to_string();
    return std::move(*data);
  }
  // "user:item ..." in the order of the data.
  static std::string told(const TenantData& data) {
    std::string out;
    for (const auto& one : data.data.interactions) {
      out += (out.empty() ? "" : " ") + std::to_string(one.user.value) + ":" +
             data.data.items[one.item.value];
    }
    return out;
  }
  ShopLog log_;
};

TEST_F(EventData, HoldsWhatWasLookedAtByTimeUpToAPosition) {
  const auto last = log_.append({log_.look("a", "x", 10), log_.look("b", "y", 5)});
  log_.append({log_.look("a", "z", 20)});
  EXPECT_EQ(told(cut({.until = last})), "1:y 0:x");
  const TenantData all = cut();
  EXPECT_EQ(told(all), "1:y 0:x 0:z");
  EXPECT_EQ(all.cut.position, last + 1);
  EXPECT_EQ(all.cut.users, 2u);
  EXPECT_EQ(all.cut.items, 3u);
  EXPECT_TRUE(all.data.live);
}

TEST_F(EventData, LeavesOutTheWholeHistoryOfWhoDeniesAtTheEnd) {
  log_.append({log_.look("a", "x", 1), log_.look("b", "x", 2), log_.look("c", "x", 3)});
  log_.append(RecordKind::kUserConsent, [](ByteWriter& out) {
    person::ConsentChange change{"a", {}};
    change.consents.set(event::Purpose::kPersonalization, false);
    person::encode_consent(change, out);
  });
  log_.append({log_.look("b", "y", 4, kNoAnalytics)});
  const TenantData data = cut();
  EXPECT_EQ(told(data), "0:x");
  EXPECT_EQ(data.cut.without_consent, 3u);
}

TEST_F(EventData, LeavesOutWhatWasDoneWhileItWasDenied) {
  log_.append({log_.look("a", "x", 1), log_.look("a", "secret", 2, kNoPersonalization),
               log_.look("a", "y", 3, R"({"consent":{"personalization":true}})")});
  const TenantData data = cut();
  EXPECT_EQ(told(data), "0:x 0:y");
  EXPECT_THAT(data.data.items, ElementsAre("x", "y"));
}

TEST_F(EventData, AVisitorWhoSignedInIsThatUserAndIsForgottenWithIt) {
  log_.append({log_.look("anonymous:phone", "x", 1), log_.look("other", "o", 2),
               log_.look("a", "y", 3, {}, "phone")});
  EXPECT_EQ(told(cut()), "0:x 1:o 0:y");
  log_.append(RecordKind::kUserErase,
              [](ByteWriter& out) { person::encode_erasure({{profile::user_key("a")}}, out); });
  log_.append({log_.look("a", "z", 4), log_.look("anonymous:phone", "w", 5)});
  const TenantData data = cut();
  EXPECT_EQ(told(data), "0:o 1:z 1:w");
  EXPECT_EQ(data.cut.erased, 2u);
  EXPECT_THAT(data.data.items, ElementsAre("o", "z", "w"));
}

TEST_F(EventData, WhatIsMergedAfterAnErasureIsNotErased) {
  log_.append({log_.look("anonymous:phone", "x", 1), log_.look("a", "y", 2)});
  log_.append(RecordKind::kUserErase,
              [](ByteWriter& out) { person::encode_erasure({{profile::user_key("a")}}, out); });
  log_.append(RecordKind::kUserMerge, [](ByteWriter& out) {
    person::encode_merge({"a", "phone"}, out);
  });
  EXPECT_EQ(told(cut()), "0:x");
}

TEST_F(EventData, LeavesOutDeletedUsersAndFlaggedVisitors) {
  log_.append({log_.look("a", "x", 1), log_.look("bot", "y", 2), log_.look("c", "z", 3)});
  log_.append(RecordKind::kUserDelete, [](ByteWriter& out) { person::encode_delete("a", out); });
  const Hash128 bot = profile::user_key("bot");
  const TenantData data = cut({.flagged = [&](const Hash128& key) { return key == bot; }});
  EXPECT_EQ(told(data), "0:z");
  EXPECT_EQ(data.cut.erased, 1u);
  EXPECT_EQ(data.cut.flagged, 1u);
}

TEST_F(EventData, CountsARepeatedEventOnceAndNothingOfAnotherTenant) {
  const auto once = log_.look("a", "x", 1);
  log_.append({once, once});
  log_.tenant = TenantId{8};
  log_.append({log_.look("a", "theirs", 2)});
  log_.tenant = TenantId{7};
  EXPECT_EQ(told(cut()), "0:x");
}

TEST_F(EventData, TheCutIsTheLastRecordThatIsNoChangeOfModels) {
  const auto last = log_.append({log_.look("a", "x", 1)});
  log_.append(RecordKind::kModelChange, [](ByteWriter& out) {
    model::encode_change({model::Action::kPromote, "m-1", {}}, out);
  });
  const TenantData data = cut();
  EXPECT_EQ(data.cut.position, last);
  EXPECT_EQ(data.models.live(), "m-1");
}

TEST_F(EventData, ReadingCanBeStopped) {
  log_.append({log_.look("a", "x", 1)});
  const std::atomic<bool> stop{true};
  const auto data =
      cut_tenant_data(io::system_files(), log_.log_directory(), log_.tenant, {.stop = &stop});
  ASSERT_FALSE(data.ok());
  EXPECT_EQ(data.error().reason(), "training_stopped");
}

}  // namespace
}  // namespace vitrine::learn
