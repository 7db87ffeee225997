// The text index of one tenant's catalog, kept level with it.
//
// The index is a cache: refresh() takes over what changed (catalog_follower.h); a catalog of
// another identity, language or stop list makes it anew. The same catalog gives the same answers,
// whatever way led there.
//
// With a store the index lies in a directory: what was saved there is loaded by the first refresh()
// and brought up to date; what does not belong to this catalog and these settings, is damaged or
// older than a catalog that went back is thrown away with a line in the log. It is saved, on a
// thread of its own, when enough has changed, and by save().
//
// Threads: refresh() and save() from one thread at a time; view() from any number. refresh() holds
// the
// tenant's lock for the texts of kRowsPerLock items at a time.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <unordered_map>
#include <vector>

#include "base/executor.h"
#include "base/result.h"
#include "engine/text/analyser.h"
#include "engine/text/index.h"
#include "service/search/catalog_follower.h"
#include "service/search/index_store.h"
#include "service/search/item_text.h"
#include "service/search/search_state.h"
#include "service/search/vocabulary.h"

namespace vitrine::search {

// One state of the index; immutable.
struct IndexView {
  std::shared_ptr<const text::Snapshot> snapshot;
  std::shared_ptr<const text::Analyser> analyser;  // with the tenant's synonyms
  std::shared_ptr<const Vocabulary> words;
  std::uint64_t catalog_identity = 0;
  std::uint64_t catalog_version = 0;  // every change up to here is in
  bool complete = false;              // false while a catalog is taken over for the first time
};

struct CatalogIndexOptions {
  std::size_t words_max = 1'000'000;  // further words are neither corrected to nor completed
  // Merges what is large; null: refresh() does that too, however long it takes.
  Executor* executor = nullptr;
  IndexStore store = {};
  // Saved when one in so many items changed, and so long after the last time, and in any case when
  // anything changed so many times as long ago.
  std::uint64_t save_share = 50;
  std::int64_t save_pause_ns = 60'000'000'000;
  std::int64_t save_pauses_most = 10;
};

class CatalogIndex {
 public:
  explicit CatalogIndex(CatalogIndexOptions options = {});
  ~CatalogIndex();

  // Takes over what changed. Whether there was anything. An error is one of memory or of the
  // language; the view stays as it was.
  Result<bool> refresh(const StateSource& source);
  // Null before the first refresh() of a tenant that has a state.
  std::shared_ptr<const IndexView> view() const;

  // Makes durable what was taken over; nothing without a store. Waits for a save that runs.
  Status save();

  struct Stats {
    std::uint64_t documents = 0;
    std::uint64_t bytes = 0;
    std::uint64_t taken_over = 0;  // items added or replaced since the start
    std::uint64_t loaded = 0;      // documents that came from the store
    std::uint64_t saves = 0;
  };
  Stats stats() const;

 private:
  struct Save;

  Status start_over(const query::SearchSettings& settings);
  Result<std::shared_ptr<text::Index>> fresh_index();
  // Leaves index_ null where there is nothing of use.
  void load(const query::SearchSettings& settings, std::uint64_t position);
  Status try_load(const query::SearchSettings& settings, std::uint64_t position);
  bool save_due() const;
  void start_save();
  Status finish_save();
  Status use_settings(const query::SearchSettings& settings);
  Status take(std::span<const CatalogFollower::Change> changes);
  Status add(ItemIndex item, const ItemText& text);
  void count_words(std::string_view text, const std::vector<text::AnalysedTerm>& terms);
  void look_after_merges();
  void publish(std::uint64_t version, bool complete);

  const CatalogIndexOptions options_;
  std::shared_ptr<text::Index> index_;
  std::shared_ptr<const text::Analyser> analyser_;        // of documents
  std::shared_ptr<const text::Analyser> query_analyser_;  // with synonyms
  query::SearchSettings settings_;
  CatalogFollower follower_;
  bool merging_ = false;  // by a thread of index_
  std::unordered_map<std::string, std::uint32_t> word_counts_;
  std::size_t words_published_ = 0;
  std::int64_t words_published_at_ = 0;
  std::shared_ptr<const Vocabulary> words_;
  std::atomic<std::uint64_t> taken_over_{0};
  std::atomic<std::uint64_t> loaded_{0};
  std::atomic<std::uint64_t> saves_{0};
  bool load_tried_ = false;
  std::uint64_t unsaved_ = 0;  // changes since the last save began
  std::int64_t saved_ns_ = 0;
  std::unique_ptr<Save> save_;  // runs, or is to be looked at
  // Kept from item to item.
  std::vector<text::AnalysedTerm> terms_[kTextFields];
  std::vector<text::Token> tokens_[kTextFields];
  std::vector<std::string> seen_words_;

  mutable std::mutex mutex_;
  std::shared_ptr<const IndexView> view_;  // guarded by mutex_
};

}  // namespace vitrine::search
