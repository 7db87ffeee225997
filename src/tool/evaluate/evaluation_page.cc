#include "tool/evaluate/evaluation.h"
#include "tool/evaluate/html_page.h"
#include "tool/evaluate/report.h"
#include "tool/evaluate/svg_chart.h"

namespace vitrine::evaluate {
namespace {

const NumberStyle kPercent{1, 100, " %"};

std::string numbers_of(const std::vector<ChartRow>& rows, const NumberStyle& style) {
  std::string text;
  for (const ChartRow& row : rows) {
    text += (text.empty() ? "" : "; ") + row.name + " " + interval_text(row.value, style);
  }
  return text + ".";
}

void add_measure(HtmlPage& page, const Evaluation& e, const std::string& id,
                 const std::string& name, const std::string& meaning, Interval Report::*measure) {
  std::vector<ChartRow> rows;
  for (const Report& report : e.reports) rows.push_back({report.name, report.*measure});
  const std::string title = name + "@" + std::to_string(e.k);
  page.chart(row_chart({id, title, meaning + " " + numbers_of(rows, {}), title, ""}, rows, {}),
             title + ": " + meaning);
}

void add_coverage(HtmlPage& page, const Evaluation& e) {
  std::vector<ChartRow> rows;
  for (const Report& r : e.reports) rows.push_back({r.name, {r.coverage, r.coverage, r.coverage}});
  page.section("Coverage");
  page.paragraph(
      "The share of all items that at least one visitor was shown. Popularity shows everybody the "
      "same few items; items that are never shown can't be found.");
  page.chart(row_chart({"coverage", "Coverage by scorer", numbers_of(rows, kPercent),
                        "share of items shown", ""},
                       rows, kPercent),
             "Share of all items that were shown to anybody");
}

struct BreakdownText {
  std::string id, heading, meaning, x_axis, y_axis, size_name;
};

// Of more lines than that some would look the same.
constexpr std::size_t kLinesMost = 6;

// The reports whose lines are drawn: the best ones, and popularity in any case.
std::vector<std::size_t> drawn(const std::vector<Report>& reports) {
  std::vector<std::size_t> out;
  for (std::size_t r = 0; r < reports.size(); ++r) {
    if (out.size() < kLinesMost) {
      out.push_back(r);
    } else if (reports[r].name == "popularity") {
      out.back() = r;
    }
  }
  return out;
}

void add_breakdown(HtmlPage& page, const Evaluation& e, const std::vector<Bucket>& buckets,
                   const BreakdownText& text) {
  if (buckets.empty()) return;
  ChartAxis axis;
  const std::vector<std::size_t> lines = drawn(e.reports);
  std::vector<ChartSeries> series;
  for (const std::size_t r : lines) series.push_back({e.reports[r].name, {}});
  std::vector<std::vector<std::string>> rows{{text.x_axis, text.size_name}};
  for (const Report& report : e.reports) rows.front().push_back(report.name);
  for (const Bucket& bucket : buckets) {
    axis.at.push_back(static_cast<double>(axis.at.size()));
    axis.labels.push_back(bucket.name);
    rows.push_back({bucket.name, std::to_string(bucket.size)});
    for (std::size_t n = 0; n < lines.size(); ++n) {
      series[n].points.push_back(bucket.values[lines[n]]);
    }
    for (const Interval& value : bucket.values) rows.back().push_back(interval_text(value, {}));
  }
  page.section(text.heading);
  page.paragraph(text.meaning);
  page.chart(line_chart({text.id, text.heading,
                         text.meaning + (lines.size() < e.reports.size()
                                             ? " Six are drawn; the numbers of all stand in the "
                                               "table below the chart."
                                             : " The numbers stand in the table below the chart."),
                         text.x_axis, text.y_axis},
                        axis, series, {}),
             text.heading);
  page.table(text.heading + ", in numbers", rows);
}

}  // namespace

std::string evaluation_page(const Evaluation& e) {
  const std::string k = std::to_string(e.k);
  HtmlPage page("Recommendations of " + e.name);
  page.paragraph(std::to_string(e.users) + " users, " + std::to_string(e.items) + " items, " +
                 std::to_string(e.interactions) + " interactions" +
                 (e.skipped > 0 ? " (" + std::to_string(e.skipped) + " rows skipped)" : "") + ".");
  page.paragraph(std::string("Split: ") + std::string(split_name(e.split)) + ", " +
                 std::to_string(e.train) + " interactions to learn from, " +
                 std::to_string(e.cases) +
                 " cases. Every item was ranked in every case; brackets and whiskers are 95 % "
                 "bootstrap intervals over cases.");
  page.table("All measures", table_rows(e.reports));
  page.section("Accuracy");
  add_measure(page, e, "hr", "HR", "share of cases with at least one right item.", &Report::hr);
  add_measure(page, e, "ndcg", "NDCG", "right items, worth more the higher they stand.",
              &Report::ndcg);
  add_measure(page, e, "recall", "Recall", "share of the right items that were shown.",
              &Report::recall);
  add_measure(page, e, "mrr", "MRR", "1 / place of the first right item.", &Report::mrr);
  add_coverage(page, e);
  add_breakdown(page, e, e.activity,
                {"activity", "By user activity",
                 "Accuracy by how many interactions the visitor's history holds.",
                 "interactions in the history", "HR@" + k, "cases"});
  add_breakdown(
      page, e, e.new_visitors,
      {"new-visitors", "New visitors",
       "Accuracy for visitors of whom nothing was learned, after so many of their events. "
       "With none, nobody can do better than what is popular.",
       "events known", "HR@" + k, "visitors"});
  add_breakdown(page, e, e.popularity,
                {"popularity", "By item popularity",
                 "Share of the right items that were shown, by how often the item occurs in what "
                 "was learned from. Rare items are where personal answers earn their keep.",
                 "occurrences of the right item", "found in the first " + k, "right items"});
  add_breakdown(page, e, e.learning,
                {"learning", "Learning over time",
                 "The same cases (at most 2,000 of them) after learning from the first part of the "
                 "log only.",
                 "share of the log learned from", "HR@" + k, "interactions"});
  return std::move(page).finish();
}

}  // namespace vitrine::evaluate
