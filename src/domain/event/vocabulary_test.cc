#include "domain/event/vocabulary.h"

#include <fstream>
#include <map>
#include <set>
#include <sstream>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace vitrine::event {
namespace {

using testing::ElementsAreArray;

// The cells of a row "| a | b |", without blanks around.
std::vector<std::string> cells_of(const std::string& row) {
  std::vector<std::string> out;
  std::istringstream in(row);
  std::string cell;
  std::getline(in, cell, '|');
  while (std::getline(in, cell, '|')) {
    const auto begin = cell.find_first_not_of(' ');
    if (begin == std::string::npos) {
      out.emplace_back();
    } else {
      out.push_back(cell.substr(begin, cell.find_last_not_of(' ') - begin + 1));
    }
  }
  return out;
}

std::set<std::string> names_in(const std::string& cell) {
  std::set<std::string> out;
  std::istringstream in(cell);
  std::string name;
  while (std::getline(in, name, ',')) {
    const auto begin = name.find_first_not_of(' ');
    if (begin != std::string::npos) out.insert(name.substr(begin));
  }
  return out;
}

TEST(Vocabulary, EveryNameOfTheTableMeansItsType) {
  std::set<std::string_view> seen;
  for (const Synonym& synonym : synonyms()) {
    EXPECT_TRUE(seen.insert(synonym.name).second) << synonym.name << " is there twice";
    EXPECT_EQ(find_event_type(synonym.name), synonym.type) << synonym.name;
  }
}

TEST(Vocabulary, NamesAreTakenAsWrittenAndNothingElseIs) {
  EXPECT_EQ(find_event_type("product viewed"), std::nullopt);
  EXPECT_EQ(find_event_type("ProductViewed"), std::nullopt);
  EXPECT_EQ(find_event_type("Product Viewed "), std::nullopt);
  EXPECT_EQ(find_event_type("Checkout Started"), std::nullopt);
  EXPECT_EQ(find_event_type("begin_checkout"), std::nullopt);
  EXPECT_EQ(find_event_type(""), std::nullopt);
}

TEST(Vocabulary, TheTableIsTheOneInTheDocument) {
  std::map<std::string, std::map<Vocabulary, std::set<std::string>>> in_code;
  for (const Synonym& synonym : synonyms()) {
    in_code["`" + std::string(event_type_name(synonym.type)) + "`"][synonym.vocabulary].insert(
        std::string(synonym.name));
  }
  std::map<std::string, std::map<Vocabulary, std::set<std::string>>> in_document;
  std::ifstream file("docs/api/events.md");
  ASSERT_TRUE(file) << "run from the root of the repository";
  bool inside = false;
  for (std::string line; std::getline(file, line);) {
    if (line.starts_with("| here | Segment | GA4 |")) {
      inside = true;
    } else if (inside && !line.starts_with("|")) {
      break;
    } else if (inside && !line.starts_with("|---")) {
      const auto cells = cells_of(line);
      ASSERT_GE(cells.size(), 3u) << line;
      if (!cells[1].empty()) in_document[cells[0]][Vocabulary::kSegment] = names_in(cells[1]);
      if (!cells[2].empty()) in_document[cells[0]][Vocabulary::kGa4] = names_in(cells[2]);
    }
  }
  EXPECT_THAT(in_document, ElementsAreArray(in_code));
}

TEST(Vocabulary, WhatGa4HasAndWeHaveNotIsTheListInTheDocument) {
  std::ifstream file("docs/api/events.md");
  ASSERT_TRUE(file) << "run from the root of the repository";
  std::map<std::string, std::string> in_document;
  bool inside = false;
  for (std::string line; std::getline(file, line);) {
    if (line.starts_with("| GA4 only | declare |")) {
      inside = true;
    } else if (inside && !line.starts_with("|")) {
      break;
    } else if (inside && !line.starts_with("|---")) {
      const auto cells = cells_of(line);
      ASSERT_GE(cells.size(), 2u) << line;
      in_document[cells[0]] = cells[1];
    }
  }
  std::map<std::string, std::string> in_code;
  for (const std::string_view name : ga4_without_counterpart()) {
    EXPECT_TRUE(is_ga4_without_counterpart(name));
    EXPECT_EQ(find_event_type(name), std::nullopt) << name;
    in_code[std::string(name)] = "`" + declared_name(name) + "`";
  }
  EXPECT_THAT(in_document, ElementsAreArray(in_code));
  EXPECT_FALSE(is_ga4_without_counterpart("purchase"));
}

TEST(Vocabulary, ANameWithoutCounterpartIsDeclaredInSmallLettersWithHyphens) {
  EXPECT_EQ(declared_name("Checkout Started"), "checkout-started");
  EXPECT_EQ(declared_name("begin_checkout"), "begin-checkout");
  EXPECT_EQ(declared_name("  Signed -- Up! "), "signed-up");
  EXPECT_EQ(declared_name("Ärger 2"), "rger-2");
  EXPECT_EQ(declared_name("2 Fast"), "");
  EXPECT_EQ(declared_name("!!!"), "");
  EXPECT_EQ(declared_name(std::string(200, 'x')), std::string(64, 'x'));
  EXPECT_EQ(declared_name(std::string(63, 'x') + " y"), std::string(63, 'x'));
}

}  // namespace
}  // namespace vitrine::event
