// Child processes and folders that don't outlive the program that made them.
#pragma once

#include <chrono>
#include <string>
#include <vector>

#include <sys/types.h>

#include "base/result.h"

namespace vitrine::bench {

struct SpawnOptions {
  std::vector<std::string> command;  // program (looked up in PATH unless it has a slash), arguments
  std::string output;  // file that stdout and stderr are appended to; empty: inherited
  int cpu = -1;        // run on this processor only; -1: on all
};

// The child is killed when the calling thread ends, so call it from the main thread.
Result<pid_t> spawn(const SpawnOptions& options);

// Runs to the end and gives what the program wrote to stdout. An exit status other than 0 is
// kInternal, with what it wrote to stderr.
Result<std::string> run_and_read(const std::vector<std::string>& command);

// The exit status if the child has ended (128 + n for signal n), -1 while it runs.
int poll_exit(pid_t pid);
// Waits for the end; -1 if it still runs after `timeout`.
int wait_exit(pid_t pid, std::chrono::milliseconds timeout);

// User and system time so far, all threads; 0 once it is gone.
double process_cpu_s(pid_t pid);
// Resident memory; 0 once it is gone.
double process_rss_bytes(pid_t pid);

// Keeps the calling thread, and threads it starts later, on one processor.
void pin_thread(int cpu);

// A new folder below TMPDIR, else /var/tmp (which is a disk where /tmp may be memory); removed
// with all its contents at the end.
class ScratchDirectory {
 public:
  explicit ScratchDirectory(const std::string& name);
  ~ScratchDirectory();
  ScratchDirectory(const ScratchDirectory&) = delete;
  ScratchDirectory& operator=(const ScratchDirectory&) = delete;
  const std::string& path() const { return path_; }

 private:
  std::string path_;
};

}  // namespace vitrine::bench
