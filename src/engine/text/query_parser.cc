// Recursive descent, at most kQueryDepthMax deep. A list between parentheses is read as its items
// and what joins them; then joined, so that words side by side reach the analyser together.
#include "engine/text/query_parser.h"

#include <algorithm>

#include <unicode/utf8.h>

#include "base/source_error.h"
#include "engine/text/internal/query_lexer.h"

namespace vitrine::text {

using internal::QueryToken;
using internal::TokenKind;

namespace {

enum class Join : std::uint8_t { kSide, kAnd, kOr };

struct Item {
  std::size_t offset = 0;
  Join join = Join::kSide;  // with the item before
  bool negative = false;
  bool plain = false;  // a word that may be analysed with its neighbours; else query
  std::string word;
  Query query;
};
using Items = std::vector<Item>;

bool nothing(const Query& query) { return query.kind == Query::Kind::kNothing; }

std::size_t leaves_of(const Query& query) {
  std::size_t n = query.terms.size() + (query.children.empty() ? 0 : 1);
  for (const Query& child : query.children) n += leaves_of(child);
  return n;
}

std::size_t depth_of(const Query& query) {
  std::size_t deepest = 0;
  for (const Query& child : query.children) deepest = std::max(deepest, 1 + depth_of(child));
  return deepest;
}

Query joined(std::vector<Query> parts, bool all) {
  if (parts.empty()) return {};
  if (parts.size() == 1) return std::move(parts[0]);
  return all ? all_of(std::move(parts)) : any_of(std::move(parts));
}

class Parser {
 public:
  Parser(std::string_view text, const Analyser& analyser, const Schema& schema, bool all_words)
      : text_(text), lexer_(text), analyser_(analyser), schema_(schema), all_words_(all_words) {}

  Result<Query> parse() {
    VITRINE_TRY(advance());
    if (token_.kind == TokenKind::kEnd) return Query{};
    VITRINE_TRY(const Items items, parse_items(0));
    if (token_.kind == TokenKind::kClose) return fail("there is no open parenthesis for this one");
    VITRINE_TRY(Query query, join(items));
    // The analyser's own nesting comes on top of that of the text.
    if (depth_of(query) > kQueryDepthMax) return too_deep(deepest_at_);
    if (Status checked = check_query(query); !checked.ok())
      return error_at(text_, text_.size(), checked.error().message() + ": leave words out");
    return query;
  }

 private:
  Status advance() {
    VITRINE_TRY(token_, lexer_.next());
    return ok_status();
  }
  Error fail(const std::string& what) const { return error_at(text_, token_.offset, what); }
  Error too_deep(std::size_t offset) const {
    return error_at(text_, offset,
                    "too many parentheses and NOTs inside each other: a query nests at most " +
                        std::to_string(kQueryDepthMax) + " deep");
  }
  Status enter(std::size_t depth) {
    if (depth >= kQueryDepthMax) return too_deep(token_.offset);
    if (depth >= deepest_) {
      deepest_ = depth;
      deepest_at_ = token_.offset;
    }
    return ok_status();
  }

  // Up to the end or a closing parenthesis, which stays.
  Result<Items> parse_items(std::size_t depth) {
    Items items;
    Join join = Join::kSide;
    for (;;) {
      if (token_.kind == TokenKind::kEnd || token_.kind == TokenKind::kClose) {
        if (join == Join::kSide) return items;
        return fail("expected a word behind " + name_of(join));
      }
      if (token_.kind == TokenKind::kAnd || token_.kind == TokenKind::kOr) {
        const Join here = token_.kind == TokenKind::kAnd ? Join::kAnd : Join::kOr;
        if (items.empty() || join != Join::kSide)
          return fail(name_of(here) + " stands between two words; as a word it is not in capitals");
        join = here;
        VITRINE_TRY(advance());
        continue;
      }
      VITRINE_TRY(Item item, parse_item(depth));
      item.join = join;
      join = Join::kSide;
      items.push_back(std::move(item));
    }
  }

  static std::string name_of(Join join) { return join == Join::kAnd ? "AND" : "OR"; }

  Result<Item> parse_item(std::size_t depth) {
    Item item;
    item.offset = token_.offset;
    for (; token_.kind == TokenKind::kNot; ++depth) {
      VITRINE_TRY(enter(depth));
      item.negative = !item.negative;
      VITRINE_TRY(advance());
      if (token_.kind == TokenKind::kEnd || token_.kind == TokenKind::kClose ||
          token_.kind == TokenKind::kAnd || token_.kind == TokenKind::kOr)
        return fail("expected what is not wanted behind NOT or -");
    }
    std::string field;
    if (token_.kind == TokenKind::kField) {
      VITRINE_TRY(check_field());
      field = token_.string;
      VITRINE_TRY(advance());
    }
    VITRINE_TRY(parse_operand(depth, item));
    if (field.empty()) return item;
    if (item.plain) {
      VITRINE_TRY(item.query, analysed(item));
      item.plain = false;
    }
    item.query = in_field(field, std::move(item.query));
    return item;
  }

  Status check_field() const {
    std::string names;
    for (const FieldSpec& field : schema_.fields) {
      if (field.name == token_.string) return ok_status();
      names += (names.empty() ? "" : ", ") + field.name;
    }
    return fail("there is no field " + token_.string.substr(0, 40) + "; there is " + names +
                ". For the text itself write \\: instead of :");
  }

  Status parse_operand(std::size_t depth, Item& item) {
    switch (token_.kind) {
      case TokenKind::kWord:
        item.plain = true;
        item.word = token_.string;
        return advance();
      case TokenKind::kPrefix: {
        item.query = analyser_.query_for(token_.string, true, true);
        VITRINE_TRY(count(item.query, token_.offset));
        return advance();
      }
      case TokenKind::kPhrase: {
        VITRINE_TRY(item.query, phrase_of(token_.string));
        VITRINE_TRY(count(item.query, token_.offset));
        return advance();
      }
      case TokenKind::kOpen: return parse_group(depth, item);
      default: return fail("expected a word, a phrase or ( behind the field's name");
    }
  }

  Status parse_group(std::size_t depth, Item& item) {
    VITRINE_TRY(enter(depth));
    const std::size_t open = token_.offset;
    VITRINE_TRY(advance());
    VITRINE_TRY(const Items items, parse_items(depth + 1));
    if (token_.kind == TokenKind::kEnd)
      return error_at(text_, open, "this parenthesis is not closed: add )");
    if (items.empty())
      return error_at(text_, open, "there is nothing between these parentheses: leave them out");
    VITRINE_TRY(item.query, token_.least > 0 ? at_least(items) : join(items));
    return advance();
  }

  Status count(const Query& query, std::size_t offset) {
    leaves_ += leaves_of(query);
    if (leaves_ <= kQueryLeavesMax) return ok_status();
    return error_at(
        text_, offset,
        "a query has at most " + std::to_string(kQueryLeavesMax) + " terms: leave words out");
  }

  // Words as the analyser sees them, side by side.
  Result<std::vector<Query>> words_of(const std::string& words, std::size_t offset) {
    std::vector<Query> parts = analyser_.word_queries(words);
    for (const Query& part : parts) VITRINE_TRY(count(part, offset));
    return parts;
  }
  // An item by itself: all of its parts, if it has several.
  Result<Query> analysed(const Item& item) {
    if (!item.plain) return item.query;
    VITRINE_TRY(std::vector<Query> parts, words_of(item.word, item.offset));
    return joined(std::move(parts), true);
  }

  Result<Query> phrase_of(const std::string& text) {
    std::vector<AnalysedTerm> terms;
    analyser_.analyse(text, terms);
    std::vector<Query> parts;
    std::uint32_t next = 0;
    bool extra = false;  // the last term says nothing that the one before does not
    const auto drop_extra = [&] {
      if (extra && parts.back().terms.size() > 1) parts.back().terms.pop_back();
    };
    for (const AnalysedTerm& t : terms) {
      // One term a position. The first is the main one; at the end of CJK runs, where there is
      // none, the single character, so that what follows has its place.
      if (!parts.empty() && t.position + 1 == next) continue;
      if (parts.empty() || t.position != next) {
        drop_extra();
        parts.push_back(phrase({t.text}));
      } else {
        parts.back().terms.push_back(t.text);
      }
      next = t.position + 1;
      extra = t.alternative;
    }
    drop_extra();
    for (Query& part : parts) {
      if (part.terms.size() == 1) part = term(part.terms[0]);
      if (part.terms.size() > kPhraseTermsMax)
        return fail("a phrase has at most " + std::to_string(kPhraseTermsMax) + " words");
      if (part.terms.size() > 1 && !schema_.positions)
        return fail("phrases need an index with positions: leave out the quotes, or build it with");
    }
    return joined(std::move(parts), true);
  }

  // Items[begin, end) that are words side by side, as parts; else the one item at `begin`.
  Result<std::size_t> take_run(const Items& items, std::size_t begin, std::size_t end,
                               std::vector<Query>& parts) {
    std::size_t at = begin;
    if (!items[begin].plain || items[begin].negative) {
      VITRINE_TRY(Query query, analysed(items[begin]));
      if (!nothing(query))
        parts.push_back(items[begin].negative ? none_of(std::move(query)) : std::move(query));
      return begin + 1;
    }
    std::string words;
    do {
      words += (at > begin ? " " : "") + items[at].word;
      ++at;
    } while (at < end && items[at].plain && !items[at].negative && items[at].join == Join::kSide);
    VITRINE_TRY(std::vector<Query> own, words_of(words, items[begin].offset));
    std::move(own.begin(), own.end(), std::back_inserter(parts));
    return at;
  }

  Result<Query> join(const Items& items) { return all_words_ ? join_all(items) : join_any(items); }

  // OR between what AND and neighbourhood bind.
  Result<Query> join_all(const Items& items) {
    std::vector<Query> choices;
    for (std::size_t begin = 0; begin < items.size();) {
      std::size_t end = begin + 1;
      while (end < items.size() && items[end].join != Join::kOr) ++end;
      std::vector<Query> parts;
      while (begin < end) {
        VITRINE_TRY(begin, take_run(items, begin, end, parts));
      }
      if (!parts.empty()) choices.push_back(joined(std::move(parts), true));
    }
    return joined(std::move(choices), false);
  }

  // OR and neighbourhood between what AND binds. What is excluded beside others goes around all.
  Result<Query> join_any(const Items& items) {
    std::vector<Query> choices, excluded;
    for (std::size_t begin = 0; begin < items.size();) {
      std::size_t end = begin + 1;
      while (end < items.size() && items[end].join == Join::kAnd) ++end;
      const bool beside = items[begin].join == Join::kSide &&
                          (begin > 0 || end == items.size() || items[end].join == Join::kSide);
      if (end > begin + 1) {
        std::vector<Query> parts;
        for (; begin < end; ++begin) {
          VITRINE_TRY(Query query, analysed(items[begin]));
          if (nothing(query)) continue;
          parts.push_back(items[begin].negative ? none_of(std::move(query)) : std::move(query));
        }
        if (!parts.empty()) choices.push_back(joined(std::move(parts), true));
      } else if (items[begin].negative) {
        VITRINE_TRY(begin, take_run(items, begin, end, beside ? excluded : choices));
      } else {
        // A word that AND binds to the next one is no part of the run.
        while (end < items.size() && items[end].join == Join::kSide &&
               (end + 1 == items.size() || items[end + 1].join != Join::kAnd))
          ++end;
        VITRINE_TRY(begin, take_run(items, begin, end, choices));
      }
    }
    if (excluded.empty()) return joined(std::move(choices), false);
    if (!choices.empty()) excluded.insert(excluded.begin(), joined(std::move(choices), false));
    return joined(std::move(excluded), true);
  }

  // (a b c)~n: the parenthesis is the token.
  Result<Query> at_least(const Items& items) {
    std::vector<Query> parts;
    for (const Item& item : items) {
      if (item.join == Join::kAnd)
        return error_at(text_, item.offset,
                        "~ counts what stands side by side or with OR; put this AND and what "
                        "belongs to it in parentheses");
      if (item.negative)
        return error_at(text_, item.offset,
                        "~ counts what matches: put what is not wanted outside the parentheses");
      VITRINE_TRY(Query query, analysed(item));
      if (!nothing(query)) parts.push_back(std::move(query));
    }
    if (token_.least > items.size())
      return fail("there are only " + std::to_string(items.size()) + " to choose from, not " +
                  std::to_string(token_.least) + ": write a smaller number behind ~");
    if (parts.size() < 2) return joined(std::move(parts), false);
    // Stop words drop out, so there may be fewer than were written.
    const auto least = std::min<std::size_t>(token_.least, parts.size());
    return any_of(std::move(parts), static_cast<std::uint32_t>(least));
  }

  std::string_view text_;
  internal::QueryLexer lexer_;
  const Analyser& analyser_;
  const Schema& schema_;
  const bool all_words_;
  QueryToken token_;
  std::size_t leaves_ = 0;
  std::size_t deepest_ = 0, deepest_at_ = 0;
};

}  // namespace

Result<Query> parse_query(std::string_view text, const Analyser& analyser, const Schema& schema,
                          const ParseOptions& options) {
  if (text.size() > kQueryBytesMax)
    return error_at(text.substr(0, kQueryBytesMax), kQueryBytesMax,
                    "the query is " + std::to_string(text.size()) + " bytes long; at most " +
                        std::to_string(kQueryBytesMax) + " are allowed");
  const auto size = static_cast<std::int32_t>(text.size());
  for (std::int32_t at = 0; at < size;) {
    const std::int32_t begin = at;
    UChar32 point = 0;
    U8_NEXT(reinterpret_cast<const std::uint8_t*>(text.data()), at, size, point);
    if (point < 0) {
      const auto bad = static_cast<std::size_t>(begin);
      return error_at(text.substr(0, bad), bad, "here the query is not valid UTF-8");
    }
  }
  return Parser(text, analyser, schema, options.all_words).parse();
}

}  // namespace vitrine::text
