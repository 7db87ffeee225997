#include "edge/api/page_cursor.h"

#include <random>

#include <gtest/gtest.h>

#include "service/recommend/request.h"

namespace vitrine::api {
namespace {

std::vector<ItemIndex> some_items(std::size_t count) {
  std::mt19937 random(static_cast<unsigned>(count));
  std::vector<ItemIndex> items;
  for (std::size_t i = 0; i < count; ++i)
    items.push_back(ItemIndex{static_cast<std::uint32_t>(random() >> (i % 24))});
  for (ItemIndex& item : items) item.value %= 0xFFFFFFFEu;
  return items;
}

TEST(PageCursor, GivesBackWhatWasShown) {
  for (const std::size_t count :
       {std::size_t{0}, std::size_t{1}, std::size_t{24}, recommend::kPagedItemsMax}) {
    const auto items = some_items(count);
    const auto read = parse_page_cursor(format_page_cursor(17, items), 17);
    ASSERT_TRUE(read.ok()) << count;
    EXPECT_EQ(*read, items);
  }
  EXPECT_TRUE(parse_page_cursor("", 17)->empty());
}

TEST(PageCursor, IsGoodForTheRequestItWasMadeForAlone) {
  EXPECT_FALSE(parse_page_cursor(format_page_cursor(17, some_items(3)), 18).ok());
}

TEST(PageCursor, RefusesWhateverElseComes) {
  const std::string good = format_page_cursor(17, some_items(30));
  for (std::size_t size = 1; size < good.size(); ++size) {
    EXPECT_FALSE(parse_page_cursor(good.substr(0, size), 17).ok()) << size;
  }
  EXPECT_FALSE(parse_page_cursor(good + "AAAA", 17).ok());
  EXPECT_FALSE(parse_page_cursor("!" + good, 17).ok());
  EXPECT_FALSE(parse_page_cursor(std::string(1 << 20, 'A'), 17).ok());
  EXPECT_FALSE(
      parse_page_cursor(format_page_cursor(17, some_items(recommend::kPagedItemsMax + 1)), 17)
          .ok());
  std::mt19937 random(1);
  for (int i = 0; i < 2000; ++i) {
    std::string bytes = good;
    bytes[random() % bytes.size()] = static_cast<char>(random());
    (void)parse_page_cursor(bytes, 17);  // any answer but a crash
  }
}

}  // namespace
}  // namespace vitrine::api
