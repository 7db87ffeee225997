// A set of rows as one bit each: made and read in bulk, asked in about a nanosecond.
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace vitrine::catalog {

// Not thread-safe. Memory is an eighth of a byte for each row up to the largest one ever put in.
class RowBits {
 public:
  static constexpr std::uint32_t kWordBits = 64;

  bool contains(std::uint32_t row) const {
    const std::size_t word = row / kWordBits;
    return word < words_.size() && ((words_[word] >> (row % kWordBits)) & 1) != 0;
  }
  void add(std::uint32_t row) {
    const std::size_t word = row / kWordBits;
    if (word >= words_.size()) words_.resize(word + 1, 0);
    words_[word] |= std::uint64_t{1} << (row % kWordBits);
  }
  void remove(std::uint32_t row) {
    const std::size_t word = row / kWordBits;
    if (word < words_.size()) words_[word] &= ~(std::uint64_t{1} << (row % kWordBits));
  }
  // Empty, with room for `rows` rows.
  void reset(std::size_t rows) { words_.assign((rows + kWordBits - 1) / kWordBits, 0); }

  std::uint64_t count() const {
    std::uint64_t count = 0;
    for (const std::uint64_t word : words_)
      count += static_cast<std::uint64_t>(std::popcount(word));
    return count;
  }
  // Calls fn(row) -> bool, ascending, until it gives false.
  template <class Fn>
  void for_each(Fn&& fn) const {
    for (std::size_t i = 0; i < words_.size(); ++i) {
      for (std::uint64_t word = words_[i]; word != 0; word &= word - 1) {
        if (!fn(static_cast<std::uint32_t>(i * kWordBits) +
                static_cast<std::uint32_t>(std::countr_zero(word)))) {
          return;
        }
      }
    }
  }

  void intersect(const RowBits& other) {
    for (std::size_t i = 0; i < words_.size(); ++i) {
      words_[i] &= i < other.words_.size() ? other.words_[i] : 0;
    }
  }
  void subtract(const RowBits& other) {
    const std::size_t both =
        words_.size() < other.words_.size() ? words_.size() : other.words_.size();
    for (std::size_t i = 0; i < both; ++i) words_[i] &= ~other.words_[i];
  }
  void unite(const RowBits& other) {
    if (other.words_.size() > words_.size()) words_.resize(other.words_.size(), 0);
    for (std::size_t i = 0; i < other.words_.size(); ++i) words_[i] |= other.words_[i];
  }

  // Bit r % 64 of word r / 64 is row r; rows past the last word are not in.
  std::span<const std::uint64_t> words() const { return words_; }
  std::span<std::uint64_t> words() { return words_; }
  std::uint64_t memory_bytes() const { return words_.capacity() * sizeof(std::uint64_t); }

 private:
  std::vector<std::uint64_t> words_;
};

}  // namespace vitrine::catalog
