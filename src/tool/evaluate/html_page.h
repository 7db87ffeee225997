// One HTML page that stands alone: no script, nothing fetched, styles within. Well-formed as XML
// too, so that programs can read it. All text that is given is escaped.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace vitrine::evaluate {

class HtmlPage {
 public:
  explicit HtmlPage(std::string_view title);
  void section(std::string_view heading);
  void paragraph(std::string_view text);
  // A chart of svg_chart.h, with a caption below.
  void chart(const std::string& svg, std::string_view caption);
  // The first row is the head; the first column names the rows, the others are set right.
  void table(std::string_view caption, std::span<const std::vector<std::string>> rows);
  std::string finish() &&;

 private:
  std::string out_;
  bool in_section_ = false;
};

// Writes the whole file or leaves what was there: kIo, kExhausted.
Status write_page(const std::string& path, const std::string& page);

}  // namespace vitrine::evaluate
