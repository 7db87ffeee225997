#include "service/privacy/person_match.h"

#include <gtest/gtest.h>

#include "domain/person/person_codec.h"
#include "domain/profile/profiles.h"
#include "service/apply/apply_test_util.h"

namespace vitrine::privacy {
namespace {

using record::RecordKind;

constexpr TenantId kShop{1};

std::string event_of(std::string_view user, std::string_view visitor, TenantId tenant = kShop) {
  event::Event e;
  e.event_id = "e";
  e.type = event::EventType::kHomePageView;
  e.user_id = user;
  e.anonymous_id = visitor;
  std::string payload;
  ByteWriter writer(payload);
  record::write_tenant(writer, tenant);
  event::encode_event(e, payload);
  return payload;
}

template <class Encode>
std::string change(Encode&& encode) {
  std::string payload;
  ByteWriter writer(payload);
  record::write_tenant(writer, kShop);
  encode(writer);
  return payload;
}

class PersonMatch : public ::testing::Test {
 protected:
  PersonMatch() {
    persons_.add(kShop, profile::user_key("ada"), 100);
    persons_.add(kShop, profile::anonymous_key("phone"), 100);
  }
  Match match(RecordKind kind, const std::string& payload, eventlog::Position position = 5) {
    kept_ = payload;
    const auto match = persons_.match({position, 0, static_cast<std::uint16_t>(kind), 0, kept_});
    EXPECT_TRUE(match.ok());
    return *match;
  }
  About about_event(const std::string& payload, eventlog::Position position = 5) {
    return match(RecordKind::kEvent, payload, position).about;
  }

  Persons persons_;
  std::string kept_;
};

TEST_F(PersonMatch, TellsThePersonsEventsFromOthersOnTheSameDevice) {
  EXPECT_EQ(about_event(event_of("ada", "")), About::kPerson);
  EXPECT_EQ(about_event(event_of("ada", "tablet")), About::kPerson);
  EXPECT_EQ(about_event(event_of("", "phone")), About::kPerson);
  EXPECT_EQ(about_event(event_of("bob", "")), About::kNobody);
  EXPECT_EQ(about_event(event_of("", "ada")), About::kNobody);  // a visitor's id is no user's
  EXPECT_EQ(about_event(event_of("phone", "")), About::kNobody);
  const Match shared = match(RecordKind::kEvent, event_of("bob", "phone"));
  EXPECT_EQ(shared.about, About::kDevice);
  EXPECT_EQ(shared.device, "phone");
  EXPECT_GE(shared.device.data(), kept_.data());  // where it is to be overwritten
}

TEST_F(PersonMatch, OnlyBeforeTheOrderAndOnlyInTheTenant) {
  EXPECT_EQ(about_event(event_of("ada", ""), 99), About::kPerson);
  EXPECT_EQ(about_event(event_of("ada", ""), 100), About::kNobody);
  EXPECT_EQ(about_event(event_of("ada", "", TenantId{2})), About::kNobody);
}

TEST_F(PersonMatch, KnowsEveryRecordAboutAUser) {
  using namespace person;
  ConsentChange consent{"ada", {}};
  consent.consents.set(event::Purpose::kMarketing, true);
  const std::vector<std::pair<RecordKind, std::string>> theirs = {
      {RecordKind::kUserUpsert, change([](auto& w) {
         encode_user({"ada", {}}, w);
       })},
      {RecordKind::kUserPatch, change([](auto& w) {
         encode_patch({"ada", {}}, w);
       })},
      {RecordKind::kUserDelete, change([](auto& w) { encode_delete("ada", w); })},
      {RecordKind::kUserConsent, change([&](auto& w) { encode_consent(consent, w); })},
      {RecordKind::kUserMerge, change([](auto& w) {
         encode_merge({"ada", "tv"}, w);
       })},
      {RecordKind::kUserMerge, change([](auto& w) {
         encode_merge({"bob", "phone"}, w);
       })},
  };
  for (const auto& [kind, payload] : theirs) {
    EXPECT_EQ(match(kind, payload).about, About::kPerson) << static_cast<int>(kind);
  }
  EXPECT_EQ(match(RecordKind::kUserMerge, change([](auto& w) {
                    encode_merge({"bob", "tv"}, w);
                  }))
                .about,
            About::kNobody);
  EXPECT_EQ(match(RecordKind::kItemDelete, change([](auto& w) { w.raw("ada"); })).about,
            About::kNobody);
}

TEST_F(PersonMatch, AnswersAreOfWhoAsked) {
  EXPECT_TRUE(persons_.matches_answer(kShop, "ada", "", 5));
  EXPECT_TRUE(persons_.matches_answer(kShop, "", "phone", 5));
  EXPECT_TRUE(persons_.matches_answer(kShop, "bob", "phone", 5));
  EXPECT_FALSE(persons_.matches_answer(kShop, "bob", "", 5));
  EXPECT_FALSE(persons_.matches_answer(kShop, "ada", "", 100));
  EXPECT_FALSE(persons_.matches_answer(TenantId{2}, "ada", "", 5));
}

}  // namespace
}  // namespace vitrine::privacy
