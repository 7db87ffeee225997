#include "tool/evaluate/html_page.h"

#include <cerrno>
#include <cstdio>
#include <fstream>

#include "tool/evaluate/svg_chart.h"

namespace vitrine::evaluate {
namespace {

constexpr std::string_view kStyle = R"(
:root { color-scheme: light dark; --ink: #1a1a1a; --paper: #ffffff; --rule: #c8c8c8; }
@media (prefers-color-scheme: dark) { :root { --ink: #ececec; --paper: #181818; --rule: #555555; } }
body { font: 16px/1.5 system-ui, sans-serif; color: var(--ink); background: var(--paper);
       max-width: 860px; margin: 2em auto; padding: 0 1em; }
svg { width: 100%; height: auto; }
svg text { fill: var(--ink); font-size: 12px; }
svg .grid { stroke: var(--rule); stroke-width: 0.7; }
figure { margin: 1.5em 0; }
figcaption, caption { text-align: left; font-weight: 600; margin-bottom: 0.4em; }
table { border-collapse: collapse; font-variant-numeric: tabular-nums; font-size: 14px; margin: 1em 0; }
th, td { padding: 0.25em 0.7em; border-bottom: 1px solid var(--rule); text-align: right; }
th:first-child { text-align: left; }
.wide { overflow-x: auto; }
)";

}  // namespace

HtmlPage::HtmlPage(std::string_view title) {
  out_ = "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\"/>\n";
  out_ += "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\"/>\n<title>";
  out_ += escape_markup(title) + "</title>\n<style>" + std::string(kStyle) +
          "</style>\n</head>\n<body>\n<main>\n<h1>" + escape_markup(title) + "</h1>\n";
}

void HtmlPage::section(std::string_view heading) {
  if (in_section_) out_ += "</section>\n";
  in_section_ = true;
  out_ += "<section>\n<h2>" + escape_markup(heading) + "</h2>\n";
}

void HtmlPage::paragraph(std::string_view text) { out_ += "<p>" + escape_markup(text) + "</p>\n"; }

void HtmlPage::chart(const std::string& svg, std::string_view caption) {
  out_ +=
      "<figure>\n<figcaption>" + escape_markup(caption) + "</figcaption>\n" + svg + "</figure>\n";
}

void HtmlPage::table(std::string_view caption, std::span<const std::vector<std::string>> rows) {
  out_ += "<div class=\"wide\"><table>\n<caption>" + escape_markup(caption) + "</caption>\n";
  for (std::size_t r = 0; r < rows.size(); ++r) {
    out_ += "<tr>";
    for (std::size_t c = 0; c < rows[r].size(); ++c) {
      const bool head = r == 0 || c == 0;
      out_ += head ? (r == 0 ? "<th scope=\"col\">" : "<th scope=\"row\">") : "<td>";
      out_ += escape_markup(rows[r][c]) + (head ? "</th>" : "</td>");
    }
    out_ += "</tr>\n";
  }
  out_ += "</table></div>\n";
}

std::string HtmlPage::finish() && {
  if (in_section_) out_ += "</section>\n";
  return std::move(out_) + "</main>\n</body>\n</html>\n";
}

Status write_page(const std::string& path, const std::string& page) {
  const std::string unfinished = path + ".tmp";
  errno = 0;
  std::ofstream out(unfinished, std::ios::binary | std::ios::trunc);
  out << page;
  out.close();
  if (!out) {
    const int code = errno == 0 ? EIO : errno;
    std::remove(unfinished.c_str());
    return io_error("write", path, code);
  }
  if (std::rename(unfinished.c_str(), path.c_str()) != 0) {
    const int code = errno;
    std::remove(unfinished.c_str());
    return io_error("write", path, code);
  }
  return ok_status();
}

}  // namespace vitrine::evaluate
