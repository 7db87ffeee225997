// The operations guide, followed step by step: its commands run in one shell, as they stand there.
#include <fstream>
#include <sstream>

#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include "platform/io/child_process.h"
#include "tests/integration/test_server.h"

namespace vitrine::integration {
namespace {

constexpr const char* kGuide = "docs/operations.md";

struct Step {
  std::string commands, expected;
  int line = 0;
};

// Blocks of kind "sh", each with the "text" block that follows it.
std::vector<Step> steps_of(const std::string& path) {
  std::ifstream file(path);
  std::vector<Step> out;
  std::string* into = nullptr;
  std::string line;
  for (int number = 1; std::getline(file, line); ++number) {
    if (!line.starts_with("```")) {
      if (into != nullptr) *into += line + "\n";
    } else if (into != nullptr) {
      into = nullptr;
    } else if (line == "```sh") {
      out.push_back({{}, {}, number});
      into = &out.back().commands;
    } else if (line == "```text" && !out.empty()) {
      into = &out.back().expected;
    }
  }
  return out;
}

// A port that nobody has now.
std::string free_port() {
  const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof address;
  EXPECT_EQ(::bind(fd, reinterpret_cast<const sockaddr*>(&address), size), 0);
  EXPECT_EQ(::getsockname(fd, reinterpret_cast<sockaddr*>(&address), &size), 0);
  ::close(fd);
  return std::to_string(ntohs(address.sin_port));
}

std::string replaced(std::string text, std::string_view what, std::string_view by) {
  for (std::size_t at = 0; (at = text.find(what, at)) != std::string::npos; at += by.size()) {
    text.replace(at, what.size(), by);
  }
  return text;
}

// "..." in the expected line stands for anything.
bool fits(std::string_view expected, std::string_view line) {
  const std::size_t dots = expected.find("...");
  if (dots == std::string_view::npos) return expected == line;
  if (!line.starts_with(expected.substr(0, dots))) return false;
  const std::string_view rest = expected.substr(dots + 3);
  for (std::size_t at = dots; at <= line.size(); ++at) {
    if (fits(rest, line.substr(at))) return true;
  }
  return false;
}

void compare(const Step& step, const std::string& printed) {
  std::istringstream expected(step.expected), lines(printed);
  std::string want, line;
  while (std::getline(expected, want)) {
    line.clear();
    std::getline(lines, line);
    EXPECT_TRUE(fits(want, line)) << "line " << step.line << " of the guide: printed '" << line
                                  << "', expected '" << want << "'";
  }
  EXPECT_FALSE(std::getline(lines, line)) << "line " << step.line << " also printed " << line;
}

TEST(OperationsGuide, CanBeFollowedStepByStep) {
  const TempFolder folder;
  const std::string plain = free_port(), secure = free_port();
  const auto steps = steps_of(kGuide);
  ASSERT_GE(steps.size(), 6u);
  const std::string binary = VITRINE_BINARY;
  std::string script = "set -e\nPATH=" + binary.substr(0, binary.rfind('/')) + ":$PATH\ncd " +
                       folder.path() + "\ntrap 'kill -9 $! 2>/dev/null || true' EXIT\n";
  for (std::size_t i = 0; i < steps.size(); ++i) {
    script += "echo \"==== " + std::to_string(i) + "\"\n";
    script += replaced(replaced(steps[i].commands, "8080", plain), "8443", secure);
  }
  io::ChildCommand command;
  command.program = "/bin/bash";
  command.arguments = {"-c", script};
  command.without_environment = "VITRINE_";
  command.time_max = std::chrono::minutes(3);
  const auto run = io::run_child(command, std::atomic<bool>(false));
  ASSERT_TRUE(run.ok());
  EXPECT_EQ(run->exit_code, 0) << run->output << run->errors
                               << (run->timed_out ? "took too long" : "");
  for (std::size_t i = 0; i < steps.size(); ++i) {
    const std::string mark = "==== " + std::to_string(i) + "\n";
    const std::size_t at = run->output.find(mark);
    ASSERT_NE(at, std::string::npos)
        << "line " << steps[i].line << " was not reached: " << run->output << run->errors;
    const std::size_t end = run->output.find("==== " + std::to_string(i + 1) + "\n", at);
    compare(steps[i],
            replaced(replaced(run->output.substr(at + mark.size(), end - at - mark.size()), plain,
                              "8080"),
                     secure, "8443"));
  }
}

}  // namespace
}  // namespace vitrine::integration
