// What a text index holds: fields, their weights, and the parameters of its ranking formula.
//
// Ranking is BM25F. For term t in document d, over fields f of weight w_f:
//   x     = sum of w_f * tf(t, d, f) / (1 - b_f + b_f * len(d, f) / average_len(f))
//   score = sum over t of boost(t) * idf(t) * x / (x + k1),  idf = ln(1 + (N - df + 0.5) / (df +
//   0.5))
// With one field of weight 1 that is BM25 as Lucene computes it. Lengths are kept in one byte:
// exact up to 40 tokens, then with 4 significant bits, again as Lucene does.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace vitrine::text {

// The caller's number of a document, any value below kNoDocument; dense ids make small filters.
using DocumentId = std::uint32_t;
inline constexpr DocumentId kNoDocument = 0xFFFFFFFFu;

inline constexpr std::size_t kFieldsMax = 8;
inline constexpr std::size_t kTermBytesMax = 255;  // longer terms are refused
// Occurrences of a term in one field that count; positions beyond are not kept either.
inline constexpr std::uint32_t kOccurrencesMax = 255;
inline constexpr std::uint32_t kPositionMax = (1u << 22) - 1;

struct FieldSpec {
  std::string name;
  float weight = 1.0f;  // > 0
  float b = 0.75f;      // 0 ignores the length, 1 divides by it
};

struct Schema {
  std::vector<FieldSpec> fields{{"text", 1.0f, 0.75f}};  // 1 to kFieldsMax
  float k1 = 1.2f;                                       // > 0
  bool positions = false;                                // needed by phrases
  // Identifies the analyser that made the terms (Analyser::fingerprint()); an index made with
  // another one is refused, because its terms would not be found.
  std::string analyser;

  // kInvalidArgument with what is wrong.
  Status check() const;
  bool operator==(const Schema& other) const;
};

// A term at a position of a field. Terms at the same position (synonyms, parts of compounds)
// follow each other and count once for the length.
struct Token {
  std::string_view term;
  std::uint32_t position = 0;
};

}  // namespace vitrine::text
