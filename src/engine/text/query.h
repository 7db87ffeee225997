// A query as a tree. Build it with the functions below or read it with query_parser.h.
//
// Meaning, for one document: a term, phrase or prefix matches or not; kAnd matches if all children
// do, kOr if at least min_match do, kNot if its child does not. The score is the sum over matching
// children; kNot and kFilter children add nothing. A prefix adds its boost, not BM25. A leaf with a
// field looks at that field alone: it matches where the term stands in it, and is scored by what
// stands in it; how rare a term is still counts over all fields.
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
  std::string field;            // of terms, phrases and prefixes: Schema's name; empty: any field

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
// The query with all its leaves that name no field restricted to this one.
Query in_field(std::string field, Query query);

// kInvalidArgument with what is wrong, kTooLarge above the bounds. (Whether there are such fields
// an index says.)
Status check_query(const Query& query);

// "((a AND title:b) OR \"c d\" OR NOT (e*))~2"; for messages and explain.
std::string to_string(const Query& query);

}  // namespace vitrine::text
