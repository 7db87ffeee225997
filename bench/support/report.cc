#include "bench/support/report.h"

#include <algorithm>
#include <cstdio>
#include <cstdlib>

#include "bench/support/subprocess.h"
#include "platform/codec/json_writer.h"

namespace vitrine::bench {

double median_of(std::vector<double> values) {
  if (values.empty()) return 0;
  std::sort(values.begin(), values.end());
  const std::size_t middle = values.size() / 2;
  return values.size() % 2 == 1 ? values[middle] : (values[middle - 1] + values[middle]) / 2;
}

std::string fixed(double value, int digits) {
  char text[64];
  std::snprintf(text, sizeof text, "%.*f", digits, value);
  return text;
}

std::string median_and_range(const std::vector<double>& values, int digits) {
  std::string text = fixed(median_of(values), digits);
  if (values.size() < 2) return text;
  const auto [low, high] = std::minmax_element(values.begin(), values.end());
  return text + " (" + fixed(*low, digits) + " .. " + fixed(*high, digits) + ")";
}

void Table::print() const {
  std::vector<std::size_t> widths;
  for (const auto& row : rows_) {
    widths.resize(std::max(widths.size(), row.size()));
    for (std::size_t i = 0; i < row.size(); ++i) widths[i] = std::max(widths[i], row[i].size());
  }
  for (const auto& row : rows_) {
    std::string line;
    for (std::size_t i = 0; i < row.size(); ++i) {
      line += row[i];
      if (i + 1 < row.size()) line += std::string(widths[i] - row[i].size() + 2, ' ');
    }
    std::puts(line.c_str());
  }
  std::puts("");
  std::fflush(stdout);
}

void JsonLine::print() const {
  std::string text;
  codec::JsonWriter json(text);
  json.begin_object();
  for (const auto& [key, value] : values_) {
    json.key(key);
    if (const bool* truth = std::get_if<bool>(&value)) {
      json.boolean(*truth);
    } else {
      json.number(std::get<double>(value));
    }
  }
  json.end_object();
  json.finish();
  std::puts(text.c_str());
  std::fflush(stdout);
}

double number_from_environment(const char* name, double otherwise) {
  const char* text = std::getenv(name);
  if (text == nullptr || *text == '\0') return otherwise;
  char* end = nullptr;
  const double value = std::strtod(text, &end);
  if (*end != '\0' || value < 0) give_up(std::string(name) + " is not a number: " + text);
  return value;
}

void give_up(const std::string& why) {
  std::fflush(stdout);
  std::fprintf(stderr, "benchmark failed: %s\n", why.c_str());
  for (const std::string& path : ScratchDirectory::all()) {
    std::fprintf(stderr, "its data is kept in %s\n", path.c_str());
  }
  // Not exit(): static destructors would run beside threads; children die with this process.
  std::fflush(stderr);
  std::_Exit(1);
}

}  // namespace vitrine::bench
