// Reports for people and for programs.
#pragma once

#include <ostream>
#include <span>
#include <string>
#include <vector>

#include "service/evaluate/evaluator.h"

namespace vitrine::evaluate {

// The cells of the table: a head, then one row a scorer in the given order; 95 % intervals as
// value [low, high].
std::vector<std::vector<std::string>> table_rows(std::span<const Report> reports);
// The rows in aligned columns, the best HR first.
void print_table(std::ostream& out, std::span<const Report> reports);

// One JSON object:
// {"k":..,"cases":..,"scorers":[{"name":..,"hr":{"value":..,"low":..,"high":..},..}]}
void print_json(std::ostream& out, std::span<const Report> reports);

// A string as JSON writes it, with quotes.
std::string json_string(std::string_view text);
// A number as JSON writes it; null where it is not finite.
std::string json_number(double value);

}  // namespace vitrine::evaluate
