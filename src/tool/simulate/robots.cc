#include "tool/simulate/robots.h"

#include <algorithm>

#include "tool/simulate/dice.h"
#include "tool/simulate/world.h"

namespace vitrine::simulate {
namespace {

using Type = event::EventType;

constexpr std::uint8_t kPerson = kRobotKinds;

Type type_of(EventType type) {
  switch (type) {
    case EventType::kHomeView: return Type::kHomePageView;
    case EventType::kCategoryView: return Type::kCategoryPageView;
    case EventType::kImpression: return Type::kImpression;
    case EventType::kView: return Type::kDetailPageView;
    case EventType::kCart: return Type::kAddToCart;
    case EventType::kPurchase: return Type::kPurchaseComplete;
  }
  return Type::kCustom;
}

class Builder {
 public:
  explicit Builder(const Shop& shop)
      : shop_(shop), days_(shop.options.history_days), begin_(shop.options.start - days_ * kDayUs) {
    for (const Visitor& visitor : shop.visitors) {
      crowd_.ids.push_back(visitor.id);
      crowd_.kinds.push_back(kPerson);
    }
  }

  Result<Crowd> build(std::uint32_t percent) {
    VITRINE_TRY(add_people());
    add_hard_people();
    const std::size_t people = crowd_.doings.size();
    const std::size_t wanted = people * percent / (100 - std::min(percent, 90u));
    for (std::uint32_t n = 0; crowd_.doings.size() - people < wanted; ++n) add_robot(n);
    crowd_.robot_events = crowd_.doings.size() - people;
    std::ranges::stable_sort(crowd_.doings, {}, &Doing::at);
    return std::move(crowd_);
  }

 private:
  Status add_people() {
    const Behaviour behaviour;  // outlives the world, which refers to it
    World history(shop_, behaviour, nullptr);
    int day = shop_.visits.empty() ? 0 : shop_.day(shop_.visits.front().time) - 1;
    for (std::size_t i = 0; i < shop_.first_measured; ++i) {
      const Visit& visit = shop_.visits[i];
      for (; day < shop_.day(visit.time); ++day) {
        VITRINE_TRY(history.deliver(shop_.options.start + (day + 1) * kDayUs));
      }
      VITRINE_TRY(history.run(visit));
    }
    for (const ShopEvent& event : history.events()) {
      const auto jitter = static_cast<TimeUs>(
          name_hash(shop_.options.seed, 90, event.visitor, event.time) % (25 * kSecondUs));
      crowd_.doings.push_back(
          {event.time + jitter, type_of(event.type), event.visitor, event.items});
    }
    return ok_status();
  }

  void add_hard_people() {
    for (VisitorNo v = 0; v < shop_.visitors.size(); v += 50) {
      Random random(name_hash(shop_.options.seed, 91, v));
      who_ = v;
      at_ = begin_ + static_cast<TimeUs>(random.unit() * static_cast<double>(days_) * kDayUs);
      switch (v / 50 % 3) {
        case 0:
          for (int line = 0; line < 200; ++line) act(Type::kAddToCart, any(random), 0.4);
          for (int line = 0; line < 200; ++line) act(Type::kPurchaseComplete, any(random), 0);
          break;
        case 1:
          for (int tabs = 0; tabs < 10; ++tabs, at_ += 4 * kMinuteUs) {
            for (int n = 0; n < 12; ++n)
              act(Type::kDetailPageView, any(random), 0.3 + random.unit());
          }
          break;
        default:
          for (int n = 0; n < 200; ++n) {
            act(Type::kDetailPageView, any(random), 4 + random.exponential(25));
          }
      }
    }
  }

  void add_robot(std::uint32_t number) {
    const auto kind = static_cast<RobotKind>(number % kRobotKinds);
    Random random(name_hash(shop_.options.seed, 92, number));
    at_ = begin_ + static_cast<TimeUs>(random.unit() * (static_cast<double>(days_) - 1) * kDayUs);
    if (kind == RobotKind::kFarm) return add_farm(random, number);
    new_robot(kind, number);
    const ItemNo target = any(random);
    const double pace = random.unit();  // 0: clumsy, 1: careful
    const TimeUs until = at_ + static_cast<TimeUs>((4 + 16 * random.unit()) * kHourUs);
    for (ItemNo n = target; at_ < until; ++n) {
      const auto item = static_cast<ItemNo>(n % shop_.items.size());
      switch (kind) {
        case RobotKind::kCrawler:
          act(Type::kDetailPageView, item, (1 + 30 * pace) * (0.5 + random.unit()));
          break;
        case RobotKind::kPriceWatch:
          act(Type::kDetailPageView, (target + n % 40) % static_cast<ItemNo>(shop_.items.size()),
              (5 + 55 * pace) * (0.95 + 0.1 * random.unit()));
          break;
        case RobotKind::kScraper:
          for (int page = 0; page < 25; ++page) {
            act(Type::kDetailPageView, any(random), 0.1 + 0.6 * random.unit());
          }
          at_ += static_cast<TimeUs>((60 + 300 * pace) * (0.5 + random.unit()) * 1e6);
          break;
        case RobotKind::kPusher:
          act(random.unit() < 0.3 ? Type::kAddToCart : Type::kDetailPageView,
              random.unit() < 0.8 ? target : any(random),
              (20 + 60 * pace) * (0.2 + 1.6 * random.unit()));
          break;
        case RobotKind::kOrders:
          act(Type::kPurchaseComplete, random.unit() < 0.5 ? target : any(random),
              (120 + 120 * pace) * (0.6 + 0.8 * random.unit()));
          break;
        case RobotKind::kClicks:
          act(Type::kItemClick, any(random), (10 + 40 * pace) * (0.2 + 1.6 * random.unit()));
          break;
        default: act(Type::kDetailPageView, any(random), 120 + random.exponential(600));
      }
    }
  }

  void add_farm(Random& random, std::uint32_t number) {
    const ItemNo target = any(random);
    const int members = 400 + static_cast<int>(random.below(400));
    const double gap = 2 + 4 * random.unit();
    for (int member = 0; member < members; ++member) {
      new_robot(RobotKind::kFarm, number, member);
      const bool cart = random.unit() < 0.5;
      act(Type::kDetailPageView, target, cart ? 2 : random.exponential(gap));
      if (cart) act(Type::kAddToCart, target, random.exponential(gap));
    }
  }

  void new_robot(RobotKind kind, std::uint32_t number, int member = 0) {
    who_ = static_cast<std::uint32_t>(crowd_.ids.size());
    crowd_.ids.push_back("robot-" + std::to_string(number) + "-" + std::to_string(member));
    crowd_.kinds.push_back(static_cast<std::uint8_t>(kind));
  }

  ItemNo any(Random& random) const { return random.below(shop_.items.size()); }

  // `seconds`: until the next.
  void act(Type type, ItemNo item, double seconds) {
    crowd_.doings.push_back({at_, type, who_, {item}});
    at_ += static_cast<TimeUs>(seconds * 1e6);
  }

  const Shop& shop_;
  const TimeUs days_;
  const TimeUs begin_;
  Crowd crowd_;
  std::uint32_t who_ = 0;
  TimeUs at_ = 0;
};

}  // namespace

std::string_view robot_kind_name(RobotKind kind) {
  constexpr std::array<std::string_view, kRobotKinds> kNames = {
      "crawler", "price watch", "scraper", "pusher", "orders", "clicks", "farm", "polite"};
  return kNames[static_cast<std::size_t>(kind)];
}

Result<Crowd> make_crowd(const Shop& shop, std::uint32_t percent) {
  return Builder(shop).build(percent);
}

}  // namespace vitrine::simulate
