// A small shop with a search box, for tests.
#pragma once

#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "domain/query/query_text.h"
#include "service/recommend/testing_shop.h"
#include "service/search/search_box.h"

namespace vitrine::search {

struct Ware {
  std::string title;
  std::string description = {};
  std::string brand = {};
  std::vector<std::string> categories = {};
  double price = 10;
  double stock = 1;
};

// Not thread-safe: state and box are one test's.
class SearchShop : public StateSource {
 public:
  explicit SearchShop(SearchBoxOptions options = {})
      : box(options, std::shared_ptr<const StateSource>(this, [](const StateSource*) {})) {}

  bool read(const std::function<void(const SearchState&)>& work) const override {
    work(state());
    return true;
  }
  SearchState state() const { return {shop.view(), queries, settings, shop.now}; }

  ItemIndex put(const std::string& id, const Ware& ware) {
    catalog::Item item{id, {}};
    if (!ware.brand.empty()) item.attributes.push_back({"brand", ware.brand});
    if (!ware.categories.empty()) item.attributes.push_back({"categories", ware.categories});
    if (!ware.description.empty()) item.attributes.push_back({"description", ware.description});
    item.attributes.push_back({"price", ware.price});
    item.attributes.push_back({"stock", ware.stock});
    item.attributes.push_back({"title", ware.title});
    EXPECT_TRUE(shop.catalog.apply_upsert(item, shop.now += kSecondUs).applied());
    return *shop.catalog.find(id);
  }
  void remove(const std::string& id) {
    EXPECT_TRUE(shop.catalog.apply_delete(id, shop.now += kSecondUs).applied());
  }

  void refresh() {
    const auto refreshed = box.refresh();
    ASSERT_TRUE(refreshed.ok()) << refreshed.error().message();
  }
  Result<SearchAnswer> ask(SearchRequest request) {
    request.now = shop.now;
    SearchAnswer answer;
    VITRINE_TRY(box.search(state(), {filters, matches}, request, scratch, answer));
    return answer;
  }
  // Ids of the answer's items; the message of a refusal.
  std::vector<std::string> ids(const SearchRequest& request) {
    const auto answer = ask(request);
    if (!answer.ok()) return {answer.error().message()};
    std::vector<std::string> out;
    for (const FoundItem& item : answer->items) out.emplace_back(shop.catalog.item_id(item.item));
    return out;
  }
  std::vector<std::string> suggested(std::string_view text, std::size_t limit = 10) {
    SuggestAnswer answer;
    box.suggest(text, limit, scratch.searcher, answer);
    std::vector<std::string> out;
    for (const auto& entry : answer.entries) out.push_back(entry.text);
    return out;
  }

  recommend::Shop shop;
  query::QueryLog queries;
  query::SearchSettings settings;
  recommend::FilterCache filters;
  recommend::MatchCache matches;
  SearchScratch scratch;
  SearchBox box;
};

}  // namespace vitrine::search
