// Judged queries against a search: how good are its first places?
//
// Queries are lines "id<TAB>text"; judgements are lines "id 0 item grade" as TREC has them (qrels),
// grade 0 and above; blank lines and lines that begin with # are skipped. A query without any
// judgement above 0 is left out and counted.
#pragma once

#include <functional>
#include <map>
#include <ostream>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace vitrine::evaluate {

struct JudgedQuery {
  std::string id, text;
  std::map<std::string, double, std::less<>> grades;  // by item id; absent: 0
};

struct JudgedQueries {
  std::vector<JudgedQuery> queries;  // in the order of the file
  std::size_t without_judgement = 0;
};

// kInvalidArgument names the text ("queries", "qrels"), the line and what it must be.
Result<JudgedQueries> read_judged_queries(std::string_view queries, std::string_view qrels);

struct SearchFigures {
  std::size_t queries = 0;
  std::size_t without_judgement = 0;
  std::size_t found_nothing = 0;  // queries without any answer
  double ndcg10 = 0;     // gain 2^grade - 1, discount log2(1 + place), by the best possible
  double mrr = 0;        // 1 / place of the first item of a grade above 0, 0 beyond the answer
  double recall100 = 0;  // share of the items of a grade above 0 among the first 100
};

// `search` gives the ids of the first 100 items of a text, best first.
Result<SearchFigures> judge(
    const JudgedQueries& judged,
    const std::function<Result<std::vector<std::string>>(std::string_view text)>& search);

void print_figures(const SearchFigures& figures, bool json, std::ostream& out);

}  // namespace vitrine::evaluate
