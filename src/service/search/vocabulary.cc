#include "service/search/vocabulary.h"

#include <algorithm>
#include <array>

namespace vitrine::search {
namespace {

constexpr std::size_t kWordCharactersMax = 40;  // longer words are not corrected

// Characters of UTF-8; a broken byte stands for itself, outside of what Unicode uses.
void decode(std::string_view text, std::u32string& out) {
  out.clear();
  for (std::size_t i = 0; i < text.size();) {
    const auto c = static_cast<unsigned char>(text[i]);
    const std::size_t length = c < 0x80   ? 1
                               : c < 0xC2 ? 0
                               : c < 0xE0 ? 2
                               : c < 0xF0 ? 3
                               : c < 0xF5 ? 4
                                          : 0;
    char32_t value = length == 1 ? c : c & (0x7Fu >> length);
    bool good = length > 0 && i + length <= text.size();
    for (std::size_t k = 1; good && k < length; ++k) {
      const auto next = static_cast<unsigned char>(text[i + k]);
      good = (next & 0xC0) == 0x80;
      value = value << 6 | (next & 0x3F);
    }
    out += good ? value : char32_t{0x200000} + c;
    i += good ? length : 1;
  }
}

// Rows of the distance table, one for each character of a word: words that begin alike share them.
class Rows {
 public:
  explicit Rows(const std::u32string& wanted) : wanted_(wanted) {
    for (std::size_t j = 0; j <= wanted.size(); ++j) rows_[0][j] = static_cast<std::uint8_t>(j);
  }
  // Works out the row of the word's character at `depth`; the least value in it.
  std::uint32_t step(const std::u32string& word, std::size_t depth) {
    const auto& above = rows_[depth];
    auto& row = rows_[depth + 1];
    row[0] = static_cast<std::uint8_t>(depth + 1);
    std::uint32_t least = row[0];
    for (std::size_t j = 1; j <= wanted_.size(); ++j) {
      const bool same = wanted_[j - 1] == word[depth];
      std::uint32_t best = std::min(above[j], row[j - 1]) + 1u;
      best = std::min<std::uint32_t>(best, above[j - 1] + (same ? 0u : 1u));
      if (depth > 0 && j > 1 && wanted_[j - 1] == word[depth - 1] &&
          wanted_[j - 2] == word[depth]) {
        best = std::min<std::uint32_t>(best, rows_[depth - 1][j - 2] + 1u);
      }
      row[j] = static_cast<std::uint8_t>(best);
      least = std::min(least, best);
    }
    return least;
  }
  std::uint32_t distance(std::size_t length) const { return rows_[length][wanted_.size()]; }

 private:
  const std::u32string& wanted_;
  std::array<std::array<std::uint8_t, kWordCharactersMax + 1>, kWordCharactersMax + 4> rows_;
};

}  // namespace

std::uint32_t typos_allowed(std::size_t characters) {
  return characters < 4 ? 0 : characters < 8 ? 1 : 2;
}

std::size_t character_count(std::string_view text) {
  std::u32string characters;
  decode(text, characters);
  return characters.size();
}

std::uint32_t edit_distance(std::string_view a, std::string_view b, std::uint32_t most) {
  std::u32string from, to;
  decode(a, from);
  decode(b, to);
  if (from.size() > kWordCharactersMax || to.size() > kWordCharactersMax) {
    return from == to ? 0 : most + 1;
  }
  Rows rows(from);
  for (std::size_t depth = 0; depth < to.size(); ++depth) rows.step(to, depth);
  return std::min(rows.distance(to.size()), most + 1);
}

Vocabulary::Vocabulary(const std::unordered_map<std::string, std::uint32_t>& counts) {
  std::vector<std::pair<std::string_view, std::uint32_t>> sorted(counts.begin(), counts.end());
  std::sort(sorted.begin(), sorted.end());
  std::size_t bytes = 0;
  for (const auto& entry : sorted) bytes += entry.first.size();
  pool_.reserve(bytes);
  starts_.reserve(sorted.size() + 1);
  counts_.reserve(sorted.size());
  for (const auto& [word, count] : sorted) {
    pool_ += word;
    starts_.push_back(static_cast<std::uint32_t>(pool_.size()));
    counts_.push_back(count);
  }
}

std::size_t Vocabulary::lower_bound(std::string_view wanted) const {
  std::size_t low = 0;
  for (std::size_t left = size(); left > 0;) {
    const std::size_t half = left / 2;
    if (word(low + half) < wanted) {
      low += half + 1;
      left -= half + 1;
    } else {
      left = half;
    }
  }
  return low;
}

std::size_t Vocabulary::end_of(std::string_view prefix, std::size_t from) const {
  // Doubling steps: most prefixes have few words.
  std::size_t low = from;
  std::size_t step = 1;
  while (low + step < size() && word(low + step).starts_with(prefix)) {
    low += step;
    step *= 2;
  }
  std::size_t high = std::min(size(), low + step);
  while (low < high) {
    const std::size_t middle = (low + high) / 2;
    if (word(middle).starts_with(prefix)) {
      low = middle + 1;
    } else {
      high = middle;
    }
  }
  return low;
}

std::uint32_t Vocabulary::count_of(std::string_view wanted) const {
  const std::size_t i = lower_bound(wanted);
  return i < size() && word(i) == wanted ? counts_[i] : 0;
}

std::vector<Vocabulary::Near> Vocabulary::near(std::string_view wanted_text, std::uint32_t most,
                                               std::size_t limit) const {
  std::vector<Near> found;
  std::u32string wanted, previous, current;
  decode(wanted_text, wanted);
  if (most == 0 || wanted.empty() || wanted.size() > kWordCharactersMax) return found;
  Rows rows(wanted);
  std::size_t valid = 0;  // rows of `previous` that are worked out
  std::string_view previous_text;
  for (std::size_t i = 0; i < size();) {
    const std::string_view text = word(i);
    decode(text, current);
    if (current.size() > kWordCharactersMax) {
      ++i;
      continue;
    }
    std::size_t shared = 0;
    while (shared < valid && shared < current.size() && shared < previous.size() &&
           current[shared] == previous[shared]) {
      ++shared;
    }
    std::swap(previous, current);  // `previous` is now this word
    previous_text = text;
    std::size_t depth = shared;
    bool hopeless = false;
    // Every word that begins like this is too far away too.
    for (; depth < previous.size() && !hopeless; ++depth) {
      hopeless = rows.step(previous, depth) > most;
    }
    valid = depth;
    if (hopeless) {
      std::size_t bytes = 0;  // of the first `depth` characters
      for (std::size_t n = 0; n < depth; ++n) {
        ++bytes;
        while (previous[n] < 0x200000 && bytes < text.size() &&
               (static_cast<unsigned char>(text[bytes]) & 0xC0) == 0x80) {
          ++bytes;
        }
      }
      i = std::max(i + 1, end_of(previous_text.substr(0, bytes), i));
      continue;
    }
    const std::uint32_t distance = rows.distance(previous.size());
    if (distance > 0 && distance <= most && (distance < 2 || previous[0] == wanted[0])) {
      found.push_back({text, distance, counts_[i]});
    }
    ++i;
  }
  const auto better = [](const Near& a, const Near& b) {
    if (a.distance != b.distance) return a.distance < b.distance;
    return a.count != b.count ? a.count > b.count : a.word < b.word;
  };
  const std::size_t kept = std::min(limit, found.size());
  std::partial_sort(found.begin(), found.begin() + static_cast<std::ptrdiff_t>(kept), found.end(),
                    better);
  found.resize(kept);
  return found;
}

std::vector<Vocabulary::Near> Vocabulary::completions(std::string_view prefix,
                                                      std::size_t limit) const {
  std::vector<Near> best;
  const auto better = [](const Near& a, const Near& b) {
    return a.count != b.count ? a.count > b.count : a.word < b.word;
  };
  // A prefix of thousands of words says little: looking at some of them is enough.
  constexpr std::size_t kLookedAt = 4096;
  std::size_t looked = 0;
  for (std::size_t i = lower_bound(prefix); i < size() && looked < kLookedAt; ++i, ++looked) {
    const std::string_view text = word(i);
    if (!text.starts_with(prefix)) break;
    if (text.size() == prefix.size()) continue;
    const Near entry{text, 0, counts_[i]};
    if (best.size() == limit && !better(entry, best.back())) continue;
    best.insert(std::upper_bound(best.begin(), best.end(), entry, better), entry);
    if (best.size() > limit) best.pop_back();
  }
  return best;
}

}  // namespace vitrine::search
