#include "tool/text/dictionary_timing.h"

#include <algorithm>
#include <array>
#include <random>
#include <string>
#include <string_view>
#include <vector>

#include "base/check.h"

namespace vitrine::text_tool {

DictionaryTiming time_dictionary(const text::Snapshot& snapshot, const Clock& clock) {
  // A reservoir, then a shuffle: each term is as likely, wherever it stands.
  std::mt19937_64 random(1);
  std::vector<std::string> sample;
  std::uint64_t seen = 0;
  for (const auto& part : snapshot.parts()) {
    part.segment->for_each_term("", [&](std::string_view term, std::uint64_t) {
      if (++seen <= kTimedTerms) {
        sample.emplace_back(term);
      } else if (const std::uint64_t place = random() % seen; place < kTimedTerms) {
        sample[place] = term;
      }
      return true;
    });
  }
  DictionaryTiming timing;
  timing.terms = sample.size();
  if (sample.empty()) return timing;
  std::shuffle(sample.begin(), sample.end(), random);
  // Side by side in the order of the look-ups, as a query has its terms at hand.
  std::string letters;
  for (const std::string& term : sample) letters += term;
  std::vector<std::string_view> terms;
  std::size_t at = 0;
  for (const std::string& term : sample) {
    terms.push_back(std::string_view(letters).substr(at, term.size()));
    at += term.size();
  }
  const std::uint64_t rounds = (kTimedTerms + terms.size() - 1) / terms.size();
  std::array<double, 5> passes{};
  for (double& pass : passes) {
    std::uint64_t found = 0;
    const std::int64_t begin = clock.steady_ns();
    for (std::uint64_t round = 0; round < rounds; ++round)
      for (const std::string_view term : terms)
        found += snapshot.document_frequency(term) > 0 ? 1 : 0;
    pass =
        static_cast<double>(clock.steady_ns() - begin) / static_cast<double>(rounds * terms.size());
    VITRINE_CHECK(found == rounds * terms.size());
  }
  timing.lookup_ns = *std::min_element(passes.begin(), passes.end());
  return timing;
}

}  // namespace vitrine::text_tool
