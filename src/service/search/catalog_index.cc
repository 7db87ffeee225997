#include "service/search/catalog_index.h"

#include <algorithm>
#include <chrono>

#include "domain/query/query_text.h"

namespace vitrine::search {
namespace {

// While a large catalog is taken over, what is there already can be searched.
constexpr std::size_t kPublishEach = 200'000;
constexpr std::uint64_t kMergedHere = 20'000;
constexpr std::size_t kFewWords = 20'000;
constexpr std::int64_t kWordsPauseNs = 5'000'000'000;

std::int64_t steady_ns() { return std::chrono::steady_clock::now().time_since_epoch().count(); }

text::AnalyserOptions analyser_options(const query::SearchSettings& settings, bool synonyms) {
  text::AnalyserOptions options;
  options.language = settings.language;
  options.stop_words = settings.stop_words;
  if (!synonyms) return options;
  for (const auto& group : settings.synonyms) options.synonyms.push_back({group});
  return options;
}

bool same_texts(const query::SearchSettings& a, const query::SearchSettings& b) {
  return a.language == b.language && a.stop_words == b.stop_words;
}

}  // namespace

// Which rows to look at: those that are known to have changed, or all that may have.
struct CatalogIndex::Plan {
  bool start_over = false;
  bool settings_changed = false;
  query::SearchSettings settings;
  std::uint64_t identity = 0;
  std::uint64_t version = 0;
  TimeUs until = 0;
  bool all = false;
  TimeUs from = 0;                  // with `all`: older rows need no look
  std::vector<std::uint32_t> rows;  // without `all`
  std::size_t next = 0;
  std::size_t end = 0;
};

struct CatalogIndex::Piece {
  struct Change {
    ItemIndex item;
    std::uint64_t hash = 0;  // 0: no longer listed
    ItemText text;
  };
  std::vector<Change> changes;
  ItemText scratch;
};

CatalogIndex::CatalogIndex(CatalogIndexOptions options)
    : options_(options), words_(std::make_shared<const Vocabulary>()) {}
CatalogIndex::~CatalogIndex() = default;

std::shared_ptr<const IndexView> CatalogIndex::view() const {
  const std::lock_guard lock(mutex_);
  return view_;
}

CatalogIndex::Stats CatalogIndex::stats() const {
  Stats stats;
  stats.taken_over = taken_over_;
  if (const auto now = view(); now != nullptr) {
    stats.documents = now->snapshot->documents();
    for (const auto& part : now->snapshot->parts()) stats.bytes += part.segment->bytes().size();
  }
  return stats;
}

Status CatalogIndex::use_settings(const query::SearchSettings& settings) {
  VITRINE_TRY(query_analyser_, text::Analyser::make(analyser_options(settings, true)));
  settings_ = settings;
  return ok_status();
}

Status CatalogIndex::start_over(const query::SearchSettings& settings) {
  VITRINE_TRY(analyser_, text::Analyser::make(analyser_options(settings, false)));
  VITRINE_TRY(use_settings(settings));
  VITRINE_TRY(index_, text::Index::create(index_schema(analyser_->fingerprint())));
  merging_ = false;
  hashes_.clear();
  word_counts_.clear();
  words_published_ = 0;
  complete_ = false;
  return ok_status();
}

void CatalogIndex::make_plan(const SearchState& state, Plan& plan) {
  const catalog::Catalog& catalog = state.catalog();
  plan.identity = catalog.identity();
  plan.version = catalog.version();
  plan.until = state.last_append_time;
  plan.settings_changed = index_ == nullptr || !(state.settings == settings_);
  if (plan.settings_changed) plan.settings = state.settings;
  plan.start_over = index_ == nullptr || identity_ != plan.identity ||
                    (plan.settings_changed && !same_texts(state.settings, settings_));
  if (plan.start_over) {
    plan.settings = state.settings;
    plan.all = true;
    plan.end = catalog.item_count();
    return;
  }
  if (complete_ && catalog.for_each_changed_since(
                       version_, [&](ItemIndex item) { plan.rows.push_back(item.value); })) {
    std::sort(plan.rows.begin(), plan.rows.end());
    plan.rows.erase(std::unique(plan.rows.begin(), plan.rows.end()), plan.rows.end());
    plan.end = plan.rows.size();
    return;
  }
  plan.all = true;
  plan.from = complete_ ? scanned_until_ : catalog::TimeColumn::kAbsent;
  plan.rows.clear();
  plan.end = catalog.item_count();
}

bool CatalogIndex::read_piece(const SearchState& state, Plan& plan, Piece& piece) {
  const catalog::Catalog& catalog = state.catalog();
  piece.changes.clear();
  if (catalog.identity() != plan.identity) return false;
  const ItemTextReader reader(catalog);
  // Rows that need no look cost little, so many of them fit under one lock.
  std::size_t looked = 0;
  for (std::size_t passed = 0; plan.next < plan.end && looked < kRowsPerLock && passed < 16'384;
       ++passed) {
    const std::size_t at = plan.next++;
    const ItemIndex item{plan.all ? static_cast<std::uint32_t>(at) : plan.rows[at]};
    const std::uint64_t known = item.value < hashes_.size() ? hashes_[item.value] : 0;
    const bool listed = catalog.listed(item);
    if (!listed && known == 0) continue;
    if (listed && known != 0 && plan.all && catalog.updated(item) < plan.from) continue;
    ++looked;
    const std::uint64_t hash = reader.hash(item, piece.scratch);
    if (hash == known) continue;
    piece.changes.push_back({item, hash, listed ? piece.scratch : ItemText{}});
  }
  return true;
}

void CatalogIndex::count_words(std::string_view text,
                               const std::vector<text::AnalysedTerm>& terms) {
  seen_words_.clear();
  for (const text::AnalysedTerm& term : terms) {
    if (term.alternative || term.end <= term.begin) continue;
    std::string word = query::normalise(text.substr(term.begin, term.end - term.begin));
    if (word.size() < 2 || word.size() > 48) continue;
    if (std::find(seen_words_.begin(), seen_words_.end(), word) != seen_words_.end()) continue;
    const auto known = word_counts_.find(word);
    if (known != word_counts_.end()) {
      ++known->second;
    } else if (word_counts_.size() < options_.words_max) {
      word_counts_.emplace(word, 1);
    }
    seen_words_.push_back(std::move(word));
  }
}

Status CatalogIndex::add(ItemIndex item, const ItemText& text) {
  std::vector<text::FieldTokens> fields;
  for (std::size_t f = 0; f < kTextFields; ++f) {
    terms_[f].clear();
    tokens_[f].clear();
    const std::string_view all = text.fields[f];
    std::uint32_t position = 0;
    // Lines are apart: no phrase goes over two categories.
    for (std::size_t begin = 0; begin < all.size();) {
      const std::size_t end = f == static_cast<std::size_t>(TextField::kCategories)
                                  ? std::min(all.find('\n', begin), all.size())
                                  : all.size();
      const std::string_view line = all.substr(begin, end - begin);
      const std::size_t first = terms_[f].size();
      analyser_->analyse(line, terms_[f]);
      if (first == 0 && f != static_cast<std::size_t>(TextField::kDescription)) {
        count_words(line, terms_[f]);
      }
      for (std::size_t i = first; i < terms_[f].size(); ++i) terms_[f][i].position += position;
      if (terms_[f].size() > first) position = terms_[f].back().position + 2;
      begin = end + 1;
    }
    for (const text::AnalysedTerm& term : terms_[f]) {
      if (term.text.empty() || term.position > text::kPositionMax) continue;
      tokens_[f].push_back({term.text, term.position});
    }
    if (!tokens_[f].empty()) fields.push_back({static_cast<std::uint8_t>(f), tokens_[f]});
  }
  return index_->add(item.value, fields);
}

Status CatalogIndex::take(Piece& piece) {
  for (const Piece::Change& change : piece.changes) {
    if (change.item.value >= hashes_.size()) hashes_.resize(change.item.value + std::size_t{1}, 0);
    if (change.hash == 0) {
      index_->remove(change.item.value);
    } else {
      VITRINE_TRY(add(change.item, change.text));
      ++taken_over_;
    }
    hashes_[change.item.value] = change.hash;
  }
  return ok_status();
}

// Small indexes are merged here and now; a thread for each tenant would be too many.
void CatalogIndex::look_after_merges() {
  if (merging_) return;
  if (options_.executor != nullptr && index_->info().documents > kMergedHere) {
    index_->start_merging(*options_.executor);
    merging_ = true;
  } else {
    (void)index_->merge_step();
  }
}

void CatalogIndex::publish(std::uint64_t version, bool complete) {
  look_after_merges();
  auto next = std::make_shared<IndexView>();
  next->snapshot = index_->snapshot();
  next->analyser = query_analyser_;
  // Sorting all words for each new one would cost more than it is worth.
  const bool few = word_counts_.size() < kFewWords;
  const std::int64_t now = steady_ns();
  if (word_counts_.size() != words_published_ &&
      (few || now - words_published_at_ > kWordsPauseNs || (complete && !complete_))) {
    words_ = std::make_shared<const Vocabulary>(word_counts_);
    words_published_ = word_counts_.size();
    words_published_at_ = now;
  }
  next->words = words_;
  next->catalog_identity = identity_;
  next->catalog_version = version;
  next->complete = complete;
  const std::lock_guard lock(mutex_);
  view_ = std::move(next);
}

Result<bool> CatalogIndex::refresh(const StateSource& source) {
  Plan plan;
  bool due = false;
  const bool there = source.read([&](const SearchState& state) {
    const catalog::Catalog& catalog = state.catalog();
    due = index_ == nullptr || !complete_ || identity_ != catalog.identity() ||
          version_ != catalog.version() || !(state.settings == settings_);
    if (due) make_plan(state, plan);
  });
  if (!there || !due) return false;
  if (plan.start_over) {
    VITRINE_TRY(start_over(plan.settings));
    identity_ = plan.identity;
  } else if (plan.settings_changed) {
    VITRINE_TRY(use_settings(plan.settings));
  }
  Piece piece;
  bool same = true;
  std::uint64_t since_publish = taken_over_;
  while (same && plan.next < plan.end) {
    source.read([&](const SearchState& state) { same = read_piece(state, plan, piece); });
    if (!same) return true;  // another catalog: the next refresh starts over
    VITRINE_TRY(take(piece));
    if (!complete_ && taken_over_ - since_publish >= kPublishEach) {
      publish(plan.version, false);
      since_publish = taken_over_;
    }
  }
  publish(plan.version, true);
  version_ = plan.version;
  scanned_until_ = plan.until;
  complete_ = true;
  return true;
}

}  // namespace vitrine::search
