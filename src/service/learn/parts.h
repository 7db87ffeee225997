// The parts of a tenant's data in time: what is learned from, what settings are chosen on, and what
// is asked about once.
#pragma once

#include <optional>

#include "base/result.h"
#include "service/evaluate/split.h"

namespace vitrine::learn {

// Fewer say nothing: intervals would be as wide as the scale.
inline constexpr std::size_t kTestCasesMin = 50;
inline constexpr std::size_t kValidationCasesMin = 10;
inline constexpr std::size_t kTestCasesMost = 20'000;
inline constexpr std::size_t kNewVisitorsMost = 2'000;      // of each number of known events
inline constexpr std::size_t kValidationCasesMost = 1'000;  // after each epoch

struct Parts {
  TimeUs test_cut = 0;         // the test part begins here
  evaluate::Split test;        // learned from: all before it
  evaluate::Split validation;  // of what happened before test_cut alone
  bool behind_live = false;    // nothing of the test part was learned from by the live model
};

// The test part begins at 80 % of the interactions, or where the live model's data ends
// (`live_end`) if that is later and enough visitors came since. `data` is in the order of times,
// and not empty. kInvalidArgument "not_enough_data" with the numbers.
Result<Parts> cut_parts(const evaluate::Dataset& data, std::optional<TimeUs> live_end);

}  // namespace vitrine::learn
