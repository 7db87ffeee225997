#include "tool/evaluate/report.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstdio>

namespace vitrine::evaluate {
namespace {

std::string fixed(double value, int digits) {
  char text[64];
  std::snprintf(text, sizeof text, "%.*f", digits, value);
  return text;
}

std::string with_interval(const Interval& i) {
  return fixed(i.value, 4) + " [" + fixed(i.low, 4) + ", " + fixed(i.high, 4) + "]";
}

std::string padded(const std::string& text, std::size_t width, bool left) {
  const std::string blanks(width - std::min(width, text.size()), ' ');
  return left ? text + blanks : blanks + text;
}

std::string json_interval(const Interval& i) {
  return "{\"value\":" + json_number(i.value) + ",\"low\":" + json_number(i.low) +
         ",\"high\":" + json_number(i.high) + "}";
}

}  // namespace

std::string json_string(std::string_view text) {
  std::string out = "\"";
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (c == '"' || c == '\\') {
      out += '\\';
      out += c;
    } else if (byte < 0x20) {
      char escaped[8];
      std::snprintf(escaped, sizeof escaped, "\\u%04x", byte);
      out += escaped;
    } else {
      out += c;
    }
  }
  return out + "\"";
}

std::string json_number(double value) {
  if (!std::isfinite(value)) return "null";
  char text[64];
  const auto end =
      std::to_chars(text, text + sizeof text, value, std::chars_format::general, 6).ptr;
  return {text, end};
}

void print_table(std::ostream& out, std::span<const Report> reports) {
  if (reports.empty()) return;
  const std::string k = "@" + std::to_string(reports.front().k);
  std::vector<std::vector<std::string>> rows{{"scorer", "HR" + k, "NDCG" + k, "Recall" + k,
                                              "MRR" + k, "coverage", "novelty", "popularity",
                                              "fit cpu s", "rank cpu s"}};
  std::vector<const Report*> order;
  for (const Report& report : reports) order.push_back(&report);
  std::stable_sort(order.begin(), order.end(),
                   [](const Report* a, const Report* b) { return a->hr.value > b->hr.value; });
  for (const Report* r : order) {
    rows.push_back(
        {r->name, with_interval(r->hr), with_interval(r->ndcg), fixed(r->recall.value, 4),
         fixed(r->mrr.value, 4), fixed(r->coverage * 100, 1) + " %", fixed(r->novelty, 2) + " bit",
         fixed(r->popularity, 2) + "x", fixed(r->fit_cpu_s, 2), fixed(r->rank_cpu_s, 2)});
  }
  for (const auto& row : rows) {
    for (std::size_t column = 0; column < row.size(); ++column) {
      std::size_t width = 0;
      for (const auto& other : rows) width = std::max(width, other[column].size());
      out << (column == 0 ? "" : "  ") << padded(row[column], width, column == 0);
    }
    out << '\n';
  }
}

void print_json(std::ostream& out, std::span<const Report> reports) {
  out << "{\"k\":" << (reports.empty() ? 0 : reports.front().k)
      << ",\"cases\":" << (reports.empty() ? 0 : reports.front().cases) << ",\"scorers\":[";
  for (std::size_t i = 0; i < reports.size(); ++i) {
    const Report& r = reports[i];
    out << (i == 0 ? "" : ",") << "{\"name\":" << json_string(r.name)
        << ",\"hr\":" << json_interval(r.hr) << ",\"ndcg\":" << json_interval(r.ndcg)
        << ",\"recall\":" << json_interval(r.recall) << ",\"mrr\":" << json_interval(r.mrr)
        << ",\"coverage\":" << json_number(r.coverage)
        << ",\"novelty_bits\":" << json_number(r.novelty)
        << ",\"popularity\":" << json_number(r.popularity)
        << ",\"fit_cpu_s\":" << json_number(r.fit_cpu_s)
        << ",\"rank_cpu_s\":" << json_number(r.rank_cpu_s) << "}";
  }
  out << "]}\n";
}

}  // namespace vitrine::evaluate
