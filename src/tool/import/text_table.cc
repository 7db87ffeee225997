#include "tool/import/text_table.h"

#include <algorithm>
#include <cstdio>

#include "base/check.h"

namespace vitrine::importer {
namespace {

bool begins_character(char c) { return (static_cast<unsigned char>(c) & 0xC0) != 0x80; }

std::size_t width_of(std::string_view text) {
  return static_cast<std::size_t>(std::count_if(text.begin(), text.end(), begins_character));
}

std::string cut(std::string text, std::size_t width_max) {
  for (char& c : text) {
    if (static_cast<unsigned char>(c) < 0x20 || c == 0x7F) c = ' ';
  }
  if (width_of(text) <= width_max) return text;
  std::size_t end = 0;
  for (std::size_t seen = 0; end < text.size(); ++end) {
    if (begins_character(text[end]) && seen++ == width_max - std::min<std::size_t>(3, width_max)) {
      break;
    }
  }
  return text.substr(0, end) + "...";
}

}  // namespace

void TextTable::row(std::vector<std::string> cells) {
  VITRINE_CHECK(cells.size() == columns_.size());
  for (std::size_t i = 0; i < cells.size(); ++i) {
    cells[i] = cut(std::move(cells[i]), columns_[i].width_max);
  }
  rows_.push_back(std::move(cells));
}

void TextTable::print(std::ostream& out) const {
  std::vector<std::size_t> widths;
  bool head = false;
  for (std::size_t i = 0; i < columns_.size(); ++i) {
    std::size_t width = width_of(columns_[i].title);
    head = head || width > 0;
    for (const auto& cells : rows_) width = std::max(width, width_of(cells[i]));
    widths.push_back(width);
  }
  const auto print_row = [&](const auto& text_of) {
    std::string line;
    for (std::size_t i = 0; i < columns_.size(); ++i) {
      const std::string& text = text_of(i);
      const std::string room(widths[i] - width_of(text), ' ');
      line += "  ";
      line += columns_[i].align == kRight ? room + text : text + room;
    }
    line.erase(line.find_last_not_of(' ') + 1);
    out << line << "\n";
  };
  if (head) {
    print_row([&](std::size_t i) -> const std::string& { return columns_[i].title; });
    std::vector<std::string> rules;
    for (const std::size_t width : widths) rules.emplace_back(width, '-');
    print_row([&](std::size_t i) -> const std::string& { return rules[i]; });
  }
  for (const auto& cells : rows_) {
    print_row([&](std::size_t i) -> const std::string& { return cells[i]; });
  }
}

std::string group_digits(std::uint64_t number) {
  std::string text = std::to_string(number);
  for (std::size_t at = text.size(); at > 3;) text.insert(at -= 3, ",");
  return text;
}

std::string fixed(double number, int digits) {
  char buffer[64];
  std::snprintf(buffer, sizeof buffer, "%.*f", digits, number);
  return buffer;
}

}  // namespace vitrine::importer
