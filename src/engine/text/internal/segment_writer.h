// Puts the image of a segment together, term by term.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "engine/text/internal/image.h"
#include "engine/text/internal/list_encoder.h"

namespace vitrine::text::internal {

// The documents of a segment to be written.
struct DocumentTable {
  std::vector<std::uint32_t> ids;     // of each local number
  std::vector<std::uint8_t> lengths;  // codes, field by field
  std::vector<std::uint64_t> tokens;  // per field
  // Lengths are compared with these; per field, positive.
  std::vector<float> average;
  std::vector<Frequencies> combinations;  // of several fields
  std::vector<std::uint64_t> combination_counts;
};

class SegmentWriter {
 public:
  SegmentWriter(Schema schema, DocumentTable documents);
  ~SegmentWriter();

  // Terms must rise by byte order; postings rise by document. `positions` has the encoded
  // positions of all postings one after the other, `position_ends` where each posting's end; both
  // empty without positions.
  void add_term(std::string_view term, std::span<const RawPosting> postings,
                std::string_view positions, std::span<const std::uint32_t> position_ends);
  // The image. Nothing may follow.
  std::string finish();

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace vitrine::text::internal
