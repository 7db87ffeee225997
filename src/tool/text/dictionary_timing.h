// How long a term takes to be found in the dictionaries of an index.
#pragma once

#include <cstdint>

#include "base/clock.h"
#include "engine/text/index.h"

namespace vitrine::text_tool {

struct DictionaryTiming {
  std::uint64_t terms = 0;  // different looked up; 0: there are none
  double lookup_ns = 0;     // of one term in all segments, the least of some passes
};

// Looks up a random sample of the terms there are, at most kTimedTerms, in random order, so that
// little of the dictionary is in the caches. Some 0.1 s, and as long again for each million terms.
inline constexpr std::uint64_t kTimedTerms = 200'000;
DictionaryTiming time_dictionary(const text::Snapshot& snapshot, const Clock& clock);

}  // namespace vitrine::text_tool
