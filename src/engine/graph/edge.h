// What a graph is built from: one user touched one item once.
#pragma once

#include <cstdint>
#include <span>

#include "base/result.h"

namespace vitrine::graph {

// Users and items are numbered from 0, each on their own, as the source likes; dense is best, since
// memory follows the largest number. Several edges between the same two are kept as they are.
struct Edge {
  std::uint32_t user = 0;  // below kSourceIdMax, as item
  std::uint32_t item = 0;
  std::int64_t time_us = 0;
  float weight = 1;
  std::uint8_t type = 0;

  friend bool operator==(const Edge&, const Edge&) = default;
};

inline constexpr std::uint32_t kSourceIdMax = 0x7FFFFFFEu;

// Gives edges in any order, once.
class EdgeStream {
 public:
  virtual ~EdgeStream() = default;
  // Fills the front of `out`; 0 at the end.
  virtual Result<std::size_t> next(std::span<Edge> out) = 0;
  // An upper bound of the edges to come, for progress and the check of the disk; 0 if unknown.
  virtual std::uint64_t edges_max() const = 0;
};

}  // namespace vitrine::graph
