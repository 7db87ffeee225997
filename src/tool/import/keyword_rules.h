// What a product's name tells about it, by a simple rule that anyone can redo.
//
// The Online Retail data has no categories. So that filters have something to work on, the
// importer derives two attributes from the description, and says so in its report:
//
//   category  of the first row of the table in keyword_rules.cc (from the most specific to the most
//             general) one of whose words is a word of the description; "other" if none is
//   colours   every colour word of the description
//
// Words are runs of letters; capitals don't matter; a plural 's' behind a word doesn't either.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace vitrine::importer {

std::string_view category_by_keyword(std::string_view description);

// In the order of the description, each once, in small letters: {"pink", "white"}.
std::vector<std::string> colours_by_keyword(std::string_view description);

// All that category_by_keyword can say, "other" last.
std::vector<std::string_view> keyword_categories();

}  // namespace vitrine::importer
