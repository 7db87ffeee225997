// What a scorer may learn from, and what it is asked.
#pragma once

#include <vector>

#include "tool/evaluate/dataset.h"

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

// Leave one out: each user's last item is the target at test, the one before at validation.
// `train` never holds either, at both stages; at test the validation item is in the history
// only. Users with fewer than three items are learned from and not asked.
Split leave_one_out(const Dataset& data, Stage stage);

struct TemporalOptions {
  TimeUs cut = 0;              // train: before it
  bool new_items_only = true;  // targets: without what the user had before the cut
};
// Targets are the items of each user's first event at or after the cut; users without any event
// before it, or without a target, are not asked.
Split temporal(const Dataset& data, const TemporalOptions& options);

}  // namespace vitrine::evaluate
