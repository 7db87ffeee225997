// Searching a snapshot: the k best documents, exactly those an exhaustive scorer gives.
//
// Documents are ranked by score, then by smaller id. Early termination never changes the answer.
#pragma once

#include <algorithm>
#include <cstdint>
#include <memory>
#include <span>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "engine/text/query.h"
#include "engine/text/schema.h"
#include "platform/simd/level.h"

namespace vitrine::text {

class Snapshot;

// A set of document ids, one bit each; ids beyond its size are not in it. Immutable while searches
// use it.
class IdSet {
 public:
  IdSet() = default;
  explicit IdSet(std::uint32_t size_bits) : words_((std::size_t{size_bits} + 63) / 64) {}
  static IdSet of(std::span<const DocumentId> ids);

  void add(DocumentId id);  // grows as needed
  // Adds id + i for each bit i of `bits`.
  void add_word(DocumentId id, std::uint64_t bits) {
    if (id / 64 + 1 >= words_.size())
      words_.resize(std::max<std::size_t>(id / 64 + 2, words_.size() * 3 / 2));
    words_[id / 64] |= bits << (id % 64);
    if (id % 64 != 0) words_[id / 64 + 1] |= bits >> (64 - id % 64);
  }
  bool contains(DocumentId id) const {
    return id / 64 < words_.size() && (words_[id / 64] >> (id % 64) & 1) != 0;
  }
  std::span<const std::uint64_t> words() const { return words_; }
  std::span<std::uint64_t> words() { return words_; }
  // Empty, with room for ids below `size_bits`; keeps its memory.
  void reset(std::uint32_t size_bits) { words_.assign((std::size_t{size_bits} + 63) / 64, 0); }
  std::uint64_t count() const;

 private:
  std::vector<std::uint64_t> words_;
};

struct SearchOptions {
  std::uint32_t k = 10;           // 0 to kResultsMax
  const IdSet* filter = nullptr;  // only these documents; must outlive the call
  bool exact_count = false;       // count all matches: costs reading every posting of the query
  // Receives every match beside what it holds, for facets and sorting; implies exact_count. Must
  // outlive the call.
  IdSet* matches = nullptr;
  // For tests and measurements; never above what the machine has.
  simd::Level level = simd::active_level();
};
inline constexpr std::uint32_t kResultsMax = 1u << 20;

struct Hit {
  DocumentId id = kNoDocument;
  float score = 0;
  bool operator==(const Hit&) const = default;
};

// What a search cost.
struct SearchStats {
  std::uint64_t postings_total = 0;    // under the query's terms
  std::uint64_t postings_touched = 0;  // read at all, whole lists that were decoded included
  std::uint64_t windows_total = 0;     // of 128 documents
  std::uint64_t windows_visited = 0;
  std::uint64_t documents_scored = 0;  // exactly
};

struct SearchResult {
  std::vector<Hit> hits;    // best first
  std::uint64_t count = 0;  // of all matches if count_exact, else of hits: a lower bound
  bool count_exact = false;
  SearchStats stats;
};

// Searches, and keeps its working memory from one search to the next. One per thread; the snapshot
// may be used by many.
class Searcher {
 public:
  Searcher();
  ~Searcher();
  Searcher(Searcher&&) noexcept;
  Searcher& operator=(Searcher&&) noexcept;

  // Errors are those of check_query; phrases need an index with positions, and fields must be the
  // schema's (kInvalidArgument).
  Status search(const Snapshot& snapshot, const Query& query, const SearchOptions& options,
                SearchResult& result);

  // The scores search() gives these documents, kNoScore where it does not find them. Looks up each
  // by itself: for some hundred documents.
  static constexpr float kNoScore = -1;
  Status score_each(const Snapshot& snapshot, const Query& query, std::span<const DocumentId> ids,
                    std::vector<float>& scores);

  // The score search() gives `id`, part by part; empty where it does not match.
  struct Part {
    std::string what;  // "term shoes", "phrase ..."
    double score = 0;
    double idf = 0;
    double saturation = 0;  // x / (x + k1)
  };
  Result<std::vector<Part>> explain(const Snapshot& snapshot, const Query& query, DocumentId id);

  struct State;

 private:
  std::unique_ptr<State> state_;
};

}  // namespace vitrine::text
