#include "bench/support/subprocess.h"

#include <cerrno>
#include <cstdlib>
#include <ctime>
#include <filesystem>
#include <fstream>
#include <thread>

#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/check.h"

namespace vitrine::bench {
namespace {

// Between fork and exec only calls that need no lock.
[[noreturn]] void become(char* const* arguments, int out, int err, int cpu, pid_t parent) {
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (::getppid() != parent) ::_exit(127);
  if (out >= 0) ::dup2(out, STDOUT_FILENO);
  if (err >= 0) ::dup2(err, STDERR_FILENO);
  if (cpu >= 0) {
    cpu_set_t set;
    CPU_ZERO(&set);
    CPU_SET(static_cast<std::size_t>(cpu), &set);
    ::sched_setaffinity(0, sizeof set, &set);
  }
  ::execvp(arguments[0], arguments);
  ::_exit(127);
}

Result<pid_t> fork_exec(const std::vector<std::string>& command, int out, int err, int cpu) {
  std::vector<char*> arguments;
  for (const std::string& word : command) arguments.push_back(const_cast<char*>(word.c_str()));
  arguments.push_back(nullptr);
  const pid_t parent = ::getpid();
  const pid_t pid = ::fork();
  if (pid < 0) return io_error("fork", command.front(), errno);
  if (pid == 0) become(arguments.data(), out, err, cpu, parent);
  return pid;
}

int exit_status(int status) {
  return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
}

std::string read_all(int fd) {
  std::string text;
  char buffer[4096];
  while (true) {
    const ssize_t n = ::read(fd, buffer, sizeof buffer);
    if (n > 0) {
      text.append(buffer, static_cast<std::size_t>(n));
    } else if (n == 0 || errno != EINTR) {
      return text;
    }
  }
}

}  // namespace

Result<pid_t> spawn(const SpawnOptions& options) {
  int log = -1;
  if (!options.output.empty()) {
    log = ::open(options.output.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0640);
    if (log < 0) return io_error("open", options.output, errno);
  }
  auto pid = fork_exec(options.command, log, log, options.cpu);
  if (log >= 0) ::close(log);
  return pid;
}

Result<std::string> run_and_read(const std::vector<std::string>& command) {
  int out[2];
  if (::pipe2(out, O_CLOEXEC) != 0) return io_error("open", "a pipe", errno);
  std::FILE* errors = std::tmpfile();
  VITRINE_CHECK(errors != nullptr);
  auto pid = fork_exec(command, out[1], ::fileno(errors), -1);
  ::close(out[1]);
  if (!pid.ok()) return std::move(pid).error();
  std::string text = read_all(out[0]);
  ::close(out[0]);
  int status = 0;
  ::waitpid(*pid, &status, 0);
  ::lseek(::fileno(errors), 0, SEEK_SET);
  const std::string complaint = read_all(::fileno(errors));
  std::fclose(errors);
  if (exit_status(status) != 0) {
    return Error(ErrorCode::kInternal, command.front() + " ended with status " +
                                           std::to_string(exit_status(status)) + ": " + complaint);
  }
  return text;
}

int poll_exit(pid_t pid) {
  int status = 0;
  return ::waitpid(pid, &status, WNOHANG) == pid ? exit_status(status) : -1;
}

int wait_exit(pid_t pid, std::chrono::milliseconds timeout) {
  const auto until = std::chrono::steady_clock::now() + timeout;
  while (true) {
    const int status = poll_exit(pid);
    if (status >= 0 || std::chrono::steady_clock::now() >= until) return status;
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
}

double process_cpu_s(pid_t pid) {
  clockid_t clock{};
  timespec t{};
  if (::clock_getcpuclockid(pid, &clock) != 0 || ::clock_gettime(clock, &t) != 0) return 0;
  return static_cast<double>(t.tv_sec) + static_cast<double>(t.tv_nsec) / 1e9;
}

double process_rss_bytes(pid_t pid) {
  std::ifstream statm("/proc/" + std::to_string(pid) + "/statm");
  double size = 0;
  double resident = 0;
  statm >> size >> resident;
  return resident * static_cast<double>(::sysconf(_SC_PAGESIZE));
}

void pin_thread(int cpu) {
  cpu_set_t set;
  CPU_ZERO(&set);
  CPU_SET(static_cast<std::size_t>(cpu), &set);
  ::sched_setaffinity(0, sizeof set, &set);
}

ScratchDirectory::ScratchDirectory(const std::string& name) {
  const char* root = std::getenv("TMPDIR");
  path_ = std::string(root != nullptr && *root != '\0' ? root : "/var/tmp") + "/vitrine-" + name +
          "-XXXXXX";
  VITRINE_CHECK_MSG(::mkdtemp(path_.data()) != nullptr, path_);
}

ScratchDirectory::~ScratchDirectory() {
  std::error_code ignored;
  std::filesystem::remove_all(path_, ignored);
}

}  // namespace vitrine::bench
