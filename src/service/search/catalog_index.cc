#include "service/search/catalog_index.h"

#include <algorithm>
#include <chrono>

#include "domain/query/query_text.h"
#include "platform/obs/log.h"
#include "service/search/texts_state.h"

namespace vitrine::search {
namespace {

// While a large catalog is taken over, what is there already can be searched.
constexpr std::size_t kPublishEach = 200'000;
constexpr std::uint64_t kMergedHere = 20'000;
constexpr std::size_t kFewWords = 20'000;
constexpr std::int64_t kWordsPauseNs = 5'000'000'000;
constexpr std::string_view kTextDirectory = "text";
constexpr std::string_view kTextsState = "texts.state";

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

// Making durable, beside what goes on. The state is of the moment of its making, the index of that
// moment or a later one: what it has more of is added again at the next start.
struct CatalogIndex::Save {
  void run() {
    const std::string payload = encode_texts_state(state);
    state = {};
    status = index->flush();
    if (status.ok()) status = write_state(store, kTextsState, payload);
    done.store(true, std::memory_order_release);
  }
  IndexStore store;
  std::shared_ptr<text::Index> index;
  TextsState state;
  Status status = ok_status();
  std::atomic<bool> done{false};
  std::unique_ptr<Task> task;  // last: waited for before the rest goes
};

CatalogIndex::CatalogIndex(CatalogIndexOptions options)
    : options_(std::move(options)),
      words_(std::make_shared<const Vocabulary>()),
      saved_ns_(steady_ns()) {}
CatalogIndex::~CatalogIndex() = default;

std::shared_ptr<const IndexView> CatalogIndex::view() const {
  const std::lock_guard lock(mutex_);
  return view_;
}

CatalogIndex::Stats CatalogIndex::stats() const {
  Stats stats;
  stats.taken_over = taken_over_;
  stats.loaded = loaded_;
  stats.saves = saves_;
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

// Empty, and in the store's directory where there is one that can be used.
Result<std::shared_ptr<text::Index>> CatalogIndex::fresh_index() {
  const text::Schema schema = index_schema(analyser_->fingerprint());
  if (options_.store.there()) {
    index_.reset();  // lets go of the directory
    const auto open = [&]() -> Result<std::unique_ptr<text::Index>> {
      const auto all = [](std::string_view) { return true; };
      VITRINE_TRY(options_.store.files->create_directories(options_.store.directory));
      // The state first: it must never speak of an index that is not there.
      VITRINE_TRY(remove_files(options_.store, "",
                               [](std::string_view name) { return name == kTextsState; }));
      VITRINE_TRY(options_.store.files->sync_directory(options_.store.directory));
      VITRINE_TRY(remove_files(options_.store, kTextDirectory, all));
      return text::Index::open(*options_.store.files, options_.store.path(kTextDirectory), schema);
    };
    auto opened = open();
    if (opened.ok()) return std::shared_ptr<text::Index>(std::move(opened).value());
    obs::log_warn("search_index_not_stored",
                  {{"directory", options_.store.directory}, {"error", opened.error()}});
  }
  VITRINE_TRY(auto made, text::Index::create(schema));
  return std::shared_ptr<text::Index>(std::move(made));
}

Status CatalogIndex::try_load(const query::SearchSettings& settings, std::uint64_t position) {
  const IndexStore& store = options_.store;
  VITRINE_TRY(const std::string payload, read_state(store, kTextsState));
  VITRINE_TRY(TextsState state, decode_texts_state(payload));
  if (state.language != settings.language || state.stop_words != settings.stop_words) {
    return Error(ErrorCode::kConflict, "it was made for other settings of the language");
  }
  if (state.position > position) {
    return Error(ErrorCode::kConflict, "it is of position " + std::to_string(state.position) +
                                           ", and the state only at " + std::to_string(position));
  }
  VITRINE_TRY(analyser_, text::Analyser::make(analyser_options(settings, false)));
  VITRINE_TRY(use_settings(settings));
  VITRINE_TRY(auto index, text::Index::open_existing(*store.files, store.path(kTextDirectory)));
  if (!(index->schema() == index_schema(analyser_->fingerprint()))) {
    return Error(ErrorCode::kConflict, "it was made by another analyser");
  }
  index_ = std::move(index);
  merging_ = false;
  word_counts_ = std::move(state.word_counts);
  words_published_ = 0;
  follower_.remember(std::move(state.hashes));
  loaded_ = index_->info().documents;
  return ok_status();
}

void CatalogIndex::load(const query::SearchSettings& settings, std::uint64_t position) {
  load_tried_ = true;
  if (!options_.store.there()) return;
  const std::int64_t begin = steady_ns();
  const Status loaded = try_load(settings, position);
  if (loaded.ok()) {
    obs::log_info("search_index_loaded",
                  {{"directory", options_.store.directory},
                   {"documents", loaded_.load()},
                   {"seconds", static_cast<double>(steady_ns() - begin) / 1e9}});
  } else if (loaded.error().code() != ErrorCode::kNotFound) {
    obs::log_warn("search_index_discarded",
                  {{"directory", options_.store.directory}, {"error", loaded.error()}});
  }
}

bool CatalogIndex::save_due() const {
  if (!options_.store.there() || save_ != nullptr || unsaved_ == 0 || !follower_.complete()) {
    return false;
  }
  const std::int64_t since = steady_ns() - saved_ns_;
  if (since < options_.save_pause_ns) return false;
  return unsaved_ * options_.save_share >= index_->info().documents ||
         since >= options_.save_pause_ns * options_.save_pauses_most;
}

void CatalogIndex::start_save() {
  unsaved_ = 0;
  saved_ns_ = steady_ns();
  save_ = std::make_unique<Save>();
  save_->store = options_.store;
  save_->index = index_;
  const auto hashes = follower_.hashes();
  save_->state = {.language = settings_.language,
                  .stop_words = settings_.stop_words,
                  .position = follower_.position(),
                  .hashes = {hashes.begin(), hashes.end()},
                  .word_counts = word_counts_};
  if (options_.executor != nullptr) {
    save_->task =
        options_.executor->run_thread("search-save", [save = save_.get()] { save->run(); });
  } else {
    save_->run();
  }
}

// Waits for a save that runs.
Status CatalogIndex::finish_save() {
  if (save_ == nullptr) return ok_status();
  save_->task.reset();
  const Status status = std::move(save_->status);
  save_.reset();
  if (status.ok()) ++saves_;
  return status;
}

Status CatalogIndex::save() {
  VITRINE_TRY(finish_save());
  if (!options_.store.there() || !follower_.complete() || unsaved_ == 0) return ok_status();
  start_save();
  return finish_save();
}

Status CatalogIndex::start_over(const query::SearchSettings& settings) {
  VITRINE_TRY(analyser_, text::Analyser::make(analyser_options(settings, false)));
  VITRINE_TRY(use_settings(settings));
  VITRINE_TRY(finish_save());
  VITRINE_TRY(index_, fresh_index());
  merging_ = false;
  word_counts_.clear();
  words_published_ = 0;
  return ok_status();
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

Status CatalogIndex::take(std::span<const CatalogFollower::Change> changes) {
  for (const CatalogFollower::Change& change : changes) {
    if (change.hash == 0) {
      index_->remove(change.item.value);
    } else {
      VITRINE_TRY(add(change.item, change.text));
      ++taken_over_;
    }
  }
  follower_.took(changes);
  unsaved_ += changes.size();
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
      (few || now - words_published_at_ > kWordsPauseNs || (complete && !follower_.complete()))) {
    words_ = std::make_shared<const Vocabulary>(word_counts_);
    words_published_ = word_counts_.size();
    words_published_at_ = now;
  }
  next->words = words_;
  next->catalog_identity = follower_.identity();
  next->catalog_version = version;
  next->complete = complete;
  const std::lock_guard lock(mutex_);
  view_ = std::move(next);
}

Result<bool> CatalogIndex::refresh(const StateSource& source) {
  bool due = false, other_texts = false, other_settings = false;
  query::SearchSettings settings;
  if (!load_tried_) {
    std::uint64_t position = 0;
    const bool known = source.read([&](const SearchState& state) {
      settings = state.settings;
      position = state.shop.position;
    });
    if (!known) return false;
    load(settings, position);
  }
  if (save_ != nullptr && save_->done.load(std::memory_order_acquire)) VITRINE_TRY(finish_save());
  if (save_due()) start_save();
  const bool there = source.read([&](const SearchState& state) {
    other_settings = index_ == nullptr || !(state.settings == settings_);
    other_texts = index_ == nullptr || !same_texts(state.settings, settings_);
    if (other_texts) follower_.forget();
    due = follower_.plan(state) || other_settings;
    if (other_settings || follower_.anew()) settings = state.settings;
  });
  if (!there || !due) return false;
  if (other_texts || follower_.anew()) {
    VITRINE_TRY(start_over(settings));
  } else if (other_settings) {
    VITRINE_TRY(use_settings(settings));
  }
  std::vector<CatalogFollower::Change> changes;
  std::uint64_t since_publish = taken_over_;
  while (!follower_.at_end()) {
    bool same = false;
    source.read([&](const SearchState& state) { same = follower_.read(state, changes); });
    if (!same) return true;  // another catalog: the next refresh starts over
    VITRINE_TRY(take(changes));
    if (!follower_.complete() && taken_over_ - since_publish >= kPublishEach) {
      publish(follower_.planned_version(), false);
      since_publish = taken_over_;
    }
  }
  publish(follower_.planned_version(), true);
  follower_.finish();
  return true;
}

}  // namespace vitrine::search
