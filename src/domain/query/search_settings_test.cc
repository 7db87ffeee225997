#include "domain/query/search_settings.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace vitrine::query {
namespace {

using testing::HasSubstr;

std::string refusal(std::string_view json) {
  const auto settings = parse_search_settings(json);
  return settings.ok() ? "" : settings.error().message();
}

TEST(SearchSettings, AreReadWithTheirDefaults) {
  const auto settings = parse_search_settings(R"({"personal":2,"synonyms":[["sofa","couch"]]})");
  ASSERT_TRUE(settings.ok());
  EXPECT_EQ(settings->personal, 2);
  EXPECT_EQ(settings->popularity, 0.5);
  EXPECT_EQ(settings->synonyms, (std::vector<std::vector<std::string>>{{"sofa", "couch"}}));
}

TEST(SearchSettings, PrintAndReadBackAsTheyAre) {
  const auto settings = parse_search_settings(
      R"({"language":"german","stop_words":true,"synonyms":[["a","b","c d"]],"clicks":0.25,)"
      R"("redirects":[{"query":"Returns","url":"https://shop/help","match":"words"}],)"
      R"("typo_tolerance":false,"fallback":false,"suggest_min":7,"out_of_stock":0})");
  ASSERT_TRUE(settings.ok()) << settings.error().message();
  const auto again = parse_search_settings(print_search_settings(*settings));
  ASSERT_TRUE(again.ok());
  EXPECT_EQ(*again, *settings);
}

TEST(SearchSettings, SayWhatIsWrongAndWhere) {
  EXPECT_THAT(refusal("[]"), HasSubstr("JSON object"));
  EXPECT_THAT(refusal(R"({"personel":1})"), HasSubstr("personel: must be absent"));
  EXPECT_THAT(refusal(R"({"personal":5})"), HasSubstr("personal: must be a number from 0 to 4"));
  EXPECT_THAT(refusal(R"({"synonyms":[["sofa","couch"],["x"]]})"), HasSubstr("synonyms[1]"));
  EXPECT_THAT(refusal(R"({"redirects":[{"query":"x","url":"javascript:alert"
}]
})"),
              HasSubstr("redirects[0].url"));
  EXPECT_THAT(refusal(R"({"redirects":[{"query":"x","url":"//evil"}]})"),
              HasSubstr("redirects[0].url"));
  EXPECT_THAT(refusal(R"({"redirects":[{"url":"/a"}]})"), HasSubstr("redirects[0].query"));
}

}  // namespace
}  // namespace vitrine::query
