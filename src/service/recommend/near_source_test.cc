#include "service/recommend/near_source.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "service/recommend/indexed_vectors.h"
#include "service/recommend/recommender.h"
#include "service/recommend/replay.h"
#include "service/recommend/testing_shop.h"

namespace vitrine::recommend {
namespace {

using testing::Contains;
using testing::ElementsAre;
using testing::IsEmpty;
using testing::Not;

// Two dimensions: where an item points is what it is about.
class Directions final : public ItemVectorsProvider {
 public:
  void put(ItemIndex item, float degrees) {
    const float radians = degrees * 3.14159265F / 180;
    const float row[] = {std::cos(radians), std::sin(radians)};
    rows_.put(item, row);
    fresh_.push_back(item.value);
  }
  std::shared_ptr<const ItemVectors> current() const override {
    if (fresh_.empty()) return nullptr;
    return std::make_shared<const IndexedVectors>(
        IndexedVectors::Parts{VectorRows(rows_), nullptr,
                              std::make_shared<const std::vector<std::uint32_t>>(fresh_), 0.2F});
  }

 private:
  VectorRows rows_{2};
  std::vector<std::uint32_t> fresh_;
};

class NearSourceTest : public testing::Test {
 protected:
  NearSourceTest()
      : content_(std::make_shared<Directions>()), model_(std::make_shared<Directions>()) {
    RecommenderOptions options;
    options.content_vectors = content_;
    options.model_vectors = model_;
    recommender_ = std::make_unique<Recommender>(options, system_clock(), nullptr);
    add("kettle", 0);
    add("teapot", 10);
    add("mug", 30);
    add("rake", 120);
    add("spade", 130);
  }
  void add(const std::string& id, float degrees, double price = 10) {
    content_->put(shop_.item(id, {.price = price}), degrees);
  }
  Status ask(std::string_view placement, Request request, Recommender* recommender = nullptr) {
    request.placement = placement;
    request.now = shop_.now;
    request_ = request;
    const auto& policy = *policy::find_builtin(placement);
    if (recommender == nullptr) recommender = recommender_.get();
    return request.to_rank.empty()
               ? recommender->recommend(shop_.view(), policy, request_, scratch_, answer_)
               : recommender->rank(shop_.view(), policy, request_, scratch_, answer_);
  }
  std::vector<std::string> ids() const {
    std::vector<std::string> out;
    for (std::size_t i = 0; i < answer_.items.size(); ++i) out.emplace_back(answer_.item_id(i));
    return out;
  }
  std::vector<std::string> similar(std::string_view id, std::uint32_t limit = 10) {
    page_ = {id};
    EXPECT_TRUE(ask("product-similar", {.item_ids = page_, .limit = limit}).ok());
    return ids();
  }
  const AnswerItem* shown(std::string_view id) const {
    for (std::size_t i = 0; i < answer_.items.size(); ++i) {
      if (answer_.item_id(i) == id) return &answer_.items[i];
    }
    return nullptr;
  }

  Shop shop_;
  std::shared_ptr<Directions> content_, model_;
  std::unique_ptr<Recommender> recommender_;
  Scratch scratch_;
  std::vector<std::string_view> page_;  // request_ refers to it
  Request request_;
  Answer answer_;
};

TEST_F(NearSourceTest, WithoutAnyEventAProductPageShowsWhatIsAlikeFirst) {
  EXPECT_THAT(similar("kettle", 2), ElementsAre("teapot", "mug"));
  EXPECT_EQ(answer_.items[0].source, Source::kContent);
  EXPECT_EQ(answer_.items[0].link, Link::kPrimary);
  EXPECT_EQ(reason_code(answer_.items[0].source), "alike-by-description");
  EXPECT_THAT(similar("rake", 1), ElementsAre("spade"));
}

TEST_F(NearSourceTest, WithoutAnyEventCartAndComplementsGoByContentToo) {
  const std::string_view items[] = {"kettle"};
  for (const std::string_view placement : {"product-also-bought", "cart"}) {
    ASSERT_TRUE(ask(placement, {.item_ids = items, .cart = items, .limit = 1}).ok());
    EXPECT_THAT(ids(), ElementsAre("teapot")) << placement;
  }
}

TEST_F(NearSourceTest, AVisitorWithOneEventGetsAHomePageOfItsKind) {
  shop_.act("ann", "spade");
  ASSERT_TRUE(ask("home", {.user_id = "ann", .limit = 1}).ok());
  EXPECT_THAT(ids(), ElementsAre("rake"));
}

TEST_F(NearSourceTest, TheMoreIsKnownOfAnItemTheLessContentSpeaksForIt) {
  (void)similar("kettle");
  float before = shown("teapot")->contributions[index_of(Source::kContent)];
  EXPECT_GT(before, 0.9F);
  for (const int more : {2, 3, 5, 50}) {
    // Others look at the kettle and then at the rake.
    for (int i = 0; i < more; ++i) {
      const std::string who = "visitor-" + std::to_string(more) + "-" + std::to_string(i);
      shop_.act(who, "kettle");
      shop_.act(who, "rake");
    }
    (void)similar("kettle");
    const AnswerItem* const teapot = shown("teapot");
    ASSERT_NE(teapot, nullptr);
    const float now = teapot->contributions[index_of(Source::kContent)];
    EXPECT_LT(now, before) << more;
    before = now;
  }
  EXPECT_EQ(ids().front(), "rake") << "behaviour goes before content";
  EXPECT_EQ(before, 0) << "below kThinnest nothing is asked";
  EXPECT_THAT(answer_.near, IsEmpty());
}

TEST_F(NearSourceTest, EvidenceIsLikenessTimesPriceTimesThinness) {
  add("samovar", 10, 40);
  const std::string_view items[] = {"kettle"};
  ASSERT_TRUE(ask("product-similar", {.item_ids = items}).ok());
  const double like = (std::cos(10 * 3.14159265 / 180) - 0.2) / 0.8;
  EXPECT_NEAR(shown("teapot")->contributions[index_of(Source::kContent)], like, 0.01);
  EXPECT_NEAR(shown("samovar")->contributions[index_of(Source::kContent)], like * 0.775, 0.01);
  Context context;
  ItemTable table;
  Answer answer;
  const StateView view = shop_.view();
  ASSERT_TRUE(build_context(view, *policy::find_builtin("product-similar"), request_, context,
                            table, answer)
                  .ok());
  EXPECT_EQ(thinness(context, context.anchors[0].item), 1);
}

TEST_F(NearSourceTest, TheFilterIsPushedDownIntoTheSearchForNeighbours) {
  for (int i = 0; i < 300; ++i) add("mass-" + std::to_string(i), 1, 500);
  const std::string_view items[] = {"kettle"};
  ASSERT_TRUE(
      ask("product-similar", {.item_ids = items, .limit = 2, .filter = "price < 100"}).ok());
  EXPECT_THAT(ids(), ElementsAre("teapot", "mug"))
      << "among 300 nearer ones that don't pass they would not be found";
}

TEST_F(NearSourceTest, ATrainedModelGoesBeforeContentWhereItKnowsTheVisitor) {
  model_->put(*shop_.catalog.find("kettle"), 0);
  model_->put(*shop_.catalog.find("rake"), 5);
  EXPECT_EQ(similar("kettle", 1), std::vector<std::string>{"rake"});
  EXPECT_EQ(answer_.items[0].source, Source::kVector);
  EXPECT_EQ(answer_.near_source, Source::kVector);
  EXPECT_THAT(similar("teapot", 1), ElementsAre("kettle")) << "the model does not know the teapot";
  EXPECT_EQ(answer_.items[0].source, Source::kContent);
}

TEST_F(NearSourceTest, AListToRankIsRankedByItAsWell) {
  const std::string_view page[] = {"kettle"};
  const std::string_view list[] = {"rake", "mug", "teapot"};
  ASSERT_TRUE(ask("product-similar", {.item_ids = page, .to_rank = list}).ok());
  EXPECT_THAT(ids(), ElementsAre("teapot", "mug", "rake"));
}

TEST_F(NearSourceTest, AnAnswerIsMadeAgainBitForBitWithoutTheVectorsOfThen) {
  shop_.act("ann", "mug");
  shop_.act("bob", "mug");
  shop_.act("bob", "spade");
  for (const std::string_view filter : {"", "price < 50"}) {
    ASSERT_TRUE(ask("home", {.user_id = "ann", .limit = 4, .filter = filter}).ok());
    ASSERT_THAT(answer_.near, Not(IsEmpty()));
    std::string bytes;
    recommender_->record({1, 2}, TenantId{3}, request_, answer_, bytes);
    const auto record = decode_answer(bytes);
    ASSERT_TRUE(record.ok()) << record.error().message();
    EXPECT_EQ(record->near, answer_.near);
    std::string again;
    encode_record(*record, again);
    EXPECT_EQ(again, bytes);
    // No vectors at all, and others than then.
    Recommender bare(RecommenderOptions{}, system_clock(), nullptr);
    Answer answer;
    auto replayed = replay(*record, shop_.view(), bare, scratch_, answer);
    ASSERT_TRUE(replayed.ok());
    EXPECT_TRUE(replayed->same) << testing::PrintToString(replayed->differences);
    content_->put(*shop_.catalog.find("rake"), 31);
    replayed = replay(*record, shop_.view(), *recommender_, scratch_, answer);
    ASSERT_TRUE(replayed.ok());
    EXPECT_TRUE(replayed->same) << testing::PrintToString(replayed->differences);
  }
}

TEST_F(NearSourceTest, ARecordsEvidenceMustBeRisingAndOfAKnownSource) {
  (void)similar("kettle");
  std::string bytes;
  recommender_->record({1, 2}, TenantId{3}, request_, answer_, bytes);
  ASSERT_TRUE(decode_answer(bytes).ok());
  AnswerRecord record = decode_answer(bytes).value();
  record.near_source = Source::kTrending;
  std::string bad;
  encode_record(record, bad);
  EXPECT_EQ(decode_answer(bad).error().code(), ErrorCode::kCorrupt);
  record = decode_answer(bytes).value();
  std::swap(record.near.front(), record.near.back());
  bad.clear();
  encode_record(record, bad);
  EXPECT_EQ(decode_answer(bad).error().code(), ErrorCode::kCorrupt);
  // An item that this catalog never had changes nothing.
  record = decode_answer(bytes).value();
  record.near.push_back({ItemIndex{4'000'000}, 1});
  Answer answer;
  const auto replayed = replay(record, shop_.view(), *recommender_, scratch_, answer);
  ASSERT_TRUE(replayed.ok());
  EXPECT_TRUE(replayed->same);
}

TEST_F(NearSourceTest, APlacementCanSwitchItOff) {
  auto policy = *policy::find_builtin("product-similar");
  policy.weights[Source::kContent] = 0;
  policy.weights[Source::kVector] = 0;
  const std::string_view items[] = {"kettle"};
  Request request{.item_ids = items, .now = shop_.now};
  ASSERT_TRUE(recommender_->recommend(shop_.view(), policy, request, scratch_, answer_).ok());
  EXPECT_THAT(answer_.near, IsEmpty());
  for (const AnswerItem& item : answer_.items) EXPECT_NE(item.source, Source::kContent);
}

TEST_F(NearSourceTest, AnExplainedItemNamesTheAnchorItIsNear) {
  const std::string_view items[] = {"kettle"};
  ASSERT_TRUE(ask("product-similar", {.item_ids = items, .limit = 1, .explain = true}).ok());
  ASSERT_EQ(answer_.because.size(), 1u);
  EXPECT_EQ(answer_.because[0].item_id, "kettle");
  EXPECT_EQ(answer_.because[0].relation, "on_page");
}

}  // namespace
}  // namespace vitrine::recommend
