// Runs one shop under several policies at once, day by day, and keeps what each of them took.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "base/progress.h"
#include "tool/simulate/behaviour.h"
#include "tool/simulate/vitrine_policy.h"
#include "tool/simulate/world.h"

namespace vitrine::simulate {

// In the order of reports.
inline constexpr const char* kPolicyNames[] = {"random", "popularity", "item-item", "vitrine",
                                               "oracle"};

struct SimulationOptions {
  ShopOptions shop;
  Behaviour behaviour;
  std::vector<std::string> policies = {std::begin(kPolicyNames), std::end(kPolicyNames)};
};

struct PolicyResult {
  std::string name;
  std::vector<Tally> by_day;      // entry d: day d with the policy
  std::vector<Tally> by_visitor;  // of all days with the policy
  Tally total;
};

struct SimulationResult {
  std::uint64_t seed = 0;
  std::vector<PolicyResult> policies;  // as asked for
  std::size_t history_visits = 0;
  std::size_t history_events = 0;
  Tally history;
  ApiUse api;
  double seconds = 0;
};

// Makes the server that Vitrine's policy talks to, with the clock at `start`.
using ServerMaker = std::function<Result<std::unique_ptr<ShopServer>>(TimeUs start)>;
// Called after each day with the result so far.
using DayDone = std::function<void(int day, const SimulationResult& so_far)>;

// The history runs once, without recommendations; each policy begins with what it left: events,
// stock, memories. Then every visit takes place in each policy's copy of the shop. The same options
// give the same result, whichever policies run beside each other. kInvalidArgument for an unknown
// policy; else errors are those of the server and its API.
Result<SimulationResult> run_simulation(const SimulationOptions& options, const ServerMaker& server,
                                        const DayDone& day_done, Progress& progress);

}  // namespace vitrine::simulate
