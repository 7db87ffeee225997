// What can be evaluated: something that learns from a log and ranks items for a history.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "service/evaluate/split.h"

namespace vitrine::evaluate {

// Entry i is 1 where ItemIndex i must not be in the answer.
using Mask = std::vector<std::uint8_t>;

class Scorer {
 public:
  virtual ~Scorer() = default;
  virtual std::string name() const = 0;
  // Called once, before any ranking. Items 0 .. items-1 exist, whether in `train` or not.
  virtual void fit(std::span<const Interaction> train, std::uint32_t items) = 0;
  // Called once after fit(), with all cases that rank() will be asked about, in their order;
  // `cases` stays where it is. For scorers that answer several at a time.
  virtual void prepare(std::span<const Case> cases) { (void)cases; }
  // The best k unmasked items, best first, out of ALL items; fewer only where fewer are unmasked.
  virtual void rank(const Case& one, const Mask& mask, std::size_t k,
                    std::vector<ItemIndex>& out) = 0;
};

}  // namespace vitrine::evaluate
