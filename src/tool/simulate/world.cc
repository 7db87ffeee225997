#include "tool/simulate/world.h"

#include <algorithm>
#include <optional>

#include "tool/simulate/dice.h"

namespace vitrine::simulate {
namespace {

constexpr std::size_t kHomePlaces = 12;
constexpr std::size_t kItemPlaces = 6;
constexpr std::size_t kCartPlaces = 4;
constexpr std::size_t kListPlaces = 12;  // of a page of a category's list
constexpr TimeUs kPageTime = 30 * kSecondUs;
constexpr std::uint32_t kSoldOutOneIn = 20;

enum Doubt : std::uint64_t { kLeaveHome, kLeaveItem, kOrder };

}  // namespace

Tally& Tally::operator+=(const Tally& other) {
  visits += other.visits;
  orders += other.orders;
  items += other.items;
  clicks += other.clicks;
  shown += other.shown;
  revenue += other.revenue;
  return *this;
}

World::World(const Shop& shop, const Behaviour& behaviour, std::unique_ptr<Policy> policy)
    : shop_(shop),
      behaviour_(behaviour),
      policy_(std::move(policy)),
      memory_(shop.visitors.size()) {
  for (ItemNo i = 0; i < shop.items.size(); ++i) {
    const bool sold_out = name_hash(shop.options.seed, 8, i) % kSoldOutOneIn == 0;
    stock_.push_back(sold_out ? 0 : shop.items[i].stock_full);
  }
}

void World::take_over(const World& other) {
  stock_ = other.stock_;
  memory_ = other.memory_;
}

Status World::deliver(TimeUs now) {
  for (ItemNo i = 0; i < shop_.items.size(); ++i) {
    const int full = shop_.items[i].stock_full;
    // Deliveries come once a week, for each item on its day.
    const bool today = (static_cast<std::uint32_t>(shop_.day(now) + 7000) + i) % 7 == 0;
    if (!today || stock_[i] * 2 >= full) continue;
    stock_[i] = full;
    if (policy_) VITRINE_TRY(policy_->set_stock(i, full, now));
  }
  return ok_status();
}

// The way of one visitor through the pages.
class World::Walk {
 public:
  Walk(World& world, const Visit& visit)
      : world_(world),
        visit_(visit),
        memory_(world.memory_[visit.visitor]),
        mind_(world.shop_, world.behaviour_, visit, memory_),
        now_(visit.time) {}

  Result<Tally> run() {
    tally_.visits = 1;
    bool at_home = visit_.starts_at_home;
    std::optional<ItemNo> item;
    for (; step_ < visit_.steps; ++step_, now_ += kPageTime) {
      std::optional<ItemNo> next;
      if (item) {
        VITRINE_TRY(next, item_page(*item));
      } else if (at_home) {
        VITRINE_TRY(next, home_page());
      } else {
        VITRINE_TRY(next, category_page());
      }
      if (!next && !go_on(item.has_value(), at_home)) break;
      item = next;
    }
    VITRINE_TRY(cart_page());
    return tally_;
  }

 private:
  using Clicked = Result<std::optional<ItemNo>>;

  // Where to when nothing was clicked: sets `at_home`; false to leave the shop.
  bool go_on(bool on_item, bool& at_home) const {
    const Behaviour& b = world_.behaviour_;
    const double u = mind_.chance(on_item ? kLeaveItem : kLeaveHome, step_);
    if (on_item) {
      at_home = u >= b.item_to_category;
      return u < b.item_to_category + b.item_to_home;
    }
    const bool goes_on = u < (at_home ? b.home_to_category : b.list_to_next);
    at_home = false;
    return goes_on;
  }

  Clicked home_page() {
    happened({EventType::kHomeView, visit_.visitor, now_, {}});
    return policy_list(Page::kHome, kHomePlaces, 0);
  }

  Clicked category_page() {
    happened({EventType::kCategoryView, visit_.visitor, now_, {}});
    if (category_.empty()) category_ = in_own_order(visit_.intent);
    const std::size_t from = kListPlaces * pages_seen_++;
    list_.clear();
    for (std::size_t i = from; i < std::min(from + kListPlaces, category_.size()); ++i)
      list_.push_back(category_[i]);
    const auto clicked = look(list_, false);
    VITRINE_TRY(tell());
    return clicked;
  }

  // The category as this visit meets it: partly in the shop's order, partly in one of its own.
  std::vector<ItemNo> in_own_order(std::uint32_t category) const {
    const double common = world_.behaviour_.prominence;
    std::vector<std::pair<double, ItemNo>> order;
    for (const ItemNo item : world_.shop_.categories[category].items) {
      const double own = mind_.chance(kOrder, item);
      order.emplace_back(common * world_.shop_.items[item].listing + (1 - common) * own, item);
    }
    std::sort(order.begin(), order.end());
    std::vector<ItemNo> items;
    for (const auto& [place, item] : order) items.push_back(item);
    return items;
  }

  Clicked item_page(ItemNo item) {
    view(item);
    return policy_list(Page::kItem, kItemPlaces, item);
  }

  void view(ItemNo item) {
    opened_.push_back(item);
    happened({EventType::kView, visit_.visitor, now_, {item}});
    const bool in_cart = std::find(cart_.begin(), cart_.end(), item) != cart_.end();
    if (in_cart || world_.stock_[item] <= 0 || !mind_.buys(item, now_)) return;
    cart_.push_back(item);
    happened({EventType::kCart, visit_.visitor, now_ + kPageTime / 2, {item}});
  }

  // What is in the cart is shown with a list of the policy beside it; then the visitor pays or
  // leaves it.
  Status cart_page() {
    if (cart_.empty()) return ok_status();
    VITRINE_TRY(const auto extra, policy_list(Page::kCart, kCartPlaces, 0));
    if (extra) view(*extra);
    if (mind_.pays()) pay();
    return tell();
  }

  void pay() {
    ShopEvent order{EventType::kPurchase, visit_.visitor, now_ + kPageTime, {}};
    for (const ItemNo item : cart_) {
      order.items.push_back(item);
      memory_.bought[item] = now_;
      tally_.revenue += world_.shop_.items[item].price;
      --world_.stock_[item];
      sold_.push_back(item);
    }
    tally_.orders = 1;
    tally_.items = static_cast<std::uint32_t>(cart_.size());
    happened(std::move(order));
  }

  Clicked policy_list(Page page, std::size_t limit, ItemNo about) {
    VITRINE_TRY(tell());
    if (world_.policy_ == nullptr) return std::optional<ItemNo>();
    const Question question{page, visit_.visitor, now_, about, cart_, limit, &mind_};
    VITRINE_TRY(world_.policy_->show(question, list_));
    happened({EventType::kImpression, visit_.visitor, now_, list_, page});
    return look(list_, true);
  }

  // The first item that is looked at and clicked. What was looked at before it was ignored, but for
  // what was opened in this visit: nobody opens that again, or thinks less of it for being there.
  std::optional<ItemNo> look(const std::vector<ItemNo>& list, bool of_policy) {
    for (std::size_t place = 0; place < list.size(); ++place) {
      if (!mind_.looks_at(step_, place)) continue;
      if (of_policy) ++tally_.shown;
      if (std::find(opened_.begin(), opened_.end(), list[place]) != opened_.end()) continue;
      if (mind_.clicks(list[place], now_)) {
        if (of_policy) ++tally_.clicks;
        memory_.ignored.erase(list[place]);
        return list[place];
      }
      Memory::Ignored& ignored = memory_.ignored[list[place]];
      if (now_ - ignored.last >= 7 * kDayUs) ignored.times = 0;
      ++ignored.times;
      ignored.last = now_;
    }
    return std::nullopt;
  }

  void happened(ShopEvent event) { events_.push_back(std::move(event)); }

  Status tell() {
    if (world_.policy_ == nullptr) {
      for (ShopEvent& event : events_) world_.kept_.push_back(std::move(event));
    } else if (!events_.empty()) {
      VITRINE_TRY(world_.policy_->observe(events_));
    }
    events_.clear();
    for (const ItemNo item : sold_) {
      if (world_.policy_ == nullptr) continue;
      VITRINE_TRY(world_.policy_->set_stock(item, world_.stock_[item], now_ + kPageTime));
    }
    sold_.clear();
    return ok_status();
  }

  World& world_;
  const Visit& visit_;
  Memory& memory_;
  Mind mind_;
  TimeUs now_;
  std::uint32_t step_ = 0;
  std::size_t pages_seen_ = 0;  // of the category's list
  std::vector<ItemNo> category_, cart_, list_, opened_, sold_;
  std::vector<ShopEvent> events_;
  Tally tally_;
};

Result<Tally> World::run(const Visit& visit) { return Walk(*this, visit).run(); }

}  // namespace vitrine::simulate
