// Positions of one term: a directory of u32 offsets, one per kPositionsStep postings, then for each
// posting the deltas of its values as varints. A posting has as many values as occurrences in all
// fields; a value is field * (kPositionMax + 1) + position.
#pragma once

#include <vector>

#include "base/bytes.h"
#include "engine/text/internal/list_view.h"
#include "engine/text/internal/segment_impl.h"

namespace vitrine::text::internal {

inline std::uint32_t occurrences(const Frequencies& tf) {
  std::uint32_t n = 0;
  for (const std::uint8_t v : tf) n += v;
  return n;
}

// Reads postings' positions one after the other.
class PositionReader {
 public:
  PositionReader(const TermEntry& entry, bool present) : present_(present), reader_({}) {
    if (!present) return;
    const std::size_t directory = 4ull * ((entry.frequency + kPositionsStep - 1) / kPositionsStep);
    reader_ = ByteReader(entry.positions.substr(directory));
  }
  void next(const Frequencies& tf, std::vector<std::uint32_t>& values) {
    values.clear();
    if (!present_) return;
    reader_.varint();
    std::uint32_t value = 0;
    for (std::uint32_t i = 0, n = occurrences(tf); i < n; ++i) {
      value += static_cast<std::uint32_t>(reader_.varint());
      values.push_back(value);
    }
  }

 private:
  bool present_;
  ByteReader reader_;
};

// Positions of the posting `ordinal` of a list. Trusts bytes that passed check_positions().
void read_positions(std::string_view positions, std::uint32_t frequency, std::uint32_t ordinal,
                    std::vector<std::uint32_t>& values);

// kCorrupt where positions don't belong to the postings of `list`.
Status check_positions(std::string_view bytes, std::string_view list, std::uint32_t frequency,
                       const Scoring& scoring);

}  // namespace vitrine::text::internal
