// What a beginning of a query may become: texts with weights, sorted, and the heaviest of any
// range found through a tree of maxima.
//
// Immutable once built; thread-safe. A look-up takes some microseconds, whatever the prefix and
// however many texts begin with it: O(log n) for each text given.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace vitrine::search {

// What a completion is; values are names in answers.
enum class CompletionKind : std::uint8_t { kQuery, kCategory, kBrand, kProduct };
std::string_view completion_kind_name(CompletionKind kind);

struct Completion {
  std::string text;  // as it is shown
  CompletionKind kind = CompletionKind::kQuery;
  float weight = 0;  // larger first
};

class Completions {
 public:
  Completions() = default;
  // Of texts that are equal after query::normalise() the heaviest stays.
  explicit Completions(std::vector<Completion> entries);

  std::size_t size() const { return entries_.size(); }
  // The at most `limit` heaviest whose normalised text begins with `prefix`, which is normalised;
  // heaviest first, then by text.
  std::vector<const Completion*> find(std::string_view prefix, std::size_t limit) const;
  std::uint64_t memory_bytes() const;

 private:
  struct Entry {
    std::string key;
    Completion completion;
  };
  std::uint32_t heaviest(std::size_t begin, std::size_t end) const;
  bool before(std::uint32_t a, std::uint32_t b) const;

  std::vector<Entry> entries_;         // by key
  std::vector<std::uint32_t> maxima_;  // a tree: leaves from tree_size_ on
  std::size_t tree_size_ = 0;
};

}  // namespace vitrine::search
