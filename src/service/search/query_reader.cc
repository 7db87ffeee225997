#include "service/search/query_reader.h"

#include <algorithm>

#include "domain/query/query_text.h"
#include "service/search/search_request.h"

namespace vitrine::search {
namespace {

constexpr std::size_t kNearMost = 6;
constexpr float kTypoBoost = 0.5f;  // for each edit

void scale(text::Query& query, float factor) {
  query.boost *= factor;
  for (text::Query& child : query.children) scale(child, factor);
}

}  // namespace

QueryReader::QueryReader(const IndexView& view, std::string_view text, bool as_you_type)
    : view_(view), text_(text), as_you_type_(as_you_type) {
  std::vector<text::AnalysedTerm> terms;
  view.analyser->analyse(text_, terms);
  for (const text::AnalysedTerm& term : terms) {
    const bool same = !words_.empty() && words_.back().begin == term.begin;
    if (!same && words_.size() == kQueryWordsMax) {
      text_.resize(words_.back().end);
      break;
    }
    const std::uint64_t documents = view.snapshot->document_frequency(term.text);
    if (!same) {
      words_.push_back(
          {query::normalise(std::string_view(text_).substr(term.begin, term.end - term.begin)),
           term.begin,
           term.end,
           documents,
           false,
           {}});
    } else if (!term.alternative) {
      words_.back().documents = std::min(words_.back().documents, documents);
    } else {
      words_.back().documents = std::max(words_.back().documents, documents);
    }
  }
  if (!words_.empty()) words_.back().last = true;
}

text::Query QueryReader::exact() const {
  text::Query query = view_.analyser->query_for(text_, true, as_you_type_);
  if (text::check_query(query).ok()) return query;
  // Too many synonyms for one query: the words alone.
  std::vector<text::AnalysedTerm> terms;
  view_.analyser->analyse(text_, terms);
  std::vector<text::Query> children;
  for (const text::AnalysedTerm& term : terms) {
    if (!term.alternative) children.push_back(text::term(term.text));
  }
  return text::all_of(std::move(children));
}

std::uint64_t QueryReader::documents_with(std::string_view word) const {
  std::vector<text::AnalysedTerm> terms;
  view_.analyser->analyse(word, terms);
  std::uint64_t most = 0;
  for (const text::AnalysedTerm& term : terms) {
    most = std::max(most, view_.snapshot->document_frequency(term.text));
  }
  return most;
}

bool QueryReader::correct() {
  bool any = false;
  bool all = true;
  for (Word& word : words_) {
    if (word.documents > 0) continue;
    word.near.clear();
    const std::uint32_t typos = typos_allowed(character_count(word.surface));
    for (const Vocabulary::Near& near : view_.words->near(word.surface, typos, 4 * kNearMost)) {
      // The word may have gone from the catalog since.
      if (word.near.size() < kNearMost && documents_with(near.word) > 0) word.near.push_back(near);
    }
    (word.near.empty() ? all : any) = word.near.empty() ? false : true;
  }
  return any && all;
}

text::Query QueryReader::query_of(const Word& word, bool with_near) const {
  text::Query own =
      view_.analyser->query_for(std::string_view(text_).substr(word.begin, word.end - word.begin),
                                true, as_you_type_ && word.last);
  if (!with_near || word.near.empty()) return own;
  std::vector<text::Query> choices;
  if (as_you_type_ && word.last) choices.push_back(std::move(own));
  for (const Vocabulary::Near& near : word.near) {
    text::Query query = view_.analyser->query_for(near.word, true);
    scale(query, near.distance == 1 ? kTypoBoost : kTypoBoost * kTypoBoost);
    choices.push_back(std::move(query));
  }
  return choices.size() == 1 ? std::move(choices[0]) : text::any_of(std::move(choices));
}

text::Query QueryReader::corrected() const {
  std::vector<text::Query> parts;
  for (const Word& word : words_) parts.push_back(query_of(word, true));
  if (parts.empty()) return {};
  return parts.size() == 1 ? std::move(parts[0]) : text::all_of(std::move(parts));
}

std::uint32_t QueryReader::findable() const {
  return static_cast<std::uint32_t>(std::count_if(words_.begin(), words_.end(), [](const Word& w) {
    return w.documents > 0 || !w.near.empty();
  }));
}

text::Query QueryReader::some(std::uint32_t least) const {
  std::vector<text::Query> parts;
  for (const Word& word : words_) {
    if (word.documents > 0 || !word.near.empty()) parts.push_back(query_of(word, true));
  }
  if (parts.empty()) return {};
  return parts.size() == 1 ? std::move(parts[0]) : text::any_of(std::move(parts), least);
}

// The text with words_[i] replaced by by[i], where that is not empty.
std::string QueryReader::replaced(const std::vector<std::string_view>& by) const {
  std::string out;
  std::size_t from = 0;
  for (std::size_t i = 0; i < words_.size(); ++i) {
    if (by[i].empty()) continue;
    out += std::string_view(text_).substr(from, words_[i].begin - from);
    out += by[i];
    from = words_[i].end;
  }
  out += std::string_view(text_).substr(from);
  return query::normalise(out);
}

std::string QueryReader::corrected_text() const {
  std::vector<std::string_view> by;
  bool any = false;
  for (const Word& word : words_) {
    by.push_back(word.near.empty() ? std::string_view() : word.near.front().word);
    any = any || !word.near.empty();
  }
  return any ? replaced(by) : std::string();
}

std::string QueryReader::likely_meant() const {
  std::vector<std::string_view> by(words_.size());
  bool any = false;
  for (std::size_t i = 0; i < words_.size(); ++i) {
    const Word& word = words_[i];
    const std::uint32_t typos = typos_allowed(character_count(word.surface));
    if (word.documents == 0 || typos == 0) continue;
    const auto near = view_.words->near(word.surface, 1, 1);
    if (near.empty() || near[0].count < kMeantTimes * word.documents) continue;
    // "shoe" for "shoes" says nothing: they find the same.
    std::vector<text::AnalysedTerm> own, other;
    view_.analyser->analyse(word.surface, own);
    view_.analyser->analyse(near[0].word, other);
    if (!own.empty() && !other.empty() && own[0].text == other[0].text) continue;
    by[i] = near[0].word;
    any = true;
  }
  return any ? replaced(by) : std::string();
}

}  // namespace vitrine::search
