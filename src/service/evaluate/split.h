// What a scorer may learn from, and what it is asked.
#pragma once

#include <string>
#include <vector>

#include "service/evaluate/dataset.h"

namespace vitrine::evaluate {

// One question: given this history, which items come next?
struct Case {
  UserIndex user;
  std::vector<Interaction> history;  // oldest first
  std::vector<ItemIndex> targets;    // different from each other, at least one
};

struct Split {
  std::vector<Interaction> train;  // in the order of the log
  std::vector<Case> cases;
};

enum class Stage {
  kValidation,  // for choosing settings
  kTest,        // for reporting, once
};

struct LeaveOneOutOptions {
  Stage stage = Stage::kTest;
  // "Last item" means the last one that the user had not met before, instead of the last event's.
  bool new_items_only = false;
};
// Leave one out: each user's last item is the target at test, the one before at validation.
// `train` never holds either, nor anything the user did from the second last on, at both stages; at
// test the history goes up to the target. Users with fewer than three items (different ones, with
// new_items_only) are learned from and not asked.
Split leave_one_out(const Dataset& data, const LeaveOneOutOptions& options);
inline Split leave_one_out(const Dataset& data, Stage stage) {
  return leave_one_out(data, LeaveOneOutOptions{stage, false});
}

struct TemporalOptions {
  TimeUs cut = 0;              // train: before it
  bool new_items_only = true;  // targets: without what the user had before the cut
  // Ask for the first later event that has a target; else users whose first later event has none
  // are not asked.
  bool first_with_target = false;
};
// Targets are the items of each user's first event at or after the cut; users without any event
// before it, or without a target, are not asked.
Split temporal(const Dataset& data, const TemporalOptions& options);

// Cases with a name in common.
struct CaseGroup {
  std::string name;
  std::vector<Case> cases;
};
// Users of whom nothing could be learned, for their first event is at or after the cut: asked after
// their first 0, 1, 2, 3 and 5 events, which the groups are named by, for the next one with an item
// that is new to them. At most `cases_most` of a group, spread evenly; groups without any left out.
std::vector<CaseGroup> new_visitors(const Dataset& data, TimeUs cut, std::size_t cases_most);

}  // namespace vitrine::evaluate
