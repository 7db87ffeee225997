// The words that a shop's titles, brands and categories use, as they are written: for finding what
// somebody who mistyped may have meant, and for completing a word.
//
// Immutable once built; thread-safe. About 24 bytes and the text for each word.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace vitrine::search {

// Edits allowed in a word of so many characters: 0 below 4, 1 below 8, then 2.
std::uint32_t typos_allowed(std::size_t characters);

// In characters, broken bytes count one each.
std::size_t character_count(std::string_view text);

// Insertions, deletions, changes and swaps of neighbours that make one of the other, each
// character swapped at most once ("optimal string alignment"); more than `most` gives most + 1.
std::uint32_t edit_distance(std::string_view a, std::string_view b, std::uint32_t most);

class Vocabulary {
 public:
  Vocabulary() = default;
  // Words with the number of items that use them.
  explicit Vocabulary(const std::unordered_map<std::string, std::uint32_t>& counts);

  std::size_t size() const { return counts_.size(); }
  std::string_view word(std::size_t i) const {
    return std::string_view(pool_).substr(starts_[i], starts_[i + 1] - starts_[i]);
  }
  std::uint32_t count(std::size_t i) const { return counts_[i]; }
  // Items that use the word; 0 if none does.
  std::uint32_t count_of(std::string_view word) const;

  struct Near {
    std::string_view word;
    std::uint32_t distance = 0;
    std::uint32_t count = 0;
  };
  // Words within `most` (at most 2) edits, the word itself left out, by distance, then by falling
  // count, then by word; at most `limit`. With two edits the first character must be the same.
  // Looks only at words whose beginning can still lead to a near one.
  std::vector<Near> near(std::string_view word, std::uint32_t most, std::size_t limit) const;
  // The most frequent words that begin with `prefix` and are longer.
  std::vector<Near> completions(std::string_view prefix, std::size_t limit) const;

 private:
  std::size_t lower_bound(std::string_view word) const;
  // Behind the last word that begins with `prefix`, looking from `from` on.
  std::size_t end_of(std::string_view prefix, std::size_t from) const;

  std::string pool_;  // sorted by bytes, one behind the other
  std::vector<std::uint32_t> starts_{0};
  std::vector<std::uint32_t> counts_;
};

}  // namespace vitrine::search
