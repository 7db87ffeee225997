#include "service/learn/parts.h"

#include <algorithm>

#include "service/learn/judge.h"

namespace vitrine::learn {
namespace {

using evaluate::Interaction;
using evaluate::Split;

// Of the interactions in the order of their times.
constexpr double kValidationFrom = 0.7;
constexpr double kTestFrom = 0.8;

Error not_enough(std::string what) {
  return Error(ErrorCode::kInvalidArgument, std::move(what)).with_reason("not_enough_data");
}

// The time before which that share of the interactions lies.
TimeUs time_at(const evaluate::Dataset& data, double share) {
  const auto n = data.interactions.size();
  return data
      .interactions[std::min(n - 1, static_cast<std::size_t>(share * static_cast<double>(n)))]
      .time;
}

Split split_at(const evaluate::Dataset& data, TimeUs cut, std::size_t cases_most) {
  Split split = evaluate::temporal(data, {cut, true, true});
  thin_out(split.cases, cases_most);
  return split;
}

// Only what happened before `end`.
evaluate::Dataset before(const evaluate::Dataset& data, TimeUs end) {
  evaluate::Dataset out;
  out.users.resize(data.users.size());
  out.has_times = out.live = true;
  for (const Interaction& one : data.interactions) {
    if (one.time < end) out.interactions.push_back(one);
  }
  return out;
}

}  // namespace

Result<Parts> cut_parts(const evaluate::Dataset& data, std::optional<TimeUs> live_end) {
  Parts parts;
  parts.test_cut = time_at(data, kTestFrom);
  parts.test = split_at(data, parts.test_cut, kTestCasesMost);
  parts.behind_live = live_end && *live_end <= parts.test_cut;
  if (live_end && *live_end > parts.test_cut) {
    Split later = split_at(data, *live_end + 1, kTestCasesMost);
    if (later.cases.size() >= kTestCasesMin) {
      parts.test_cut = *live_end + 1;
      parts.test = std::move(later);
      parts.behind_live = true;
    }
  }
  if (parts.test.cases.size() < kTestCasesMin) {
    return not_enough("the log has " + std::to_string(data.interactions.size()) +
                      " interactions of " + std::to_string(data.users.size()) +
                      " visitors, of whom " + std::to_string(parts.test.cases.size()) +
                      " turned to something new in the last part of the time; at least " +
                      std::to_string(kTestCasesMin) + " are needed to judge a model");
  }
  const evaluate::Dataset early = before(data, parts.test_cut);
  parts.validation =
      split_at(early, time_at(early, kValidationFrom / kTestFrom), kValidationCasesMost);
  if (parts.validation.cases.size() < kValidationCasesMin) {
    return not_enough("only " + std::to_string(parts.validation.cases.size()) +
                      " visitors came back in the part of the time that is for choosing; at "
                      "least " +
                      std::to_string(kValidationCasesMin) + " are needed");
  }
  return parts;
}

}  // namespace vitrine::learn
