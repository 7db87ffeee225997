// What is asked of a search box, and what it answers.
#pragma once

#include <cstdint>
#include <limits>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/ids.h"
#include "engine/text/search.h"

namespace vitrine::search {

inline constexpr std::size_t kQueryTextBytesMax = 512;
inline constexpr std::size_t kQueryWordsMax = 24;   // of a longer text the first ones are searched
inline constexpr std::uint32_t kPageMax = 100;      // items of one answer
inline constexpr std::uint32_t kReachMax = 10'000;  // offset + limit
inline constexpr std::size_t kFacetsMax = 16;
inline constexpr std::uint32_t kFacetValuesMax = 1'000;
inline constexpr std::size_t kFacetRangesMax = 100;

enum class Sort : std::uint8_t { kRelevance, kPriceAscending, kPriceDescending, kNewest, kPopular };
// "relevance", "price_asc", "price_desc", "newest", "popularity".
std::string_view sort_name(Sort sort);
std::optional<Sort> find_sort(std::string_view name);

// from <= value < to.
struct FacetRange {
  double from = -std::numeric_limits<double>::infinity();
  double to = std::numeric_limits<double>::infinity();
};

struct FacetRequest {
  std::string attribute;
  std::uint32_t limit = 10;        // values, most frequent first
  std::vector<FacetRange> ranges;  // of numbers; may overlap
  bool whole_filter = false;       // the filter's conditions about the attribute count as well
};

// Owns nothing.
struct SearchRequest {
  std::string_view text = {};    // UTF-8; blank: all items (browse)
  std::string_view filter = {};  // the filter language; empty: none
  std::span<const FacetRequest> facets = {};
  Sort sort = Sort::kRelevance;
  std::uint32_t offset = 0;
  std::uint32_t limit = 20;
  std::string_view user_id = {};  // both may be empty: a visitor without any id
  std::string_view anonymous_id = {};
  bool personal = true;      // false: the same for everyone
  bool as_you_type = false;  // the last word may go on
  bool highlight = true;
  bool explain = false;
  TimeUs now = 0;  // decay is evaluated at it
};

// How the items were found, in the order in which it is tried.
enum class Match : std::uint8_t {
  kAll,        // a blank text: every item
  kExact,      // all words
  kTypos,      // all words, some of them corrected
  kSomeWords,  // not all of the words
  kNothing,    // nothing: the items are popular ones, or none
};
std::string_view match_name(Match match);  // "all", "exact", "typos", "some_words", "nothing"

// score = relevance * (1 + personal * taste + affinity * near + popularity * wanted + clicks *
// chosen) * stock, with the strengths of the tenant's settings; each part in [0, 1]. docs/search.md
// has the reasons.
struct ScoreParts {
  float text = 0;       // the engine's
  float relevance = 0;  // text, by the best text score of this query
  float taste = 0;
  float near = 0;  // to the visitor, by vectors
  float wanted = 0;
  float chosen = 0;
  float stock = 1;
};

struct Highlight {
  std::string title, description;  // HTML: words found in <em>, the rest escaped
};

struct FoundItem {
  ItemIndex item = kNoItem;
  float score = 0;
  ScoreParts parts;
  Highlight highlight;
  std::vector<text::Searcher::Part> terms;  // with explain
};

struct FacetValue {
  std::string text;  // of strings, lists and booleans
  FacetRange range;  // of numbers
  std::uint64_t count = 0;
};

struct FacetAnswer {
  std::string attribute;
  bool numeric = false;
  std::vector<FacetValue> values;  // by falling count, then text; ranges in the order asked
  std::uint64_t others = 0;        // different values that are not listed
  std::uint64_t with_value = 0;    // of what was counted over, those that have the attribute
  double lowest = 0, highest = 0;  // of numbers, with with_value > 0
};

struct SearchAnswer {
  std::vector<FoundItem> items;
  std::uint64_t total = 0;  // matches; exact
  std::vector<FacetAnswer> facets;
  Match match = Match::kAll;
  std::string searched;      // the text after correction; empty where nothing was corrected
  std::string did_you_mean;  // not searched, but likely; empty: nothing
  std::uint32_t words = 0;   // of the text
  std::uint32_t words_needed = 0;
  std::string redirect;        // where a rule sends this query; empty: nowhere
  bool complete = true;        // false while the catalog is still being taken over
  std::uint64_t position = 0;  // of the log
  double best_text = 0;        // what relevance 1 stands for
  std::uint32_t history = 0;   // entries of the visitor's history
};

}  // namespace vitrine::search
