#include "tool/learn/model_report.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace vitrine::learn_tool {
namespace {

using testing::HasSubstr;
using testing::Not;

model::Manifest judged() {
  model::Manifest m;
  m.id = "ials-1";
  m.tenant = TenantId{7};
  m.kind = "ials";
  m.parameters = {{"dimensions", 64}};
  m.data = {1234, 1'700'000'000'000'000, 10, 20, 300, 4, 5, 6};
  m.losses = {.5, .25};
  model::Judgement& j = m.judgement;
  j.judged = true;
  j.k = 10;
  j.cases = 100;
  j.why = "better than item-item <by far>";
  j.table = {
      {"ials as it would serve",
       {.2, .1, .3},
       {.12, .11, .13},
       {.1, .1, .1},
       {.1, .1, .1},
       .5,
       9,
       2,
       1.5,
       .3},
      {"item-item", {.1, .05, .15}, {.06, .05, .07}, {.1, .1, .1}, {.1, .1, .1}, .4, 8, 3, .2, .1}};
  j.comparisons = {{"item-item", "as it serves", {.06, .04, .08}, true}};
  j.activity = {{"1 to 2", 40, {{.1, .05, .2}, {.1, .05, .2}}}};
  j.new_visitors = {{"1", 9, {{.3, .2, .4}, {.2, .1, .3}}}};
  j.popularity = {{"0", 7, {{0, 0, 0}, {0, 0, 0}}}};
  j.learning = {{"50 %", 150, {{.05, .04, .06}, {.05, .04, .06}}}};
  return m;
}

TEST(ModelPage, StandsAloneAndHoldsEveryPart) {
  const std::string page = model_page(judged(), "shop & co");
  for (const char* part :
       {"ials as it would serve", "item-item", "0.0600 [0.0400, 0.0800]", "By visitor activity",
        "By item popularity", "New visitors", "events known", "Learning curve", "Loss by epoch",
        "Cost", "dimensions", "4 without consent", "shop &amp; co",
        "better than item-item &lt;by far&gt;"}) {
    EXPECT_THAT(page, HasSubstr(part));
  }
  EXPECT_THAT(page, Not(HasSubstr("<script")));
  EXPECT_THAT(page, Not(HasSubstr("http://")));
}

TEST(ModelPage, ShowsEveryTrialOfASearchAndWhichWasChosen) {
  model::Manifest m = judged();
  EXPECT_THAT(model_page(m, "shop"), Not(HasSubstr("Search for settings")));
  EXPECT_THAT(model_text(m), Not(HasSubstr("search:")));
  m.search = {true,
              60,
              500,
              "time",
              1,
              {{{{"ridge", .25}}, .1, 2, 3, ""},
               {{{"ridge", .75}}, .2, 3, 4, ""},
               {{{"ridge", .5}}, 0, 1, 0, "no <room>"}}};
  const std::string page = model_page(m, "shop");
  for (const char* part : {"Search for settings", "3 trials in 6", "2 (chosen)", "0.2000", "0.75",
                           "no &lt;room&gt;", "best so far"}) {
    EXPECT_THAT(page, HasSubstr(part));
  }
  EXPECT_THAT(model_text(m), HasSubstr("number 2, 0.2000"));
  EXPECT_THAT(model_text(m), HasSubstr("ridge=0.75"));
}

TEST(ModelPage, OfAModelThatWasNeverJudgedIsAPageToo) {
  EXPECT_THAT(model_page({}, "shop"), HasSubstr("</html>"));
}

TEST(ModelText, HasTableAndVerdict) {
  model::Manifest m = judged();
  EXPECT_THAT(model_text(m), HasSubstr("not to be promoted: better than item-item"));
  m.judgement.promote = true;
  EXPECT_THAT(model_text(m), HasSubstr("\nto be promoted: "));
  EXPECT_THAT(model_text(m), HasSubstr("NDCG@10"));
}

}  // namespace
}  // namespace vitrine::learn_tool
