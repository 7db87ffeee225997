#pragma once
// `vitrine vec ...` on the command line.

#include <CLI/CLI.hpp>

namespace vitrine::app {

/// Adds the group; what a command returns becomes `exit_code`.
void add_vec_commands(CLI::App& app, int& exit_code);

}  // namespace vitrine::app
