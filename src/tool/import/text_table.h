// Aligned columns of text, and numbers as people read them.
#pragma once

#include <cstdint>
#include <ostream>
#include <string>
#include <string_view>
#include <vector>

namespace vitrine::importer {

class TextTable {
 public:
  enum Align { kLeft, kRight };
  struct Column {
    std::string title;  // a table whose titles are all empty has no head
    Align align = kLeft;
    std::size_t width_max = 100;  // code points; longer text is cut and ends in "..."
  };

  explicit TextTable(std::vector<Column> columns) : columns_(std::move(columns)) {}

  // As many cells as there are columns. Control characters are shown as blanks.
  void row(std::vector<std::string> cells);
  // Two blanks in front and between columns, none at line ends.
  void print(std::ostream& out) const;

 private:
  std::vector<Column> columns_;
  std::vector<std::vector<std::string>> rows_;
};

// "541,909".
std::string group_digits(std::uint64_t number);
// "2.55"; two digits behind the point.
std::string fixed(double number, int digits = 2);

}  // namespace vitrine::importer
