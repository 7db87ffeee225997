#include "service/search/content_index.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "service/recommend/recommender.h"
#include "service/search/testing_search.h"

namespace vitrine::search {
namespace {

using testing::Contains;
using testing::ElementsAre;
using testing::IsEmpty;
using testing::Not;

class ContentIndexTest : public testing::Test {
 protected:
  ContentIndexTest() {
    put_shop();
    refresh();
  }
  void put_shop() {
    shop_.put("run-1", {"Running shoes Comet", "Light shoes for the road", "Nika", {"shoes"}, 80});
    shop_.put("run-2", {"Running shoes Meteor", "For long roads", "Nika", {"shoes"}, 90});
    shop_.put("run-3", {"Trail shoes", "Grip for hills", "Adi", {"shoes"}, 85});
    shop_.put("pot-1", {"Glass teapot", "For two cups of tea", "Hob", {"kitchen"}, 20});
    shop_.put("pot-2", {"Iron teapot", "Keeps tea warm", "Hob", {"kitchen"}, 45});
    shop_.put("lamp", {"Reading lamp", "Warm light", "Ikon", {"lights"}, 30});
  }
  void refresh() {
    const auto done = index_.refresh(shop_);
    ASSERT_TRUE(done.ok()) << done.error().message();
  }
  std::vector<std::string> near(const std::string& id, std::size_t k) {
    const auto vectors = index_.current();
    if (vectors == nullptr) return {};
    std::vector<float> query(vectors->dim());
    const auto item = shop_.shop.catalog.find(id);
    if (!item || !vectors->vector(*item, query.data())) return {};
    std::vector<recommend::NearItem> found;
    vectors->nearest(query.data(), k + 1, nullptr, scratch_, found);
    std::vector<std::string> out;
    for (const auto& one : found) {
      if (one.item != *item) out.emplace_back(shop_.shop.catalog.item_id(one.item));
    }
    if (out.size() > k) out.resize(k);
    return out;
  }

  SearchShop shop_;
  ContentIndex index_;
  recommend::VectorScratch scratch_;
};

TEST_F(ContentIndexTest, ItemsOfTheSameKindAreNear) {
  EXPECT_THAT(near("run-1", 2), ElementsAre("run-2", "run-3"));
  EXPECT_THAT(near("pot-1", 1), ElementsAre("pot-2"));
}

TEST_F(ContentIndexTest, ChangesShowAfterTheNextRefreshAndNothingElseIsMadeAnew) {
  shop_.put("run-4", {"Running shoes Comet", "Light shoes for the road", "Nika", {"shoes"}, 70});
  shop_.put("lamp", {"Copper teapot", "Keeps tea warm", "Hob", {"kitchen"}, 30});
  shop_.remove("run-2");
  refresh();
  EXPECT_THAT(near("run-1", 1), ElementsAre("run-4"));
  EXPECT_THAT(near("pot-2", 2), Contains("lamp"));
  EXPECT_THAT(near("run-1", 9), Not(Contains("run-2")));
  const auto again = index_.refresh(shop_);
  ASSERT_TRUE(again.ok());
  EXPECT_FALSE(*again) << "nothing changed";
  EXPECT_EQ(index_.stats().vectors, 6u);
}

TEST_F(ContentIndexTest, AnotherCatalogIsTakenOverFromItsBegin) {
  shop_.shop.catalog = catalog::Catalog();
  shop_.put("other", {"Garden hose", "", "Hob", {"garden"}});
  refresh();
  EXPECT_EQ(index_.stats().vectors, 1u);
  EXPECT_THAT(near("other", 5), IsEmpty());
}

TEST_F(ContentIndexTest, ALargerCatalogIsIndexedAndCountedAnewAndFindsTheSame) {
  ContentIndex small({.executor = nullptr, .exhaustive_max = 200});
  std::vector<std::string> kinds{"sofa", "table", "chair", "lamp", "shelf", "bed"};
  const auto put = [&](int i) {
    const std::string& kind = kinds[static_cast<std::size_t>(i) % kinds.size()];
    shop_.put("item-" + std::to_string(i),
              {"Nice " + kind + " model " + std::to_string(i * 7919 % 1000),
               "A " + kind + " for your home",
               "Brand " + std::to_string(i % 7),
               {kind},
               10});
  };
  for (int i = 0; i < 400; ++i) put(i);
  ASSERT_TRUE(small.refresh(shop_).ok());
  EXPECT_EQ(small.stats().vectors, 406u);
  EXPECT_EQ(small.stats().indexed, 406u);
  EXPECT_EQ(small.stats().fresh, 0u);
  shop_.remove("item-3");
  for (int i = 400; i < 700; ++i) put(i);  // enough for counts: every vector is made anew
  ASSERT_TRUE(small.refresh(shop_).ok());
  EXPECT_EQ(small.stats().vectors, 705u);
  const auto vectors = small.current();
  std::vector<float> query(vectors->dim());
  std::vector<recommend::NearItem> found;
  for (const char* id : {"item-10", "item-500", "item-699"}) {
    const ItemIndex item = *shop_.shop.catalog.find(id);
    ASSERT_TRUE(vectors->vector(item, query.data()));
    vectors->nearest(query.data(), 20, nullptr, scratch_, found);
    ASSERT_EQ(found.size(), 20u);
    EXPECT_EQ(found.front().item, item);
    const auto alike = std::count_if(found.begin(), found.end(), [&](const auto& one) {
      return shop_.shop.catalog.first_category(one.item) == shop_.shop.catalog.first_category(item);
    });
    EXPECT_GE(alike, 17) << "one in six would be chance";
  }
}

TEST_F(ContentIndexTest, ACatalogWithoutAnyEventGetsSensibleWindows) {
  recommend::RecommenderOptions options;
  shop_.refresh();
  options.content_vectors = shop_.box.content();
  recommend::Recommender recommender(options, system_clock(), nullptr);
  recommend::Scratch scratch;
  recommend::Answer answer;
  const std::string_view page[] = {"pot-1"};
  for (const std::string_view placement : {"product-similar", "product-also-bought", "cart"}) {
    const recommend::Request request{
        .placement = placement, .item_ids = page, .cart = page, .limit = 1, .now = shop_.shop.now};
    ASSERT_TRUE(recommender
                    .recommend(shop_.shop.view(), *policy::find_builtin(placement), request,
                               scratch, answer)
                    .ok());
    ASSERT_EQ(answer.items.size(), 1u);
    EXPECT_EQ(answer.item_id(0), "pot-2") << placement;
    EXPECT_EQ(answer.items[0].source, recommend::Source::kContent);
  }
}

}  // namespace
}  // namespace vitrine::search
