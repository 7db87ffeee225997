// The commands `vitrine graph ...` for main.cc, in a file of their own to compile beside it.
#pragma once

#include <functional>

#include "base/result.h"

namespace CLI {
class App;
}

namespace vitrine::app {

// `run` makes `work` what the command does: its Status becomes the exit code.
using RunCommand = std::function<void(CLI::App& command, std::function<Status()> work)>;
void add_graph_commands(CLI::App& app, const RunCommand& run);

}  // namespace vitrine::app
