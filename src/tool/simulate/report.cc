#include "tool/simulate/report.h"

#include <algorithm>
#include <cmath>

#include "platform/codec/json_writer.h"
#include "tool/evaluate/html_page.h"
#include "tool/evaluate/svg_chart.h"
#include "tool/import/text_table.h"

namespace vitrine::simulate {
namespace {

using evaluate::interval_text;
using evaluate::NumberStyle;
using importer::fixed;
using importer::group_digits;
using importer::TextTable;

const NumberStyle kPercent{2, 100, " %"};
const NumberStyle kEuro{2, 1, " EUR"};
const NumberStyle kFactor{2, 1, "x"};

std::vector<std::vector<std::string>> figure_rows(const Comparison& comparison) {
  std::vector<std::vector<std::string>> rows{
      {"policy", "conversion", "over popularity", "revenue a visit", "over popularity", "clicked"}};
  for (const PolicyFigures& p : comparison.policies) {
    rows.push_back(
        {p.name, interval_text(p.conversion, kPercent), interval_text(p.conversion_lift, kFactor),
         interval_text(p.revenue_per_visit, kEuro), interval_text(p.revenue_lift, kFactor),
         evaluate::number_text(p.click_rate.value, kPercent)});
  }
  return rows;
}

std::vector<std::vector<std::string>> headline_rows(const Comparison& c) {
  return {{"Vitrine", "value"},
          {"conversion over popularity", interval_text(c.lift_over_popularity, kFactor)},
          {"conversion over random", interval_text(c.lift_over_random, kFactor)},
          {"conversion over item-item", interval_text(c.lift_over_item_item, kFactor)},
          {"orders of the oracle that it misses", interval_text(c.regret_share, kPercent)}};
}

std::vector<std::vector<std::string>> seed_rows(const std::vector<SimulationResult>& runs) {
  std::vector<std::vector<std::string>> rows{{"seed", "visits", "before"}};
  for (const auto& policy : runs.front().policies) rows.front().push_back(policy.name);
  for (const SimulationResult& run : runs) {
    rows.push_back({std::to_string(run.seed), group_digits(run.policies.front().total.visits),
                    evaluate::number_text(run.history.conversion(), kPercent)});
    for (const auto& policy : run.policies)
      rows.back().push_back(evaluate::number_text(policy.total.conversion(), kPercent));
  }
  return rows;
}

void print_rows(std::ostream& out, const std::vector<std::vector<std::string>>& rows) {
  std::vector<TextTable::Column> columns;
  for (const std::string& title : rows.front())
    columns.push_back({title, columns.empty() ? TextTable::kLeft : TextTable::kRight});
  TextTable table(std::move(columns));
  for (std::size_t i = 1; i < rows.size(); ++i) table.row(rows[i]);
  table.print(out);
}

// A bar each, as long as the conversion; the interval as ---.
void print_bars(std::ostream& out, const Comparison& comparison) {
  constexpr int kColumns = 50;
  double most = 0;
  for (const PolicyFigures& p : comparison.policies) most = std::max(most, p.conversion.high);
  if (most == 0) return;
  const auto column = [&](double value) {
    return static_cast<int>(std::lround(value / most * kColumns));
  };
  TextTable table({{"", TextTable::kLeft}, {"", TextTable::kLeft}, {"", TextTable::kRight}});
  for (const PolicyFigures& p : comparison.policies) {
    std::string bar(static_cast<std::size_t>(column(p.conversion.high)), '-');
    for (int i = 0; i < column(p.conversion.low); ++i) bar[static_cast<std::size_t>(i)] = '=';
    table.row({p.name, bar, evaluate::number_text(p.conversion.value, kPercent)});
  }
  out << "Conversion: === certain, --- within the 95 % interval\n";
  table.print(out);
}

// Letters on a grid: each policy's initial at its conversion of the week up to that day.
void print_days(std::ostream& out, const std::vector<SimulationResult>& runs) {
  constexpr int kRows = 12;
  const auto& policies = runs.front().policies;
  std::vector<std::vector<double>> lines;
  double most = 0;
  for (std::size_t p = 0; p < policies.size(); ++p) {
    lines.push_back(weekly_conversion(runs, p));
    for (const double v : lines.back()) most = std::max(most, v);
  }
  if (most == 0) return;
  const std::size_t days = lines.front().size();
  std::vector<std::string> grid(kRows + 1, std::string(2 * days, ' '));
  std::string legend;
  for (std::size_t p = 0; p < policies.size(); ++p) {
    for (std::size_t d = 0; d < days; ++d) {
      const auto row = static_cast<std::size_t>(std::lround((1 - lines[p][d] / most) * kRows));
      char& cell = grid[row][2 * d];
      cell = cell == ' ' ? policies[p].name[0] : '*';
    }
    legend += (p == 0 ? "" : ", ") + policies[p].name.substr(0, 1) + " " + policies[p].name;
  }
  out << "Conversion of the last seven days, day by day: " << legend << ", * several\n";
  for (int row = 0; row <= kRows; ++row) {
    const double value = most * (kRows - row) / kRows;
    std::string text = evaluate::number_text(value, kPercent);
    text.insert(0, 9 - std::min<std::size_t>(9, text.size()), ' ');
    out << text << " |" << grid[static_cast<std::size_t>(row)] << "\n";
  }
  out << std::string(10, ' ') << "+" << std::string(2 * days, '-') << "\n"
      << std::string(11, ' ') << "day 1" << std::string(2 * days > 12 ? 2 * days - 11 : 1, ' ')
      << "day " << days << "\n";
}

}  // namespace

std::vector<double> weekly_conversion(const std::vector<SimulationResult>& runs,
                                      std::size_t policy) {
  const std::size_t days = runs.front().policies[policy].by_day.size();
  std::vector<double> out;
  for (std::size_t day = 0; day < days; ++day) {
    Tally week;
    for (const SimulationResult& run : runs) {
      for (std::size_t d = day - std::min<std::size_t>(day, 6); d <= day; ++d)
        week += run.policies[policy].by_day[d];
    }
    out.push_back(week.conversion());
  }
  return out;
}

void print_day_head(std::ostream& out, const SimulationResult& run) {
  out << "\nseed " << run.seed << ": " << group_digits(run.history_visits)
      << " visits before, conversion " << evaluate::number_text(run.history.conversion(), kPercent)
      << "; conversion so far:\n  day    visits";
  for (const auto& policy : run.policies) {
    out << std::string(13 - std::min<std::size_t>(12, policy.name.size()), ' ') << policy.name;
  }
  out << "\n";
}

void print_day(std::ostream& out, int day, const SimulationResult& so_far) {
  const auto right = [](std::string text, std::size_t width) {
    return std::string(width - std::min(width, text.size()), ' ') + text;
  };
  out << right(std::to_string(day + 1), 5)
      << right(group_digits(so_far.policies.front().total.visits), 10);
  for (const auto& policy : so_far.policies)
    out << right(evaluate::number_text(policy.total.conversion(), kPercent), 13);
  out << "\n" << std::flush;
}

void print_report(std::ostream& out, const std::vector<SimulationResult>& runs,
                  const Comparison& comparison) {
  out << "\n";
  print_rows(out, figure_rows(comparison));
  out << "\n";
  print_bars(out, comparison);
  out << "\n";
  print_days(out, runs);
  if (comparison.lift_over_popularity.value > 0) {
    out << "\n";
    print_rows(out, headline_rows(comparison));
  }
  if (runs.size() > 1) {
    out << "\nConversion by seed\n";
    print_rows(out, seed_rows(runs));
  }
}

std::string json_line(const std::vector<SimulationResult>& runs, const Comparison& comparison) {
  std::string out;
  codec::JsonWriter json(out);
  json.begin_object();
  const auto add = [&](const std::string& name, const Interval& value) {
    json.key(name).number(value.value);
    json.key(name + "_ci").begin_array().number(value.low).number(value.high).end_array();
  };
  add("lift_over_popularity", comparison.lift_over_popularity);
  add("lift_over_random", comparison.lift_over_random);
  add("lift_over_item_item", comparison.lift_over_item_item);
  add("regret_share", comparison.regret_share);
  std::uint64_t recommend_calls = 0;
  double recommend_ms = 0, seconds = 0;
  for (const SimulationResult& run : runs) {
    recommend_calls += run.api.recommend_calls;
    recommend_ms += run.api.recommend_ms;
    seconds += run.seconds;
  }
  for (const PolicyFigures& p : comparison.policies) {
    std::string name = p.name;
    std::replace(name.begin(), name.end(), '-', '_');
    add("conversion_" + name, p.conversion);
    add("revenue_per_visit_" + name, p.revenue_per_visit);
  }
  json.key("seeds").number(static_cast<std::uint64_t>(runs.size()));
  json.key("recommend_calls").number(recommend_calls);
  json.key("recommend_ms_mean")
      .number(recommend_calls > 0 ? recommend_ms / static_cast<double>(recommend_calls) : 0.0);
  json.key("seconds").number(seconds);
  json.end_object();
  json.finish();
  return out;
}

std::string report_page(const std::vector<SimulationResult>& runs, const Comparison& comparison) {
  using evaluate::ChartRow;
  evaluate::HtmlPage page("A simulated shop under " + std::to_string(comparison.policies.size()) +
                          " policies");
  page.paragraph(
      "The same visitors with the same wishes come to a copy of the shop for each policy and react "
      "to what it shows. Random, popularity, item-item and the oracle run within the simulator; "
      "Vitrine is asked over its HTTP API. Brackets and whiskers are 95 % bootstrap intervals over "
      "shops and visitors.");
  page.table("All figures", figure_rows(comparison));
  std::vector<ChartRow> conversion, revenue;
  for (const PolicyFigures& p : comparison.policies) {
    conversion.push_back({p.name, p.conversion});
    revenue.push_back({p.name, p.revenue_per_visit});
  }
  page.section("What visits brought");
  page.chart(evaluate::row_chart({"conversion", "Conversion by policy",
                                  "Share of visits that end with an order; the numbers stand at "
                                  "the right end of each row.",
                                  "visits that end with an order", ""},
                                 conversion, kPercent),
             "Conversion: visits that end with an order");
  page.chart(evaluate::row_chart({"revenue", "Revenue a visit by policy",
                                  "Revenue divided by visits; the numbers stand at the right end "
                                  "of each row.",
                                  "EUR a visit", ""},
                                 revenue, kEuro),
             "Revenue a visit");
  if (comparison.lift_over_popularity.value > 0)
    page.table("Vitrine against the others", headline_rows(comparison));
  evaluate::ChartAxis axis;
  std::vector<evaluate::ChartSeries> series;
  std::vector<std::vector<std::string>> rows{{"day"}};
  for (std::size_t p = 0; p < comparison.policies.size(); ++p) {
    series.push_back({comparison.policies[p].name, {}});
    rows.front().push_back(comparison.policies[p].name);
    for (const double v : weekly_conversion(runs, p)) series[p].points.push_back({v, v, v});
  }
  for (std::size_t d = 0; d < series.front().points.size(); ++d) {
    axis.at.push_back(static_cast<double>(d + 1));
    axis.labels.push_back(d == 0 || (d + 1) % 7 == 0 ? std::to_string(d + 1) : "");
    rows.push_back({std::to_string(d + 1)});
    for (const auto& one : series)
      rows.back().push_back(evaluate::number_text(one.points[d].value, kPercent));
  }
  page.section("Over time");
  page.chart(evaluate::line_chart({"days", "Conversion over time",
                                   "Conversion of the last seven days, for each day and policy. "
                                   "The numbers stand in the table below the chart.",
                                   "day", "conversion"},
                                  axis, series, kPercent),
             "Conversion of the last seven days");
  page.table("Conversion of the last seven days, in numbers", rows);
  page.section("By shop");
  page.table("Conversion by seed", seed_rows(runs));
  return std::move(page).finish();
}

}  // namespace vitrine::simulate
