// What the help of a command ends with.
#pragma once

namespace CLI {
class App;
}

namespace vitrine::app {

// Puts an example behind the help of every command that has one, after its own last words. To be
// called when all commands are there.
void add_examples(CLI::App& app);

}  // namespace vitrine::app
