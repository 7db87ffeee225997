// The search box of one tenant: what its visitors type becomes lists of items and completions.
//
//   catalog_index.h  the texts of the catalog, kept level with it
//   query_reader.h   words to queries; selection.h: which items they find
//   taste.h          what is known of the visitor; ranking.h: the order
//   facets.h, highlight.h, completions.h
//
// Deterministic: equal state, index and request give equal answers.
//
// Thread-safe: search() and suggest() from any number of threads, each with a scratch of its own;
// refresh() from one at a time (indexer.h).
#pragma once

#include <atomic>
#include <memory>
#include <mutex>
#include <string_view>

#include "base/result.h"
#include "service/recommend/filter_cache.h"
#include "service/recommend/match_cache.h"
#include "service/search/catalog_index.h"
#include "service/search/completions.h"
#include "service/search/content_index.h"
#include "service/search/facets.h"
#include "service/search/search_request.h"
#include "service/search/search_state.h"
#include "service/search/selection.h"
#include "service/search/taste.h"

namespace vitrine::search {

// Filters of this tenant; the Recommender's.
struct FilterCaches {
  recommend::FilterCache& filters;
  recommend::MatchCache& matches;
};

// Working memory of one thread: about an eighth of a byte an item, three times.
struct SearchScratch {
  text::Searcher searcher;
  text::IdSet allowed;
  catalog::RowBits evaluated;
  text::IdSet scope, facet_matches;  // of facets that leave a condition out
  Selection selection;
  Taste taste;
  FacetScratch facets;
};

inline constexpr std::size_t kSuggestMost = 20;

struct SuggestAnswer {
  struct Entry {
    std::string text;
    CompletionKind kind = CompletionKind::kQuery;
  };
  std::vector<Entry> entries;  // best first, each text once
};

struct SearchBoxOptions {
  CatalogIndexOptions index;
  // Titles that suggest() knows: the most popular ones, then the newest.
  std::size_t titles_max = 100'000;
  ContentIndexOptions content;
  // Of a trained model; they go before those of the contents. May be null.
  std::shared_ptr<const recommend::ItemVectorsProvider> model_vectors;
};

class SearchBox {
 public:
  // `source` outlives the box or is shared with it.
  SearchBox(SearchBoxOptions options, std::shared_ptr<const StateSource> source);
  ~SearchBox();

  // Replaces `answer`. kInvalidArgument names the field and what would be right; kUnavailable while
  // nothing of the catalog is indexed yet.
  Status search(const SearchState& state, FilterCaches caches, const SearchRequest& request,
                SearchScratch& scratch, SearchAnswer& answer) const;

  // Completions of `text` (UTF-8, blanks at its end count: they end the word). Needs no lock of
  // the state.
  void suggest(std::string_view text, std::size_t limit, text::Searcher& searcher,
               SuggestAnswer& answer) const;

  // Makes the indexes durable, where they have a store: before the process ends. From the indexer's
  // thread, or when it has stopped.
  Status save();
  // Takes over what changed, on the indexer's thread. Whether there was anything.
  Result<bool> refresh();

  std::shared_ptr<const IndexView> view() const { return index_.view(); }
  CatalogIndex::Stats stats() const { return index_.stats(); }
  // What the items' contents say about likeness, kept level by refresh(); never null.
  std::shared_ptr<const ContentIndex> content() const { return content_; }

 private:
  Status find(const SearchState& state, FilterCaches caches, const IndexView* view,
              const SearchRequest& request, SearchScratch& scratch, SearchAnswer& answer) const;
  void complete_last_word(std::string_view text, std::size_t limit, text::Searcher& searcher,
                          SuggestAnswer& answer) const;
  bool refresh_completions();

  const SearchBoxOptions options_;
  const std::shared_ptr<const StateSource> source_;
  CatalogIndex index_;
  const std::shared_ptr<ContentIndex> content_;

  // Of refresh().
  std::uint64_t completed_queries_ = ~std::uint64_t{0};
  std::uint64_t completed_identity_ = 0, completed_version_ = 0;  // of the catalog
  std::int64_t completions_due_ns_ = 0;

  mutable std::mutex mutex_;
  std::shared_ptr<const Completions> completions_;  // guarded by mutex_
};

}  // namespace vitrine::search
