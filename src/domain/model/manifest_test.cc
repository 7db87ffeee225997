#include "domain/model/manifest.h"

#include <gtest/gtest.h>

#include "domain/model/registry.h"

namespace vitrine::model {
namespace {

Manifest full() {
  Manifest m;
  m.tenant = TenantId{7};
  m.kind = "ials";
  m.parameters = {{"dimensions", 64}, {"seed", 1}};
  m.data = {1234, 1'700'000'000'000'000, 10, 20, 300, 4, 5, 6};
  m.id = make_model_id(m.kind, m.tenant, m.data.position, m.parameters, {});
  m.created = 1'700'000'000'000'001;
  m.code_version = "0.1.0";
  m.weight = 0.5;
  m.search = {true,   60, 20,
              "time", 1,  {{{{"seed", 1}}, .1, 2.5, 3, ""}, {{{"seed", 1}}, .2, 1, 4, ""}}};
  m.judgement.judged = true;
  m.judgement.promote = true;
  m.judgement.why = "better by \"a lot\"";
  m.judgement.cut = 5;
  m.judgement.cases = 100;
  m.judgement.k = 10;
  m.judgement.table = {
      {"iALS", {.1, .05, .2}, {.01, 0, .02}, {1, 1, 1}, {0, 0, 0}, .5, 9, 2, 1, 3}};
  m.judgement.comparisons = {{"item-item", "as it serves", {.01, .001, .02}, true}};
  m.judgement.activity = {{"1 to 2", 50, {{.1, .05, .2}}}};
  m.judgement.new_visitors = {{"0", 20, {{.1, .05, .2}}}};
  m.losses = {3, 2, 1};
  m.memory_bytes = 1 << 20;
  m.files = {{"model.bin", 17, {0x0123456789abcdefull, 0xfedcba9876543210ull}}};
  return m;
}

TEST(Manifest, SurvivesPrintingAndParsing) {
  const auto again = parse_manifest(print_manifest(full()));
  ASSERT_TRUE(again.ok()) << again.error().to_string();
  EXPECT_EQ(*again, full());
}

TEST(Manifest, NeedsNoSearchAndNoBoundOfItsTime) {
  Manifest m = full();
  m.search.seconds_most = -1;
  m.search.trials[1].failed = "too few \"items\"";
  EXPECT_EQ(parse_manifest(print_manifest(m)).value(), m);
  m.search = {};
  EXPECT_EQ(print_manifest(m).find("\"search\""), std::string::npos);
  EXPECT_EQ(parse_manifest(print_manifest(m)).value(), m);
}

TEST(Manifest, SaysWhichFieldIsWrong) {
  std::string text = print_manifest(full());
  const auto replace = [](std::string in, std::string_view from, std::string_view to) {
    return in.replace(in.find(from), from.size(), to);
  };
  for (const auto& [from, to, field] : std::vector<std::array<std::string, 3>>{
           {"\"tenant\":7", "\"tenant\":0", "tenant"},
           {"\"hr\":{\"value\":0.1", "\"hr\":{\"value\":\"x\"", "judgement.table.hr.value"},
           {"\"chosen\":1", "\"chosen\":2", "search.chosen"},
           {"\"files\":[", "\"fires\":[", "files"},
           {"0123456789abcdef", "0123456789abcdeg", "hash"}}) {
    const auto parsed = parse_manifest(replace(text, from, to));
    ASSERT_FALSE(parsed.ok()) << from;
    EXPECT_EQ(parsed.error().code(), ErrorCode::kCorrupt);
    EXPECT_NE(parsed.error().message().find(field), std::string::npos) << parsed.error().message();
  }
  EXPECT_EQ(parse_manifest("{").error().code(), ErrorCode::kCorrupt);
  EXPECT_EQ(parse_manifest("[]").error().code(), ErrorCode::kCorrupt);
}

TEST(ModelIdOf, FollowsFromWhatTheModelIsMadeOf) {
  const auto id = make_model_id("ials", TenantId{1}, 5, {{"seed", 1}}, {});
  EXPECT_EQ(id, make_model_id("ials", TenantId{1}, 5, {{"seed", 1}}, {}));
  EXPECT_NE(id, make_model_id("ials", TenantId{1}, 5, {{"seed", 2}}, {}));
  EXPECT_NE(id, make_model_id("ials", TenantId{2}, 5, {{"seed", 1}}, {}));
  EXPECT_NE(id, make_model_id("ials", TenantId{1}, 6, {{"seed", 1}}, {}));
  EXPECT_NE(id, make_model_id("ials", TenantId{1}, 5, {{"seed", 1}}, "parent"));
  EXPECT_TRUE(validate_model_id(id).ok()) << id;
}

}  // namespace
}  // namespace vitrine::model
