// From text to terms: the same for documents and queries, so that they meet.
//
// Steps: Unicode NFKC with case folding; cut into words (letters, digits, marks); numbers keep
// their fraction and their unit ("1,5 l", "1.5l" and "1.5 L" all give "1.5l" beside "1.5"), joined
// words give their parts and the whole ("usb-c": usb, c, usbc); Chinese, Japanese and Korean
// runs give overlapping pairs of characters, and in documents the single ones too; stop words go;
// the rest is stemmed for the language (Snowball). Synonyms are alternatives in queries only, so
// that changing them needs no new index: they are not part of the fingerprint.
//
// Immutable and thread-safe after make().
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "engine/text/query.h"
#include "engine/text/schema.h"

namespace vitrine::text {

// Part of every fingerprint: rises when the same text gives other terms than before.
inline constexpr int kAnalyserVersion = 1;

struct SynonymRule {
  // Each finds the other; a phrase of several words is allowed on either side.
  std::vector<std::string> words;
};

struct AnalyserOptions {
  // "none", or a language of Snowball: "english", "german", "french", ... or its code: "en", "de".
  std::string language = "none";
  bool stop_words = false;  // of the language; never drops a whole query
  std::vector<std::string> extra_stop_words;
  std::vector<SynonymRule> synonyms;
  bool strip_accents = true;  // "café" finds "cafe"
};

// A term with where it came from, for highlighting.
struct AnalysedTerm {
  std::string text;
  std::uint32_t position = 0;        // of the word in the text
  std::uint32_t begin = 0, end = 0;  // bytes of the original text
  bool alternative = false;          // a synonym or a part at the same position
};

class Analyser {
 public:
  // kInvalidArgument for an unknown language, with the known ones.
  static Result<std::shared_ptr<const Analyser>> make(AnalyserOptions options);
  ~Analyser();

  // Version and options in short; goes into Schema::analyser.
  const std::string& fingerprint() const;

  // Appends the terms of `text` (UTF-8; broken bytes become U+FFFD). At most kTermBytesMax bytes a
  // term, longer ones are cut. About 100 to 200 ns a word.
  void analyse(std::string_view text, std::vector<AnalysedTerm>& out) const;

  // The query for words typed by a person: all of them (or min_match of them) in any form that
  // documents may have: synonyms are alternatives, CJK pairs belong together.
  // kNothing where no term is left. With `last_is_prefix` the last word may go on (typeahead).
  Query query_for(std::string_view text, bool all_words, bool last_is_prefix = false) const;

  // The parts that query_for() joins, one a word or synonym, but for all words, and without stop
  // words even where nothing is left.
  std::vector<Query> word_queries(std::string_view text) const;

 private:
  struct State;
  explicit Analyser(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

// Names Snowball knows here, sorted.
std::vector<std::string> analyser_languages();

}  // namespace vitrine::text
