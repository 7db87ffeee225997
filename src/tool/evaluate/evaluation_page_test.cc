#include <algorithm>
#include <cctype>
#include <cmath>
#include <filesystem>
#include <fstream>
#include <set>
#include <sstream>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include "tool/evaluate/html_page.h"
#include "tool/evaluate/report.h"
#include "tool/evaluate/run_evaluate.h"
#include "tool/evaluate/svg_chart.h"

namespace vitrine::evaluate {
namespace {

using testing::HasSubstr;
using testing::Not;

// What is wrong with `markup` as XML (one root, tags nested, attributes quoted and unique, only
// known entities); empty if nothing.
class MarkupChecker {
 public:
  explicit MarkupChecker(std::string_view markup) : rest_(markup) {}
  std::string problem() {
    if (rest_.starts_with("<!DOCTYPE html>")) rest_.remove_prefix(15);
    while (!rest_.empty() && problem_.empty()) rest_.front() == '<' ? tag() : text();
    if (problem_.empty() && !open_.empty()) problem_ = "not closed: " + open_.back();
    return problem_;
  }
  const std::set<std::string>& ids() const { return ids_; }
  std::size_t images() const { return images_; }

 private:
  void text() {
    const std::size_t end = std::min(rest_.find('<'), rest_.size());
    const std::string_view piece = rest_.substr(0, end);
    for (std::size_t at = piece.find('&'); at != piece.npos; at = piece.find('&', at + 1)) {
      bool known = false;
      for (const char* entity : {"&amp;", "&lt;", "&gt;", "&quot;"})
        known = known || piece.substr(at).starts_with(entity);
      if (!known) problem_ = "stray &: " + std::string(piece.substr(at, 20));
    }
    if (open_.empty() && piece.find_first_not_of(" \n") != piece.npos) problem_ = "text outside";
    rest_.remove_prefix(end);
  }
  void tag() {
    const std::size_t end = rest_.find('>');
    if (end == rest_.npos) {
      problem_ = "tag not ended";
      return;
    }
    std::string_view inside = rest_.substr(1, end - 1);
    rest_.remove_prefix(end + 1);
    if (inside.starts_with('/')) {
      if (open_.empty() || open_.back() != inside.substr(1))
        problem_ = "closes " + std::string(inside);
      else
        open_.pop_back();
      return;
    }
    const bool empty = inside.ends_with('/');
    if (empty) inside.remove_suffix(1);
    const std::size_t name_end = std::min(inside.find(' '), inside.size());
    const std::string name(inside.substr(0, name_end));
    attributes(inside.substr(name_end));
    if (name == "svg") ++images_;
    if (!empty) open_.push_back(name);
  }
  void attributes(std::string_view inside) {
    std::set<std::string> names;
    while (!inside.empty() && problem_.empty()) {
      const std::size_t equals = inside.find("=\"");
      const std::size_t close = equals == inside.npos ? equals : inside.find('"', equals + 2);
      if (inside.front() != ' ' || close == inside.npos) {
        problem_ = "attributes: " + std::string(inside);
        return;
      }
      const std::string name(inside.substr(1, equals - 1));
      const std::string value(inside.substr(equals + 2, close - equals - 2));
      if (!names.insert(name).second) problem_ = "twice: " + name;
      if (name == "id" && !ids_.insert(value).second) problem_ = "id twice: " + value;
      inside.remove_prefix(close + 1);
    }
  }

  std::string_view rest_;
  std::vector<std::string> open_;
  std::set<std::string> ids_;
  std::size_t images_ = 0;
  std::string problem_;
};

Dataset shop_with_times() {
  Dataset data;
  data.name = "a <b> & \"c\"";
  data.has_times = true;
  for (int i = 0; i < 40; ++i) data.items.push_back("i" + std::to_string(i));
  for (std::uint32_t u = 0; u < 150; ++u) data.users.push_back("u" + std::to_string(u));
  std::uint32_t event = 0;
  for (std::uint32_t step = 0; step < 12; ++step) {
    for (std::uint32_t u = 0; u < 150; ++u) {
      if (step < 12 - u % 11) continue;
      data.interactions.push_back({UserIndex{u}, ItemIndex{(u * 7 + step * step) % 40}, event,
                                   static_cast<TimeUs>(event) * kSecondUs});
      ++event;
    }
  }
  return data;
}

Evaluation evaluated() {
  EvaluateOptions options;
  options.bootstrap.rounds = 50;
  options.breakdowns = true;
  return evaluate(shop_with_times(), options).value();
}

TEST(EvaluationPage, IsWellFormedAndStandsAlone) {
  const std::string page = evaluation_page(evaluated());
  MarkupChecker checker(page);
  EXPECT_EQ(checker.problem(), "");
  EXPECT_EQ(checker.images(), 9u);
  for (const char* outside : {"http:", "https:", "src=", "href=", "<script", "@import", "url("})
    EXPECT_THAT(page, Not(HasSubstr(outside)));
  EXPECT_THAT(page, HasSubstr("a &lt;b&gt; &amp; &quot;c&quot;"));
}

TEST(EvaluationPage, EveryChartHasATitleAndADescription) {
  const std::string page = evaluation_page(evaluated());
  MarkupChecker checker(page);
  ASSERT_EQ(checker.problem(), "");
  for (const char* id : {"hr", "ndcg", "recall", "mrr", "coverage", "activity", "new-visitors",
                         "popularity", "learning"}) {
    EXPECT_TRUE(checker.ids().contains(std::string(id) + "-title")) << id;
    EXPECT_TRUE(checker.ids().contains(std::string(id) + "-desc")) << id;
    EXPECT_THAT(page, HasSubstr("aria-labelledby=\"" + std::string(id) + "-title " + id + "-desc"));
  }
}

// Every cell that the terminal shows stands in the page, and the charts write the same intervals.
TEST(EvaluationPage, HoldsTheNumbersOfTheTable) {
  const Evaluation evaluation = evaluated();
  const std::string page = evaluation_page(evaluation);
  for (const auto& row : table_rows(evaluation.reports)) {
    for (const std::string& cell : row) EXPECT_THAT(page, HasSubstr(">" + cell + "</t"));
  }
  for (const Report& report : evaluation.reports) {
    for (const Interval& value : {report.hr, report.ndcg, report.recall, report.mrr}) {
      EXPECT_THAT(page, HasSubstr(">" + interval_text(value, {}) + "</text>"));
    }
  }
  for (const auto* buckets : {&evaluation.activity, &evaluation.new_visitors,
                              &evaluation.popularity, &evaluation.learning}) {
    ASSERT_FALSE(buckets->empty());
    for (const Bucket& bucket : *buckets) {
      for (const Interval& value : bucket.values)
        EXPECT_THAT(page, HasSubstr("<td>" + interval_text(value, {}) + "</td>"));
    }
  }
}

// Goal: a breakdown is the same measurement in parts. Method: weigh the parts together again.
TEST(Breakdown, PartsAddUpToTheWhole) {
  const Evaluation e = evaluated();
  for (std::size_t r = 0; r < e.reports.size(); ++r) {
    double hits = 0, cases = 0;
    for (const Bucket& bucket : e.activity) {
      hits += bucket.values[r].value * static_cast<double>(bucket.size);
      cases += static_cast<double>(bucket.size);
    }
    EXPECT_EQ(cases, static_cast<double>(e.cases));
    EXPECT_NEAR(hits / cases, e.reports[r].hr.value, 1e-6);
    double found = 0, targets = 0;
    for (const Bucket& bucket : e.popularity) {
      found += bucket.values[r].value * static_cast<double>(bucket.size);
      targets += static_cast<double>(bucket.size);
    }
    const auto& marks = e.reports[r].target_found;
    EXPECT_EQ(targets, static_cast<double>(marks.size()));
    EXPECT_NEAR(found, static_cast<double>(std::count(marks.begin(), marks.end(), 1)), 1e-3);
    EXPECT_NEAR(e.learning.back().values[r].value, e.reports[r].hr.value, 1e-9);
  }
}

TEST(EvaluationPage, WithManyScorersDrawsSixAndPopularityAndWritesAll) {
  Evaluation e = evaluated();
  while (e.reports.size() < 9) {
    e.reports.insert(e.reports.begin(), e.reports.front());
    e.reports.front().name = "model " + std::to_string(e.reports.size());
    for (auto* buckets : {&e.activity, &e.new_visitors, &e.popularity, &e.learning}) {
      for (Bucket& bucket : *buckets) {
        bucket.values.insert(bucket.values.begin(), bucket.values.front());
      }
    }
  }
  const std::string page = evaluation_page(e);
  EXPECT_EQ(MarkupChecker(page).problem(), "");
  const std::size_t begin = page.find("id=\"activity-title\"");
  const std::string chart = page.substr(begin, page.find("</svg>", begin) - begin);
  EXPECT_THAT(chart, HasSubstr(">popularity</text>"));
  EXPECT_THAT(chart, HasSubstr(">" + e.reports[4].name + "</text>"));
  EXPECT_THAT(chart, Not(HasSubstr(">random</text>")));
  EXPECT_THAT(page, HasSubstr("<th scope=\"col\">random</th>"));
}

TEST(SvgChart, AnyTextAndAnyNumbersGiveWellFormedMarkup) {
  const std::string evil = "\"><script>\x01\xff&amp;";
  const double nan = std::nan("");
  const Interval none{nan, nan, nan};
  const ChartAxis axis{{0, 1, 5}, {evil, "", "c"}};
  const std::vector<ChartSeries> series{{evil, {{1, 0, 2}, none, {-3, -4, -3}}},
                                        {"flat", {{0, 0, 0}, {0, 0, 0}, {0, 0, 0}}},
                                        {"nothing", {none, none, none}}};
  const std::string lines = line_chart({"x", evil, evil, evil, evil}, axis, series, {});
  EXPECT_EQ(MarkupChecker(lines).problem(), "");
  EXPECT_THAT(lines, Not(HasSubstr("nan")));
  const std::string rows =
      row_chart({"y", evil, evil, evil, evil},
                std::vector<ChartRow>{{evil, {1e9, 0, 2e9}}, {"none", none}}, {});
  EXPECT_EQ(MarkupChecker(rows).problem(), "");
  EXPECT_THAT(rows, Not(HasSubstr("nan")));
}

TEST(SvgChart, SeriesDifferWithoutColour) {
  std::vector<ChartSeries> series;
  for (const char* name : {"a", "b", "c", "d"}) series.push_back({name, {{1, 1, 1}, {2, 2, 2}}});
  std::string svg = line_chart({"x", "t", "d", "", ""}, {{0, 1}, {"", ""}}, series, {});
  std::set<std::string> dashes;
  for (std::size_t at = svg.find("stroke-dasharray=\""); at != svg.npos;
       at = svg.find("stroke-dasharray=\"", at + 1)) {
    dashes.insert(svg.substr(at + 18, svg.find('"', at + 18) - at - 18));
  }
  EXPECT_EQ(dashes.size(), 4u);
}

TEST(WritePage, FailsWithoutLeavingHalfAFile) {
  const std::string folder =
      std::filesystem::temp_directory_path() / ("vitrine-page-" + std::to_string(::getpid()));
  EXPECT_FALSE(write_page(folder + "/page.html", "x").ok());
  std::filesystem::create_directories(folder);
  ASSERT_TRUE(write_page(folder + "/page.html", "first").ok());
  ASSERT_TRUE(write_page(folder + "/page.html", "second").ok());
  std::stringstream text;
  text << std::ifstream(folder + "/page.html").rdbuf();
  EXPECT_EQ(text.str(), "second");
  EXPECT_EQ(std::distance(std::filesystem::directory_iterator(folder), {}), 1);
  std::filesystem::remove_all(folder);
}

}  // namespace
}  // namespace vitrine::evaluate
