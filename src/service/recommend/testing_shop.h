// A small shop for tests: says what exists and what happened in a line each.
#pragma once

#include <algorithm>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "domain/profile/interaction.h"
#include "service/recommend/state_view.h"

namespace vitrine::recommend {

inline constexpr TimeUs kNoon = 1'700'000'000 * kSecondUs;

struct Product {
  std::string category = {};  // empty: none
  std::string brand = {};     // empty: none
  double price = 10;
  double stock = 1;
};

class Shop {
 public:
  Shop() : profiles(profile::ProfilesOptions{}), trending(kDayUs), popular(30 * kDayUs) {}

  ItemIndex item(const std::string& id, const Product& product = {}) {
    catalog::Item item{id, {}};
    if (!product.brand.empty()) item.attributes.push_back({"brand", product.brand});
    if (!product.category.empty()) {
      item.attributes.push_back({"categories", std::vector<std::string>{product.category}});
    }
    item.attributes.push_back({"price", product.price});
    item.attributes.push_back({"stock", product.stock});
    EXPECT_TRUE(catalog.apply_upsert(item, now += kSecondUs).applied());
    return *catalog.find(id);
  }

  // One thing a user does with an item, that all engines hear of as they would when serving.
  void act(const std::string& user, const std::string& item_id,
           event::EventType type = event::EventType::kDetailPageView) {
    const ItemIndex item = catalog.intern(item_id);
    now += kSecondUs;
    const UserIndex index = profiles.intern_user(profile::user_key(user));
    std::vector<profile::HistoryEntry> history;
    EXPECT_TRUE(profiles.history(index, history).ok());
    std::vector<ItemIndex> viewed, bought;
    for (auto entry = history.rbegin(); entry != history.rend(); ++entry) {
      if (entry->positive()) viewed.push_back(entry->item);
      if (entry->bought()) bought.push_back(entry->item);
    }
    const profile::Interaction interaction = profile::classify(type);
    if (interaction.positive()) {
      covisit.observe(viewed, item, now);
      trending.add(item, static_cast<double>(interaction.weight), now);
      popular.add(item, static_cast<double>(interaction.weight), now);
    }
    if (interaction.bought()) {
      const auto before = std::find_if(history.rbegin(), history.rend(), [item](const auto& entry) {
        return entry.item == item && entry.bought();
      });
      if (before == history.rend()) {
        repeats.first_purchase(item);
      } else {
        repeats.again(item, now - before->event_time());
      }
      baskets.observe(bought, item, now);
    }
    EXPECT_TRUE(profiles.append(index, profile::make_entry(item, now, type)).ok());
  }
  void buy(const std::string& user, const std::string& item_id) {
    act(user, item_id, event::EventType::kPurchaseComplete);
  }

  StateView view() const {
    return {catalog, profiles, showings, covisit, baskets, trending, popular, repeats, 17};
  }

  catalog::Catalog catalog;
  profile::Profiles profiles;
  profile::Showings showings;
  covisit::Covisit covisit;
  covisit::Covisit baskets{covisit::Options{.backward = 1}};
  counters::Counters trending;
  counters::Counters popular;
  repeat::Repeat repeats;
  TimeUs now = kNoon;
};

}  // namespace vitrine::recommend
