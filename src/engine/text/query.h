// A query as a tree. Build it with the functions below or read it with query_parser.h.
//
// Meaning, for one document: a term, phrase or prefix matches or not; kAnd matches if all children
// do, kOr if at least min_match do, kNot if its child does not. The score is the sum over matching
// children; kNot and kFilter children add nothing. A prefix adds its boost, not BM25.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/result.h"

namespace vitrine::text {

struct Query {
  enum class Kind : std::uint8_t {
    kNothing,  // matches no document
    kTerm,     // terms[0]
    kPrefix,   // all terms that begin with terms[0]
    kPhrase,   // terms in this order at consecutive positions of one field
    kAnd,
    kOr,
    kNot,     // exactly one child; a query of nothing but kNot matches the rest, with score 0
    kFilter,  // exactly one child: matches as it does, adds nothing to the score
  };

  Kind kind = Kind::kNothing;
  float boost = 1.0f;  // >= 0, finite; of terms, phrases and prefixes
  std::vector<std::string> terms;
  std::vector<Query> children;
  std::uint32_t min_match = 1;  // of kOr

  bool operator==(const Query&) const = default;
};

// Bounds of one query: leaves in total, depth, terms of a phrase.
inline constexpr std::size_t kQueryLeavesMax = 1024;
inline constexpr std::size_t kQueryDepthMax = 32;
inline constexpr std::size_t kPhraseTermsMax = 64;

Query term(std::string text, float boost = 1.0f);
Query prefix(std::string text, float boost = 1.0f);
Query phrase(std::vector<std::string> terms, float boost = 1.0f);
Query all_of(std::vector<Query> children);
Query any_of(std::vector<Query> children, std::uint32_t min_match = 1);
Query none_of(Query child);
Query filter_by(Query child);

// kInvalidArgument with what is wrong, kTooLarge above the bounds.
Status check_query(const Query& query);

// "(a AND b) OR \"c d\" OR NOT e*"; for messages and explain.
std::string to_string(const Query& query);

}  // namespace vitrine::text
