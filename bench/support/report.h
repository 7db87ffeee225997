// What a benchmark prints: a table for people, then one line of JSON for programs.
#pragma once

#include <string>
#include <utility>
#include <variant>
#include <vector>

namespace vitrine::bench {

double median_of(std::vector<double> values);  // 0 for none
// "12.3 (11.9 .. 12.8)": median and range; just the value where there is one.
std::string median_and_range(const std::vector<double>& values, int digits);
std::string fixed(double value, int digits);

// Rows of text in aligned columns, printed at once.
class Table {
 public:
  explicit Table(std::vector<std::string> head) { rows_.push_back(std::move(head)); }
  void add(std::vector<std::string> row) { rows_.push_back(std::move(row)); }
  void print() const;  // to stdout, with an empty line behind it

 private:
  std::vector<std::vector<std::string>> rows_;
};

// {"key":1.5,...}, printed last.
class JsonLine {
 public:
  void add(const std::string& key, double value) { values_.emplace_back(key, value); }
  void add_truth(const std::string& key, bool value) { values_.emplace_back(key, value); }
  void print() const;

 private:
  std::vector<std::pair<std::string, std::variant<double, bool>>> values_;
};

// A number from the environment, or `otherwise`.
double number_from_environment(const char* name, double otherwise);

// Prints why and ends with status 1.
[[noreturn]] void give_up(const std::string& why);

}  // namespace vitrine::bench
