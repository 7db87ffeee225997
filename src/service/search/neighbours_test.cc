#include "service/search/neighbours.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "service/search/testing_search.h"

namespace vitrine::search {
namespace {

using testing::Contains;
using testing::ElementsAre;
using testing::IsEmpty;
using testing::Not;

class NeighboursTest : public testing::Test {
 protected:
  NeighboursTest() {
    shop_.put("trail-1", {"Trail running shoes", "Grip for mud", "Nika", {"shoes"}, 100});
    shop_.put("trail-2", {"Trail running shoes light", "Grip for rock", "Nika", {"shoes"}, 110});
    shop_.put("trail-3", {"Trail running shoes", "Grip for mud", "Nika", {"shoes"}, 900});
    shop_.put("road", {"Road shoes", "For asphalt", "Adi", {"shoes"}, 90});
    shop_.put("lamp", {"Table lamp", "Warm", "Ikon", {"lights"}, 30});
    shop_.put("lamp-2", {"Floor lamp", "Warm", "Ikon", {"lights"}, 60});
    shop_.refresh();
  }
  std::vector<std::string> like(const std::string& id, std::size_t limit = 10,
                                const text::IdSet* allowed = nullptr) {
    std::vector<Neighbour> found;
    find_neighbours(*shop_.box.view(), shop_.shop.catalog, *shop_.shop.catalog.find(id), limit,
                    allowed, scratch_, found);
    std::vector<std::string> out;
    for (const Neighbour& neighbour : found) {
      EXPECT_GT(neighbour.likeness, 0);
      EXPECT_LE(neighbour.likeness, 1);
      out.emplace_back(shop_.shop.catalog.item_id(neighbour.item));
    }
    return out;
  }
  SearchShop shop_;
  NeighbourScratch scratch_;
};

TEST_F(NeighboursTest, WithoutAnyEventItemsHaveThoseThatAreWrittenAboutAlike) {
  EXPECT_THAT(like("trail-1", 2), ElementsAre("trail-2", "trail-3")) << "the price is nearer";
  EXPECT_THAT(like("lamp", 1), ElementsAre("lamp-2"));
  EXPECT_THAT(like("lamp"), Not(Contains("road")));
}

TEST_F(NeighboursTest, OnlyWhatIsAllowedAndListedIsGiven) {
  text::IdSet allowed;
  allowed.add(shop_.shop.catalog.find("road")->value);
  EXPECT_THAT(like("trail-1", 5, &allowed), ElementsAre("road"));
  shop_.remove("trail-2");
  EXPECT_THAT(like("trail-1"), Not(Contains("trail-2"))) << "before the index has heard of it";
}

TEST_F(NeighboursTest, AnItemThatSaysNothingHasNone) {
  shop_.put("mute", {""});
  shop_.refresh();
  EXPECT_THAT(like("mute"), IsEmpty());
}

}  // namespace
}  // namespace vitrine::search
