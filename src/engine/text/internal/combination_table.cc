#include "engine/text/internal/combination_table.h"

#include <algorithm>
#include <bit>
#include <numeric>

namespace vitrine::text::internal {
namespace {
// 8 fields of 255 occurrences each always find room behind it.
constexpr std::size_t kNearlyFull = 65536 - kFieldsMax * 255;
}  // namespace

std::uint32_t CombinationTable::number_of(Frequencies tf, std::uint64_t times) {
  auto found = numbers_.find(std::bit_cast<std::uint64_t>(tf));
  if (found == numbers_.end() && combinations_.size() >= kNearlyFull) {
    const auto first = std::find_if(tf.begin(), tf.end(), [](std::uint8_t n) { return n > 0; });
    if (first != tf.end()) std::fill(first + 1, tf.end(), std::uint8_t{0});
    found = numbers_.find(std::bit_cast<std::uint64_t>(tf));
  }
  if (found == numbers_.end()) {
    found = numbers_
                .emplace(std::bit_cast<std::uint64_t>(tf),
                         static_cast<std::uint32_t>(combinations_.size()))
                .first;
    combinations_.push_back(tf);
    counts_.push_back(0);
  }
  counts_[found->second] += times;
  return found->second;
}

std::vector<std::uint32_t> CombinationTable::finish(DocumentTable& table) const {
  std::vector<std::uint32_t> order(combinations_.size());
  std::iota(order.begin(), order.end(), 0u);
  std::sort(order.begin(), order.end(), [this](std::uint32_t a, std::uint32_t b) {
    return counts_[a] != counts_[b] ? counts_[a] > counts_[b] : combinations_[a] < combinations_[b];
  });
  std::vector<std::uint32_t> renumbered(order.size());
  for (std::uint32_t i = 0; i < order.size(); ++i) {
    renumbered[order[i]] = i;
    table.combinations.push_back(combinations_[order[i]]);
    table.combination_counts.push_back(counts_[order[i]]);
  }
  return renumbered;
}

std::vector<float> average_lengths(std::span<const std::uint64_t> tokens, std::uint64_t documents) {
  std::vector<float> average;
  for (const std::uint64_t n : tokens)
    average.push_back(
        n == 0 || documents == 0
            ? 1.0f
            : static_cast<float>(static_cast<double>(n) / static_cast<double>(documents)));
  return average;
}

}  // namespace vitrine::text::internal
