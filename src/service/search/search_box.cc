#include "service/search/search_box.h"

#include <algorithm>
#include <chrono>

#include "domain/query/query_text.h"
#include "service/search/completion_sources.h"
#include "service/search/facet_scope.h"
#include "service/search/highlight.h"
#include "service/search/ranking.h"

namespace vitrine::search {
namespace {

constexpr std::size_t kSnippetBytes = 240;
constexpr std::size_t kSnippetSource = 1'000;
// Completions that go beyond what is known are tried on the index: so many.
constexpr std::size_t kTriedCompletions = 4;
// Making completions anew takes at most this share of a processor: one part in.
constexpr std::int64_t kCompletionShare = 20;
constexpr std::int64_t kCompletionPauseNs = 100'000'000;

std::int64_t steady_ns() { return std::chrono::steady_clock::now().time_since_epoch().count(); }

Error bad_field(std::string_view field, const std::string& what) {
  return Error(ErrorCode::kInvalidArgument, std::string(field) + ": " + what)
      .with_reason("invalid_request");
}

Status check_request(const SearchRequest& request) {
  if (request.text.size() > kQueryTextBytesMax) {
    return bad_field("query", "may have " + std::to_string(kQueryTextBytesMax) + " bytes, got " +
                                  std::to_string(request.text.size()) +
                                  "; send what was typed, not a document");
  }
  if (request.limit < 1 || request.limit > kPageMax) {
    return bad_field("limit", "must be from 1 to " + std::to_string(kPageMax));
  }
  if (std::uint64_t{request.offset} + request.limit > kReachMax) {
    return Error(ErrorCode::kInvalidArgument,
                 "offset: offset + limit may be " + std::to_string(kReachMax) + ", got " +
                     std::to_string(std::uint64_t{request.offset} + request.limit) +
                     "; narrow the search with a filter instead")
        .with_reason("paging_limit");
  }
  if (request.facets.size() > kFacetsMax) {
    return bad_field("facets", "at most " + std::to_string(kFacetsMax));
  }
  return ok_status();
}

// The rule that sends this query elsewhere; `words`: its words stand in the query in this order.
std::string redirect_of(const query::SearchSettings& settings, const std::string& text) {
  for (const query::Redirect& redirect : settings.redirects) {
    const std::string wanted = query::normalise(redirect.query);
    if (text == wanted) return redirect.url;
    if (!redirect.whole && (" " + text + " ").find(" " + wanted + " ") != std::string::npos) {
      return redirect.url;
    }
  }
  return {};
}

void add_highlights(const catalog::Catalog& catalog, const IndexView& view,
                    const text::Query& query, SearchAnswer& answer) {
  const WantedTerms wanted(query);
  if (wanted.empty()) return;
  ItemText text;
  const ItemTextReader reader(catalog);
  for (FoundItem& item : answer.items) {
    reader.read(item.item, text);
    item.highlight.title = highlight(text[TextField::kTitle], *view.analyser, wanted);
    if (text[TextField::kDescription].empty()) continue;
    // Of a long description the beginning is enough to show.
    std::string& description = text[TextField::kDescription];
    if (description.size() > kSnippetSource) {
      const std::size_t blank = description.rfind(' ', kSnippetSource);
      description.resize(blank == std::string::npos ? kSnippetSource : blank);
    }
    item.highlight.description = highlight(description, *view.analyser, wanted, kSnippetBytes);
  }
}

// Narrows `out` to what passes the filter.
Status keep_passing(const SearchState& state, FilterCaches caches,
                    const filter::ParsedFilter& filter, TimeUs now, catalog::RowBits& evaluated,
                    text::IdSet& out) {
  std::span<const std::uint64_t> passing;
  recommend::MatchCache::Set matches;  // keeps `passing`
  if (!filter.uses_now()) matches = caches.matches.find(filter.canonical(), state.catalog());
  if (matches == nullptr) {
    auto bound = filter::bind(filter, state.catalog(), now);
    if (!bound.ok()) return std::move(bound).error().context("filter");
    if (filter.uses_now()) {
      bound->evaluate(evaluated);
      passing = evaluated.words();
    } else {
      matches = caches.matches.make(filter.canonical(), *bound, state.catalog());
    }
  }
  if (matches != nullptr) passing = matches->bits().words();
  const std::span<std::uint64_t> words = out.words();
  for (std::size_t i = 0; i < words.size(); ++i) words[i] &= i < passing.size() ? passing[i] : 0;
  return ok_status();
}

// Listed items, those of them that pass the filter if there is one.
Status allow(const SearchState& state, FilterCaches caches, const filter::ParsedFilter* filter,
             TimeUs now, catalog::RowBits& evaluated, text::IdSet& out) {
  const std::span<const std::uint64_t> listed = state.catalog().listed_bits().words();
  out.reset(static_cast<std::uint32_t>(listed.size() * 64));
  std::copy(listed.begin(), listed.end(), out.words().begin());
  return filter == nullptr ? ok_status()
                           : keep_passing(state, caches, *filter, now, evaluated, out);
}

// Over all matches, or for a facet whose attribute the filter narrows, over what would match
// without those conditions.
Status count_all_facets(const SearchState& state, FilterCaches caches, const IndexView* view,
                        const SearchRequest& request, SearchScratch& scratch,
                        SearchAnswer& answer) {
  const catalog::Catalog& catalog = state.catalog();
  const Selection& found = scratch.selection;
  FacetScopes scopes;
  if (!request.filter.empty() && !request.facets.empty()) {
    VITRINE_TRY(const auto parsed, caches.filters.parse(request.filter));
    scopes = split_filter(parsed, request.facets);
  }
  if (scopes.own.empty()) {
    count_facets(catalog, found.matches.words(), request.facets, scratch.facets, answer.facets);
    return ok_status();
  }
  VITRINE_TRY(allow(state, caches, scopes.rest ? &*scopes.rest : nullptr, request.now,
                    scratch.evaluated, scratch.scope));
  if (found.match == Match::kNothing) {
    scratch.scope.reset(0);
  } else if (found.match != Match::kAll) {
    text::SearchResult all;
    text::SearchOptions options;
    options.k = 0;
    options.filter = &scratch.scope;
    options.matches = &scratch.facet_matches;
    scratch.facet_matches.reset(static_cast<std::uint32_t>(catalog.item_count()));
    VITRINE_TRY(scratch.searcher.search(*view->snapshot, found.query, options, all));
    std::swap(scratch.scope, scratch.facet_matches);
  }
  for (const FacetRequest& facet : request.facets) {
    const std::size_t own = scopes.find(facet);
    std::span<const std::uint64_t> matches = found.matches.words();
    if (own < scopes.own.size()) {
      scratch.facet_matches = scratch.scope;
      for (std::size_t i = 0; i < scopes.own.size(); ++i) {
        if (i == own) continue;
        VITRINE_TRY(keep_passing(state, caches, scopes.own[i].conditions, request.now,
                                 scratch.evaluated, scratch.facet_matches));
      }
      matches = scratch.facet_matches.words();
    }
    count_facets(catalog, matches, std::span(&facet, 1), scratch.facets, answer.facets);
  }
  return ok_status();
}

}  // namespace

SearchBox::SearchBox(SearchBoxOptions options, std::shared_ptr<const StateSource> source)
    : options_(options),
      source_(std::move(source)),
      index_(options.index),
      content_(std::make_shared<ContentIndex>(options.content)),
      completions_(std::make_shared<const Completions>()) {}
SearchBox::~SearchBox() = default;

Status SearchBox::find(const SearchState& state, FilterCaches caches, const IndexView* view,
                       const SearchRequest& request, SearchScratch& scratch,
                       SearchAnswer& answer) const {
  Selection& found = scratch.selection;
  const std::string text = query::normalise(request.text);
  if (text.empty()) {
    found.matches = scratch.allowed;
    found.result.hits.clear();
    found.result.count = found.matches.count();
    found.query = {};
    found.match = Match::kAll;
    found.words = found.words_needed = 0;
    found.searched.clear();
    found.did_you_mean.clear();
  } else {
    answer.redirect = redirect_of(state.settings, text);
    const std::uint32_t k =
        request.sort == Sort::kRelevance ? std::max(kTextPool, request.offset + request.limit) : 1;
    VITRINE_TRY(select(*view, state.settings, request, scratch.allowed, k,
                       static_cast<std::uint32_t>(state.catalog().item_count()), scratch.searcher,
                       found));
  }
  answer.match = found.match;
  answer.words = found.words;
  answer.words_needed = found.words_needed;
  answer.searched = found.searched;
  answer.did_you_mean = found.did_you_mean;
  answer.total = found.match == Match::kNothing ? 0 : found.result.count;
  VITRINE_TRY(count_all_facets(state, caches, view, request, scratch, answer));

  if (request.personal && (state.settings.personal > 0 || state.settings.affinity > 0)) {
    VITRINE_TRY(scratch.taste.read(state, request.user_id, request.anonymous_id, request.now));
    if (state.settings.affinity > 0) {
      const auto* const model = options_.model_vectors.get();
      scratch.taste.read_vectors(model == nullptr ? nullptr : model->current(),
                                 content_->current());
    }
  } else {
    scratch.taste.read_nobody();
  }
  answer.history = scratch.taste.history();
  const std::string& searched = found.searched.empty() ? text : found.searched;
  Ranking ranking(state, request, found, scratch.taste,
                  text.empty() ? nullptr : state.queries.find(searched));
  if (found.match != Match::kNothing) {
    return ranking.page(text.empty() ? nullptr : view, scratch.searcher, answer);
  }
  if (state.settings.fallback && request.offset == 0) ranking.fallback(scratch.allowed, answer);
  return ok_status();
}

Status SearchBox::search(const SearchState& state, FilterCaches caches,
                         const SearchRequest& request, SearchScratch& scratch,
                         SearchAnswer& answer) const {
  answer = {};
  answer.position = state.shop.position;
  VITRINE_TRY(check_request(request));
  VITRINE_TRY(check_facets(state.catalog(), request.facets));
  const std::shared_ptr<const IndexView> view = index_.view();
  answer.complete = view != nullptr && view->complete;
  const bool blank = query::normalise(request.text).empty();
  // A tenant without any item has nothing to wait for.
  if (view == nullptr && !blank && state.catalog().listed_count() > 0) {
    return Error(ErrorCode::kUnavailable, "the catalog is being indexed; ask again in a moment")
        .with_reason("index_not_ready")
        .with_retry_after(1);
  }
  std::optional<filter::ParsedFilter> filter;
  if (!request.filter.empty()) {
    auto parsed = caches.filters.parse(request.filter);
    if (!parsed.ok()) return std::move(parsed).error().context("filter");
    filter.emplace(std::move(parsed).value());
  }
  VITRINE_TRY(allow(state, caches, filter ? &*filter : nullptr, request.now, scratch.evaluated,
                    scratch.allowed));
  if (view == nullptr && !blank) {
    answer.match = Match::kNothing;
    return ok_status();
  }
  VITRINE_TRY(find(state, caches, view.get(), request, scratch, answer));
  if (blank || view == nullptr) return ok_status();
  if (request.highlight) {
    add_highlights(state.catalog(), *view, scratch.selection.query, answer);
  }
  if (!request.explain || answer.match == Match::kNothing) return ok_status();
  for (FoundItem& item : answer.items) {
    VITRINE_TRY(item.terms, scratch.searcher.explain(*view->snapshot, scratch.selection.query,
                                                     item.item.value));
  }
  return ok_status();
}

// The text with its last word completed by words of the catalog, where such items are.
void SearchBox::complete_last_word(std::string_view text, std::size_t limit,
                                   text::Searcher& searcher, SuggestAnswer& answer) const {
  const auto view = index_.view();
  if (view == nullptr) return;
  const std::size_t blank = text.rfind(' ');
  const std::string head(blank == std::string_view::npos ? std::string_view()
                                                         : text.substr(0, blank + 1));
  const std::string_view tail = text.substr(head.size());
  if (tail.empty()) return;
  text::SearchResult result;
  for (const auto& word : view->words->completions(tail, kTriedCompletions)) {
    if (answer.entries.size() >= limit) return;
    std::string whole = head + std::string(word.word);
    const bool known =
        std::any_of(answer.entries.begin(), answer.entries.end(),
                    [&](const auto& entry) { return query::normalise(entry.text) == whole; });
    if (known) continue;
    if (!head.empty()) {
      const text::Query query = view->analyser->query_for(whole, true);
      if (!text::check_query(query).ok() ||
          !searcher.search(*view->snapshot, query, {.k = 1}, result).ok() || result.hits.empty()) {
        continue;
      }
    }
    answer.entries.push_back({std::move(whole), CompletionKind::kQuery});
  }
}

void SearchBox::suggest(std::string_view text, std::size_t limit, text::Searcher& searcher,
                        SuggestAnswer& answer) const {
  answer.entries.clear();
  limit = std::min(limit, kSuggestMost);
  std::shared_ptr<const Completions> completions;
  {
    const std::lock_guard lock(mutex_);
    completions = completions_;
  }
  std::string prefix = query::normalise(text);
  if (!prefix.empty() && text.ends_with(' ')) prefix += ' ';
  for (const Completion* completion : completions->find(prefix, limit)) {
    answer.entries.push_back({completion->text, completion->kind});
  }
  if (answer.entries.size() < limit) complete_last_word(prefix, limit, searcher, answer);
}

bool SearchBox::refresh_completions() {
  const auto view = index_.view();
  const std::int64_t begin = steady_ns();
  if (view == nullptr || !view->complete || begin < completions_due_ns_) return false;
  std::uint64_t queries = 0;
  source_->read([&](const SearchState& state) { queries = state.queries.version(); });
  if (queries == completed_queries_ && view->catalog_identity == completed_identity_ &&
      view->catalog_version == completed_version_) {
    return false;
  }
  auto made =
      std::make_shared<const Completions>(gather_completions(*source_, *view, options_.titles_max));
  {
    const std::lock_guard lock(mutex_);
    completions_ = std::move(made);
  }
  completed_queries_ = queries;
  completed_identity_ = view->catalog_identity;
  completed_version_ = view->catalog_version;
  const std::int64_t end = steady_ns();
  completions_due_ns_ = end + std::max(kCompletionPauseNs, kCompletionShare * (end - begin));
  return true;
}

Status SearchBox::save() {
  VITRINE_TRY(index_.save());
  return content_->save();
}

Result<bool> SearchBox::refresh() {
  VITRINE_TRY(const bool changed, index_.refresh(*source_));
  VITRINE_TRY(const bool vectors, content_->refresh(*source_));
  const bool completed = refresh_completions();
  return changed || vectors || completed;
}

}  // namespace vitrine::search
