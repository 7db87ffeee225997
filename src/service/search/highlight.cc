#include "service/search/highlight.h"

#include <algorithm>

namespace vitrine::search {
namespace {

constexpr std::string_view kEllipsis = "\xE2\x80\xA6";

void append_escaped(std::string_view text, std::string& out) {
  for (const char c : text) {
    switch (c) {
      case '&': out += "&amp;"; break;
      case '<': out += "&lt;"; break;
      case '>': out += "&gt;"; break;
      case '"': out += "&quot;"; break;
      case '\'': out += "&#39;"; break;
      default: out += c;
    }
  }
}

struct Piece {
  std::size_t begin, end;
};

// A cut between words near `at`, looking back no further than `back` bytes.
std::size_t cut_before(std::string_view text, std::size_t at, std::size_t least) {
  while (at > least && text[at - 1] != ' ') --at;
  return at;
}

std::size_t start_of_character(std::string_view text, std::size_t at) {
  while (at > 0 && at < text.size() && (static_cast<unsigned char>(text[at]) & 0xC0) == 0x80) --at;
  return at;
}

}  // namespace

WantedTerms::WantedTerms(const text::Query& query) {
  collect(query);
  std::sort(terms_.begin(), terms_.end());
}

void WantedTerms::collect(const text::Query& query) {
  using Kind = text::Query::Kind;
  if (query.kind == Kind::kNot) return;
  if (query.kind == Kind::kPrefix) {
    prefixes_.insert(prefixes_.end(), query.terms.begin(), query.terms.end());
  } else {
    terms_.insert(terms_.end(), query.terms.begin(), query.terms.end());
  }
  for (const text::Query& child : query.children) collect(child);
}

bool WantedTerms::contains(std::string_view term) const {
  const auto found = std::lower_bound(terms_.begin(), terms_.end(), term);
  if (found != terms_.end() && *found == term) return true;
  return std::any_of(prefixes_.begin(), prefixes_.end(),
                     [&](const std::string& prefix) { return term.starts_with(prefix); });
}

std::string highlight(std::string_view text, const text::Analyser& analyser,
                      const WantedTerms& wanted, std::size_t bytes_max) {
  thread_local std::vector<text::AnalysedTerm> terms;
  terms.clear();
  analyser.analyse(text, terms);
  std::vector<Piece> found;
  for (const text::AnalysedTerm& term : terms) {
    if (!wanted.contains(term.text) || term.end > text.size() || term.end <= term.begin) continue;
    if (!found.empty() && term.begin < found.back().end) {
      found.back().end = std::max<std::size_t>(found.back().end, term.end);
    } else {
      found.push_back({term.begin, term.end});
    }
  }
  std::size_t from = 0;
  std::size_t to = text.size();
  if (bytes_max > 0) {
    if (found.empty()) return {};
    if (text.size() > bytes_max) {
      const std::size_t first = found.front().begin;
      const std::size_t lead = bytes_max / 4;
      from = first > lead ? cut_before(text, start_of_character(text, first - lead), 0) : 0;
      if (first - from > bytes_max / 2) from = first;
      to = std::min(text.size(), from + bytes_max);
      to = start_of_character(text, to);
      if (to < text.size()) to = std::max(cut_before(text, to, from), found.front().end);
    }
  }
  std::string out;
  out.reserve(to - from + 9 * found.size() + 16);
  if (from > 0) out += kEllipsis;
  std::size_t at = from;
  for (const Piece& piece : found) {
    if (piece.begin < at) continue;
    if (piece.end > to) break;
    append_escaped(text.substr(at, piece.begin - at), out);
    out += "<em>";
    append_escaped(text.substr(piece.begin, piece.end - piece.begin), out);
    out += "</em>";
    at = piece.end;
  }
  append_escaped(text.substr(at, to - at), out);
  while (bytes_max > 0 && !out.empty() && out.back() == ' ') out.pop_back();
  if (to < text.size()) out += kEllipsis;
  return out;
}

}  // namespace vitrine::search
