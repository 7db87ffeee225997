#include "tool/simulate/behaviour.h"

#include <algorithm>
#include <cmath>

#include "tool/simulate/dice.h"

namespace vitrine::simulate {
namespace {

enum Decision : std::uint64_t { kLook = 100, kClick, kBuy, kPay, kOther };

}  // namespace

Mind::Mind(const Shop& shop, const Behaviour& behaviour, const Visit& visit, const Memory& memory)
    : shop_(shop), behaviour_(behaviour), visit_(visit), memory_(memory) {}

double Mind::appeal(ItemNo number) const {
  const Item& item = shop_.items[number];
  const Visitor& visitor = shop_.visitors[visit_.visitor];
  double match = 0;
  for (std::size_t s = 0; s < kStyles; ++s) match += item.style[s] * visitor.taste[s];
  match /= std::sqrt(static_cast<double>(kStyles));  // standard deviation 1
  const double mean = 1.0 / static_cast<double>(shop_.categories.size());
  const double interest =
      std::log(std::max(1e-3, static_cast<double>(visitor.affinity[item.category]) / mean));
  const Behaviour& b = behaviour_;
  return b.style * match + b.quality * item.quality +
         std::clamp(b.category * interest, -b.category_most, b.category_most) +
         (item.category == visit_.intent ? b.intent : 0) +
         b.season * shop_.season(item.category, visit_.time);
}

double Mind::need(ItemNo number, TimeUs now) const {
  const auto bought = memory_.bought.find(number);
  if (bought == memory_.bought.end()) return 0;
  const Item& item = shop_.items[number];
  if (item.repeat_days == 0) return behaviour_.owned;
  const double days = static_cast<double>(now - bought->second) / static_cast<double>(kDayUs);
  return days < item.repeat_days ? behaviour_.has_enough : behaviour_.used_up;
}

double Mind::click_logit(ItemNo item, TimeUs now) const {
  double tired = 0;
  const auto ignored = memory_.ignored.find(item);
  if (ignored != memory_.ignored.end() && now - ignored->second.last < 7 * kDayUs) {
    tired = std::min(behaviour_.fatigue_most, behaviour_.fatigue * ignored->second.times);
  }
  return behaviour_.click + appeal(item) + need(item, now) - tired;
}

double Mind::buy_chance(ItemNo number, TimeUs now) const {
  const double off = shop_.items[number].price_level - shop_.visitors[visit_.visitor].price_level;
  return sigmoid(behaviour_.buy + appeal(number) + need(number, now) -
                 behaviour_.price * off * off);
}

double Mind::chance(std::uint64_t what, std::uint64_t number) const {
  return unit_of(name_hash(shop_.options.seed, kOther + what, visit_.number, number));
}

bool Mind::looks_at(std::uint32_t step, std::size_t place) const {
  const double chance = std::pow(static_cast<double>(place + 1), -behaviour_.position_power);
  return unit_of(name_hash(shop_.options.seed, kLook, visit_.number, step, place)) < chance;
}

bool Mind::clicks(ItemNo item, TimeUs now) const {
  return unit_of(name_hash(shop_.options.seed, kClick, visit_.number, item)) <
         sigmoid(click_logit(item, now));
}

bool Mind::buys(ItemNo item, TimeUs now) const {
  const auto week = static_cast<std::uint64_t>(shop_.day(visit_.time) + 7000) / 7;
  return unit_of(name_hash(shop_.options.seed, kBuy, visit_.visitor, item, week)) <
         buy_chance(item, now);
}

bool Mind::pays() const {
  return unit_of(name_hash(shop_.options.seed, kPay, visit_.number)) < behaviour_.checkout;
}

}  // namespace vitrine::simulate
