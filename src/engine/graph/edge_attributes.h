// Time, weight and type of the entries of one neighbour block, in columns.
//
// Layout: crc32c (u32) of the rest, entries (u32), flags (u8): 1 all weights equal, 2 all types
// equal; bytes of a time (u8, 0..8), smallest time (i64); times less the smallest; weights (f32
// each, or one); types (u8 each, or one). Any bytes are safe to read.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace vitrine::graph {

struct EdgeAttributes {
  std::vector<std::int64_t> times_us;
  std::vector<float> weights;
  std::vector<std::uint8_t> types;

  void clear();
  friend bool operator==(const EdgeAttributes&, const EdgeAttributes&) = default;
};

// At most as many entries as a block can have (one byte each).
inline constexpr std::uint32_t kBlockEdgesMax = 64 * 1024;

void encode_attributes(const EdgeAttributes& attributes, std::string& out);  // appends
Status decode_attributes(std::string_view bytes, EdgeAttributes& out);

}  // namespace vitrine::graph
