// How well are robots told from people, and what is left of what they did?
//
// The same people are applied to three states of a tenant: alone, with robots, and with robots
// while nobody looks (`detect` off). What robots did is what tells the second and the third from
// the first.
#pragma once

#include <array>
#include <cstdint>
#include <ostream>
#include <string>
#include <vector>

#include "base/progress.h"
#include "base/result.h"
#include "domain/conduct/settings.h"
#include "tool/simulate/robots.h"
#include "tool/simulate/shop.h"

namespace vitrine::simulate {

struct AbuseOptions {
  ShopOptions shop;            // its history is what is played
  std::uint32_t percent = 20;  // of all events are robots'
  std::uint32_t seeds = 1;
  conduct::Settings settings;
};

struct KindResult {
  std::uint32_t robots = 0;
  std::uint32_t found = 0;  // flagged, or made to wait
  std::uint64_t events = 0;
  std::uint64_t kept_out = 0;  // at once; what was taken back afterwards is not among them
  std::vector<std::uint32_t> until_found;  // events, of those that were flagged
};

struct AbuseResult {
  std::uint64_t seed = 0;
  std::array<KindResult, kRobotKinds> kinds;
  std::uint32_t people = 0;  // who did anything
  std::uint32_t hard_people = 0;
  std::uint32_t people_flagged = 0;
  std::uint64_t people_events = 0;
  std::uint64_t robot_events = 0;
  // At the end of each day, on average: of the 20 items on top when people are alone, how many are
  // there with robots; and by how much the counters of all items differ in sum, as a share of it.
  double top_kept = 0, top_kept_unwatched = 0;
  double popular_off = 0, popular_off_unwatched = 0;
  double trending_off = 0, trending_off_unwatched = 0;
};

Result<AbuseResult> try_abuse(const AbuseOptions& options, std::uint64_t seed);
// One table of all seeds; the last line is JSON.
Status run_abuse_trial(const AbuseOptions& options, bool json_only, std::ostream& out,
                       Progress& progress);

}  // namespace vitrine::simulate
