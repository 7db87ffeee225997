// Where the words of a query stand in a text, for showing it.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "engine/text/analyser.h"
#include "engine/text/query.h"

namespace vitrine::search {

// The terms a query finds, prefixes among them.
class WantedTerms {
 public:
  explicit WantedTerms(const text::Query& query);
  bool contains(std::string_view term) const;
  bool empty() const { return terms_.empty() && prefixes_.empty(); }

 private:
  void collect(const text::Query& query);
  std::vector<std::string> terms_;  // sorted
  std::vector<std::string> prefixes_;
};

// `text` as HTML: & < > " ' escaped, words that hold a wanted term in <em>...</em>. With
// `bytes_max` > 0 a piece of about that size around the first word found, cut between words, with
// an ellipsis where something is left out; empty where nothing is found.
std::string highlight(std::string_view text, const text::Analyser& analyser,
                      const WantedTerms& wanted, std::size_t bytes_max = 0);

}  // namespace vitrine::search
