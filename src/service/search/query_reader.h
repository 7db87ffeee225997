// From the words somebody typed to queries of the index, from the strictest to the widest.
//
// A word is known if some document has it. An unknown one is replaced by near words of the
// vocabulary that documents have: those with fewer edits first and weighted higher. A function of
// the text and the view alone.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "engine/text/query.h"
#include "service/search/catalog_index.h"

namespace vitrine::search {

class QueryReader {
 public:
  // `text`: UTF-8; words behind kQueryWordsMax are left out. `view` outlives the reader.
  QueryReader(const IndexView& view, std::string_view text, bool as_you_type);

  std::size_t words() const { return words_.size(); }
  // All words as typed, synonyms as alternatives.
  text::Query exact() const;

  // Looks for near words of the unknown ones. Whether every unknown word has any, and there is one.
  bool correct();
  // After correct(): all words, with the near ones for the unknown.
  text::Query corrected() const;
  // After correct(): at least `least` of the words that are known or have near ones.
  text::Query some(std::uint32_t least) const;
  // Words that some() can find.
  std::uint32_t findable() const;
  // The text with each unknown word replaced by its nearest; empty where none is.
  std::string corrected_text() const;

  // A text that is likely to be meant although all its words are known: a near word at least
  // kMeantTimes as frequent as a rare one. Empty: none.
  std::string likely_meant() const;
  static constexpr std::uint32_t kMeantTimes = 20;

 private:
  struct Word {
    std::string surface;  // normalised
    std::uint32_t begin = 0, end = 0;
    std::uint64_t documents = 0;  // that have its rarest term
    bool last = false;
    std::vector<Vocabulary::Near> near;
  };
  text::Query query_of(const Word& word, bool with_near) const;
  std::uint64_t documents_with(std::string_view word) const;
  std::string replaced(const std::vector<std::string_view>& by) const;

  const IndexView& view_;
  std::string text_;
  bool as_you_type_;
  std::vector<Word> words_;
};

}  // namespace vitrine::search
