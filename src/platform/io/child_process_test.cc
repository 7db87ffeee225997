#include "platform/io/child_process.h"

#include <cstdlib>
#include <thread>

#include <gtest/gtest.h>
#include <signal.h>
#include <stdlib.h>

namespace vitrine::io {
namespace {

const std::atomic<bool> kGoOn{false};

ChildCommand shell(const std::string& script) {
  ChildCommand command;
  command.program = "/bin/sh";
  command.arguments = {"-c", script};
  return command;
}

TEST(ChildProcess, GivesInputAndTakesBothOutputsAndTheExitCode) {
  ChildCommand command = shell("cat; echo wrong >&2; exit 3");
  command.input = std::string(300'000, 'x');  // more than a pipe holds
  const ChildResult result = run_child(command, kGoOn).value();
  EXPECT_EQ(result.output, command.input);
  EXPECT_EQ(result.errors, "wrong\n");
  EXPECT_EQ(result.exit_code, 3);
}

TEST(ChildProcess, KeepsTheBeginningOfTheOutputAndTheEndOfTheErrors) {
  ChildCommand command = shell("printf 'abcdef'; printf '123456' >&2");
  command.output_max = 4;
  const ChildResult result = run_child(command, kGoOn).value();
  EXPECT_EQ(result.output, "abcd");
  EXPECT_EQ(result.errors, "3456");
}

TEST(ChildProcess, IsKilledWhenItsTimeIsOver) {
  ChildCommand command = shell("exec sleep 60");
  command.time_max = std::chrono::milliseconds(200);
  const ChildResult result = run_child(command, kGoOn).value();
  EXPECT_TRUE(result.timed_out);
  EXPECT_EQ(result.signal, SIGKILL);
}

TEST(ChildProcess, IsKilledWhenItIsNotWantedAnyMore) {
  std::atomic<bool> cancel{false};
  std::thread later([&] {
    std::this_thread::sleep_for(std::chrono::milliseconds(100));
    cancel = true;
  });
  const ChildResult result = run_child(shell("exec sleep 60"), cancel).value();
  later.join();
  EXPECT_TRUE(result.cancelled);
}

TEST(ChildProcess, OneThatDoesNotReadItsInputDoesNoHarm) {
  ChildCommand command = shell("exit 0");
  command.input = std::string(1 << 20, 'x');
  EXPECT_EQ(run_child(command, kGoOn).value().exit_code, 0);
}

TEST(ChildProcess, ChosenVariablesAreNotPassedOn) {
  ::setenv("VITRINE_PROBE", "1", 1);
  ChildCommand command = shell("echo ${VITRINE_PROBE:-none}");
  EXPECT_EQ(run_child(command, kGoOn)->output, "1\n");
  command.without_environment = "VITRINE_";
  EXPECT_EQ(run_child(command, kGoOn)->output, "none\n");
}

TEST(ChildProcess, AProgramThatIsNotThereIsSaidSo) {
  ChildCommand command;
  command.program = "/nowhere/program";
  const auto result = run_child(command, kGoOn);
  ASSERT_FALSE(result.ok());
  EXPECT_NE(result.error().message().find("/nowhere/program"), std::string::npos);
}

#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
TEST(ChildProcessDeathTest, MoreMemoryThanItsBoundIsNotGiven) {
  const auto use = [](std::size_t bytes) {
    if (!limit_memory(std::uint64_t{1} << 30).ok()) std::_Exit(2);
    std::_Exit(std::malloc(bytes) == nullptr ? 1 : 0);
  };
  EXPECT_EXIT(use(1 << 20), testing::ExitedWithCode(0), "");
  EXPECT_EXIT(use(std::size_t{2} << 30), testing::ExitedWithCode(1), "");
}
#endif

}  // namespace
}  // namespace vitrine::io
