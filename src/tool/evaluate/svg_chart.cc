#include "tool/evaluate/svg_chart.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdio>

#include "platform/codec/utf8.h"

namespace vitrine::evaluate {
namespace {

// Colours that people with the common kinds of colour blindness tell apart (Okabe and Ito, "Color
// Universal Design", 2008). Marker and dashes say the same without colour.
struct Look {
  const char* colour;
  const char* dashes;
};
constexpr std::array<Look, 6> kLooks = {{{"#0072b2", "none"},
                                         {"#d55e00", "7 4"},
                                         {"#009e73", "2 3"},
                                         {"#cc79a7", "9 3 2 3"},
                                         {"#b8860b", "4 2"},
                                         {"#56b4e9", "1 3"}}};

std::string fixed(double value, int digits) {
  char text[64];
  std::snprintf(text, sizeof text, "%.*f", digits, value);
  return text;
}
std::string px(double value) { return fixed(value, 1); }

std::string attribute(const char* name, const std::string& value) {
  return std::string(" ") + name + "=\"" + value + "\"";
}

std::string line(double x1, double y1, double x2, double y2, const std::string& more) {
  return "<line" + attribute("x1", px(x1)) + attribute("y1", px(y1)) + attribute("x2", px(x2)) +
         attribute("y2", px(y2)) + more + "/>\n";
}

std::string label(double x, double y, const char* anchor, std::string_view text) {
  return "<text" + attribute("x", px(x)) + attribute("y", px(y)) +
         attribute("text-anchor", anchor) + ">" + escape_markup(text) + "</text>\n";
}

// Circle, square, triangle, diamond, cross, ring.
std::string marker(std::size_t series, double x, double y) {
  const std::string fill = attribute("fill", kLooks[series % kLooks.size()].colour);
  const std::string stroke = attribute("stroke", kLooks[series % kLooks.size()].colour);
  const auto path = [&](const std::string& d) {
    return "<path" + attribute("d", d) + fill + "/>\n";
  };
  const auto at = [&](double dx, double dy) { return px(x + dx) + " " + px(y + dy); };
  switch (series % kLooks.size()) {
    case 0:
      return "<circle" + attribute("cx", px(x)) + attribute("cy", px(y)) + " r=\"4.5\"" + fill +
             "/>\n";
    case 1: return path("M" + at(-4, -4) + " h8 v8 h-8 Z");
    case 2: return path("M" + at(0, -5) + " L" + at(5, 4) + " L" + at(-5, 4) + " Z");
    case 3: return path("M" + at(0, -6) + " l6 6 l-6 6 l-6 -6 Z");
    case 4:
      return "<path" + attribute("d", "M" + at(-4, -4) + " l8 8 M" + at(-4, 4) + " l8 -8") +
             stroke + " fill=\"none\" stroke-width=\"2.5\"/>\n";
    default:
      return "<circle" + attribute("cx", px(x)) + attribute("cy", px(y)) + " r=\"4\"" + stroke +
             " fill=\"none\" stroke-width=\"2\"/>\n";
  }
}

std::string stroke_of(std::size_t series, double width, bool dashed) {
  const Look& look = kLooks[series % kLooks.size()];
  return attribute("stroke", look.colour) + attribute("stroke-width", px(width)) +
         (dashed ? attribute("stroke-dasharray", look.dashes) : std::string());
}

std::string open_svg(const ChartText& text, double width, double height) {
  return "<svg role=\"img\"" + attribute("viewBox", "0 0 " + px(width) + " " + px(height)) +
         attribute("aria-labelledby", text.id + "-title " + text.id + "-desc") + ">\n<title" +
         attribute("id", text.id + "-title") + ">" + escape_markup(text.title) + "</title>\n<desc" +
         attribute("id", text.id + "-desc") + ">" + escape_markup(text.description) + "</desc>\n";
}

struct Range {
  double low = 0;
  double high = 0;
  void include(const Interval& i) {
    for (const double v : {i.value, i.low, i.high}) {
      if (!std::isfinite(v)) continue;
      low = std::min(low, v);
      high = std::max(high, v);
    }
  }
};

// Steps of 1, 2 or 5 times a power of ten, about five of them.
std::vector<double> ticks_of(Range& range) {
  if (range.high <= range.low) range.high = range.low + 1;
  const double rough = (range.high - range.low) / 5;
  const double power = std::pow(10, std::floor(std::log10(rough)));
  double step = power;
  for (const double factor : {2.0, 5.0, 10.0}) {
    if (step < rough) step = factor * power;
  }
  range.low = std::floor(range.low / step) * step;
  range.high = std::ceil(range.high / step - 1e-9) * step;
  std::vector<double> ticks;
  const auto n = static_cast<int>(std::lround((range.high - range.low) / step));
  for (int i = 0; i <= n; ++i) ticks.push_back(range.low + i * step);
  return ticks;
}

// Digits that tell neighbouring ticks apart.
std::string tick_text(double value, const std::vector<double>& ticks, const NumberStyle& style) {
  const double step = ticks.size() > 1 ? (ticks[1] - ticks[0]) * style.scale : 1;
  const int digits = std::max(0, static_cast<int>(std::ceil(-std::log10(step) - 1e-9)));
  return fixed(value * style.scale, digits) + style.unit;
}

constexpr double kWidth = 760;
constexpr double kHeight = 340;
constexpr double kLeft = 74;
constexpr double kRight = 168;  // the legend
constexpr double kTop = 16;
constexpr double kBottom = 52;
constexpr std::size_t kMarkersMax = 24;

class LineChart {
 public:
  LineChart(const ChartText& text, const ChartAxis& axis, std::span<const ChartSeries> series,
            const NumberStyle& style)
      : text_(text), axis_(axis), series_(series), style_(style) {
    for (const ChartSeries& one : series) {
      for (const Interval& point : one.points) range_.include(point);
    }
    ticks_ = ticks_of(range_);
  }

  std::string draw() const {
    std::string out = open_svg(text_, kWidth, kHeight);
    draw_frame(out);
    for (std::size_t s = 0; s < series_.size(); ++s) draw_series(s, out);
    for (std::size_t s = 0; s < series_.size(); ++s) draw_legend(s, out);
    return out + "</svg>\n";
  }

 private:
  double x_of(std::size_t i) const {
    const double first = axis_.at.front();
    const double span = axis_.at.back() - first;
    const double inner = kWidth - kLeft - kRight - 40;
    return kLeft + 20 + (span > 0 ? (axis_.at[i] - first) / span * inner : inner / 2);
  }
  double y_of(double value) const {
    return kTop + (range_.high - value) / (range_.high - range_.low) * (kHeight - kTop - kBottom);
  }
  // Series stand a little beside each other, so that whiskers don't hide each other.
  double shift(std::size_t s) const {
    if (axis_.at.size() > kMarkersMax) return 0;
    return 5 * (static_cast<double>(s) - (static_cast<double>(series_.size()) - 1) / 2);
  }

  void draw_frame(std::string& out) const {
    for (const double tick : ticks_) {
      out += line(kLeft, y_of(tick), kWidth - kRight, y_of(tick), " class=\"grid\"");
      out += label(kLeft - 8, y_of(tick) + 4, "end", tick_text(tick, ticks_, style_));
    }
    for (std::size_t i = 0; i < axis_.at.size(); ++i) {
      if (!axis_.labels[i].empty())
        out += label(x_of(i), kHeight - kBottom + 20, "middle", axis_.labels[i]);
    }
    out += label((kLeft + kWidth - kRight) / 2, kHeight - 8, "middle", text_.x_axis);
    out += "<text transform=\"translate(14 " + px((kTop + kHeight - kBottom) / 2) +
           ") rotate(-90)\" text-anchor=\"middle\">" + escape_markup(text_.y_axis) + "</text>\n";
  }

  void draw_series(std::size_t s, std::string& out) const {
    const auto& points = series_[s].points;
    std::string path;
    bool pen_down = false;
    for (std::size_t i = 0; i < points.size(); ++i) {
      if (!std::isfinite(points[i].value)) {
        pen_down = false;
        continue;
      }
      path += (pen_down ? " L" : " M") + px(x_of(i) + shift(s)) + " " + px(y_of(points[i].value));
      pen_down = true;
    }
    if (path.empty()) return;
    out += "<path" + attribute("d", path.substr(1)) + stroke_of(s, 2, true) + " fill=\"none\"/>\n";
    if (axis_.at.size() > kMarkersMax) return;
    for (std::size_t i = 0; i < points.size(); ++i) {
      if (!std::isfinite(points[i].value)) continue;
      const double x = x_of(i) + shift(s);
      if (points[i].low < points[i].high) {
        out += line(x, y_of(points[i].low), x, y_of(points[i].high), stroke_of(s, 1.2, false));
      }
      out += marker(s, x, y_of(points[i].value));
    }
  }

  void draw_legend(std::size_t s, std::string& out) const {
    const double y = kTop + 12 + 24 * static_cast<double>(s);
    const double x = kWidth - kRight + 14;
    out += line(x, y, x + 30, y, stroke_of(s, 2, true));
    out += marker(s, x + 15, y);
    out += label(x + 38, y + 4, "start", series_[s].name);
  }

  const ChartText& text_;
  const ChartAxis& axis_;
  std::span<const ChartSeries> series_;
  const NumberStyle& style_;
  Range range_;
  std::vector<double> ticks_;
};

}  // namespace

std::string escape_markup(std::string_view text) {
  if (!codec::is_valid_utf8(text)) {
    std::string plain;
    for (const char c : text) plain += static_cast<unsigned char>(c) < 0x80 ? c : '?';
    return escape_markup(plain);
  }
  std::string out;
  for (const char c : text) {
    switch (c) {
      case '&': out += "&amp;"; break;
      case '<': out += "&lt;"; break;
      case '>': out += "&gt;"; break;
      case '"': out += "&quot;"; break;
      default: out += static_cast<unsigned char>(c) < 0x20 ? ' ' : c;
    }
  }
  return out;
}

std::string number_text(double value, const NumberStyle& style) {
  if (!std::isfinite(value)) return "-";
  return fixed(value * style.scale, style.digits) + style.unit;
}

std::string interval_text(const Interval& interval, const NumberStyle& style) {
  const std::string value = number_text(interval.value, style);
  if (!(interval.low < interval.high)) return value;
  const NumberStyle bare{style.digits, style.scale, ""};
  return value + " [" + number_text(interval.low, bare) + ", " + number_text(interval.high, bare) +
         "]";
}

std::string line_chart(const ChartText& text, const ChartAxis& axis,
                       std::span<const ChartSeries> series, const NumberStyle& style) {
  if (axis.at.empty() || series.empty()) return {};
  return LineChart(text, axis, series, style).draw();
}

std::string row_chart(const ChartText& text, std::span<const ChartRow> rows,
                      const NumberStyle& style) {
  constexpr double kRowHeight = 30, kNames = 170, kNumbers = 200;
  Range range;
  for (const ChartRow& row : rows) range.include(row.value);
  const auto ticks = ticks_of(range);
  const double bottom = kTop + kRowHeight * static_cast<double>(rows.size());
  const double inner = kWidth - kNames - kNumbers;
  const auto x_of = [&](double value) {
    return kNames + (value - range.low) / (range.high - range.low) * inner;
  };
  std::string out = open_svg(text, kWidth, bottom + 44);
  for (const double tick : ticks) {
    out += line(x_of(tick), kTop, x_of(tick), bottom, " class=\"grid\"");
    out += label(x_of(tick), bottom + 18, "middle", tick_text(tick, ticks, style));
  }
  out += label(kNames + inner / 2, bottom + 38, "middle", text.x_axis);
  for (std::size_t i = 0; i < rows.size(); ++i) {
    const double y = kTop + kRowHeight * (static_cast<double>(i) + 0.5);
    const Interval& value = rows[i].value;
    out += label(kNames - 10, y + 4, "end", rows[i].name);
    if (!std::isfinite(value.value)) continue;
    out += line(x_of(0), y, x_of(value.value), y, stroke_of(i, 1, true));
    if (value.low < value.high)
      out += line(x_of(value.low), y, x_of(value.high), y, stroke_of(i, 3, false));
    out += marker(i, x_of(value.value), y);
    out += label(kWidth - kNumbers + 12, y + 4, "start", interval_text(value, style));
  }
  return out + "</svg>\n";
}

}  // namespace vitrine::evaluate
