// The distinct values of one string or list attribute: each has a small code and the exact
// posting of its items. A value that no item has any more is forgotten, and its code is
// given to the next new value: a code means something only while the catalog's lock is held.
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "domain/catalog/posting.h"
#include "domain/catalog/string_table.h"

namespace vitrine::catalog {

using Code = std::uint32_t;
inline constexpr Code kNoCode = 0xFFFFFFFFu;

class Dictionary {
 public:
  Code find(std::string_view value) const { return values_.find(value); }  // kNoCode if unknown
  std::string_view value(Code code) const { return values_.get(code); }
  const Posting& posting(Code code) const { return postings_[code]; }
  bool in_use(Code code) const { return code < postings_.size() && !postings_[code].empty(); }
  // Codes are below this.
  std::size_t code_end() const { return values_.size(); }
  std::size_t count() const { return values_.count(); }

  // Notes that `item` has `value`. kNoCode when the dictionary is full (4 G values, 32 GiB).
  Code add(std::string_view value, std::uint32_t item) {
    const Code code = values_.add(value);
    if (code == kNoCode) return kNoCode;
    if (code >= postings_.size()) postings_.resize(code + std::size_t{1});
    postings_[code].add(item);
    return code;
  }
  // Notes that `item` no longer has the value of `code`.
  void remove(Code code, std::uint32_t item) {
    postings_[code].remove(item);
    if (postings_[code].empty()) values_.remove(code);
  }

  // For loading: values first, in code order, then their items. intern of a known value
  // gives its old code, which tells a reader that the bytes are wrong.
  Code intern(std::string_view value) {
    const Code code = values_.add(value);
    if (code != kNoCode && code >= postings_.size()) postings_.resize(code + std::size_t{1});
    return code;
  }
  void add_item(Code code, std::uint32_t item) { postings_[code].add(item); }

  std::uint64_t memory_bytes() const {
    std::uint64_t bytes = values_.memory_bytes() + postings_.capacity() * sizeof(Posting);
    for (const Posting& posting : postings_) bytes += posting.memory_bytes();
    return bytes;
  }

 private:
  StringTable values_;
  std::vector<Posting> postings_;  // by code
};

}  // namespace vitrine::catalog
