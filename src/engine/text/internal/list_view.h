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

// `width` (0 to 32) bits from bit `bit` on. Loads 8 bytes.
inline std::uint32_t bits_from(const std::uint8_t* base, std::uint64_t bit, std::uint32_t width) {
  return static_cast<std::uint32_t>(load<std::uint64_t>(base + (bit >> 3)) >> (bit & 7) &
                                    ((1ull << width) - 1));
}
// Value `index` of `width` bits.
inline std::uint32_t bits_at(const std::uint8_t* base, std::uint64_t index, std::uint32_t width) {
  return bits_from(base, index * width, width);
}
inline std::uint32_t nibble_at(const std::uint8_t* base, std::uint32_t index) {
  return base[index >> 1] >> (4 * (index & 1)) & 15u;
}

// Where the parts of a long list are. Pointers are into the image and may be unaligned.
struct ListView {
  ListHeader header{};
  std::uint32_t frequency = 0;
  std::uint32_t document_bits = 0;  // of best documents
  const std::uint8_t* best = nullptr;
  const std::uint8_t* chunk_starts = nullptr;  // of exceptions
  const std::uint8_t* exceptions = nullptr;
  const std::uint8_t* blocks = nullptr;  // packed: u32 last document each
  const std::uint8_t* levels = nullptr;  // windowed, from here on
  const std::uint8_t* maxima = nullptr;
  const std::uint8_t* supers = nullptr;
  const std::uint8_t* counts = nullptr;
  const std::uint8_t* groups = nullptr;
  const std::uint8_t* payload = nullptr;
  std::uint64_t payload_bytes = 0;

  bool has(ListFlag flag) const { return (header.flags & flag) != 0; }
  bool windowed() const { return has(kWindowed); }
  std::uint32_t last_code() const { return (1u << header.code_bits) - 1; }

  std::uint32_t block_count() const { return (frequency + kBlock - 1) / kBlock; }
  std::uint32_t block_last(std::uint32_t b) const { return load<std::uint32_t>(blocks + 4 * b); }
  std::uint32_t block_start(std::uint32_t b) const { return b == 0 ? 0 : block_last(b - 1) + 1; }
  std::uint32_t block_size(std::uint32_t b) const {
    return frequency - b * kBlock < kBlock ? frequency - b * kBlock : kBlock;
  }
  // The largest value of the block's run.
  std::uint32_t block_most(std::uint32_t b) const {
    return block_last(b) - block_start(b) - (block_size(b) - 1);
  }

  std::uint32_t count(std::uint32_t window) const {
    return has(kNibbleCounts) ? nibble_at(counts, window) : counts[window];
  }
  std::uint8_t maximum(std::uint32_t window) const {
    return has(kNibbleMaxima) ? levels[nibble_at(maxima, window)] : maxima[window];
  }
  std::uint32_t group_offset(std::uint32_t g) const { return load<std::uint32_t>(groups + 4 * g); }

  std::uint32_t best_document(std::uint32_t i) const {
    return bits_from(best, std::uint64_t{i} * (document_bits + header.best_bits), document_bits);
  }
  std::uint32_t best_combination(std::uint32_t i) const {
    return bits_from(best, std::uint64_t{i} * (document_bits + header.best_bits) + document_bits,
                     header.best_bits);
  }
  std::uint32_t row_bytes() const {
    return (has(kExceptionChunks) ? 2u : 4u) + (has(kWideExceptions) ? 2u : 1u);
  }
  // Of row i: the document, or its lower 16 bits; and the combination.
  std::uint32_t row_document(std::uint32_t i) const {
    const std::uint8_t* row = exceptions + std::size_t{i} * row_bytes();
    return has(kExceptionChunks) ? load<std::uint16_t>(row) : load<std::uint32_t>(row);
  }
  std::uint32_t row_combination(std::uint32_t i) const {
    const std::uint8_t* row = exceptions + std::size_t{i} * row_bytes();
    row += has(kExceptionChunks) ? 2 : 4;
    return has(kWideExceptions) ? load<std::uint16_t>(row) : *row;
  }
  // The combination of a posting with this code: looked up where the code stands for exceptions.
  std::uint32_t combination(std::uint32_t document, std::uint32_t code) const {
    return header.exceptions != 0 && code == last_code() ? exception(document) : code;
  }
  std::uint32_t exception(std::uint32_t document) const;
};

// False where the parts don't fit into the bytes. `documents` of the segment; `frequency` is above
// kTinyMax.
bool view_list(std::string_view bytes, std::uint32_t frequency, std::uint32_t documents,
               ListView& view);

// Decodes a run of n documents whose lows begin at `bit` of `base`; gives the bit behind it.
std::uint64_t decode_run(const std::uint8_t* base, std::uint64_t bit, std::uint32_t n,
                         std::uint32_t low, std::uint32_t start, std::uint32_t* out);

// All postings, their codes in place of combinations.
void decode_codes(const ListView& view, std::vector<RawPosting>& out);

// Whether a tiny list is a stream of bits, see list_format.h.
inline bool is_run(std::string_view tiny) { return (tiny.back() & 0x80) != 0; }
// A tiny list in varints.
void decode_varints(std::string_view bytes, std::uint32_t n, std::uint32_t* documents,
                    std::uint32_t* combinations);
// Combinations of a tiny list whose run ended at bit `end`, for postings of known documents.
void decode_tiny_codes(std::string_view bytes, std::uint64_t end, std::uint32_t n,
                       std::uint32_t* combinations);

// All postings of a list that is known to be good.
void decode_list(std::string_view bytes, std::uint32_t frequency, std::uint32_t documents,
                 std::vector<RawPosting>& out);

// kCorrupt with what is wrong where a list of `frequency` postings breaks a rule of its format.
Status check_list(std::string_view bytes, std::uint32_t frequency, const Scoring& scoring);

}  // namespace vitrine::text::internal
