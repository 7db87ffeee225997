// Reading lists in the form of list_format.h.
#pragma once

#include <cstring>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "engine/text/internal/list_encoder.h"
#include "engine/text/internal/list_format.h"

namespace vitrine::text::internal {

template <class T>
T load(const void* at) {
  T value;
  std::memcpy(&value, at, sizeof value);
  return value;
}

// Where the parts of a long list are. Pointers are into the image and may be unaligned.
struct ListView {
  ListHeader header{};
  const std::uint8_t* best = nullptr;
  const std::uint8_t* chunk_starts = nullptr;  // of exceptions
  const std::uint8_t* exceptions = nullptr;
  const std::uint8_t* blocks = nullptr;  // packed: BlockEntry each
  const std::uint8_t* maxima = nullptr;  // windowed, from here on
  const std::uint8_t* supers = nullptr;
  const std::uint8_t* counts = nullptr;
  const std::uint8_t* groups = nullptr;
  const std::uint8_t* payload = nullptr;

  bool windowed() const { return header.codec == static_cast<std::uint8_t>(Codec::kWindowed); }
  std::uint32_t last_code() const { return (1u << header.code_bits) - 1; }
  BlockEntry block(std::uint32_t b) const {
    return load<BlockEntry>(blocks + b * sizeof(BlockEntry));
  }
  GroupEntry group(std::uint32_t g) const {
    return load<GroupEntry>(groups + g * sizeof(GroupEntry));
  }
  std::uint32_t best_document(std::uint32_t i) const { return load<std::uint32_t>(best + 8 * i); }
  std::uint32_t best_combination(std::uint32_t i) const {
    return load<std::uint32_t>(best + 8 * i + 4);
  }
  // The combination of a posting with this code: looked up where the code stands for exceptions.
  std::uint32_t combination(std::uint32_t document, std::uint32_t code) const {
    return header.exceptions != 0 && code == last_code() ? exception(document) : code;
  }
  std::uint32_t exception(std::uint32_t document) const;
};

// False where the parts don't fit into the bytes. `documents` of the segment.
bool view_list(std::string_view bytes, std::uint32_t documents, ListView& view);

// Value `index` of `width` bits (0 to 32). Loads 8 bytes.
inline std::uint32_t bits_at(const std::uint8_t* base, std::uint64_t index, std::uint32_t width) {
  const std::uint64_t bit = index * width;
  return static_cast<std::uint32_t>(load<std::uint64_t>(base + (bit >> 3)) >> (bit & 7) &
                                    ((1ull << width) - 1));
}

// All postings, their codes in place of combinations.
void decode_codes(const ListView& view, std::uint32_t frequency, std::vector<RawPosting>& out);

// All postings of a list that is known to be good.
void decode_list(std::string_view bytes, std::uint32_t frequency, std::uint32_t documents,
                 std::vector<RawPosting>& out);

// kCorrupt with what is wrong where a list of `frequency` postings breaks a rule of its format.
Status check_list(std::string_view bytes, std::uint32_t frequency, const Scoring& scoring);

}  // namespace vitrine::text::internal
