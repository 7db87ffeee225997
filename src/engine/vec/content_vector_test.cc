#include "engine/vec/content_vector.h"

#include <cmath>
#include <string>

#include <gtest/gtest.h>

#include "engine/vec/random.h"

namespace vitrine::vec {
namespace {

std::vector<float> vector_of(std::span<const ContentField> fields, std::uint32_t dim = 256,
                             const ContentCounts* counts = nullptr) {
  std::vector<float> out(dim);
  ContentVectors(dim, counts).make(fields, out.data());
  return out;
}

std::vector<float> titled(std::string_view title, const ContentCounts* counts = nullptr) {
  const std::vector<ContentField> fields{{"title", title, 1, false}};
  return vector_of(fields, 256, counts);
}

double product(const std::vector<float>& a, const std::vector<float>& b) {
  double sum = 0;
  for (std::size_t i = 0; i < a.size(); ++i) sum += static_cast<double>(a[i]) * b[i];
  return sum;
}

TEST(ContentVector, SharedWordsMakeTitlesSimilarAndOtherTitlesAreAsGoodAsUnrelated) {
  const auto shoe = titled("Red running shoe for women");
  EXPECT_NEAR(product(shoe, shoe), 1, 1e-5);
  EXPECT_GT(product(shoe, titled("running shoe, red, for men")), 0.6);
  EXPECT_GT(product(shoe, titled("Blue running shoes")), 0.25);
  EXPECT_LT(std::fabs(product(shoe, titled("Espresso coffee maker"))), 0.25);
}

TEST(ContentVector, OrderCaseAndPunctuationDoNotCount) {
  EXPECT_EQ(titled("Red shoe, Size 42!"), titled("size 42 red SHOE"));
}

TEST(ContentVector, TheSameWordInAnotherFieldIsAnotherFeature) {
  const std::vector<ContentField> color{{"color", "apple", 1, true}};
  const std::vector<ContentField> brand{{"brand", "apple", 1, true}};
  EXPECT_LT(std::fabs(product(vector_of(color), vector_of(brand))), 0.3);
}

TEST(ContentVector, WeightsDecideWhichFieldMatters) {
  const auto item = [](std::string_view title, std::string_view brand, float brand_weight) {
    const std::vector<ContentField> fields{{"title", title, 1, false},
                                           {"brand", brand, brand_weight, true}};
    return vector_of(fields);
  };
  const double light =
      product(item("kettle steel", "acme", 0.2F), item("tent canvas", "acme", 0.2F));
  const double heavy = product(item("kettle steel", "acme", 5), item("tent canvas", "acme", 5));
  EXPECT_LT(light, 0.3);
  EXPECT_GT(heavy, 0.8);
}

TEST(ContentVector, RareWordsCountMoreOnceTheCatalogIsCounted) {
  ContentCounts counts;
  for (int i = 0; i < 500; ++i) {
    const std::string title = "cotton shirt number" + std::to_string(i);
    const std::vector<ContentField> fields{{"title", title, 1, false}};
    counts.add(fields);
  }
  EXPECT_EQ(counts.items(), 500U);
  const auto common = [&](const ContentCounts* with) {
    return product(titled("cotton shirt flamingo", with), titled("cotton shirt giraffe", with));
  };
  const auto rare = [&](const ContentCounts* with) {
    return product(titled("cotton flamingo", with), titled("linen flamingo", with));
  };
  EXPECT_GT(common(nullptr), common(&counts) + 0.2);
  EXPECT_GT(rare(&counts), rare(nullptr) + 0.1);
}

TEST(ContentVector, NothingGivesZerosAndAnyBytesAreFine) {
  EXPECT_EQ(product(titled(""), titled("")), 0);
  EXPECT_EQ(product(titled(" ,.- "), titled("x")), 0);
  Random random(1);
  for (int round = 0; round < 200; ++round) {
    std::string text(random.below(6000), ' ');
    for (char& c : text) c = static_cast<char>(random.next());
    const auto v = titled(text);
    for (const float value : v) ASSERT_TRUE(std::isfinite(value));
  }
  for (const std::uint32_t dim : {1U, 63U, 64U, 65U, 2048U}) {
    const std::vector<ContentField> fields{{"title", "one two", 1, false}};
    const auto v = vector_of(fields, dim);
    EXPECT_NEAR(product(v, v), 1, 1e-4) << dim;
  }
}

// Stored vectors must stay comparable: if this fails, the features changed their meaning.
TEST(ContentVector, IsTheSameOnEveryMachineAndInEveryVersion) {
  const std::vector<ContentField> fields{{"title", "Green Tea 500g", 1, false},
                                         {"brand", "Ännchen & Söhne", 2, true}};
  const auto v = vector_of(fields, 8);
  std::string signs;
  for (const float value : v) signs += value < 0 ? '-' : '+';
  EXPECT_EQ(signs, "-+--+---");
}

}  // namespace
}  // namespace vitrine::vec
