#include "domain/conduct/settings.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "domain/conduct/standing.h"

namespace vitrine::conduct {
namespace {

using testing::HasSubstr;

std::string refusal(std::string_view json) {
  const auto settings = parse_settings(json);
  return settings.ok() ? "" : settings.error().message();
}

TEST(ConductSettings, PrintAndReadBackAsTheyAre) {
  const auto settings = parse_settings(R"({"detect":false,"views_per_hour":0,"push_percent":80})");
  ASSERT_TRUE(settings.ok());
  EXPECT_FALSE(settings->detect);
  EXPECT_EQ(settings->views_per_hour, 0u);
  EXPECT_EQ(settings->views_per_day, Settings{}.views_per_day);
  const auto again = parse_settings(print_settings(*settings));
  ASSERT_TRUE(again.ok());
  EXPECT_EQ(*again, *settings);
}

TEST(ConductSettings, SayWhatIsWrongAndWhere) {
  EXPECT_THAT(refusal("7"), HasSubstr("JSON object"));
  EXPECT_THAT(refusal(R"({"views_per_hours":1})"), HasSubstr("views_per_hours: must be absent"));
  EXPECT_THAT(refusal(R"({"views_per_hour":-1})"), HasSubstr("from 0 (off) to 30000"));
  EXPECT_THAT(refusal(R"({"quick_percent":101})"), HasSubstr("from 0 (off) to 100"));
  EXPECT_THAT(refusal(R"({"items_per_day":1.5})"), HasSubstr("items_per_day: must be a whole"));
  EXPECT_THAT(refusal(R"({"detect":1})"), HasSubstr("detect: must be true or false"));
  EXPECT_FALSE(parse_settings(std::string(kSettingsBytesMax + 1, ' ')).ok());
}

TEST(StandingChange, IsReadBackAsItWasWritten) {
  const StandingChange change{true, "a-1", Standing::kTrusted, "our own price watcher"};
  std::string bytes;
  ByteWriter out(bytes);
  encode_change(change, out);
  const auto again = decode_change(bytes);
  ASSERT_TRUE(again.ok());
  EXPECT_EQ(*again, change);
  for (std::size_t size = 0; size < bytes.size(); ++size) {
    EXPECT_FALSE(decode_change(std::string_view(bytes).substr(0, size)).ok());
  }
  EXPECT_FALSE(decode_change(bytes + "x").ok());
  bytes[0] = 2;
  EXPECT_EQ(decode_change(bytes).error().code(), ErrorCode::kUnsupported);
}

TEST(StandingChange, IsReadFromJson) {
  const auto change = parse_change(R"({"anonymous_id":"a","standing":"flagged","note":"n"})");
  ASSERT_TRUE(change.ok());
  EXPECT_EQ(*change, (StandingChange{true, "a", Standing::kFlagged, "n"}));
  for (const char* bad :
       {"[]", "{}", R"({"user_id":"u"})", R"({"standing":"flagged"})",
        R"({"user_id":"u","anonymous_id":"a","standing":"flagged"})",
        R"({"user_id":"u","standing":"waiting"})", R"({"user_id":"u","standing":"bad"})",
        R"({"user_id":7,"standing":"flagged"})",
        R"({"user_id":"u","standing":"flagged","x":"y"})"}) {
    EXPECT_FALSE(parse_change(bad).ok()) << bad;
  }
}

TEST(StandingChange, NobodyIsMadeToWaitByHand) {
  EXPECT_FALSE(check_change({false, "u", Standing::kWaiting, ""}).ok());
  EXPECT_FALSE(check_change({false, "u", static_cast<Standing>(4), ""}).ok());
  EXPECT_FALSE(check_change({false, "", Standing::kFlagged, ""}).ok());
  EXPECT_FALSE(check_change({false, std::string(257, 'u'), Standing::kFlagged, ""}).ok());
  EXPECT_FALSE(check_change({false, "u", Standing::kFlagged, std::string(201, 'n')}).ok());
  EXPECT_TRUE(check_change({false, "u", Standing::kCounted, ""}).ok());
}

}  // namespace
}  // namespace vitrine::conduct
