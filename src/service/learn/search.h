// Search for the settings of a kind within a budget of time or trials, on validation alone.
//
// The first trial is the recipe as it was asked for; the others take the parameters of
// search_ranges() that were not given from a sequence that covers their space evenly (an additive
// recurrence from the recipe's seed), so that trial n is the same whatever came before. Each is
// fitted on the part that is learned from and judged as early stopping judges: mean NDCG of the
// model alone over the validation cases. The best one wins; of equal ones the first.
//
// What comes in is one split: no later part of the data can be looked at from here.
//
// Deterministic: same split, recipe, limits of trials and memory give the same trials. A budget of
// time decides how many of them there are.
#pragma once

#include <functional>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "domain/model/manifest.h"
#include "service/evaluate/split.h"
#include "service/learn/fit.h"

namespace vitrine::learn {

inline constexpr std::uint32_t kTrialsMost = 500;
inline constexpr TimeUs kSearchTimeMost = 30 * kDayUs;

struct SearchRange {
  std::string_view name;
  double low, high;
  bool log;     // evenly in the logarithm
  double step;  // multiples of it; 0: three significant digits
};
std::span<const SearchRange> search_ranges(Kind kind);

struct SearchRequest {
  std::optional<TimeUs> time;          // 0 .. kSearchTimeMost; absent: bounded by trials alone
  std::uint32_t trials = kTrialsMost;  // 1 .. kTrialsMost
  // Parameters that stay as the recipe has them: those that were given.
  std::vector<std::string> fixed;
};
// kInvalidArgument for limits out of range and where nothing is left to be searched.
Status check_search(Kind kind, const SearchRequest& request);

// Number `n` of the sequence, from 1. Parameters are within the rows of the kind.
Recipe drawn_recipe(const Recipe& first, std::span<const std::string> fixed, std::uint64_t n);

struct SearchPlace {
  const evaluate::Split& validation;
  std::uint32_t items = 0;
  std::size_t k = 10;
  const Clock& clock;
  Checkpoint& checkpoint;
  // A context for a trial: workers, progress, what stops, where users may be spilled. kTooLarge
  // where the recipe would take more memory than there is: then another one is tried.
  std::function<Result<FitContext>(const Recipe& recipe, std::string phase, Progress& progress)>
      context;
  Progress& progress;
  const std::atomic<bool>* stop = nullptr;
  // After each trial that counts.
  std::function<void(const model::Search& so_far)> on_trial;
};

// The search as a manifest has it; `chosen` is the best of its trials. Out of time, a trial ends
// after its present epoch and does not count, except the first. kUnavailable "training_stopped"
// where it was stopped: with the same input it goes on with the trial it was at, and with what was
// left of its time. What the first trial fails with is what the search fails with; others that fail
// count, with what they failed with.
Result<model::Search> search_recipe(const Recipe& first, const SearchRequest& request,
                                    const SearchPlace& place);

// The recipe of a trial of a search.
Recipe recipe_of(Kind kind, const model::Trial& trial);

}  // namespace vitrine::learn
