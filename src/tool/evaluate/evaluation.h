// One evaluation as a value: what was measured, for the table, JSON and the HTML report alike.
#pragma once

#include <string>
#include <vector>

#include "service/evaluate/breakdown.h"
#include "service/evaluate/dataset.h"
#include "service/evaluate/evaluator.h"

namespace vitrine::evaluate {

enum class SplitKind { kLeaveOneOut, kTemporal };
std::string_view split_name(SplitKind kind);  // "leave one out", "temporal"

struct Evaluation {
  std::string name;  // of the data set
  std::size_t users = 0, items = 0, interactions = 0;
  std::uint64_t skipped = 0;
  SplitKind split = SplitKind::kTemporal;
  std::size_t train = 0;  // interactions learned from
  std::size_t cases = 0;
  std::size_t k = 0;
  std::vector<Report> reports;  // best HR first
  // Values in the order of `reports`; empty where no breakdown was asked for.
  // new_visitors: of the temporal split, those of whom nothing was learned.
  std::vector<Bucket> activity, popularity, new_visitors, learning;
};

// The whole report as one HTML page (html_page.h): the table of report.h with the same numbers, and
// charts of it and of the breakdowns, each followed by its numbers.
std::string evaluation_page(const Evaluation& evaluation);

}  // namespace vitrine::evaluate
