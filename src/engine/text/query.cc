#include "engine/text/query.h"

#include <cmath>

#include "engine/text/schema.h"

namespace vitrine::text {

namespace {

Query leaf(Query::Kind kind, std::vector<std::string> terms, float boost) {
  Query q;
  q.kind = kind;
  q.terms = std::move(terms);
  q.boost = boost;
  return q;
}

Error bad(std::string what) { return Error(ErrorCode::kInvalidArgument, std::move(what)); }

Status check_leaf(const Query& q) {
  if (!std::isfinite(q.boost) || q.boost < 0) return bad("a boost must be a number of at least 0");
  if (!q.children.empty()) return bad("a term, phrase or prefix has no children");
  const std::size_t most = q.kind == Query::Kind::kPhrase ? kPhraseTermsMax : 1;
  if (q.terms.empty() || q.terms.size() > most)
    return bad("a phrase has 1 to " + std::to_string(kPhraseTermsMax) +
               " terms, a term or prefix one, not " + std::to_string(q.terms.size()));
  return ok_status();
}

Status check_node(const Query& q, std::size_t depth, std::size_t& leaves) {
  if (depth > kQueryDepthMax)
    return Error(ErrorCode::kTooLarge,
                 "a query nests at most " + std::to_string(kQueryDepthMax) + " deep");
  switch (q.kind) {
    case Query::Kind::kNothing: return ok_status();
    case Query::Kind::kTerm:
    case Query::Kind::kPrefix:
    case Query::Kind::kPhrase:
      leaves += q.terms.size();
      if (leaves > kQueryLeavesMax)
        return Error(ErrorCode::kTooLarge,
                     "a query has at most " + std::to_string(kQueryLeavesMax) + " terms");
      return check_leaf(q);
    case Query::Kind::kNot:
    case Query::Kind::kFilter:
      if (q.children.size() != 1) return bad("NOT and filter have exactly one child");
      break;
    case Query::Kind::kOr:
      if (q.min_match == 0) return bad("min_match is at least 1");
      break;
    case Query::Kind::kAnd: break;
  }
  leaves += q.children.empty() ? 0 : 1;
  for (const Query& child : q.children) VITRINE_TRY(check_node(child, depth + 1, leaves));
  return ok_status();
}

std::string field_of(const Query& q) { return q.field.empty() ? "" : q.field + ":"; }

std::string joined(const std::vector<Query>& children, std::string_view with) {
  std::string out = "(";
  for (std::size_t i = 0; i < children.size(); ++i) {
    if (i > 0) out += with;
    out += to_string(children[i]);
  }
  return out + ")";
}

}  // namespace

Query term(std::string text, float boost) {
  return leaf(Query::Kind::kTerm, {std::move(text)}, boost);
}
Query prefix(std::string text, float boost) {
  return leaf(Query::Kind::kPrefix, {std::move(text)}, boost);
}
Query phrase(std::vector<std::string> terms, float boost) {
  return leaf(Query::Kind::kPhrase, std::move(terms), boost);
}
Query all_of(std::vector<Query> children) {
  Query q;
  q.kind = Query::Kind::kAnd;
  q.children = std::move(children);
  return q;
}
Query any_of(std::vector<Query> children, std::uint32_t min_match) {
  Query q;
  q.kind = Query::Kind::kOr;
  q.children = std::move(children);
  q.min_match = min_match;
  return q;
}
Query none_of(Query child) {
  Query q;
  q.kind = Query::Kind::kNot;
  q.children.push_back(std::move(child));
  return q;
}
Query filter_by(Query child) {
  Query q;
  q.kind = Query::Kind::kFilter;
  q.children.push_back(std::move(child));
  return q;
}
Query in_field(std::string field, Query query) {
  if (!query.terms.empty() && query.field.empty()) query.field = field;
  for (Query& child : query.children) child = in_field(field, std::move(child));
  return query;
}

Status check_query(const Query& query) {
  std::size_t leaves = 0;
  return check_node(query, 0, leaves);
}

std::string to_string(const Query& q) {
  switch (q.kind) {
    case Query::Kind::kNothing: return "NOTHING";
    case Query::Kind::kTerm: return field_of(q) + (q.terms.empty() ? "?" : q.terms[0]);
    case Query::Kind::kPrefix: return field_of(q) + (q.terms.empty() ? "?" : q.terms[0] + "*");
    case Query::Kind::kPhrase: {
      std::string out = field_of(q) + "\"";
      for (std::size_t i = 0; i < q.terms.size(); ++i) out += (i > 0 ? " " : "") + q.terms[i];
      return out + "\"";
    }
    case Query::Kind::kAnd: return joined(q.children, " AND ");
    case Query::Kind::kOr:
      return joined(q.children, " OR ") +
             (q.min_match > 1 ? "~" + std::to_string(q.min_match) : "");
    case Query::Kind::kNot: return "NOT " + joined(q.children, "");
    case Query::Kind::kFilter: return "FILTER " + joined(q.children, "");
  }
  return "?";
}

}  // namespace vitrine::text
