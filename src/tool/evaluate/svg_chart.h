// Charts as inline SVG, readable without colour and without a script.
//
// Each chart is one <svg role="img"> element with a title and a description; series differ by
// marker and by dashes as well as by colour, and text follows the page's colour. Markup is
// well-formed XML. Not-a-number values are gaps.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "service/evaluate/metrics.h"

namespace vitrine::evaluate {

// `text` for an element's content or a quoted attribute: & < > " escaped, control characters and
// bytes that are not UTF-8 replaced, so that any text gives well-formed markup.
std::string escape_markup(std::string_view text);

// A number as charts and tables write it.
struct NumberStyle {
  int digits = 4;
  double scale = 1;  // 100 for percent
  std::string unit;  // " %"
};
std::string number_text(double value, const NumberStyle& style);
// "0.1234 [0.1200, 0.1300]"; without brackets where the interval has no width.
std::string interval_text(const Interval& interval, const NumberStyle& style);

struct ChartText {
  std::string id;  // unique on the page: [a-z0-9-]+
  std::string title;
  std::string description;  // what the chart shows, with its main numbers
  std::string x_axis, y_axis;
};

struct ChartSeries {
  std::string name;
  std::vector<Interval> points;  // point i stands at ChartAxis::at[i]
};

struct ChartAxis {
  std::vector<double> at;           // rising
  std::vector<std::string> labels;  // of each, empty for none; as many as `at`
};

// Lines with markers and whiskers over a common axis, from 0 (or the smallest value, if below) up.
// Series with more than 24 points are drawn as lines only.
std::string line_chart(const ChartText& text, const ChartAxis& axis,
                       std::span<const ChartSeries> series, const NumberStyle& style);

struct ChartRow {
  std::string name;
  Interval value;
};

// A row each: a stem from 0, a marker, a whisker, and the numbers as text.
std::string row_chart(const ChartText& text, std::span<const ChartRow> rows,
                      const NumberStyle& style);

}  // namespace vitrine::evaluate
