// Terms seen while building, and a growing byte stream for each.
//
// Streams lie in one pool as chains of slices of doubling size; a slice's last 4 bytes say where
// the next one is. So a term of two postings takes 20 bytes, and a long one wastes little.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace vitrine::text::internal {

// A cache line: counting a token of a known short word reads nothing else of it.
struct alignas(64) TermState {
  std::uint64_t text;  // offset in the texts
  std::uint32_t text_size = 0;
  char begin[12] = {};                             // the first bytes of the text, zeros behind it
  std::uint32_t mark = 0;                          // serial of the last document that has it
  std::uint32_t slot = 0;                          // its place among that document's terms
  std::uint32_t next = 0;                          // local number after the last posting's
  std::uint32_t frequency = 0;                     // documents
  std::uint32_t head = 0, tail = 0, tail_end = 0;  // in the pool
  std::uint32_t slices = 0;
};

class TermTable {
 public:
  TermTable();
  static std::uint32_t hash(std::string_view term);
  // What find_or_add() will read: first the slot, some tokens later the term's state.
  void fetch_slot(std::uint32_t hash) const {
    __builtin_prefetch(slots_.data() + (hash & (slots_.size() - 1)));
  }
  void fetch_state(std::uint32_t hash) const {
    const Slot& slot = slots_[hash & (slots_.size() - 1)];
    if (slot.hash == hash && slot.term_plus_1 != 0)
      __builtin_prefetch(states_.data() + (slot.term_plus_1 - 1));
  }
  // What append() will write.
  void fetch_tail(const TermState& term) const { __builtin_prefetch(pool_.data() + term.tail, 1); }
  // The number of the term, given in order of first appearance.
  std::uint32_t find_or_add(std::string_view term, std::uint32_t hash);
  TermState& state(std::uint32_t term) { return states_[term]; }
  const TermState& state(std::uint32_t term) const { return states_[term]; }
  std::string_view text(std::uint32_t term) const {
    return std::string_view(texts_).substr(states_[term].text, states_[term].text_size);
  }
  std::uint32_t size() const { return static_cast<std::uint32_t>(states_.size()); }
  std::uint64_t pool_bytes() const { return pool_.size(); }

  void append(TermState& term, const std::uint8_t* bytes, std::uint32_t count);
  // The term's whole stream.
  void read(const TermState& term, std::string& out) const;
  // Numbers in byte order of their terms.
  std::vector<std::uint32_t> sorted() const;

 private:
  struct Slot {
    std::uint32_t hash = 0;
    std::uint32_t term_plus_1 = 0;  // 0: free
  };
  void grow();
  bool is(std::uint32_t term, std::string_view wanted) const;
  std::uint32_t new_slice(std::uint32_t size);
  std::vector<Slot> slots_;
  std::vector<TermState> states_;
  std::string texts_;
  std::vector<std::uint8_t> pool_;
};

}  // namespace vitrine::text::internal
