#include "service/search/completions.h"

#include <algorithm>
#include <array>
#include <queue>

#include "domain/query/query_text.h"

namespace vitrine::search {
namespace {
constexpr std::uint32_t kNone = 0xFFFFFFFFu;
constexpr std::array<std::string_view, 4> kKindNames{"query", "category", "brand", "product"};
}  // namespace

std::string_view completion_kind_name(CompletionKind kind) {
  return kKindNames.at(static_cast<std::size_t>(kind));
}

Completions::Completions(std::vector<Completion> given) {
  entries_.reserve(given.size());
  for (Completion& completion : given) {
    std::string key = query::normalise(completion.text);
    if (!key.empty()) entries_.push_back({std::move(key), std::move(completion)});
  }
  std::sort(entries_.begin(), entries_.end(), [](const Entry& a, const Entry& b) {
    if (a.key != b.key) return a.key < b.key;
    if (a.completion.weight != b.completion.weight) {
      return a.completion.weight > b.completion.weight;
    }
    return a.completion.text < b.completion.text;
  });
  entries_.erase(std::unique(entries_.begin(), entries_.end(),
                             [](const Entry& a, const Entry& b) { return a.key == b.key; }),
                 entries_.end());
  entries_.shrink_to_fit();
  tree_size_ = 1;
  while (tree_size_ < entries_.size()) tree_size_ *= 2;
  maxima_.assign(2 * tree_size_, kNone);
  for (std::uint32_t i = 0; i < entries_.size(); ++i) maxima_[tree_size_ + i] = i;
  for (std::size_t node = tree_size_; node-- > 1;) {
    const std::uint32_t left = maxima_[2 * node];
    const std::uint32_t right = maxima_[2 * node + 1];
    maxima_[node] = before(right, left) ? right : left;
  }
}

bool Completions::before(std::uint32_t a, std::uint32_t b) const {
  if (a == kNone || b == kNone) return b == kNone && a != kNone;
  const float mine = entries_[a].completion.weight;
  const float others = entries_[b].completion.weight;
  return mine != others ? mine > others : a < b;
}

std::uint32_t Completions::heaviest(std::size_t begin, std::size_t end) const {
  std::uint32_t best = kNone;
  const auto offer = [&](std::uint32_t candidate) {
    if (before(candidate, best)) best = candidate;
  };
  for (begin += tree_size_, end += tree_size_; begin < end; begin /= 2, end /= 2) {
    if (begin % 2 == 1) offer(maxima_[begin++]);
    if (end % 2 == 1) offer(maxima_[--end]);
  }
  return best;
}

std::vector<const Completion*> Completions::find(std::string_view prefix, std::size_t limit) const {
  std::vector<const Completion*> found;
  const auto first = std::partition_point(entries_.begin(), entries_.end(),
                                          [&](const Entry& e) { return e.key < prefix; });
  const auto last = std::partition_point(first, entries_.end(),
                                         [&](const Entry& e) { return e.key.starts_with(prefix); });
  // The heaviest of a range splits it into two, whose heaviest come next.
  struct Range {
    std::uint32_t best;
    std::size_t begin, end;
  };
  const auto later = [this](const Range& a, const Range& b) { return before(b.best, a.best); };
  std::priority_queue<Range, std::vector<Range>, decltype(later)> ranges(later);
  const auto push = [&](std::size_t begin, std::size_t end) {
    if (begin < end) ranges.push({heaviest(begin, end), begin, end});
  };
  push(static_cast<std::size_t>(first - entries_.begin()),
       static_cast<std::size_t>(last - entries_.begin()));
  while (!ranges.empty() && found.size() < limit) {
    const Range range = ranges.top();
    ranges.pop();
    found.push_back(&entries_[range.best].completion);
    push(range.begin, range.best);
    push(range.best + std::size_t{1}, range.end);
  }
  return found;
}

std::uint64_t Completions::memory_bytes() const {
  std::uint64_t bytes = entries_.capacity() * sizeof(Entry) + maxima_.capacity() * 4;
  for (const Entry& entry : entries_) bytes += entry.key.size() + entry.completion.text.size();
  return bytes;
}

}  // namespace vitrine::search
