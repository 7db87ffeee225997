// What visitors do with what they see. docs/simulate.md says why each number is what it is.
//
// A visitor looks at a place of a list with a chance that falls with the place, clicks what
// appeals, puts into the cart what also fits price and need, and pays most carts. The appeal of an
// item is the same on every surface and under every policy.
#pragma once

#include <cstdint>
#include <unordered_map>
#include <vector>

#include "tool/simulate/shop.h"

namespace vitrine::simulate {

struct Behaviour {
  // Appeal, in logits.
  double style = 1.0;          // per standard deviation of the match of style and taste
  double quality = 0.7;        // per standard deviation of what everybody likes
  double category = 0.5;       // per ln of the visitor's interest over the mean interest
  double category_most = 1.2;  // bound of that, up and down
  double intent = 1.5;         // an item of the category that the visitor came for
  double season = 1.0;         // per ln of the category's season
  // A list.
  double position_power = 0.5;  // the n-th place is looked at with chance n^-power
  double click = -4.0;          // an item of no special appeal is clicked with sigmoid(click)
  double fatigue = 0.3;         // each time it was looked at and not clicked in the last week
  double fatigue_most = 1.2;
  // An item's page.
  double buy = -6.2;       // ... is put into the cart with sigmoid(buy)
  double price = 0.8;      // per squared ln of the price over what the visitor likes to pay
  double owned = -5;       // of something that lasts and is there already
  double has_enough = -3;  // of a consumable that is not used up
  double used_up = 2.5;    // of a consumable that is
  double checkout = 0.65;  // carts that are paid
  // How much of an item's place in a category's list is the shop's doing (bestsellers and
  // campaigns first, the same for all), the rest being each visit's own search and sorting.
  double prominence = 0.7;
  // The way through the shop, shares.
  double home_to_category = 0.6;  // nothing of interest on the home page: else the visit ends
  double list_to_next = 0.6;      // nothing in a page of the category's list: on to the next page
  double item_to_category = 0.5;  // after an item's page, back to the category's list,
  double item_to_home = 0.2;      // or to the home page; else the visit ends
};

// What one visitor remembers in one copy of the shop.
struct Memory {
  struct Ignored {
    std::uint32_t times = 0;
    TimeUs last = 0;
  };
  std::unordered_map<ItemNo, TimeUs> bought;  // last time
  std::unordered_map<ItemNo, Ignored> ignored;
};

// A visitor's mind during one visit. Holds references: keep it no longer than its parts.
class Mind {
 public:
  Mind(const Shop& shop, const Behaviour& behaviour, const Visit& visit, const Memory& memory);

  // Logit of clicking what is looked at.
  double click_logit(ItemNo item, TimeUs now) const;
  // Chance of putting it into the cart once its page is open.
  double buy_chance(ItemNo item, TimeUs now) const;

  // Decisions: the same for the same visitor, item and visit in every copy of the shop as far as
  // the chances are. Whether an item is bought is decided once a week, so that showing it again
  // does not throw the dice again.
  bool looks_at(std::uint32_t step, std::size_t place) const;
  bool clicks(ItemNo item, TimeUs now) const;
  bool buys(ItemNo item, TimeUs now) const;
  bool pays() const;
  double chance(std::uint64_t what, std::uint64_t number) const;

 private:
  double appeal(ItemNo item) const;
  double need(ItemNo item, TimeUs now) const;

  const Shop& shop_;
  const Behaviour& behaviour_;
  const Visit& visit_;
  const Memory& memory_;
};

}  // namespace vitrine::simulate
