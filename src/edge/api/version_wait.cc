#include "edge/api/version_wait.h"

#include <atomic>

namespace vitrine::api::internal {
namespace {

// A position that no log reaches.
constexpr eventlog::Position kNever = ~eventlog::Position{0};

struct Wait {
  Platform& platform;
  std::shared_ptr<TenantServices> services;
  std::function<void(bool stale)> answer;
  // Set by whoever answers first: the applier's notice or the timer.
  std::atomic<bool> taken{false};
  std::atomic<net::Timers::Id> timer{0};
};

}  // namespace

void wait_for_version(Platform& platform, std::shared_ptr<TenantServices> services,
                      std::optional<eventlog::Position> position,
                      std::function<void(bool stale)> answer) {
  const std::shared_ptr<Wait> wait(
      new Wait{platform, std::move(services), std::move(answer), {}, {}});
  auto& waiters = wait->services->partition.waiters();
  const auto waiter = waiters.add(position.value_or(kNever), [wait] {
    if (wait->taken.exchange(true)) return;
    // On a server's thread: an answer takes longer than the applier should be kept.
    wait->platform.timers().post_after(std::chrono::nanoseconds(0), [wait] {
      wait->platform.timers().cancel(wait->timer);
      wait->answer(false);
    });
  });
  if (waiter.position == 0) return;  // it showed meanwhile
  wait->timer = wait->platform.timers().post_after(kVersionWait, [wait, waiter] {
    if (wait->taken.exchange(true)) return;
    wait->services->partition.waiters().cancel(waiter);
    wait->answer(true);
  });
}

}  // namespace vitrine::api::internal
