#include "engine/text/internal/term_table.h"

#include <algorithm>
#include <cstring>
#include <numeric>

#include "base/hash.h"

namespace vitrine::text::internal {
namespace {

constexpr std::uint32_t kFirstSlice = 16;
constexpr std::uint32_t kSlicesToLast = 12;
constexpr std::uint32_t kLastSlice = kFirstSlice << kSlicesToLast;  // 64 KiB
constexpr std::uint32_t kLink = 4;

std::uint32_t load(const std::vector<std::uint8_t>& pool, std::uint32_t at) {
  std::uint32_t value;
  std::memcpy(&value, pool.data() + at, sizeof value);
  return value;
}

}  // namespace

TermTable::TermTable() : slots_(1 << 12) { pool_.reserve(1 << 16); }

std::uint32_t TermTable::hash(std::string_view term) {
  return static_cast<std::uint32_t>(hash64(term));
}

bool TermTable::is(std::uint32_t term, std::string_view wanted) const {
  const TermState& s = states_[term];
  if (s.text_size != wanted.size()) return false;
  if (wanted.size() > sizeof s.begin) return text(term) == wanted;
  return std::memcmp(s.begin, wanted.data(), wanted.size()) == 0;
}

std::uint32_t TermTable::find_or_add(std::string_view term, std::uint32_t hash) {
  const std::size_t mask = slots_.size() - 1;
  for (std::size_t i = hash & mask;; i = (i + 1) & mask) {
    const Slot found = slots_[i];
    if (found.term_plus_1 == 0) {
      const std::uint32_t number = size();
      slots_[i] = {hash, number + 1};
      TermState state{};
      state.text = texts_.size();
      state.text_size = static_cast<std::uint32_t>(term.size());
      std::memcpy(state.begin, term.data(), std::min(term.size(), sizeof state.begin));
      states_.push_back(state);
      texts_ += term;
      if (states_.size() * 2 > slots_.size()) grow();
      return number;
    }
    if (found.hash == hash && is(found.term_plus_1 - 1, term)) return found.term_plus_1 - 1;
  }
}

void TermTable::grow() {
  std::vector<Slot> slots(slots_.size() * 2);
  const std::size_t mask = slots.size() - 1;
  for (const Slot& old : slots_) {
    if (old.term_plus_1 == 0) continue;
    std::size_t i = old.hash & mask;
    while (slots[i].term_plus_1 != 0) i = (i + 1) & mask;
    slots[i] = old;
  }
  slots_ = std::move(slots);
}

std::uint32_t TermTable::new_slice(std::uint32_t size) {
  const auto at = static_cast<std::uint32_t>(pool_.size());
  if (pool_.capacity() < pool_.size() + size) pool_.reserve(pool_.size() * 3 / 2 + size);
  pool_.resize(pool_.size() + size);
  return at;
}

void TermTable::append(TermState& term, const std::uint8_t* bytes, std::uint32_t count) {
  while (count > 0) {
    if (term.tail == term.tail_end) {
      // Sizes follow from the order of slices, so that nobody stores them.
      const std::uint32_t size =
          term.slices < kSlicesToLast ? kFirstSlice << term.slices : kLastSlice;
      const std::uint32_t at = new_slice(size + kLink);
      if (term.slices == 0) {
        term.head = at;
      } else {
        std::memcpy(pool_.data() + term.tail_end, &at, sizeof at);
      }
      ++term.slices;
      term.tail = at;
      term.tail_end = at + size;
    }
    const std::uint32_t step = std::min(count, term.tail_end - term.tail);
    std::memcpy(pool_.data() + term.tail, bytes, step);
    term.tail += step;
    bytes += step;
    count -= step;
  }
}

void TermTable::read(const TermState& term, std::string& out) const {
  out.clear();
  std::uint32_t at = term.head;
  std::uint32_t size = kFirstSlice;
  if (term.slices == 0) return;
  while (at + size != term.tail_end) {
    out.append(reinterpret_cast<const char*>(pool_.data() + at), size);
    at = load(pool_, at + size);
    size = std::min(size * 2, kLastSlice);
  }
  out.append(reinterpret_cast<const char*>(pool_.data() + at), term.tail - at);
}

std::vector<std::uint32_t> TermTable::sorted() const {
  // By 8 leading bytes first: most comparisons end there.
  struct Key {
    std::uint64_t prefix;
    std::uint32_t term;
  };
  std::vector<Key> keys(size());
  for (std::uint32_t t = 0; t < size(); ++t) {
    const std::string_view s = text(t);
    std::uint64_t prefix = 0;
    for (std::size_t i = 0; i < 8; ++i)
      prefix = prefix << 8 | (i < s.size() ? static_cast<std::uint8_t>(s[i]) : 0);
    keys[t] = {prefix, t};
  }
  std::sort(keys.begin(), keys.end(), [this](const Key& a, const Key& b) {
    return a.prefix != b.prefix ? a.prefix < b.prefix : text(a.term) < text(b.term);
  });
  std::vector<std::uint32_t> order(size());
  for (std::size_t i = 0; i < keys.size(); ++i) order[i] = keys[i].term;
  return order;
}

}  // namespace vitrine::text::internal
