#include "engine/text/analyser.h"

#include <algorithm>
#include <map>
#include <set>

#include <libstemmer.h>
#include <unicode/utf8.h>
#include <unicode/uversion.h>

#include "base/hash.h"
#include "engine/text/internal/stop_words.h"
#include "engine/text/internal/words.h"

namespace vitrine::text {

using internal::Word;

namespace {

// A stemmer has working memory of its own: one per thread and language.
class ThreadStemmers {
 public:
  ~ThreadStemmers() {
    for (auto& [language, stemmer] : stemmers_) sb_stemmer_delete(stemmer);
  }
  sb_stemmer* get(const std::string& language) {
    auto [at, fresh] = stemmers_.try_emplace(language, nullptr);
    if (fresh) at->second = sb_stemmer_new(language.c_str(), nullptr);
    return at->second;
  }

 private:
  std::map<std::string, sb_stemmer*> stemmers_;
};

std::string cut_term(std::string term) {
  if (term.size() <= kTermBytesMax) return term;
  auto end = static_cast<std::int32_t>(kTermBytesMax);
  U8_SET_CP_START(reinterpret_cast<const std::uint8_t*>(term.data()), 0, end);
  term.resize(static_cast<std::size_t>(end));
  return term;
}

}  // namespace

struct Analyser::State {
  AnalyserOptions options;
  std::string language;  // Snowball's name, or empty
  std::string fingerprint;
  std::set<std::string, std::less<>> stop;
  // Terms of a synonym's words, joined by a space, and what they stand for.
  std::map<std::string, std::vector<Query>, std::less<>> synonyms;
  std::size_t synonym_words_max = 0;

  std::string stem(const std::string& word) const {
    std::string out = word;
    const bool digits =
        std::any_of(word.begin(), word.end(), [](char c) { return c >= '0' && c <= '9'; });
    if (!language.empty() && !digits) {
      thread_local ThreadStemmers stemmers;
      sb_stemmer* stemmer = stemmers.get(language);
      const auto* stemmed = sb_stemmer_stem(
          stemmer, reinterpret_cast<const sb_symbol*>(word.data()), static_cast<int>(word.size()));
      if (stemmed != nullptr)
        out.assign(reinterpret_cast<const char*>(stemmed),
                   static_cast<std::size_t>(sb_stemmer_length(stemmer)));
    }
    return plain(out.empty() ? word : out);
  }
  std::string plain(const std::string& word) const {
    return cut_term(options.strip_accents ? internal::without_accents(word) : word);
  }
  bool stops(const Word& w) const {
    return w.kind == Word::Kind::kPlain && stop.contains(w.parts[0]);
  }
  std::vector<Word> words(std::string_view text, bool keep_something) const;
  Query query_of(const Word& word) const;
  std::vector<Query> units(const std::vector<Word>& words, bool last_is_prefix) const;
};

namespace {

// "men's" is "men" in English, before anything else.
void drop_possessive(std::vector<Word>& words) {
  for (Word& w : words) {
    if (w.kind != Word::Kind::kJoined || w.parts.size() != 2 || w.parts[1] != "s") continue;
    w.kind = Word::Kind::kPlain;
    w.parts.pop_back();
    w.whole = w.parts[0];
  }
}

}  // namespace

std::vector<Word> Analyser::State::words(std::string_view text, bool keep_something) const {
  std::vector<Word> all = internal::cut_words(text);
  if (language == "english") drop_possessive(all);
  if (!keep_something) return all;
  std::vector<Word> kept;
  for (const Word& w : all)
    if (!stops(w)) kept.push_back(w);
  return kept.empty() ? all : kept;
}

Result<std::shared_ptr<const Analyser>> Analyser::make(AnalyserOptions options) {
  auto state = std::make_unique<State>();
  if (options.language != "none" && !options.language.empty()) {
    // Debian's Snowball also knows the two- and three-letter codes.
    sb_stemmer* stemmer = sb_stemmer_new(options.language.c_str(), nullptr);
    if (stemmer == nullptr) {
      std::string known = "none";
      for (const std::string& l : analyser_languages()) known += ", " + l;
      return Error(ErrorCode::kInvalidArgument,
                   "unknown language '" + options.language + "'; known: " + known);
    }
    sb_stemmer_delete(stemmer);
    static const std::map<std::string, std::string> kCodes{
        {"da", "danish"},    {"de", "german"},     {"en", "english"}, {"es", "spanish"},
        {"fi", "finnish"},   {"fr", "french"},     {"it", "italian"}, {"nl", "dutch"},
        {"no", "norwegian"}, {"pt", "portuguese"}, {"ru", "russian"}, {"sv", "swedish"}};
    const auto code = kCodes.find(options.language);
    state->language = code != kCodes.end() ? code->second : options.language;
  }
  if (options.stop_words)
    for (const Word& w : internal::cut_words(internal::stop_words_of(state->language)))
      for (const std::string& part : w.parts) state->stop.insert(part);
  for (const std::string& word : options.extra_stop_words)
    for (const Word& w : internal::cut_words(word))
      if (w.kind == Word::Kind::kPlain) state->stop.insert(w.parts[0]);
  state->options = std::move(options);
  state->fingerprint = "vitrine-" + std::to_string(kAnalyserVersion) + "/icu-" + U_ICU_VERSION +
                       "/" + (state->language.empty() ? "none" : state->language) +
                       (state->options.strip_accents ? "/plain" : "/accents");
  std::uint64_t stop_hash = 0;
  for (const std::string& word : state->stop) stop_hash = hash64(word, stop_hash);
  if (!state->stop.empty()) state->fingerprint += "/stop-" + std::to_string(stop_hash);
  auto analyser = std::shared_ptr<const Analyser>(new Analyser(std::move(state)));
  State& s = *analyser->state_;
  for (const SynonymRule& rule : s.options.synonyms) {
    std::vector<std::pair<std::string, Query>> forms;
    for (const std::string& text : rule.words) {
      std::string key;
      std::vector<Query> parts;
      std::size_t count = 0;
      for (const Word& w : s.words(text, true)) {
        key += (key.empty() ? "" : " ") + to_string(s.query_of(w));
        parts.push_back(s.query_of(w));
        ++count;
      }
      if (parts.empty()) continue;
      s.synonym_words_max = std::max(s.synonym_words_max, count);
      forms.emplace_back(key, parts.size() == 1 ? parts[0] : all_of(std::move(parts)));
    }
    for (const auto& [key, own] : forms)
      for (const auto& [other, query] : forms)
        if (other != key) s.synonyms[key].push_back(query);
  }
  return analyser;
}

Analyser::Analyser(std::unique_ptr<State> state) : state_(std::move(state)) {}
Analyser::~Analyser() = default;
const std::string& Analyser::fingerprint() const { return state_->fingerprint; }

void Analyser::analyse(std::string_view text, std::vector<AnalysedTerm>& out) const {
  const State& s = *state_;
  std::uint32_t position = 0;
  const auto put = [&](std::string term, const Word& w, std::uint32_t at, bool alternative) {
    if (!term.empty()) out.push_back({cut_term(std::move(term)), at, w.begin, w.end, alternative});
  };
  for (const Word& w : s.words(text, false)) {
    if (s.stops(w)) {
      ++position;
      continue;
    }
    switch (w.kind) {
      case Word::Kind::kPlain: put(s.stem(w.parts[0]), w, position++, false); break;
      case Word::Kind::kNumber:
        put(w.whole.empty() ? w.parts[0] : s.plain(w.whole), w, position, false);
        if (!w.whole.empty()) put(w.parts[0], w, position, true);
        ++position;
        break;
      case Word::Kind::kJoined:
        put(s.stem(w.parts[0]), w, position, false);
        put(s.stem(w.whole), w, position, true);
        for (std::size_t i = 1; i < w.parts.size(); ++i)
          put(s.stem(w.parts[i]), w, position + static_cast<std::uint32_t>(i), false);
        position += static_cast<std::uint32_t>(w.parts.size());
        break;
      case Word::Kind::kCjk:
        for (std::size_t i = 0; i < w.parts.size(); ++i, ++position) {
          const bool pair = i + 1 < w.parts.size();
          if (pair) put(w.parts[i] + w.parts[i + 1], w, position, false);
          put(w.parts[i], w, position, pair || i > 0);
        }
        break;
    }
  }
}

Query Analyser::State::query_of(const Word& w) const {
  std::vector<Query> parts;
  switch (w.kind) {
    case Word::Kind::kPlain: return term(stem(w.parts[0]));
    case Word::Kind::kNumber: return term(w.whole.empty() ? cut_term(w.parts[0]) : plain(w.whole));
    case Word::Kind::kJoined:
      for (const std::string& part : w.parts) parts.push_back(term(stem(part)));
      return any_of({term(stem(w.whole)), all_of(std::move(parts))});
    case Word::Kind::kCjk:
      if (w.parts.size() == 1) return term(w.parts[0]);
      for (std::size_t i = 0; i + 1 < w.parts.size(); ++i)
        parts.push_back(term(w.parts[i] + w.parts[i + 1]));
      return parts.size() == 1 ? parts[0] : all_of(std::move(parts));
  }
  return {};
}

Query Analyser::query_for(std::string_view text, bool all_words, bool last_is_prefix) const {
  // Long texts are cut so that the query stays within its bounds.
  constexpr std::size_t kWordsMax = 64;
  std::vector<Word> words = state_->words(text, true);
  if (words.size() > kWordsMax) words.resize(kWordsMax);
  std::vector<Query> units = state_->units(words, last_is_prefix);
  if (units.empty()) return {};
  if (units.size() == 1) return units[0];
  return all_words ? all_of(std::move(units)) : any_of(std::move(units));
}

std::vector<Query> Analyser::word_queries(std::string_view text) const {
  std::vector<Word> words = state_->words(text, false);
  std::erase_if(words, [this](const Word& w) { return state_->stops(w); });
  return state_->units(words, false);
}

std::vector<Query> Analyser::State::units(const std::vector<Word>& words,
                                          bool last_is_prefix) const {
  const State& s = *this;
  std::vector<Query> own;
  std::vector<std::string> keys;
  for (std::size_t i = 0; i < words.size(); ++i) {
    Query q = s.query_of(words[i]);
    keys.push_back(to_string(q));
    if (last_is_prefix && i + 1 == words.size() && words[i].kind != Word::Kind::kCjk)
      q = any_of({std::move(q),
                  prefix(s.plain(words[i].whole.empty() ? words[i].parts[0] : words[i].whole))});
    own.push_back(std::move(q));
  }
  std::vector<Query> units;
  for (std::size_t i = 0; i < own.size();) {
    // The longest synonym that begins here.
    std::size_t length = 0;
    const std::vector<Query>* others = nullptr;
    std::string key;
    for (std::size_t n = 1; n <= s.synonym_words_max && i + n <= own.size(); ++n) {
      key += (n > 1 ? " " : "") + keys[i + n - 1];
      if (const auto found = s.synonyms.find(key); found != s.synonyms.end()) {
        length = n;
        others = &found->second;
      }
    }
    if (others == nullptr) {
      units.push_back(std::move(own[i++]));
      continue;
    }
    std::vector<Query> same(own.begin() + static_cast<std::ptrdiff_t>(i),
                            own.begin() + static_cast<std::ptrdiff_t>(i + length));
    std::vector<Query> choices{same.size() == 1 ? same[0] : all_of(std::move(same))};
    choices.insert(choices.end(), others->begin(), others->end());
    units.push_back(any_of(std::move(choices)));
    i += length;
  }
  return units;
}

std::vector<std::string> analyser_languages() {
  std::vector<std::string> names;
  for (const char** name = sb_stemmer_list(); *name != nullptr; ++name) names.emplace_back(*name);
  std::sort(names.begin(), names.end());
  return names;
}

}  // namespace vitrine::text
