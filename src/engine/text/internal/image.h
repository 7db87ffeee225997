// The image of a segment: a header, a table of sections, the sections.
//
//   "VTRTEXT1"  u32 format  u32 sections  u64 image bytes  u32 crc32c of the table  u32 zero
//   table: {u32 kind, u32 crc32c, u64 offset, u64 bytes} each
//   sections, each from a multiple of 64 bytes; kImagePadding zeros at the end
// Section kinds are on disk: add, never renumber.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/result.h"
#include "engine/text/internal/norms.h"
#include "engine/text/schema.h"

namespace vitrine::text::internal {

enum class SectionKind : std::uint32_t {
  kMeta = 1,
  kIds = 2,       // u32 per document; empty where ids are base + number
  kLengths = 3,   // u8 per document, field by field
  kReserved = 4,  // empty
  kTerms = 5,     // blocks of kTermsPerBlock entries
  kBlocks = 6,    // DictionaryBlock per block
  kPostings = 7,
  kPositions = 8,
  kCombinations = 9,  // 8 bytes each: occurrences per field; and u64 counts behind them
};
inline constexpr std::uint32_t kSectionKinds = 9;
inline constexpr std::uint32_t kTermsPerBlock = 32;

// Where a block's parts begin; its entries are in dictionary.h.
struct __attribute__((packed)) DictionaryBlock {
  std::uint64_t postings;
  std::uint32_t terms;
};
static_assert(sizeof(DictionaryBlock) == 12);

struct Meta {
  Schema schema;
  std::uint32_t documents = 0;
  std::uint64_t terms = 0;
  std::uint64_t postings = 0;
  std::uint32_t id_base = 0;
  bool ids_rise = true;  // ids rise with local numbers
  float average[kFieldsMax] = {};
  std::uint64_t tokens[kFieldsMax] = {};
};
void write_meta(const Meta& meta, std::string& out);
// kCorrupt where it makes no sense.
Result<Meta> read_meta(std::string_view bytes);

// The leading 8 bytes, big-endian and zero-filled, so that numbers compare as terms do.
std::uint64_t term_prefix(std::string_view term);

}  // namespace vitrine::text::internal
