#include "tool/train/model_scorers.h"

#include <gtest/gtest.h>

#include "engine/vec/random.h"
#include "service/evaluate/evaluator.h"

namespace vitrine::train_tool {
namespace {

using evaluate::Dataset;
using evaluate::Split;
using evaluate::Stage;

// Visitors of two kinds who walk through the items of theirs in order.
Dataset two_tastes(std::uint32_t users, std::uint32_t items) {
  Dataset data;
  vec::Random random(1);
  std::uint32_t event = 0;
  const std::uint32_t half = items / 2;
  for (std::uint32_t u = 0; u < users; ++u) {
    auto at = static_cast<std::uint32_t>(random.below(half));
    for (int k = 0; k < 8; ++k) {
      data.interactions.push_back({UserIndex{u}, ItemIndex{at + (u % 2) * half}, event++, 0});
      at = (at + 1) % half;
    }
  }
  data.items.resize(items);
  data.users.resize(users);
  return data;
}

struct Fixture {
  Dataset data = two_tastes(300, 64);
  Split test = leave_one_out(data, Stage::kTest);
  Split validation = leave_one_out(data, Stage::kValidation);
  graph::Workers workers{thread_executor(), 1};
  Means means{workers, no_progress()};

  double hr(evaluate::Scorer& scorer) {
    evaluate::EvaluatorOptions options;
    options.k = 10;
    options.bootstrap.rounds = 10;
    return evaluate::Evaluator(test, 64, options).run(scorer).hr.value;
  }
};

// Knowing the taste leaves some 25 of 64 items; chance among all unseen ones is 10 / 57.
constexpr double kKnowsTheTaste = 0.35;

TEST(ModelScorers, EachFindsTheTasteOfItsVisitors) {
  Fixture f;
  spectral::FilterOptions filter_options;
  filter_options.rank = 8;
  FilterScorer filter(filter_options, f.means);
  EXPECT_GT(f.hr(filter), kKnowsTheTaste);
  spectral::EaseOptions ease_options;
  ease_options.ridge = 10;
  EaseScorer ease(ease_options, f.means);
  EXPECT_GT(f.hr(ease), kKnowsTheTaste);
  IalsSettings ials_settings;
  ials_settings.ials.dimensions = 16;
  ials_settings.ials.start_deviation = 1;
  IalsScorer embedding(ials_settings, f.means);
  EXPECT_GT(f.hr(embedding), kKnowsTheTaste);
}

TEST(ModelScorers, SessionAndBlendLearnTheOrder) {
  Fixture f;
  session::Shape shape;
  shape.width = 32;
  shape.inner = 32;
  session::TrainOptions options;
  options.rate = 1e-2f;
  options.dropout = 0.1f;
  options.epochs_max = 15;
  SessionScorer session(shape, options, f.validation.cases, f.means);
  EXPECT_GT(f.hr(session), 0.9);
  evaluate::CovisitScorer item_item;
  item_item.fit(f.test.train, 64);
  const BlendOptions chosen = choose_blend(session, item_item, f.validation.cases, 100, 64);
  BlendScorer blend(session, item_item, chosen);
  EXPECT_GT(f.hr(blend), 0.9);
}

TEST(DenseScorer, RanksAsSortingDoesPreparedOrNot) {
  class Noise final : public DenseScorer {
   public:
    std::string name() const override { return "noise"; }
    void fit(std::span<const Interaction>, std::uint32_t) override {}
    std::size_t batch() const override { return 3; }
    void score(std::span<const Case> cases, DenseScores& out) override {
      out.case_stride = 1;
      out.item_stride = 3;
      out.values.assign(40 * 3, 0);
      for (std::size_t n = 0; n < cases.size(); ++n) {
        vec::Random random(cases[n].user.value);
        for (std::size_t i = 0; i < 40; ++i) {
          out.values[i * 3 + n] = static_cast<float>(random.below(12));  // ties
        }
      }
    }
  } noise;
  std::vector<Case> cases(7);
  for (std::uint32_t n = 0; n < 7; ++n) cases[n].user = UserIndex{n};
  Mask mask(40);
  mask[3] = mask[17] = 1;
  std::vector<ItemIndex> answer;
  for (const bool prepared : {false, true}) {
    if (prepared) noise.prepare(cases);
    for (const std::size_t n : {0u, 1u, 5u, 2u, 6u}) {
      noise.rank(cases[n], mask, 9, answer);
      vec::Random random(n);
      std::vector<std::pair<float, std::uint32_t>> all;
      for (std::uint32_t i = 0; i < 40; ++i) {
        const auto value = -static_cast<float>(random.below(12));
        if (mask[i] == 0) all.emplace_back(value, i);
      }
      std::sort(all.begin(), all.end());
      ASSERT_EQ(answer.size(), 9u);
      for (std::size_t i = 0; i < 9; ++i) EXPECT_EQ(answer[i].value, all[i].second);
    }
  }
}

}  // namespace
}  // namespace vitrine::train_tool
