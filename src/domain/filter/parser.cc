// parse(): recursive descent, at most kDepthMax deep, and the simplifications that make equal
// filters equal: double `not`, `and` in `and`, x = a or x = b as x in (a, b).
#include <algorithm>
#include <cmath>
#include <map>
#include <optional>

#include <simdjson.h>

#include "domain/filter/filter.h"
#include "domain/filter/lexer.h"

namespace vitrine::filter {

namespace {

bool is_keyword(const Token& token, std::string_view lower) {
  return token.kind == TokenKind::kWord && token.text.size() == lower.size() &&
         std::equal(lower.begin(), lower.end(), token.text.begin(),
                    [](char a, char b) { return a == (b >= 'A' && b <= 'Z' ? b + 32 : b); });
}

bool is_any_keyword(const Token& token) {
  for (const auto word :
       {"and", "or", "not", "in", "has", "true", "false", "contains", "starts_with", "now"}) {
    if (is_keyword(token, word)) return true;
  }
  return false;
}

bool is_symbol(const Token& token, std::string_view symbol) {
  return token.kind == TokenKind::kSymbol && token.text == symbol;
}

// Sorts, drops repetitions, and writes one value as `=`.
void settle_values(Comparison& comparison) {
  auto& values = comparison.values;
  std::stable_sort(values.begin(), values.end(),
                   [](const Value& a, const Value& b) { return a.literal < b.literal; });
  values.erase(std::unique(values.begin(), values.end(),
                           [](const Value& a, const Value& b) { return a.literal == b.literal; }),
               values.end());
  const bool negative = comparison.op == Operator::kNotIn || comparison.op == Operator::kNotEqual;
  if (values.size() == 1) {
    comparison.op = negative ? Operator::kNotEqual : Operator::kEqual;
  } else {
    comparison.op = negative ? Operator::kNotIn : Operator::kIn;
  }
}

// Unites comparisons of one field that say the same of several values: `=` and `in` under
// `or`, `!=` and `not in` under `and`. Ten thousand `or`s of one field then cost one look-up.
void merge_values(Node::Kind kind, std::vector<NodePtr>& children) {
  const Operator one = kind == Node::Kind::kOr ? Operator::kEqual : Operator::kNotEqual;
  const Operator many = kind == Node::Kind::kOr ? Operator::kIn : Operator::kNotIn;
  std::map<std::string_view, std::pair<std::size_t, std::shared_ptr<Node>>> merged;  // by field
  std::vector<NodePtr> kept;
  for (NodePtr& child : children) {
    const Comparison& comparison = child->comparison;
    const bool fits =
        child->kind == Node::Kind::kComparison && (comparison.op == one || comparison.op == many);
    if (!fits) {
      kept.push_back(std::move(child));
      continue;
    }
    const auto [at, is_new] = merged.try_emplace(comparison.field, kept.size(), nullptr);
    if (is_new) {
      kept.push_back(child);  // `child` stays alive in `children`, and its field with it
      continue;
    }
    auto& [place, node] = at->second;
    if (node == nullptr) {
      node = std::make_shared<Node>(*kept[place]);
      kept[place] = node;
    }
    auto& values = node->comparison.values;
    values.insert(values.end(), comparison.values.begin(), comparison.values.end());
  }
  for (auto& [field, entry] : merged) {
    if (entry.second != nullptr) settle_values(entry.second->comparison);
  }
  children = std::move(kept);
}

NodePtr make_not(NodePtr child) {
  if (child->kind == Node::Kind::kNot) return child->children.front();
  auto node = std::make_shared<Node>();
  node->kind = Node::Kind::kNot;
  node->children.push_back(std::move(child));
  return node;
}

NodePtr make_joined(Node::Kind kind, std::vector<NodePtr> parts) {
  std::vector<NodePtr> children;
  for (NodePtr& part : parts) {
    if (part->kind == kind) {
      children.insert(children.end(), part->children.begin(), part->children.end());
    } else {
      children.push_back(std::move(part));
    }
  }
  merge_values(kind, children);
  if (children.size() == 1) return children.front();
  auto node = std::make_shared<Node>();
  node->kind = kind;
  node->children = std::move(children);
  return node;
}

class Parser {
 public:
  explicit Parser(std::string_view text)
      : source_(std::make_shared<const std::string>(text)), lexer_(*source_) {}

  Result<NodePtr> parse_all() {
    VITRINE_TRY(advance());
    if (token_.kind == TokenKind::kEnd) {
      return fail("the filter is empty: leave it out, or write for example price < 100");
    }
    VITRINE_TRY(NodePtr root, parse_or(0));
    if (is_symbol(token_, ")")) return fail("there is no open parenthesis for this one");
    if (token_.kind != TokenKind::kEnd) return fail("expected `and`, `or` or the end here");
    return root;
  }

 private:
  Status advance() {
    VITRINE_TRY(token_, lexer_.next());
    return ok_status();
  }
  Error fail(const std::string& what, std::string_view reason = kSyntax) const {
    return error_at(*source_, token_.offset, what, reason);
  }
  Status enter(std::size_t depth) const {
    if (depth < kDepthMax) return ok_status();
    return fail(
        "more than " + std::to_string(kDepthMax) + " parentheses and `not`s inside each other",
        kLimit);
  }

  Result<NodePtr> parse_or(std::size_t depth) {
    std::vector<NodePtr> parts;
    while (true) {
      VITRINE_TRY(NodePtr part, parse_and(depth));
      parts.push_back(std::move(part));
      if (!is_keyword(token_, "or")) break;
      VITRINE_TRY(advance());
    }
    return make_joined(Node::Kind::kOr, std::move(parts));
  }

  Result<NodePtr> parse_and(std::size_t depth) {
    std::vector<NodePtr> parts;
    while (true) {
      VITRINE_TRY(NodePtr part, parse_not(depth));
      parts.push_back(std::move(part));
      if (!is_keyword(token_, "and")) break;
      VITRINE_TRY(advance());
    }
    return make_joined(Node::Kind::kAnd, std::move(parts));
  }

  Result<NodePtr> parse_not(std::size_t depth) {
    bool negative = false;
    for (; is_keyword(token_, "not"); ++depth) {
      VITRINE_TRY(enter(depth));
      negative = !negative;
      VITRINE_TRY(advance());
    }
    NodePtr node;
    if (is_symbol(token_, "(")) {
      VITRINE_TRY(enter(depth));
      const std::size_t open = token_.offset;
      VITRINE_TRY(advance());
      VITRINE_TRY(node, parse_or(depth + 1));
      if (!is_symbol(token_, ")")) {
        if (token_.kind != TokenKind::kEnd) return fail("expected `and`, `or` or ) here");
        return error_at(*source_, open, "this parenthesis is not closed: add )", kSyntax);
      }
      VITRINE_TRY(advance());
    } else {
      VITRINE_TRY(node, parse_comparison());
    }
    return negative ? make_not(std::move(node)) : node;
  }

  // Leaves the name's token behind.
  Status read_field(Comparison& comparison) {
    if (token_.kind != TokenKind::kWord || is_any_keyword(token_)) {
      return fail("expected the name of an attribute here, such as price");
    }
    if (!catalog::check_attribute_name(token_.text).ok()) {
      return fail("names of attributes are written with a-z, 0-9 and _, at most 64 of them");
    }
    comparison.field = std::string(catalog::canonical_name(token_.text));
    comparison.field_offset = static_cast<std::uint32_t>(token_.offset);
    comparison.source = source_;
    return advance();
  }

  Result<NodePtr> parse_comparison() {
    auto node = std::make_shared<Node>();
    Comparison& comparison = node->comparison;
    const bool has = is_keyword(token_, "has");
    if (has) VITRINE_TRY(advance());
    VITRINE_TRY(read_field(comparison));
    comparison.op_offset = static_cast<std::uint32_t>(token_.offset);
    if (has) {
      comparison.op = Operator::kHas;
      VITRINE_TRY(count_terms(1));
    } else if (const auto op = find_operator()) {
      comparison.op = *op;
      VITRINE_TRY(advance());
      VITRINE_TRY(read_value(comparison));
    } else if (is_keyword(token_, "in") || is_keyword(token_, "not")) {
      VITRINE_TRY(read_in(comparison));
    } else {
      comparison.op = Operator::kIsTrue;
      VITRINE_TRY(count_terms(1));
    }
    return NodePtr(std::move(node));
  }

  std::optional<Operator> find_operator() const {
    if (is_keyword(token_, "contains")) return Operator::kContains;
    if (is_keyword(token_, "starts_with")) return Operator::kStartsWith;
    if (is_symbol(token_, "=")) return Operator::kEqual;
    if (is_symbol(token_, "!=")) return Operator::kNotEqual;
    if (is_symbol(token_, "<")) return Operator::kLess;
    if (is_symbol(token_, "<=")) return Operator::kLessEqual;
    if (is_symbol(token_, ">")) return Operator::kGreater;
    if (is_symbol(token_, ">=")) return Operator::kGreaterEqual;
    return std::nullopt;
  }

  Status read_in(Comparison& comparison) {
    comparison.op = Operator::kIn;
    if (is_keyword(token_, "not")) {
      comparison.op = Operator::kNotIn;
      VITRINE_TRY(advance());
      if (!is_keyword(token_, "in"))
        return fail("expected `in` after `not`; or put `not` in front of the name");
    }
    VITRINE_TRY(advance());
    if (!is_symbol(token_, "(")) return fail("expected ( and the values after `in`");
    const std::size_t open = token_.offset;
    do {
      VITRINE_TRY(advance());
      VITRINE_TRY(read_value(comparison));
    } while (is_symbol(token_, ","));
    if (token_.kind == TokenKind::kEnd) {
      return error_at(*source_, open, "this parenthesis is not closed: add )", kSyntax);
    }
    if (!is_symbol(token_, ")")) return fail("expected , or ) after a value");
    settle_values(comparison);
    return advance();
  }

  Status count_terms(std::size_t more) {
    terms_ += more;
    if (terms_ <= kTermsMax) return ok_status();
    return fail(
        "more than " + std::to_string(kTermsMax) + " values and comparisons: split the request",
        kLimit);
  }

  Status read_value(Comparison& comparison) {
    VITRINE_TRY(count_terms(1));
    Value value{{}, static_cast<std::uint32_t>(token_.offset)};
    if (token_.kind == TokenKind::kString) {
      value.literal = std::move(token_.string);
    } else if (token_.kind == TokenKind::kNumber) {
      value.literal = token_.number;
    } else if (is_symbol(token_, "-") || is_symbol(token_, "+")) {
      const bool minus = is_symbol(token_, "-");
      VITRINE_TRY(advance());
      if (token_.kind != TokenKind::kNumber) return fail("expected a number after the sign");
      value.literal = (minus ? -token_.number : token_.number) + 0.0;
    } else if (is_keyword(token_, "true") || is_keyword(token_, "false")) {
      value.literal = is_keyword(token_, "true");
    } else if (is_keyword(token_, "now")) {
      VITRINE_TRY(read_now(value));
      comparison.values.push_back(std::move(value));
      return ok_status();
    } else if (token_.kind == TokenKind::kWord) {
      return fail("expected a value here; put quotes around a text: \"" +
                  std::string(token_.text.substr(0, 40)) + "\"");
    } else {
      return fail("expected a value here: \"text\", a number, true, false or now()");
    }
    comparison.values.push_back(std::move(value));
    return advance();
  }

  Status read_now(Value& value) {
    VITRINE_TRY(advance());
    for (const auto symbol : {"(", ")"}) {
      if (!is_symbol(token_, symbol)) return fail("expected () after `now`");
      VITRINE_TRY(advance());
    }
    NowOffset offset;
    if (is_symbol(token_, "-") || is_symbol(token_, "+")) {
      const bool minus = is_symbol(token_, "-");
      VITRINE_TRY(advance());
      if (token_.kind != TokenKind::kDuration)
        return fail("expected a duration such as 7d, 12h, 30m or 2w");
      if (token_.number > static_cast<double>(kNowOffsetMax)) {
        return fail("a duration is at most 36500d (100 years)", kLimit);
      }
      offset.offset_us = std::llround(token_.number);
      if (minus) offset.offset_us = -offset.offset_us;
      VITRINE_TRY(advance());
    }
    value.literal = offset;
    return ok_status();
  }

  std::shared_ptr<const std::string> source_;
  Lexer lexer_;
  Token token_;
  std::size_t terms_ = 0;
};

// Offset of the first byte that is no UTF-8.
std::size_t first_bad_byte(std::string_view text) {
  std::size_t good = 0;
  while (good < text.size()) {
    std::size_t size = 1;
    while (size < 4 && good + size < text.size() &&
           (static_cast<unsigned char>(text[good + size]) & 0xC0) == 0x80) {
      ++size;
    }
    if (!simdjson::validate_utf8(text.data() + good, size)) break;
    good += size;
  }
  return good;
}

}  // namespace

Result<ParsedFilter> parse(std::string_view text) {
  if (text.size() > kFilterBytesMax) {
    return error_at(text.substr(0, kFilterBytesMax), kFilterBytesMax,
                    "the filter is " + std::to_string(text.size()) + " bytes long; at most " +
                        std::to_string(kFilterBytesMax) + " are allowed",
                    kLimit);
  }
  if (!simdjson::validate_utf8(text.data(), text.size())) {
    const std::size_t bad = first_bad_byte(text);
    return error_at(text.substr(0, bad), bad, "here the filter is not valid UTF-8", kSyntax);
  }
  VITRINE_TRY(NodePtr root, Parser(text).parse_all());
  return ParsedFilter(std::move(root));
}

ParsedFilter combine_and(const ParsedFilter& a, const ParsedFilter& b) {
  // No merging: values of two sources would point into the wrong text.
  auto node = std::make_shared<Node>();
  node->kind = Node::Kind::kAnd;
  for (const ParsedFilter* filter : {&a, &b}) {
    const NodePtr root = filter->root_ptr();
    if (root->kind == Node::Kind::kAnd) {
      node->children.insert(node->children.end(), root->children.begin(), root->children.end());
    } else {
      node->children.push_back(root);
    }
  }
  return ParsedFilter(std::move(node));
}

}  // namespace vitrine::filter
