// Numbers for the different combinations of occurrences per field, while a segment is made.
#pragma once

#include <boost/unordered/unordered_flat_map.hpp>
#include <cstdint>
#include <span>
#include <vector>

#include "engine/text/internal/norms.h"
#include "engine/text/internal/segment_writer.h"

namespace vitrine::text::internal {

class CombinationTable {
 public:
  // The number of `tf`, in order of first appearance; counts it `times`. The table has at most
  // 65,536 entries: when it is nearly full, a new combination loses all but its first field
  // that occurs, which keeps any input indexable.
  std::uint32_t number_of(Frequencies tf, std::uint64_t times = 1);
  // Fills the table of the segment, most frequent first; gives the new number of each old one.
  std::vector<std::uint32_t> finish(DocumentTable& table) const;

 private:
  boost::unordered_flat_map<std::uint64_t, std::uint32_t> numbers_;
  std::vector<Frequencies> combinations_;
  std::vector<std::uint64_t> counts_;
};

// Tokens over documents per field, at least a little above zero.
std::vector<float> average_lengths(std::span<const std::uint64_t> tokens, std::uint64_t documents);

}  // namespace vitrine::text::internal
