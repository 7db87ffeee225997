// Fits the parts of a blend and learns their weights on validation.
#pragma once

#include "service/learn/fit.h"

namespace vitrine::learn {

// With validation, parts end their training by it, and weights below 0 are learned: begun at 1, one
// after the other takes the value of a few that is best with the others as they are, twice around.
// Parts that come out at 0 are left out. The report's `settled` recipe has weights and epochs.
// Without validation the parts run their epochs as the recipe has them, and weights below 0 are 1.
Result<Fit> fit_blend(const Recipe& recipe, std::span<const evaluate::Interaction> train,
                      std::uint32_t items, const FitContext& context);

}  // namespace vitrine::learn
