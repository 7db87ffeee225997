// The help of every command, as somebody reads it who has nothing else.
#include <set>
#include <sstream>
#include <vector>

#include <gtest/gtest.h>

#include "platform/io/child_process.h"

namespace vitrine::integration {
namespace {

using Words = std::vector<std::string>;

std::string help_of(Words path) {
  io::ChildCommand command;
  command.program = VITRINE_BINARY;
  path.emplace_back("--help");
  command.arguments = std::move(path);
  const auto run = io::run_child(command, std::atomic<bool>(false));
  if (!run.ok() || run->exit_code != 0) {
    ADD_FAILURE() << (run.ok() ? run->errors : run.error().to_string());
    return {};
  }
  return run->output;
}

Words words_of(const std::string& line) {
  std::istringstream in(line);
  Words out;
  for (std::string word; in >> word;) out.push_back(word);
  return out;
}

// The first words of the lines of a part of the help.
Words listed(const std::string& help, const std::string& title) {
  std::istringstream lines(help);
  std::string line;
  Words out;
  while (std::getline(lines, line) && line != title) continue;
  while (std::getline(lines, line) && !line.empty()) {
    if (line.size() > 2 && line[2] != ' ') out.push_back(words_of(line)[0]);
  }
  return out;
}

struct Command {
  Words path;
  std::string help;
};

// Commands without commands below them.
void collect(const Words& path, std::vector<Command>& out) {
  const std::string help = help_of(path);
  const Words below = listed(help, "Subcommands:");
  if (below.empty()) return out.push_back({path, help});
  for (const std::string& name : below) {
    Words longer = path;
    longer.push_back(name);
    collect(longer, out);
  }
}

std::string joined(const Words& words) {
  std::string out;
  for (const std::string& word : words) out += (out.empty() ? "" : " ") + word;
  return out;
}

// Lines of the help that begin with the command itself, as it is typed.
std::vector<std::string> examples(const Command& command) {
  const std::string begin = "  vitrine " + joined(command.path);
  std::istringstream lines(command.help);
  std::vector<std::string> out;
  for (std::string line; std::getline(lines, line);) {
    if (line.starts_with(begin + " ") || line == begin) out.push_back(line);
  }
  return out;
}

std::set<std::string> options(const Command& command) {
  std::set<std::string> out;
  for (const std::string& names : listed(command.help, "Options:")) {
    std::istringstream each(names);
    for (std::string name; std::getline(each, name, ',');) out.insert(name);
  }
  return out;
}

TEST(CommandHelp, EveryCommandEndsWithAnExampleWhoseOptionsItHas) {
  std::vector<Command> commands;
  collect({}, commands);
  ASSERT_GT(commands.size(), 50u);
  for (const Command& command : commands) {
    SCOPED_TRACE("vitrine " + joined(command.path));
    const auto own = options(command);
    const auto shown = examples(command);
    EXPECT_FALSE(shown.empty()) << command.help;
    for (const std::string& line : shown) {
      for (const std::string& word : words_of(line)) {
        EXPECT_TRUE(!word.starts_with("--") || own.contains(word)) << word << " in " << line;
      }
    }
  }
}

TEST(CommandHelp, EveryOptionSaysWhatItIs) {
  std::vector<Command> commands;
  collect({}, commands);
  for (const Command& command : commands) {
    SCOPED_TRACE("vitrine " + joined(command.path));
    std::istringstream lines(command.help);
    for (std::string line; std::getline(lines, line);) {
      // The text stands from this column on, in the line of the name or in the next.
      constexpr std::size_t kColumn = 30;
      if (line.size() <= kColumn || !line.starts_with("  ") || line[kColumn - 1] != ' ') continue;
      EXPECT_NE(line[kColumn], '[') << "only a default: " << line;
    }
  }
}

}  // namespace
}  // namespace vitrine::integration
