#pragma once

namespace CLI {
class App;
}

namespace vitrine::app {

// Adds `vitrine text ...`; a command that fails sets exit_code.
void add_text_commands(CLI::App& app, int& exit_code);

}  // namespace vitrine::app
