// `vitrine simulate`: the simulation of tool/simulate with a server of its own in this process.
#pragma once

#include <cstdint>
#include <ostream>
#include <string>

#include "base/progress.h"
#include "base/result.h"
#include "settings.h"
#include "tool/simulate/simulation.h"

namespace vitrine::app {

struct SimulateOptions {
  simulate::SimulationOptions simulation;
  std::uint32_t seeds = 1;  // shops, with the seed of the options and the ones after it
  std::string scratch;      // where servers keep their data meanwhile; empty: memory, else TMPDIR
  std::string html;         // report with charts; empty: none
  bool json = false;        // the last line only
};

// Each shop gets a server on a port of the system's choice and a folder that is removed at the end.
// `progress` is used with json; else days are printed as they pass.
Status run_simulate(const SimulateOptions& options, const Settings& settings, std::ostream& out,
                    Progress& progress);

}  // namespace vitrine::app
