#include "service/search/selection.h"

#include <array>

#include "service/search/query_reader.h"

namespace vitrine::search {
namespace {

// Fewer matches than this are worth the question whether something else was meant.
constexpr std::uint64_t kFewMatches = 5;

constexpr std::array<std::string_view, 5> kSortNames{"relevance", "price_asc", "price_desc",
                                                     "newest", "popularity"};
constexpr std::array<std::string_view, 5> kMatchNames{"all", "exact", "typos", "some_words",
                                                      "nothing"};

class Attempts {
 public:
  Attempts(const IndexView& view, const text::IdSet& allowed, std::uint32_t k, std::uint32_t rows,
           text::Searcher& searcher, Selection& out)
      : view_(view), k_(k), rows_(rows), searcher_(searcher), out_(out) {
    options_.k = k_;
    options_.filter = &allowed;
  }
  // Whether it found anything.
  Result<bool> run(text::Query query, Match match, std::uint32_t needed) {
    if (query.kind == text::Query::Kind::kNothing || !text::check_query(query).ok()) return false;
    out_.matches.reset(rows_);
    options_.matches = &out_.matches;
    VITRINE_TRY(searcher_.search(*view_.snapshot, query, options_, out_.result));
    if (out_.result.count == 0) return false;
    out_.query = std::move(query);
    out_.match = match;
    out_.words_needed = needed;
    return true;
  }

 private:
  const IndexView& view_;
  std::uint32_t k_;
  std::uint32_t rows_;
  text::Searcher& searcher_;
  Selection& out_;
  text::SearchOptions options_;
};

}  // namespace

std::string_view sort_name(Sort sort) { return kSortNames.at(static_cast<std::size_t>(sort)); }
std::string_view match_name(Match match) { return kMatchNames.at(static_cast<std::size_t>(match)); }

std::optional<Sort> find_sort(std::string_view name) {
  for (std::size_t i = 0; i < kSortNames.size(); ++i) {
    if (kSortNames[i] == name) return static_cast<Sort>(i);
  }
  return std::nullopt;
}

Status select(const IndexView& view, const query::SearchSettings& settings,
              const SearchRequest& request, const text::IdSet& allowed, std::uint32_t k,
              std::uint32_t rows, text::Searcher& searcher, Selection& out) {
  QueryReader reader(view, request.text, request.as_you_type);
  out.searched.clear();
  out.did_you_mean.clear();
  out.words = static_cast<std::uint32_t>(reader.words());
  Attempts attempts(view, allowed, k, rows, searcher, out);
  VITRINE_TRY(bool found, attempts.run(reader.exact(), Match::kExact, out.words));
  if (found) {
    if (settings.typo_tolerance && out.result.count < kFewMatches) {
      out.did_you_mean = reader.likely_meant();
    }
    return ok_status();
  }
  if (settings.typo_tolerance) {
    if (reader.correct()) {
      VITRINE_TRY(found, attempts.run(reader.corrected(), Match::kTypos, out.words));
    }
    const std::string corrected = reader.corrected_text();
    (found ? out.searched : out.did_you_mean) = corrected;
    if (found) return ok_status();
  }
  // All findable words but one, half of them, one: three steps whatever the length.
  const std::uint32_t findable = reader.findable();
  const std::array<std::uint32_t, 3> steps{findable < out.words ? findable : findable - 1,
                                           (findable + 1) / 2, 1};
  std::uint32_t last = findable + 1;
  for (const std::uint32_t needed : steps) {
    if (findable == 0 || needed == 0 || needed >= last) continue;
    last = needed;
    VITRINE_TRY(found, attempts.run(reader.some(needed), Match::kSomeWords, needed));
    if (found) return ok_status();
  }
  out.matches.reset(rows);
  out.result.hits.clear();
  out.query = {};
  out.match = Match::kNothing;
  out.words_needed = 0;
  return ok_status();
}

}  // namespace vitrine::search
