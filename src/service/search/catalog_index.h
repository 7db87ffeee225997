// The text index of one tenant's catalog, kept level with it.
//
// The index is a cache: refresh() compares what the catalog has with what was taken over before
// and adds the difference; a catalog of another identity, language or stop list makes it anew. The
// same catalog gives the same answers, whatever way led there.
//
// Threads: refresh() from one thread at a time; view() from any number. refresh() holds the
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
#include "service/search/item_text.h"
#include "service/search/search_state.h"
#include "service/search/vocabulary.h"

namespace vitrine::search {

inline constexpr std::size_t kRowsPerLock = 64;

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

  struct Stats {
    std::uint64_t documents = 0;
    std::uint64_t bytes = 0;
    std::uint64_t taken_over = 0;  // items added or replaced since the start
  };
  Stats stats() const;

 private:
  struct Plan;
  struct Piece;

  Status start_over(const query::SearchSettings& settings);
  Status use_settings(const query::SearchSettings& settings);
  void make_plan(const SearchState& state, Plan& plan);
  // False once the catalog is another one.
  bool read_piece(const SearchState& state, Plan& plan, Piece& piece);
  Status take(Piece& piece);
  Status add(ItemIndex item, const ItemText& text);
  void count_words(std::string_view text, const std::vector<text::AnalysedTerm>& terms);
  void look_after_merges();
  void publish(std::uint64_t version, bool complete);

  const CatalogIndexOptions options_;
  std::unique_ptr<text::Index> index_;
  std::shared_ptr<const text::Analyser> analyser_;        // of documents
  std::shared_ptr<const text::Analyser> query_analyser_;  // with synonyms
  query::SearchSettings settings_;
  std::uint64_t identity_ = 0;
  std::uint64_t version_ = 0;
  TimeUs scanned_until_ = 0;  // older changes are in
  bool complete_ = false;
  bool merging_ = false;               // by a thread of index_
  std::vector<std::uint64_t> hashes_;  // by row, of what is in the index; 0: not in
  std::unordered_map<std::string, std::uint32_t> word_counts_;
  std::size_t words_published_ = 0;
  std::int64_t words_published_at_ = 0;
  std::shared_ptr<const Vocabulary> words_;
  std::atomic<std::uint64_t> taken_over_{0};
  // Kept from item to item.
  std::vector<text::AnalysedTerm> terms_[kTextFields];
  std::vector<text::Token> tokens_[kTextFields];
  std::vector<std::string> seen_words_;

  mutable std::mutex mutex_;
  std::shared_ptr<const IndexView> view_;  // guarded by mutex_
};

}  // namespace vitrine::search
