// What every result is compared with.
#pragma once

#include "engine/counters/counters.h"
#include "service/evaluate/scorer.h"

namespace vitrine::evaluate {

// By the sum of the weights of an item in `train`; with a half-life, by the decayed sum.
class Popularity final : public Scorer {
 public:
  // Half-life 0: no decay.
  explicit Popularity(TimeUs half_life = 0);
  std::string name() const override;
  void fit(std::span<const Interaction> train, std::uint32_t items) override;
  void rank(const Case& one, const Mask& mask, std::size_t k, std::vector<ItemIndex>& out) override;
  const std::vector<ItemIndex>& order() const {
    return order_;
  }  // of all items, most popular first

 private:
  TimeUs half_life_;
  std::vector<ItemIndex> order_;
};

// A fixed random choice per seed and user.
class Random final : public Scorer {
 public:
  explicit Random(std::uint64_t seed = 1) : seed_(seed) {}
  std::string name() const override { return "random"; }
  void fit(std::span<const Interaction> train, std::uint32_t items) override;
  void rank(const Case& one, const Mask& mask, std::size_t k, std::vector<ItemIndex>& out) override;

 private:
  std::uint64_t seed_;
  std::uint32_t items_ = 0;
};

}  // namespace vitrine::evaluate
