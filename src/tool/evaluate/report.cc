#include "tool/evaluate/report.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstdio>

#include "tool/evaluate/svg_chart.h"

namespace vitrine::evaluate {
namespace {

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

std::vector<std::vector<std::string>> table_rows(std::span<const Report> reports) {
  const std::string k = "@" + std::to_string(reports.empty() ? 0 : reports.front().k);
  std::vector<std::vector<std::string>> rows{{"scorer", "HR" + k, "NDCG" + k, "Recall" + k,
                                              "MRR" + k, "coverage", "novelty", "popularity",
                                              "fit cpu s", "rank cpu s"}};
  for (const Report& r : reports) {
    rows.push_back({r.name, interval_text(r.hr, {}), interval_text(r.ndcg, {}),
                    number_text(r.recall.value, {}), number_text(r.mrr.value, {}),
                    number_text(r.coverage, {1, 100, " %"}), number_text(r.novelty, {2, 1, " bit"}),
                    number_text(r.popularity, {2, 1, "x"}), number_text(r.fit_cpu_s, {2, 1, ""}),
                    number_text(r.rank_cpu_s, {2, 1, ""})});
  }
  return rows;
}

void print_table(std::ostream& out, std::span<const Report> reports) {
  if (reports.empty()) return;
  std::vector<Report> order(reports.begin(), reports.end());
  std::stable_sort(order.begin(), order.end(),
                   [](const Report& a, const Report& b) { return a.hr.value > b.hr.value; });
  const auto rows = table_rows(order);
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
