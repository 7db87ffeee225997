#include "tool/evaluate/judged_search.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <unordered_map>

#include "platform/codec/json_writer.h"

namespace vitrine::evaluate {
namespace {

constexpr std::size_t kDepth = 100;
constexpr double kGradeMax = 30;

Error bad_line(std::string_view file, std::size_t line, std::string_view must) {
  return {ErrorCode::kInvalidArgument,
          std::string(file) + ", line " + std::to_string(line) + ": must be " + std::string(must)};
}

// Calls fn(line, number) -> Status for lines that say something.
template <class Fn>
Status for_each_line(std::string_view text, Fn&& fn) {
  std::size_t number = 0;
  while (!text.empty()) {
    const std::size_t end = std::min(text.find('\n'), text.size());
    std::string_view line = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    ++number;
    if (line.ends_with('\r')) line.remove_suffix(1);
    if (line.find_first_not_of(" \t") == std::string_view::npos || line.starts_with('#')) continue;
    VITRINE_TRY(fn(line, number));
  }
  return ok_status();
}

std::string_view next_word(std::string_view& line) {
  line.remove_prefix(std::min(line.find_first_not_of(" \t"), line.size()));
  const std::size_t end = std::min(line.find_first_of(" \t"), line.size());
  const std::string_view word = line.substr(0, end);
  line.remove_prefix(end);
  return word;
}

double gain(double grade) { return std::exp2(grade) - 1; }

double discounted(const std::vector<double>& grades) {
  double sum = 0;
  for (std::size_t i = 0; i < std::min<std::size_t>(10, grades.size()); ++i) {
    sum += gain(grades[i]) / std::log2(static_cast<double>(i) + 2);
  }
  return sum;
}

}  // namespace

Result<JudgedQueries> read_judged_queries(std::string_view queries, std::string_view qrels) {
  std::vector<JudgedQuery> all;
  std::unordered_map<std::string, std::size_t> places;
  VITRINE_TRY(for_each_line(queries, [&](std::string_view line, std::size_t number) -> Status {
    const std::size_t tab = line.find('\t');
    if (tab == std::string_view::npos || tab == 0 || tab + 1 == line.size()) {
      return bad_line("queries", number, "an id, a tab and a text");
    }
    if (!places.emplace(line.substr(0, tab), all.size()).second) {
      return bad_line("queries", number, "an id that no line before has");
    }
    all.push_back({std::string(line.substr(0, tab)), std::string(line.substr(tab + 1)), {}});
    return ok_status();
  }));
  VITRINE_TRY(for_each_line(qrels, [&](std::string_view line, std::size_t number) -> Status {
    const std::string_view id = next_word(line);
    next_word(line);
    const std::string_view item = next_word(line);
    const std::string_view text = next_word(line);
    double grade = 0;
    const auto [end, code] = std::from_chars(text.data(), text.data() + text.size(), grade);
    if (text.empty() || code != std::errc{} || end != text.data() + text.size() || !(grade >= 0) ||
        grade > kGradeMax) {
      return bad_line("qrels", number, "four words: query id, 0, item id, grade from 0 to 30");
    }
    const auto place = places.find(std::string(id));
    if (place == places.end()) return bad_line("qrels", number, "about a query of the queries");
    if (grade > 0) all[place->second].grades[std::string(item)] = grade;
    return ok_status();
  }));
  JudgedQueries out;
  for (JudgedQuery& query : all) {
    if (query.grades.empty()) {
      ++out.without_judgement;
    } else {
      out.queries.push_back(std::move(query));
    }
  }
  if (out.queries.empty()) {
    return Error(ErrorCode::kInvalidArgument,
                 "qrels: no query has an item of a grade above 0, so there is nothing to judge");
  }
  return out;
}

Result<SearchFigures> judge(
    const JudgedQueries& judged,
    const std::function<Result<std::vector<std::string>>(std::string_view text)>& search) {
  SearchFigures figures;
  figures.without_judgement = judged.without_judgement;
  figures.queries = judged.queries.size();
  for (const JudgedQuery& query : judged.queries) {
    auto found = search(query.text);
    if (!found.ok()) return std::move(found).error().context("query " + query.id);
    if (found->empty()) ++figures.found_nothing;
    std::vector<double> grades;
    double first = 0;
    std::size_t relevant = 0;
    for (std::size_t i = 0; i < std::min(kDepth, found->size()); ++i) {
      const auto grade = query.grades.find((*found)[i]);
      grades.push_back(grade == query.grades.end() ? 0 : grade->second);
      if (grades.back() == 0) continue;
      ++relevant;
      if (first == 0) first = 1 / static_cast<double>(i + 1);
    }
    std::vector<double> best;
    for (const auto& [item, grade] : query.grades) best.push_back(grade);
    std::sort(best.begin(), best.end(), std::greater<>());
    figures.ndcg10 += discounted(grades) / discounted(best);
    figures.mrr += first;
    figures.recall100 += static_cast<double>(relevant) / static_cast<double>(best.size());
  }
  const auto n = static_cast<double>(std::max<std::size_t>(1, figures.queries));
  figures.ndcg10 /= n;
  figures.mrr /= n;
  figures.recall100 /= n;
  return figures;
}

void print_figures(const SearchFigures& figures, bool json_output, std::ostream& out) {
  if (!json_output) {
    char text[256];
    std::snprintf(text, sizeof text,
                  "queries judged  %zu (%zu without any judgement left out)\n"
                  "nDCG@10         %.4f\nMRR             %.4f\nrecall@100      %.4f\n"
                  "found nothing   %zu\n",
                  figures.queries, figures.without_judgement, figures.ndcg10, figures.mrr,
                  figures.recall100, figures.found_nothing);
    out << text;
    return;
  }
  std::string text;
  codec::JsonWriter json(text);
  json.begin_object();
  json.key("queries").number(figures.queries);
  json.key("without_judgement").number(figures.without_judgement);
  json.key("found_nothing").number(figures.found_nothing);
  json.key("ndcg_at_10").number(figures.ndcg10);
  json.key("mrr").number(figures.mrr);
  json.key("recall_at_100").number(figures.recall100);
  json.end_object();
  json.finish();
  out << text << "\n";
}

}  // namespace vitrine::evaluate
