#include "service/evaluate/baselines.h"

#include <algorithm>
#include <random>

namespace vitrine::evaluate {
namespace {

// Without decay every time is the same moment, and any half-life will do.
constexpr TimeUs kAnyHalfLife = kDayUs;

}  // namespace

Popularity::Popularity(TimeUs half_life) : half_life_(half_life) {}

std::string Popularity::name() const {
  return half_life_ == 0 ? "popularity"
                         : "popularity, " + std::to_string(half_life_ / kDayUs) + " d";
}

void Popularity::fit(std::span<const Interaction> train, std::uint32_t items) {
  counters::Counters counts(half_life_ == 0 ? kAnyHalfLife : half_life_);
  if (items > 0) counts.add(ItemIndex{items - 1}, 0, 0);
  for (const Interaction& one : train)
    counts.add(one.item, static_cast<double>(one.weight), half_life_ == 0 ? 0 : one.time);
  order_.clear();
  counts.for_each_from_top([&](ItemIndex item) {
    order_.push_back(item);
    return true;
  });
}

void Popularity::rank(const Case&, const Mask& mask, std::size_t k, std::vector<ItemIndex>& out) {
  out.clear();
  for (const ItemIndex item : order_) {
    if (out.size() == k) return;
    if (mask[item.value] == 0) out.push_back(item);
  }
}

void Random::fit(std::span<const Interaction>, std::uint32_t items) { items_ = items; }

// Every set of k unmasked items is equally likely. Draws again while most items are open; where few
// are, shuffles those.
void Random::rank(const Case& one, const Mask& mask, std::size_t k, std::vector<ItemIndex>& out) {
  out.clear();
  std::mt19937_64 random(seed_ * 0x9E3779B97F4A7C15u + one.user.value);
  const auto masked = static_cast<std::size_t>(std::count(mask.begin(), mask.end(), 1));
  const std::size_t open = items_ - masked;
  if (open >= items_ / 2 && open >= 4 * k) {
    while (out.size() < k) {
      const ItemIndex item{static_cast<std::uint32_t>(random() % items_)};
      if (mask[item.value] == 0 && std::find(out.begin(), out.end(), item) == out.end())
        out.push_back(item);
    }
    return;
  }
  for (std::uint32_t i = 0; i < items_; ++i) {
    if (mask[i] == 0) out.push_back(ItemIndex{i});
  }
  for (std::size_t i = 0; i < std::min(k, open); ++i)
    std::swap(out[i], out[i + random() % (open - i)]);
  out.resize(std::min(k, open));
}

}  // namespace vitrine::evaluate
