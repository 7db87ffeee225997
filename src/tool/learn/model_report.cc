#include "tool/learn/model_report.h"

#include <algorithm>
#include <cstdio>
#include <sstream>

#include "base/progress.h"
#include "platform/codec/time_format.h"
#include "tool/evaluate/evaluation.h"
#include "tool/evaluate/html_page.h"
#include "tool/evaluate/report.h"
#include "tool/evaluate/svg_chart.h"

namespace vitrine::learn_tool {
namespace {

using evaluate::ChartAxis;
using evaluate::ChartRow;
using evaluate::ChartSeries;
using evaluate::HtmlPage;
using evaluate::Interval;
using evaluate::NumberStyle;

Interval interval_of(const model::Figure& figure) {
  return {figure.value, figure.low, figure.high};
}

std::vector<evaluate::Report> reports_of(const model::Judgement& judgement) {
  std::vector<evaluate::Report> out;
  for (const model::Judged& one : judgement.table) {
    evaluate::Report& report = out.emplace_back();
    report.name = one.name;
    report.k = judgement.k;
    report.cases = judgement.cases;
    report.hr = interval_of(one.hr);
    report.ndcg = interval_of(one.ndcg);
    report.recall = interval_of(one.recall);
    report.mrr = interval_of(one.mrr);
    report.coverage = one.coverage;
    report.novelty = one.novelty;
    report.popularity = one.popularity;
    report.fit_cpu_s = one.fit_cpu_s;
    report.rank_cpu_s = one.rank_cpu_s;
  }
  return out;
}

std::vector<std::vector<std::string>> comparison_rows(const model::Judgement& judgement) {
  std::vector<std::vector<std::string>> rows{
      {"compared with", "how", "NDCG difference", "verdict"}};
  for (const model::Comparison& one : judgement.comparisons) {
    rows.push_back({one.with, one.how, evaluate::interval_text(interval_of(one.difference), {}),
                    one.better                ? "better"
                    : one.difference.high < 0 ? "worse"
                                              : "not told apart"});
  }
  return rows;
}

struct BreakdownText {
  std::string id, heading, meaning, x_axis, y_axis, size_name;
};

void add_breakdown(HtmlPage& page, const model::Judgement& judgement,
                   const std::vector<model::Breakdown>& rows, const BreakdownText& text) {
  if (rows.empty()) return;
  const std::size_t columns = rows.front().values.size();
  ChartAxis axis;
  std::vector<ChartSeries> series(columns);
  std::vector<std::vector<std::string>> table{{text.x_axis, text.size_name}};
  for (std::size_t c = 0; c < columns; ++c) {
    series[c].name = c < judgement.table.size() ? judgement.table[c].name : "";
    table.front().push_back(series[c].name);
  }
  for (const model::Breakdown& row : rows) {
    axis.at.push_back(static_cast<double>(axis.at.size()));
    axis.labels.push_back(row.name);
    table.push_back({row.name, std::to_string(row.size)});
    for (std::size_t c = 0; c < columns && c < row.values.size(); ++c) {
      series[c].points.push_back(interval_of(row.values[c]));
      table.back().push_back(evaluate::interval_text(interval_of(row.values[c]), {}));
    }
  }
  page.section(text.heading);
  page.paragraph(text.meaning);
  page.chart(evaluate::line_chart(
                 {text.id, text.heading, text.meaning + " The numbers stand in the table below.",
                  text.x_axis, text.y_axis},
                 axis, series, {}),
             text.heading);
  page.table(text.heading + ", in numbers", table);
}

void add_losses(HtmlPage& page, const model::Manifest& m) {
  if (m.losses.size() < 2) return;
  ChartAxis axis;
  ChartSeries series{"loss", {}};
  for (std::size_t i = 0; i < m.losses.size(); ++i) {
    axis.at.push_back(static_cast<double>(i + 1));
    axis.labels.push_back(std::to_string(i + 1));
    series.points.push_back({m.losses[i], m.losses[i], m.losses[i]});
  }
  page.section("Training");
  page.paragraph("The loss after each epoch of the final training, from " +
                 evaluate::number_text(m.losses.front(), {}) + " to " +
                 evaluate::number_text(m.losses.back(), {}) + ".");
  page.chart(
      evaluate::line_chart({"loss", "Loss by epoch", "Loss after each epoch.", "epoch", "loss"},
                           axis, {&series, 1}, {}),
      "Loss by epoch");
}

// As it may be given again.
std::string setting_text(double value) {
  char text[32];
  std::snprintf(text, sizeof text, "%.9g", value);
  return text;
}

std::string search_sentence(const model::Search& search) {
  const double first = search.trials.front().measure;
  const double best = search.trials[search.chosen].measure;
  double seconds = 0;
  for (const model::Trial& trial : search.trials) seconds += trial.seconds;
  return std::to_string(search.trials.size()) +
         (search.trials.size() == 1 ? " trial in " : " trials in ") + human_duration(seconds) +
         ", ended by " + search.ended + "; on validation the first has an NDCG of " +
         evaluate::number_text(first, {}) + ", the best, number " +
         std::to_string(search.chosen + 1) + ", " + evaluate::number_text(best, {});
}

// Each trial, and the best so far.
void add_search(HtmlPage& page, const model::Search& search) {
  if (search.trials.empty()) return;
  ChartAxis axis;
  std::vector<ChartSeries> series{{"trial", {}}, {"best so far", {}}};
  std::vector<std::vector<std::string>> table{{"trial", "NDCG on validation", "seconds", "epochs"}};
  for (const auto& [name, value] : search.trials.front().parameters) table[0].push_back(name);
  double best = 0;
  for (std::size_t n = 0; n < search.trials.size(); ++n) {
    const model::Trial& trial = search.trials[n];
    best = n == 0 ? trial.measure : std::max(best, trial.measure);
    axis.at.push_back(static_cast<double>(n + 1));
    axis.labels.push_back(std::to_string(n + 1));
    series[0].points.push_back({trial.measure, trial.measure, trial.measure});
    series[1].points.push_back({best, best, best});
    auto& row = table.emplace_back();
    row = {std::to_string(n + 1) + (n == search.chosen ? " (chosen)" : ""),
           trial.failed.empty() ? evaluate::number_text(trial.measure, {}) : trial.failed,
           evaluate::number_text(trial.seconds, {1, 1, ""}), std::to_string(trial.epochs)};
    for (const auto& [name, value] : trial.parameters) {
      row.push_back(setting_text(value));
    }
  }
  page.section("Search for settings");
  page.paragraph(search_sentence(search) +
                 ". Nothing of the part that is asked about below was looked at; the best of many "
                 "trials looks better on validation than it is.");
  if (search.trials.size() > 1) {
    page.chart(evaluate::line_chart({"search", "NDCG on validation by trial",
                                     "Each trial and the best so far. The numbers stand in the "
                                     "table below.",
                                     "trial", "NDCG on validation"},
                                    axis, series, {}),
               "NDCG on validation by trial");
  }
  page.table("Trials", table);
}

void add_cost(HtmlPage& page, const model::Judgement& judgement) {
  std::vector<ChartRow> rows;
  std::vector<std::vector<std::string>> table{
      {"scorer", "CPU seconds to fit", "ms to rank one visitor", "CPU seconds per .01 NDCG"}};
  for (const model::Judged& one : judgement.table) {
    rows.push_back({one.name, {one.fit_cpu_s, one.fit_cpu_s, one.fit_cpu_s}});
    const double ms =
        judgement.cases == 0 ? 0 : 1000 * one.rank_cpu_s / static_cast<double>(judgement.cases);
    table.push_back({one.name, evaluate::number_text(one.fit_cpu_s, {2, 1, " s"}),
                     evaluate::number_text(ms, {3, 1, " ms"}),
                     one.ndcg.value > 0 ? evaluate::number_text(
                                              one.fit_cpu_s * 0.01 / one.ndcg.value, {3, 1, " s"})
                                        : "-"});
  }
  page.section("Cost");
  page.paragraph(
      "What fitting took, of all threads, and what ranking all items for one visitor takes, with "
      "the mixing and the popular items behind.");
  page.chart(
      evaluate::row_chart({"cost", "CPU seconds to fit", "Fitting, by scorer.", "CPU seconds", ""},
                          rows, {2, 1, " s"}),
      "CPU seconds to fit");
  page.table("Cost, in numbers", table);
}

}  // namespace

std::string model_page(const model::Manifest& m, const std::string& tenant) {
  const model::Judgement& j = m.judgement;
  const std::string k = std::to_string(j.k);
  HtmlPage page("Model " + m.id + " of " + tenant);
  page.paragraph(std::string(j.promote ? "To be promoted: " : "Not to be promoted: ") + j.why +
                 ".");
  page.paragraph(
      std::to_string(m.data.interactions) + " interactions of " + std::to_string(m.data.users) +
      " visitors with " + std::to_string(m.data.items) + " items, up to position " +
      std::to_string(m.data.position) + " of the log (" +
      codec::format_rfc3339(m.data.append_time) +
      "). Left out: " + std::to_string(m.data.without_consent) + " without consent, " +
      std::to_string(m.data.erased) + " of erased users, " + std::to_string(m.data.flagged) +
      " of flagged visitors. Asked about " + std::to_string(j.cases) + " visitors from " +
      codec::format_rfc3339(j.cut) +
      " on; every item was ranked for each; brackets and whiskers are 95 % bootstrap intervals.");
  const auto reports = reports_of(j);
  page.table("All measures", evaluate::table_rows(reports));
  page.table("Paired differences of NDCG@" + k + ", visitor by visitor", comparison_rows(j));
  page.section("Accuracy");
  for (const auto& [id, name, measure] :
       {std::tuple{"hr", "HR", &evaluate::Report::hr},
        std::tuple{"ndcg", "NDCG", &evaluate::Report::ndcg},
        std::tuple{"recall", "Recall", &evaluate::Report::recall}}) {
    std::vector<ChartRow> rows;
    for (const auto& report : reports) rows.push_back({report.name, report.*measure});
    const std::string title = std::string(name) + "@" + k;
    page.chart(
        evaluate::row_chart({id, title, title + " of each, with intervals.", title, ""}, rows, {}),
        title);
  }
  add_breakdown(page, j, j.activity,
                {"activity", "By visitor activity",
                 "HR by how many interactions the visitor's history holds; the first are nearly "
                 "cold.",
                 "interactions in the history", "HR@" + k, "visitors"});
  add_breakdown(page, j, j.new_visitors,
                {"new-visitors", "New visitors",
                 "HR for visitors of whom nothing was learned, after so many of their events: what "
                 "models make of a first visit. With none, everybody gets what is popular.",
                 "events known", "HR@" + k, "visitors"});
  add_breakdown(page, j, j.popularity,
                {"popularity", "By item popularity",
                 "Share of the right items that were shown, by how often the item occurs in what "
                 "was learned from; 0 are cold items.",
                 "occurrences of the right item", "found in the first " + k, "right items"});
  add_breakdown(page, j, j.learning,
                {"learning", "Learning curve",
                 "NDCG for the same visitors (at most 2,000 of them) after learning from the first "
                 "part of the data only.",
                 "share of the data learned from", "NDCG@" + k, "interactions"});
  add_search(page, m.search);
  add_losses(page, m);
  add_cost(page, j);
  page.section("Settings");
  std::vector<std::vector<std::string>> settings{{"parameter", "value"}};
  for (const auto& [name, value] : m.parameters) {
    settings.push_back({name, evaluate::number_text(value, {6, 1, ""})});
  }
  settings.push_back({"weight beside item-item", evaluate::number_text(m.weight, {2, 1, ""})});
  if (!m.parent.empty()) settings.push_back({"warmed up with", m.parent});
  settings.push_back({"code version", m.code_version});
  page.table("Settings", settings);
  return std::move(page).finish();
}

std::string model_text(const model::Manifest& m) {
  std::ostringstream out;
  const model::Judgement& j = m.judgement;
  out << "model " << m.id << "\n"
      << m.data.interactions << " interactions of " << m.data.users << " visitors with "
      << m.data.items << " items, log up to " << m.data.position
      << " (left out: " << m.data.without_consent << " without consent, " << m.data.erased
      << " erased, " << m.data.flagged << " flagged)\n"
      << j.cases << " visitors asked about, all items ranked, 95 % bootstrap intervals; weight "
      << evaluate::number_text(m.weight, {2, 1, ""}) << "\n\n";
  const auto reports = reports_of(j);
  evaluate::print_table(out, reports);
  if (!m.search.trials.empty()) {
    const model::Search& search = m.search;
    out << "\nsearch: " << search_sentence(search) << ":\n ";
    for (const auto& [name, value] : search.trials[search.chosen].parameters) {
      out << " " << name << "=" << setting_text(value);
    }
    out << "\n";
  }
  out << "\n" << (j.promote ? "to be promoted: " : "not to be promoted: ") << j.why << "\n";
  return out.str();
}

}  // namespace vitrine::learn_tool
