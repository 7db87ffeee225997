#include "service/search/search_box.h"

#include <algorithm>
#include <chrono>

#include "domain/query/query_text.h"
#include "service/search/completion_sources.h"
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

}  // namespace

SearchBox::SearchBox(SearchBoxOptions options, std::shared_ptr<const StateSource> source)
    : options_(options),
      source_(std::move(source)),
      index_(options.index),
      completions_(std::make_shared<const Completions>()) {}
SearchBox::~SearchBox() = default;

// scratch.allowed: listed items that pass the filter.
Status SearchBox::allow(const SearchState& state, FilterCaches caches, const SearchRequest& request,
                        SearchScratch& scratch) const {
  const catalog::Catalog& catalog = state.catalog();
  std::span<const std::uint64_t> passing;
  recommend::MatchCache::Set matches;  // keeps `passing`
  if (!request.filter.empty()) {
    auto parsed = caches.filters.parse(request.filter);
    if (!parsed.ok()) return std::move(parsed).error().context("filter");
    if (!parsed->uses_now()) matches = caches.matches.find(parsed->canonical(), catalog);
    if (matches == nullptr) {
      auto bound = filter::bind(*parsed, catalog, request.now);
      if (!bound.ok()) return std::move(bound).error().context("filter");
      if (parsed->uses_now()) {
        bound->evaluate(scratch.evaluated);
        passing = scratch.evaluated.words();
      } else {
        matches = caches.matches.make(parsed->canonical(), *bound, catalog);
      }
    }
    if (matches != nullptr) passing = matches->bits().words();
  }
  const std::span<const std::uint64_t> listed = catalog.listed_bits().words();
  scratch.allowed.reset(static_cast<std::uint32_t>(listed.size() * 64));
  const std::span<std::uint64_t> allowed = scratch.allowed.words();
  for (std::size_t i = 0; i < listed.size(); ++i) {
    const std::uint64_t pass = request.filter.empty() ? ~std::uint64_t{0}
                               : i < passing.size()   ? passing[i]
                                                      : 0;
    allowed[i] = listed[i] & pass;
  }
  return ok_status();
}

Status SearchBox::find(const SearchState& state, const IndexView* view,
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
  count_facets(state.catalog(), found.matches.words(), request.facets, scratch.facets,
               answer.facets);

  if (request.personal && state.settings.personal > 0) {
    VITRINE_TRY(scratch.taste.read(state, request.user_id, request.anonymous_id, request.now));
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
  VITRINE_TRY(allow(state, caches, request, scratch));
  if (view == nullptr && !blank) {
    answer.match = Match::kNothing;
    return ok_status();
  }
  VITRINE_TRY(find(state, view.get(), request, scratch, answer));
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

Result<bool> SearchBox::refresh() {
  VITRINE_TRY(const bool changed, index_.refresh(*source_));
  const bool completed = refresh_completions();
  return changed || completed;
}

}  // namespace vitrine::search
