// The request's filter, asked about one item after the other.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>

#include "service/recommend/answer.h"
#include "service/recommend/context.h"

namespace vitrine::recommend {

// Lives for one answer, whose counts it keeps. It comes before every other test: what does not pass
// counts as kFilter whatever else is against it, so that later reasons are about items that the
// visitor asked for.
class FilterGate {
 public:
  FilterGate(const Context& context, Answer& answer)
      : set_(context.matches.get()),
        test_(context.filter ? &*context.filter : nullptr),
        answer_(answer) {}

  // Fetches the whole set in order, which is faster than missing the cache line by line in the
  // order of a ranking: 10 us at a million items. For walks that may get long.
  void prefetch() const {
    if (set_ == nullptr) return;
    const std::span<const std::uint64_t> words = set_->bits().words();
    for (std::size_t i = 0; i < std::min(words.size(), kPrefetchedWords); i += 8) {
      __builtin_prefetch(&words[i]);
    }
  }

  // A ns with a set of matches or without a filter, else tens of ns.
  bool passes(ItemIndex item) {
    if (set_ != nullptr ? set_->contains(item) : test_ == nullptr || test_->matches(item)) {
      return true;
    }
    ++answer_.tested;
    ++answer_.drops[static_cast<std::size_t>(Drop::kFilter)];
    return false;
  }

 private:
  // What a core keeps near it.
  static constexpr std::size_t kPrefetchedWords = 32 * 1024;
  const filter::MatchSet* set_;
  const filter::BoundFilter* test_;
  Answer& answer_;
};

}  // namespace vitrine::recommend
