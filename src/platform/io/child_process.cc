#include "platform/io/child_process.h"

#include <algorithm>
#include <cerrno>
#include <cstring>

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

extern char** environ;

namespace vitrine::io {
namespace {

class Pipe {
 public:
  Pipe() {
    if (::pipe2(ends_, O_CLOEXEC) != 0) ends_[0] = ends_[1] = -1;
  }
  ~Pipe() {
    close_read();
    close_write();
  }
  Pipe(const Pipe&) = delete;
  Pipe& operator=(const Pipe&) = delete;
  bool good() const { return ends_[0] >= 0; }
  int read_end() const { return ends_[0]; }
  int write_end() const { return ends_[1]; }
  void close_read() { close(ends_[0]); }
  void close_write() { close(ends_[1]); }

 private:
  static void close(int& fd) {
    if (fd >= 0) ::close(fd);
    fd = -1;
  }
  int ends_[2];
};

struct Spawn {
  Spawn() {
    posix_spawn_file_actions_init(&actions);
    posix_spawnattr_init(&attributes);
  }
  ~Spawn() {
    posix_spawn_file_actions_destroy(&actions);
    posix_spawnattr_destroy(&attributes);
  }
  posix_spawn_file_actions_t actions;
  posix_spawnattr_t attributes;
};

std::vector<char*> pointers(std::vector<std::string>& texts) {
  std::vector<char*> out;
  for (std::string& text : texts) out.push_back(text.data());
  out.push_back(nullptr);
  return out;
}

Result<pid_t> start(const ChildCommand& command, Pipe& in, Pipe& out, Pipe& err) {
  Spawn spawn;
  posix_spawn_file_actions_adddup2(&spawn.actions, in.read_end(), STDIN_FILENO);
  posix_spawn_file_actions_adddup2(&spawn.actions, out.write_end(), STDOUT_FILENO);
  posix_spawn_file_actions_adddup2(&spawn.actions, err.write_end(), STDERR_FILENO);
  sigset_t none, defaults;
  sigemptyset(&none);
  sigemptyset(&defaults);
  sigaddset(&defaults, SIGPIPE);
  posix_spawnattr_setsigmask(&spawn.attributes, &none);
  posix_spawnattr_setsigdefault(&spawn.attributes, &defaults);
  posix_spawnattr_setflags(&spawn.attributes, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
  std::vector<std::string> arguments{command.program};
  arguments.insert(arguments.end(), command.arguments.begin(), command.arguments.end());
  std::vector<std::string> environment;
  for (char** entry = environ; *entry != nullptr; ++entry) {
    const std::string_view text(*entry);
    if (!command.without_environment.empty() && text.starts_with(command.without_environment)) {
      continue;
    }
    environment.emplace_back(text);
  }
  pid_t pid = -1;
  const int failed = posix_spawn(&pid, command.program.c_str(), &spawn.actions, &spawn.attributes,
                                 pointers(arguments).data(), pointers(environment).data());
  if (failed != 0) return io_error("start", command.program, failed);
  return pid;
}

// True while the pipe is open.
bool drain(int fd, std::string& kept, std::size_t most, bool keep_end) {
  char bytes[16 << 10];
  while (true) {
    const ssize_t n = ::read(fd, bytes, sizeof bytes);
    if (n == 0) return false;
    if (n < 0) return errno == EAGAIN || errno == EINTR;
    kept.append(bytes, static_cast<std::size_t>(n));
    if (kept.size() <= most) continue;
    if (keep_end) kept.erase(0, kept.size() - most);
    kept.resize(most);
  }
}

// Writes what fits; true while something is left and somebody reads.
bool feed(int fd, std::string_view& rest) {
  while (!rest.empty()) {
    const ssize_t n = ::write(fd, rest.data(), rest.size());
    if (n < 0) return errno == EAGAIN || errno == EINTR;
    rest.remove_prefix(static_cast<std::size_t>(n));
  }
  return false;
}

void unblock(int fd) { ::fcntl(fd, F_SETFL, ::fcntl(fd, F_GETFL) | O_NONBLOCK); }

}  // namespace

Result<ChildResult> run_child(const ChildCommand& command, const std::atomic<bool>& cancel) {
  Pipe in, out, err;
  if (!in.good() || !out.good() || !err.good()) return io_error("make pipes for", "a child", errno);
  VITRINE_TRY(const pid_t pid, start(command, in, out, err));
  in.close_read();
  out.close_write();
  err.close_write();
  for (const int fd : {in.write_end(), out.read_end(), err.read_end()}) unblock(fd);
  // A child that does not read must not end this process.
  sigset_t pipe_signal, before;
  sigemptyset(&pipe_signal);
  sigaddset(&pipe_signal, SIGPIPE);
  pthread_sigmask(SIG_BLOCK, &pipe_signal, &before);

  ChildResult result;
  std::string_view rest = command.input;
  const auto until = std::chrono::steady_clock::now() + command.time_max;
  bool out_open = true, err_open = true;
  while (out_open || err_open) {
    if (in.write_end() >= 0 && !feed(in.write_end(), rest)) in.close_write();
    pollfd ready[3] = {{out_open ? out.read_end() : -1, POLLIN, 0},
                       {err_open ? err.read_end() : -1, POLLIN, 0},
                       {in.write_end(), POLLOUT, 0}};
    ::poll(ready, 3, 100);
    if (out_open) out_open = drain(out.read_end(), result.output, command.output_max, false);
    if (err_open) err_open = drain(err.read_end(), result.errors, command.output_max, true);
    result.timed_out = std::chrono::steady_clock::now() >= until;
    result.cancelled = cancel.load();
    if (result.timed_out || result.cancelled) {
      ::kill(pid, SIGKILL);
      break;
    }
  }
  int status = 0;
  while (::waitpid(pid, &status, 0) < 0 && errno == EINTR) {
  }
  const timespec at_once{};
  while (sigtimedwait(&pipe_signal, nullptr, &at_once) == SIGPIPE) {
  }
  pthread_sigmask(SIG_SETMASK, &before, nullptr);
  if (WIFEXITED(status)) result.exit_code = WEXITSTATUS(status);
  if (WIFSIGNALED(status)) result.signal = WTERMSIG(status);
  return result;
}

void die_with_parent() { ::prctl(PR_SET_PDEATHSIG, SIGKILL); }

void take_lowest_priority() { ::setpriority(PRIO_PROCESS, 0, 19); }

Status limit_memory([[maybe_unused]] std::uint64_t memory_bytes) {
#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
  if (memory_bytes == 0) return ok_status();
  const rlimit limit{memory_bytes, memory_bytes};
  if (::setrlimit(RLIMIT_AS, &limit) != 0) return io_error("bound", "memory", errno);
#endif
  return ok_status();
}

}  // namespace vitrine::io
