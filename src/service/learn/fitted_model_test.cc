#include "service/learn/fitted_model.h"

#include <algorithm>
#include <cmath>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "engine/spectral/ease.h"
#include "engine/vec/random.h"
#include "service/learn/fit.h"
#include "service/learn/model_file.h"
#include "service/learn/model_store.h"

namespace vitrine::learn {
namespace {

using evaluate::Interaction;
using testing::ElementsAre;
using testing::IsEmpty;

// 60 visitors, each with events in one of three groups of ten items.
std::vector<Interaction> grouped() {
  std::vector<Interaction> out;
  vec::Random random(3);
  for (std::uint32_t event = 0; event < 600; ++event) {
    const auto user = static_cast<std::uint32_t>(random.below(60));
    const auto item = static_cast<std::uint32_t>(user % 3 * 10 + random.below(10));
    out.push_back(
        {UserIndex{user}, ItemIndex{item}, event, static_cast<TimeUs>(event) * kSecondUs});
  }
  return out;
}

std::map<std::string, double> small(Kind kind) {
  switch (kind) {
    case Kind::kIals: return {{"dimensions", 16}, {"epochs", 4}};
    case Kind::kSession:
      return {{"width", 16},  {"inner", 32}, {"epochs", 3},
              {"length", 10}, {"batch", 64}, {"negatives", 0}};
    case Kind::kEmbedding: return {{"dimensions", 16}, {"epochs", 3}, {"negatives", 30}};
    case Kind::kBlend:
      return {{"weight_ease", 0.5},    {"weight_embedding", 1}, {"weight_session", 0},
              {"ials_dimensions", 16}, {"ials_epochs", 4},      {"embedding_dimensions", 16},
              {"embedding_epochs", 3}, {"ease_ridge", 5}};
    case Kind::kItemFilter: return {{"rank", 8}};
    case Kind::kEase: return {{"ridge", 5}};
    default: return {};
  }
}

class Fitting : public testing::Test {
 protected:
  Fit fit(Kind kind, const std::map<std::string, double>& parameters) {
    FitContext context{workers_, no_progress()};
    auto out = fit_model(make_recipe(kind, parameters).value(), grouped(), 30, context);
    EXPECT_TRUE(out.ok()) << out.error().to_string();
    return std::move(*out);
  }
  std::vector<Scored> top(const FittedModel& model, std::vector<std::uint32_t> history,
                          std::size_t most = 5) {
    std::vector<Scored> out;
    model.top(history, most, scratch_, out);
    return out;
  }
  graph::Workers workers_{thread_executor(), 1};
  ModelScratch scratch_;
};

TEST_F(Fitting, EveryKindLearnsTheGroupsAndIsTheSameAfterSavingAndLoading) {
  for (const Kind kind : kKinds) {
    SCOPED_TRACE(kind_name(kind));
    const Fit made = fit(kind, small(kind));
    EXPECT_EQ(made.model->kind(), kind);
    EXPECT_EQ(made.model->items(), 30u);
    std::vector<std::string> ids;
    for (int i = 0; i < 30; ++i) ids.push_back("item-" + std::to_string(i));
    const std::string bytes = encode_model(ids, *made.model);
    const auto loaded = decode_model(bytes);
    ASSERT_TRUE(loaded.ok()) << loaded.error().to_string();
    EXPECT_EQ(loaded->items, ids);
    EXPECT_EQ(encode_model(loaded->items, *loaded->model), bytes);
    const std::vector<std::uint32_t> history{12, 13, 17};
    const auto was = top(*made.model, history);
    const auto is = top(*loaded->model, history);
    ASSERT_EQ(was.size(), is.size());
    int in_group = 0;
    for (std::size_t i = 0; i < was.size(); ++i) {
      EXPECT_EQ(was[i].item, is[i].item);
      EXPECT_EQ(was[i].score, is[i].score);
      in_group += was[i].item / 10 == 1 ? 1 : 0;
    }
    EXPECT_TRUE(in_group >= 4 || kind == Kind::kPopularity) << in_group;
  }
}

TEST_F(Fitting, TheSameInputGivesTheSameBytes) {
  for (const Kind kind : {Kind::kIals, Kind::kSession, Kind::kEmbedding, Kind::kBlend}) {
    StringSink a, b, c;
    fit(kind, small(kind)).model->save(a);
    fit(kind, small(kind)).model->save(b);
    auto other = small(kind);
    other["seed"] = 2;
    fit(kind, other).model->save(c);
    EXPECT_EQ(a.bytes(), b.bytes());
    EXPECT_NE(a.bytes(), c.bytes());
  }
}

TEST_F(Fitting, IalsRanksAsItsVectorsSay) {
  const Fit made = fit(Kind::kIals, small(Kind::kIals));
  const std::vector<std::uint32_t> history{3, 8, 8, 1};
  std::vector<float> user(16);
  ASSERT_TRUE(made.model->user_vector(history, scratch_, user));
  std::vector<Scored> all;
  for (std::uint32_t i = 0; i < 30; ++i) {
    float sum = 0;
    for (std::size_t j = 0; j < 16; ++j) sum += user[j] * made.model->item_vectors()[i * 16 + j];
    all.push_back({i, sum});
  }
  std::stable_sort(all.begin(), all.end(),
                   [](const Scored& a, const Scored& b) { return a.score > b.score; });
  const auto found = top(*made.model, history, 30);
  ASSERT_EQ(found.size(), 30u);
  for (std::size_t i = 0; i < 30; ++i) {
    EXPECT_EQ(found[i].item, all[i].item);
    EXPECT_EQ(found[i].score, all[i].score);
  }
}

TEST_F(Fitting, EaseKeepsTheHeaviestOfEachRowAndAddsThem) {
  const Fit made = fit(Kind::kEase, {{"ridge", 5}, {"neighbours", 30}});
  spectral::EaseOptions options;
  options.ridge = 5;
  std::vector<std::pair<std::uint32_t, std::uint32_t>> pairs;
  for (const auto& one : grouped()) pairs.emplace_back(one.user.value, one.item.value);
  const auto ease =
      spectral::Ease::fit(spectral::Interactions::build(60, 30, pairs), options, workers_);
  ASSERT_TRUE(ease.ok());
  const auto found = top(*made.model, {4, 9}, 1);
  float best = 0;
  for (std::size_t i = 0; i < 30; ++i) {
    best = std::max(best, std::max(0.0f, ease->row(9)[i]) + std::max(0.0f, ease->row(4)[i]));
  }
  ASSERT_EQ(found.size(), 1u);
  EXPECT_FLOAT_EQ(found[0].score, best);
}

TEST_F(Fitting, WithoutAHistoryOnlyPopularityHasAnAnswer) {
  for (const Kind kind : kKinds) {
    const auto found = top(*fit(kind, small(kind)).model, {});
    EXPECT_EQ(found.empty(), kind != Kind::kPopularity) << kind_name(kind);
  }
}

TEST_F(Fitting, ScratchMayGoFromModelToModel) {
  const Fit rows = fit(Kind::kItemItem, {});
  const Fit vectors = fit(Kind::kIals, small(Kind::kIals));
  const auto first = top(*rows.model, {1, 2});
  top(*vectors.model, {5});
  const auto again = top(*rows.model, {1, 2});
  ASSERT_EQ(first.size(), again.size());
  for (std::size_t i = 0; i < first.size(); ++i) EXPECT_EQ(first[i].score, again[i].score);
}

TEST_F(Fitting, DamagedBytesAreRefusedWhereverTheyEnd) {
  for (const Kind kind : kKinds) {
    std::vector<std::string> ids(30, "i");
    const std::string bytes = encode_model(ids, *fit(kind, small(kind)).model);
    for (std::size_t cut = 0; cut < bytes.size(); cut += 1 + bytes.size() / 97) {
      EXPECT_FALSE(decode_model(std::string_view(bytes).substr(0, cut)).ok());
    }
    EXPECT_FALSE(decode_model(bytes + "x").ok());
  }
}

// A checkpoint in memory that counts, and stops a fit after some epochs.
class Interrupted final : public Checkpoint {
 public:
  Result<std::optional<std::string>> load(std::string_view) override { return saved; }
  Status save(std::string_view, const std::string& bytes) override {
    saved = bytes;
    if (++saves == stop_after) stop = true;
    return ok_status();
  }
  Status remove(std::string_view) override { return clear(); }
  Status clear() override {
    saved.reset();
    return ok_status();
  }
  std::optional<std::string> saved;
  int saves = 0, stop_after = 0;
  std::atomic<bool> stop{false};
};

TEST_F(Fitting, AFitThatWasStoppedGoesOnToTheSameModel) {
  for (const Kind kind : {Kind::kIals, Kind::kSession, Kind::kEmbedding}) {
    for (const bool validated : {false, true}) {
      SCOPED_TRACE(std::string(kind_name(kind)) + (validated ? " validated" : ""));
      const auto recipe = make_recipe(kind, small(kind)).value();
      const auto run = [&](Interrupted* checkpoint) {
        FitContext context{workers_, no_progress()};
        if (validated) {
          context.validate = [&](const FittedModel& model) {
            return static_cast<double>(top(model, {1, 2}, 1)[0].score);
          };
        }
        if (checkpoint != nullptr) {
          context.checkpoint = checkpoint;
          context.stop = &checkpoint->stop;
        }
        return fit_model(recipe, grouped(), 30, context);
      };
      StringSink whole;
      auto uninterrupted = run(nullptr);
      ASSERT_TRUE(uninterrupted.ok());
      uninterrupted->model->save(whole);

      Interrupted checkpoint;
      checkpoint.stop_after = 2;
      const auto stopped = run(&checkpoint);
      ASSERT_FALSE(stopped.ok());
      EXPECT_EQ(stopped.error().reason(), "training_stopped");
      checkpoint.stop = false;
      auto resumed = run(&checkpoint);
      ASSERT_TRUE(resumed.ok()) << resumed.error().to_string();
      StringSink rest;
      resumed->model->save(rest);
      EXPECT_EQ(rest.bytes(), whole.bytes());
      EXPECT_EQ(resumed->report.epochs, uninterrupted->report.epochs);
      EXPECT_EQ(resumed->report.losses, uninterrupted->report.losses);
      EXPECT_EQ(checkpoint.saves, static_cast<int>(resumed->report.losses.size()));
    }
  }
}

TEST_F(Fitting, AWarmStartIsNearerAfterOneEpoch) {
  for (const Kind kind : {Kind::kIals, Kind::kSession}) {
    const Fit before = fit(kind, small(kind));
    WarmStart warm{before.model.get(), {}};
    for (std::uint32_t i = 0; i < 30; ++i) warm.item_of.push_back(i);
    FitContext context{workers_, no_progress()};
    context.epochs = 1;
    const auto recipe = make_recipe(kind, small(kind)).value();
    const auto cold = fit_model(recipe, grouped(), 30, context);
    context.warm = &warm;
    const auto warmed = fit_model(recipe, grouped(), 30, context);
    ASSERT_TRUE(cold.ok() && warmed.ok());
    EXPECT_LT(warmed->report.losses[0], cold->report.losses[0]) << kind_name(kind);
  }
}

TEST_F(Fitting, ABlendLearnsItsWeightsAndIsTheSameAgainWithoutValidation) {
  // What is asked for is what item-item puts first, so that nothing else may count.
  const Fit wanted = fit(Kind::kItemItem, {});
  FitContext context{workers_, no_progress()};
  int asked = 0;
  context.validate = [&](const FittedModel& model) {
    ++asked;
    double sum = 0;
    for (std::uint32_t item = 0; item < 30; ++item) {
      const auto right = top(*wanted.model, {item, (item + 7) % 30}, 1);
      const auto found = top(model, {item, (item + 7) % 30}, 3);
      for (std::size_t r = 0; r < found.size(); ++r) {
        if (found[r].item == right[0].item) sum += 1 / (1 + static_cast<double>(r));
      }
    }
    return sum;
  };
  const auto recipe =
      make_recipe(
          Kind::kBlend,
          {{"weight_session", 0}, {"weight_ease", -1}, {"ials_dimensions", 16}, {"ials_epochs", 4}})
          .value();
  const auto learned = fit_model(recipe, grouped(), 30, context);
  ASSERT_TRUE(learned.ok()) << learned.error().to_string();
  EXPECT_GT(asked, 10);
  ASSERT_TRUE(learned->report.settled);
  const Recipe settled = *learned->report.settled;
  EXPECT_GT(settled.get("weight_item_item"),
            settled.get("weight_ials") + settled.get("weight_ease"));
  EXPECT_EQ(settled.get("weight_session"), 0);
  EXPECT_LE(settled.get("ials_epochs"), 4);
  EXPECT_EQ(
      make_recipe(Kind::kBlend, {settled.parameters.begin(), settled.parameters.end()}).value(),
      settled);
  context.validate = nullptr;
  const auto again = fit_model(settled, grouped(), 30, context);
  ASSERT_TRUE(again.ok());
  StringSink a, b;
  learned->model->save(a);
  again->model->save(b);
  EXPECT_EQ(a.bytes(), b.bytes());
}

TEST_F(Fitting, ABlendHasTheVectorsOfItsFirstPartThatHasAny) {
  const Fit blend = fit(Kind::kBlend, small(Kind::kBlend));
  const Fit ials = fit(Kind::kIals, small(Kind::kIals));
  EXPECT_EQ(blend.model->dimensions(), 16u);
  const auto a = blend.model->item_vectors(), b = ials.model->item_vectors();
  EXPECT_TRUE(std::equal(a.begin(), a.end(), b.begin(), b.end()));
  EXPECT_EQ(blend.model->popularity().size(), 30u);
  const Fit rows = fit(Kind::kBlend, {{"weight_ials", 0}, {"weight_session", 0}});
  EXPECT_EQ(rows.model->dimensions(), 0u);
}

TEST_F(Fitting, ABlendWithinABlendIsRefused) {
  const Fit blend = fit(Kind::kBlend, {{"weight_ials", 0}, {"weight_session", 0}});
  std::string nested;
  for (int depth = 0; depth < 3; ++depth) {
    StringSink out;
    save_head(out, Kind::kBlend);
    out.value<std::uint8_t>(1);
    out.value(1.0F);
    if (depth == 0) {
      fit(Kind::kItemItem, {}).model->save(out);
    } else {
      out.write(nested);
    }
    nested = out.bytes();
    StringSource in(nested);
    const auto loaded = load_fitted(in);
    EXPECT_EQ(loaded.ok(), depth == 0);
    if (!loaded.ok()) {
      EXPECT_EQ(loaded.error().code(), ErrorCode::kCorrupt);
    }
  }
}

TEST(Recipe, OfABlendNeedsAPart) {
  const auto none = make_recipe(
      Kind::kBlend, {{"weight_item_item", 0}, {"weight_ials", 0}, {"weight_session", 0}});
  ASSERT_FALSE(none.ok());
  EXPECT_EQ(none.error().code(), ErrorCode::kInvalidArgument);
  const Recipe blend = make_recipe(Kind::kBlend, {{"ials_ridge", 0.25}, {"seed", 9}}).value();
  EXPECT_EQ(part_recipe(blend, Kind::kIals),
            make_recipe(Kind::kIals, {{"ridge", 0.25}, {"seed", 9}}).value());
}

TEST(Recipe, SaysWhatIsWrongWithAParameter) {
  EXPECT_TRUE(make_recipe(Kind::kIals).ok());
  for (const auto& [name, value] : std::map<std::string, double>{
           {"dimension", 64}, {"dimensions", 65}, {"epochs", 0}, {"ridge", -1}, {"epochs ", 1.5}}) {
    const auto recipe = make_recipe(Kind::kIals, {{name, value}});
    ASSERT_FALSE(recipe.ok()) << name;
    EXPECT_EQ(recipe.error().code(), ErrorCode::kInvalidArgument);
    EXPECT_NE(recipe.error().message().find(name), std::string::npos);
  }
  for (const Kind kind : kKinds) EXPECT_EQ(find_kind(kind_name(kind)), kind);
  EXPECT_EQ(find_kind("als"), std::nullopt);
}

}  // namespace
}  // namespace vitrine::learn
