// A program run beside this one, with what it may take.
#pragma once

#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "base/result.h"

namespace vitrine::io {

struct ChildCommand {
  std::string program;                 // a path
  std::vector<std::string> arguments;  // without the program's own name
  std::string input;                   // what it reads on standard input
  // Environment variables whose names begin so are not passed on; empty: all are.
  std::string without_environment;
  std::chrono::milliseconds time_max{60'000};
  std::size_t output_max = 1 << 20;  // bytes kept of each output; more is read and dropped
};

struct ChildResult {
  int exit_code = -1;  // -1: a signal ended it
  int signal = 0;
  bool timed_out = false;
  bool cancelled = false;
  std::string output;  // the beginning of standard output
  std::string errors;  // the end of standard error
};

// Runs it to its end, or kills it when its time is over or `cancel` has become true (looked at
// every 100 ms). Blocks. kIo where it can't be started; how it ended is no error. Its signal mask
// is empty, and it is not killed when this process ends: for that see die_with_parent().
Result<ChildResult> run_child(const ChildCommand& command, const std::atomic<bool>& cancel);

// For the child: end when the thread that started it does; lowest priority; at most `memory_bytes`
// of address space (0: no bound; not under sanitizers, which reserve terabytes).
void die_with_parent();
void take_lowest_priority();
Status limit_memory(std::uint64_t memory_bytes);

}  // namespace vitrine::io
