#include "service/learn/train.h"

#include <gmock/gmock.h>

#include "service/learn/gate.h"
#include "service/learn/judge.h"
#include "service/learn/testing_shop_log.h"

namespace vitrine::learn {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

class TrainTest : public testing::Test {
 protected:
  Result<TrainOutcome> train(const TrainRequest& request, const TrainWatch& watch = {}) {
    return train_model(request, log_.place(), watch);
  }
  void promote(const std::string& id) {
    log_.append(record::RecordKind::kModelChange, [&](ByteWriter& out) {
      model::encode_change({model::Action::kPromote, id, {}}, out);
    });
  }
  std::string bytes_of(const model::Manifest& manifest) {
    return log_.objects
        ->get(model::model_key(manifest.tenant, manifest.id, model::kModelFile), 1 << 30)
        .value();
  }
  ShopLog log_;
};

TEST_F(TrainTest, AModelThatSeesWhatItemItemDoesNotIsToBePromoted) {
  log_.hidden_tastes();
  std::vector<std::string> stages;
  std::uint32_t epochs = 0;
  TrainWatch watch;
  watch.on_stage = [&](std::string_view stage) { stages.emplace_back(stage); };
  watch.on_epoch = [&](std::uint32_t, double loss, std::optional<double>) {
    EXPECT_GT(loss, 0);
    ++epochs;
  };
  auto request = log_.request(Kind::kIals, ShopLog::small_ials());
  request.learning_curve = true;
  const auto trained = train(request, watch);
  ASSERT_TRUE(trained.ok()) << trained.error().to_string();
  const model::Manifest& m = trained->manifest;
  EXPECT_THAT(stages, ElementsAre("cut", "choose", "judge", "final"));
  EXPECT_GT(epochs, 3u);
  EXPECT_FALSE(trained->existed);
  EXPECT_EQ(m.kind, "ials");
  EXPECT_EQ(m.data.users, 120u);
  EXPECT_EQ(m.data.items, 174u);
  EXPECT_GT(m.weight, 0);
  EXPECT_TRUE(m.judgement.promote) << m.judgement.why;
  EXPECT_GE(m.judgement.cases, kTestCasesMin);
  ASSERT_EQ(m.judgement.comparisons.size(), 1u);
  EXPECT_GT(m.judgement.comparisons[0].difference.low, 0);
  ASSERT_EQ(m.judgement.table.size(), 4u);
  EXPECT_GT(m.judgement.table[0].ndcg.value, m.judgement.table[2].ndcg.value);
  EXPECT_FALSE(m.judgement.activity.empty());
  EXPECT_FALSE(m.judgement.popularity.empty());
  EXPECT_TRUE(m.judgement.new_visitors.empty());  // everybody began before the last part
  ASSERT_EQ(m.judgement.learning.size(), 4u);
  EXPECT_EQ(m.judgement.learning[3].values.size(), 4u);
  EXPECT_FALSE(m.losses.empty());
  EXPECT_TRUE(check_promotion(m, "").ok());
  EXPECT_EQ(check_promotion(m, "other").error().reason(), "judged_before");

  const auto stored = log_.store->load(m);
  ASSERT_TRUE(stored.ok()) << stored.error().to_string();
  EXPECT_EQ(stored->items.size(), 174u);
  EXPECT_EQ(log_.store->manifest(log_.tenant, m.id).value(), m);
  // Nothing is left of the work.
  EXPECT_FALSE(std::filesystem::exists(log_.folder + "/training/" + m.id));

  const auto again = train(request);
  ASSERT_TRUE(again.ok());
  EXPECT_TRUE(again->existed);
  EXPECT_EQ(again->manifest, m);
}

TEST_F(TrainTest, WhatIsNoBetterSaysWhyAndMayNotBePromoted) {
  log_.hidden_tastes();
  const auto trained = train(log_.request(Kind::kPopularity));
  ASSERT_TRUE(trained.ok()) << trained.error().to_string();
  EXPECT_FALSE(trained->manifest.judgement.promote);
  EXPECT_THAT(trained->manifest.judgement.why, HasSubstr("item-item"));
  const Status may = check_promotion(trained->manifest, "");
  ASSERT_FALSE(may.ok());
  EXPECT_EQ(may.error().reason(), "not_better");
  EXPECT_THAT(may.error().message(), HasSubstr(trained->manifest.judgement.why));
}

TEST_F(TrainTest, TheSameTrainingElsewhereGivesTheSameBytes) {
  log_.hidden_tastes(100);
  ShopLog other;
  other.hidden_tastes(100);
  const auto a = train(log_.request(Kind::kIals, ShopLog::small_ials()));
  TrainPlace place = other.place();
  place.threads = 2;
  const auto b = train_model(other.request(Kind::kIals, ShopLog::small_ials()), place, {});
  ASSERT_TRUE(a.ok() && b.ok());
  EXPECT_EQ(a->manifest.id, b->manifest.id);
  EXPECT_EQ(a->manifest.weight, b->manifest.weight);
  EXPECT_EQ(a->manifest.files, b->manifest.files);
  EXPECT_EQ(
      bytes_of(a->manifest),
      other.objects->get(model::model_key(other.tenant, b->manifest.id, model::kModelFile), 1 << 30)
          .value());
}

TEST_F(TrainTest, IsComparedWithTheLiveModelsSettingsOnTheSameDataUntilThereIsNewData) {
  log_.hidden_tastes(100);
  const auto first = train(log_.request(Kind::kIals, ShopLog::small_ials()));
  ASSERT_TRUE(first.ok());
  promote(first->manifest.id);
  auto parameters = ShopLog::small_ials();
  parameters["seed"] = 5;
  const auto second = train(log_.request(Kind::kIals, parameters));
  ASSERT_TRUE(second.ok()) << second.error().to_string();
  ASSERT_EQ(second->manifest.judgement.comparisons.size(), 2u);
  EXPECT_EQ(second->manifest.judgement.comparisons[1].with, first->manifest.id);
  EXPECT_THAT(second->manifest.judgement.comparisons[1].how, HasSubstr("its settings"));
  // Another seed of the same settings is not better than they are.
  EXPECT_FALSE(second->manifest.judgement.promote) << second->manifest.judgement.why;
  EXPECT_FALSE(check_promotion(second->manifest, first->manifest.id).ok());
}

TEST_F(TrainTest, AStoredLiveModelIsJudgedByWhatCameAfterIt) {
  log_.hidden_tastes(100);
  const auto half = train([&] {
    auto request = log_.request(Kind::kIals, ShopLog::small_ials());
    request.until = 4500;
    return request;
  }());
  ASSERT_TRUE(half.ok()) << half.error().to_string();
  // Its data as if it had been written down when it happened.
  model::Manifest early = half->manifest;
  early.id = "ials-early";
  early.data.append_time = kStart + 50'000 * kSecondUs;
  ASSERT_TRUE(log_.store->put(early, bytes_of(half->manifest)).ok());
  promote("ials-early");
  const auto later = train(log_.request(Kind::kIals, ShopLog::small_ials()));
  ASSERT_TRUE(later.ok()) << later.error().to_string();
  ASSERT_EQ(later->manifest.judgement.comparisons.size(), 2u);
  EXPECT_EQ(later->manifest.judgement.comparisons[1].how, "stored model");
  EXPECT_EQ(later->manifest.judgement.table.size(), 5u);
}

TEST_F(TrainTest, NewVisitorsAreJudgedByHowMuchIsKnownOfThem) {
  log_.hidden_tastes(100);
  std::vector<apply::testing::TestRecord> late;
  for (int event = 0; event < 7; ++event) {
    for (int v = 0; v < 40; ++v) {
      late.push_back(log_.look("late-" + std::to_string(v),
                               "t" + std::to_string(v % 8) + "-" + std::to_string((v + event) % 20),
                               200'000 + event * 100 + v));
    }
  }
  log_.append(late);
  const auto first = train(log_.request(Kind::kIals, ShopLog::small_ials()));
  ASSERT_TRUE(first.ok()) << first.error().to_string();
  const auto& rows = first->manifest.judgement.new_visitors;
  ASSERT_EQ(rows.size(), 5u);
  EXPECT_EQ(rows[0].name, "0");
  EXPECT_EQ(rows[4].name, "5");
  for (const model::Breakdown& row : rows) {
    EXPECT_EQ(row.size, 40u);
    ASSERT_EQ(row.values.size(), 4u);
  }
  // In the table's order: as it would serve, alone, item-item, popularity.
  const auto hr = [&](std::size_t row, std::size_t scorer) {
    return rows[row].values[scorer].value;
  };
  EXPECT_EQ(hr(0, 1), hr(0, 3));
  EXPECT_GT(hr(3, 1), hr(3, 3));
  EXPECT_EQ(log_.store->manifest(log_.tenant, first->manifest.id).value(), first->manifest);
  // The live model has its own column.
  promote(first->manifest.id);
  auto parameters = ShopLog::small_ials();
  parameters["seed"] = 5;
  const auto second = train(log_.request(Kind::kIals, parameters));
  ASSERT_TRUE(second.ok()) << second.error().to_string();
  for (const model::Breakdown& row : second->manifest.judgement.new_visitors) {
    EXPECT_EQ(row.values.size(), 5u);
  }
}

TEST_F(TrainTest, AnEmbeddingAndABlendGoTheSameWay) {
  log_.hidden_tastes();
  for (const auto& [kind, parameters] : std::map<Kind, std::map<std::string, double>>{
           {Kind::kEmbedding, {{"dimensions", 32}, {"epochs", 4}}},
           {Kind::kBlend,
            {{"weight_session", 0}, {"ials_dimensions", 16}, {"ials_unobserved", 0.1}}}}) {
    SCOPED_TRACE(kind_name(kind));
    const auto trained = train(log_.request(kind, parameters));
    ASSERT_TRUE(trained.ok()) << trained.error().to_string();
    const model::Manifest& m = trained->manifest;
    EXPECT_EQ(m.kind, kind_name(kind));
    EXPECT_GT(m.judgement.table[0].ndcg.value, m.judgement.table[2].ndcg.value);
    EXPECT_TRUE(m.judgement.comparisons[0].better) << m.judgement.why;
    const auto stored = log_.store->load(m);
    ASSERT_TRUE(stored.ok()) << stored.error().to_string();
    EXPECT_EQ(stored->model->kind(), kind);
    EXPECT_GT(stored->model->dimensions(), 0u);
    // The manifest has what was learned, not that it was to be learned.
    for (const auto& [name, value] : m.parameters) EXPECT_GE(value, 0) << name;
    promote(m.id);
    auto other = parameters;
    other["seed"] = 4;
    const auto later = train(log_.request(kind, other));
    ASSERT_TRUE(later.ok()) << later.error().to_string();
    EXPECT_EQ(later->manifest.judgement.comparisons[1].with, m.id);
  }
}

TEST_F(TrainTest, AWarmTrainingNamesItsParent) {
  log_.hidden_tastes(100);
  const auto first = train(log_.request(Kind::kIals, ShopLog::small_ials()));
  ASSERT_TRUE(first.ok());
  promote(first->manifest.id);
  auto request = log_.request(Kind::kIals, ShopLog::small_ials());
  request.warm = true;
  const auto warm = train(request);
  ASSERT_TRUE(warm.ok()) << warm.error().to_string();
  EXPECT_EQ(warm->manifest.parent, first->manifest.id);
  EXPECT_NE(warm->manifest.id, first->manifest.id);
  EXPECT_LE(warm->manifest.losses.size(), 3u);
}

TEST_F(TrainTest, AStoppedTrainingGoesOnToTheSameModel) {
  log_.hidden_tastes(100);
  std::string expected;
  {
    ShopLog other;
    other.hidden_tastes(100);
    const auto whole =
        train_model(other.request(Kind::kIals, ShopLog::small_ials()), other.place(), {});
    ASSERT_TRUE(whole.ok());
    expected =
        other.objects
            ->get(model::model_key(other.tenant, whole->manifest.id, model::kModelFile), 1 << 30)
            .value();
  }
  // Stopped again and again, each time two epochs later.
  int attempts = 0;
  for (;;) {
    std::atomic<bool> stop{false};
    int epochs = 0;
    TrainWatch watch;
    watch.stop = &stop;
    watch.on_epoch = [&](std::uint32_t, double, std::optional<double>) {
      if (++epochs == 2) stop = true;
    };
    const auto trained = train(log_.request(Kind::kIals, ShopLog::small_ials()), watch);
    ++attempts;
    ASSERT_LT(attempts, 50);
    if (trained.ok()) {
      EXPECT_EQ(bytes_of(trained->manifest), expected);
      break;
    }
    ASSERT_EQ(trained.error().reason(), "training_stopped");
    EXPECT_TRUE(log_.store->list(log_.tenant)->empty());
  }
  EXPECT_GT(attempts, 3);
}

TEST_F(TrainTest, RefusesTooLittleDataWithTheNumbers) {
  const auto nothing = train(log_.request(Kind::kIals));
  ASSERT_FALSE(nothing.ok());
  log_.append({log_.look("a", "x", 1)});
  const auto little = train(log_.request(Kind::kIals));
  ASSERT_FALSE(little.ok());
  EXPECT_EQ(little.error().reason(), "not_enough_data");
  EXPECT_THAT(little.error().message(), HasSubstr("1 interactions of 1 visitors"));
}

TEST_F(TrainTest, KeepsToItsMemory) {
  log_.hidden_tastes(100);
  auto request = log_.request(Kind::kEase);
  request.memory_bytes_max = 1 << 10;
  const auto refused = train(request);
  ASSERT_FALSE(refused.ok());
  EXPECT_EQ(refused.error().code(), ErrorCode::kTooLarge);
  EXPECT_EQ(refused.error().reason(), "memory_budget");

  // iALS moves its users to files, and gives the same model.
  const auto whole = train(log_.request(Kind::kIals, ShopLog::small_ials()));
  ASSERT_TRUE(whole.ok());
  const std::string expected = bytes_of(whole->manifest);
  ASSERT_TRUE(log_.store->remove(log_.tenant, whole->manifest.id).ok());
  request = log_.request(Kind::kIals, ShopLog::small_ials());
  request.memory_bytes_max = whole->manifest.memory_bytes - 1;
  // Stopped once half-way: what it left is no hindrance.
  std::atomic<bool> stop{false};
  TrainWatch watch;
  watch.stop = &stop;
  watch.on_epoch = [&](std::uint32_t, double, std::optional<double>) { stop = true; };
  EXPECT_EQ(train(request, watch).error().reason(), "training_stopped");
  const auto spilled = train(request);
  ASSERT_TRUE(spilled.ok()) << spilled.error().to_string();
  EXPECT_LT(spilled->manifest.memory_bytes, whole->manifest.memory_bytes);
  EXPECT_EQ(bytes_of(spilled->manifest), expected);
}

TEST(Judging, ATableOfPairedDifferencesDecides) {
  evaluate::Report better, worse;
  for (int i = 0; i < 200; ++i) {
    const float ndcg = static_cast<float>(i % 5) / 5;
    worse.per_case.push_back({0, ndcg, 0, 0});
    better.per_case.push_back({0, ndcg + (i % 3 == 0 ? 0.1f : 0.01f), 0, 0});
  }
  const evaluate::BootstrapOptions bootstrap;
  model::Judgement judgement;
  judgement.cases = 200;
  judgement.k = 10;
  judgement.comparisons = {compare(better, worse, "item-item", "as it serves", bootstrap)};
  // A difference that is far smaller than the spread of the values, and still told apart.
  EXPECT_TRUE(judgement.comparisons[0].better);
  decide(judgement);
  EXPECT_TRUE(judgement.promote);
  judgement.comparisons.push_back(compare(worse, better, "m", "stored model", bootstrap));
  judgement.comparisons.push_back(compare(better, better, "n", "stored model", bootstrap));
  decide(judgement);
  EXPECT_FALSE(judgement.promote);
  EXPECT_THAT(judgement.why, HasSubstr("better than item-item"));
  EXPECT_THAT(judgement.why, HasSubstr("worse than m"));
  EXPECT_THAT(judgement.why, HasSubstr("not better than n"));
}

TEST(Judging, AMappedModelSpeaksOfTheDatasNumbers) {
  const auto model = make_popularity({1, 3, 2});
  const std::vector<std::string> of_model{"a", "b", "c"}, of_data{"c", "x", "b"};
  const MappedModel mapped = map_model(*model, of_model, of_data);
  EXPECT_THAT(mapped.to_data, ElementsAre(kNoItem.value, 2u, 0u));
  EXPECT_THAT(mapped.from_data, ElementsAre(2u, kNoItem.value, 1u));
  AloneScorer scorer("alone", mapped);
  scorer.fit({}, 3);
  std::vector<ItemIndex> out;
  scorer.rank({UserIndex{0}, {}, {ItemIndex{0}}}, evaluate::Mask(3), 2, out);
  EXPECT_THAT(out, ElementsAre(ItemIndex{2}, ItemIndex{0}));
}

}  // namespace
}  // namespace vitrine::learn
