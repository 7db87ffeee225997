#include <cstdio>

#include <signal.h>
#include <unistd.h>

#include "application.h"
#include "commands.h"
#include "platform/obs/log.h"

namespace vitrine::app {
namespace {

// Signals come as values from here on: no handler interrupts anything.
sigset_t blocked_signals() {
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, SIGTERM);
  sigaddset(&set, SIGINT);
  sigaddset(&set, SIGHUP);
  return set;
}

}  // namespace

int run_serve(const Settings& settings) {
  const auto level = obs::parse_log_level(settings.log_level);
  if (!level) {
    std::fprintf(stderr, "vitrine: log.level '%s' is none of debug, info, warn, error, off\n",
                 settings.log_level.c_str());
    return 2;
  }
  if (auto configured = obs::configure_log({*level, settings.log_file, {}}); !configured.ok()) {
    std::fprintf(stderr, "vitrine: %s\n", configured.error().to_string().c_str());
    return 1;
  }
  signal(SIGPIPE, SIG_IGN);
  const sigset_t signals = blocked_signals();
  pthread_sigmask(SIG_BLOCK, &signals, nullptr);

  const auto on_fatal = [](const Error& error) {
    // Nothing after this may be acknowledged, and nothing in memory is worth saving: the log has
    // everything that was.
    std::fprintf(stderr, "vitrine: fatal: %s\n", error.to_string().c_str());
    std::fflush(nullptr);
    _exit(70);
  };
  const auto progress = terminal_progress();
  auto application =
      Application::start(settings, isatty(STDERR_FILENO) ? *progress : no_progress(), on_fatal);
  if (!application.ok()) {
    std::fprintf(stderr, "vitrine: cannot start: %s\n", application.error().to_string().c_str());
    return 1;
  }
  const std::string tls_url = (*application)->tls_url();
  std::printf("vitrine %s listens on %s%s, data in %s\n", VITRINE_VERSION,
              (*application)->url().c_str(), tls_url.empty() ? "" : (" and " + tls_url).c_str(),
              settings.data_directory.c_str());
  std::fflush(stdout);

  const timespec tick{0, 100'000'000};
  while (true) {
    siginfo_t info;
    const int signal = sigtimedwait(&signals, &info, &tick);
    if (signal == SIGTERM || signal == SIGINT) break;
    if (signal == SIGHUP) {
      if (auto reopened = obs::reopen_log(); !reopened.ok()) {
        std::fprintf(stderr, "vitrine: %s\n", reopened.error().to_string().c_str());
      }
      (*application)->reload_certificate();
    }
    (*application)->tick();
  }
  const Status stopped = (*application)->stop();
  if (!stopped.ok()) {
    std::fprintf(stderr, "vitrine: stopping: %s\n", stopped.error().to_string().c_str());
    return 1;
  }
  return 0;
}

}  // namespace vitrine::app
