#include "tool/evaluate/judged_search.h"

#include <cmath>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace vitrine::evaluate {
namespace {

using testing::HasSubstr;

TEST(JudgedSearch, FiguresAreThoseOfTheirDefinitions) {
  const auto judged = read_judged_queries("q1\tred shoes\nq2\tsofa\nq3\tnothing judged\n",
                                          "# by hand\nq1 0 a 2\nq1 0 b 1\nq1 0 c 0\nq2 0 d 1\n");
  ASSERT_TRUE(judged.ok()) << judged.error().message();
  EXPECT_EQ(judged->queries.size(), 2u);
  EXPECT_EQ(judged->without_judgement, 1u);
  const auto figures =
      judge(*judged, [](std::string_view text) -> Result<std::vector<std::string>> {
        if (text == "sofa") return std::vector<std::string>{};
        return std::vector<std::string>{"x", "b", "a"};
      });
  ASSERT_TRUE(figures.ok());
  const double found = 1 / std::log2(3) + 3 / std::log2(4);
  const double best = 3 / std::log2(2) + 1 / std::log2(3);
  EXPECT_DOUBLE_EQ(figures->ndcg10, found / best / 2);
  EXPECT_DOUBLE_EQ(figures->mrr, 0.25);
  EXPECT_DOUBLE_EQ(figures->recall100, 0.5);
  EXPECT_EQ(figures->found_nothing, 1u);
}

TEST(JudgedSearch, APerfectSearchHasOnesEverywhere) {
  const auto judged = read_judged_queries("q\tx\n", "q 0 a 3\nq 0 b 1\n");
  ASSERT_TRUE(judged.ok());
  const auto figures = judge(*judged, [](std::string_view) -> Result<std::vector<std::string>> {
    return std::vector<std::string>{"a", "b"};
  });
  EXPECT_DOUBLE_EQ(figures->ndcg10, 1);
  EXPECT_DOUBLE_EQ(figures->mrr, 1);
  EXPECT_DOUBLE_EQ(figures->recall100, 1);
}

TEST(JudgedSearch, BadLinesAreNamed) {
  const auto refusal = [](std::string_view queries, std::string_view qrels) {
    const auto judged = read_judged_queries(queries, qrels);
    return judged.ok() ? std::string() : judged.error().message();
  };
  EXPECT_THAT(refusal("q1 no tab\n", ""), HasSubstr("queries, line 1"));
  EXPECT_THAT(refusal("q\ta\nq\tb\n", ""), HasSubstr("queries, line 2"));
  EXPECT_THAT(refusal("q\ta\n", "\nq 0 a\n"), HasSubstr("qrels, line 2"));
  EXPECT_THAT(refusal("q\ta\n", "q 0 a -1\n"), HasSubstr("grade"));
  EXPECT_THAT(refusal("q\ta\n", "p 0 a 1\n"), HasSubstr("qrels, line 1"));
  EXPECT_THAT(refusal("q\ta\n", "q 0 a 0\n"), HasSubstr("nothing to judge"));
}

}  // namespace
}  // namespace vitrine::evaluate
