// Read your own writes: an answer that waits for the state it was asked to show.
#pragma once

#include <functional>
#include <memory>
#include <optional>

#include "domain/record/profile_version.h"
#include "edge/api/platform.h"

namespace vitrine::api {

// How long an answer waits for the profile version it was asked to show.
inline constexpr std::chrono::milliseconds kVersionWait{250};

// True: `version` shows already (or none was asked for), and nothing was done. False: answer(stale)
// is called once, on a server's thread: stale false as soon as the version shows, true after
// kVersionWait. A version of an older epoch was satisfied when the tenant moved; one of a
// later epoch counts positions of another log, so no position of this one is it.
template <class Answer>
bool shows_or_wait(Platform& platform, const std::shared_ptr<TenantServices>& services,
                   std::uint32_t epoch, const std::optional<record::ProfileVersion>& version,
                   Answer&& answer);

namespace internal {
void wait_for_version(Platform& platform, std::shared_ptr<TenantServices> services,
                      std::optional<eventlog::Position> position,
                      std::function<void(bool stale)> answer);
}

template <class Answer>
bool shows_or_wait(Platform& platform, const std::shared_ptr<TenantServices>& services,
                   std::uint32_t epoch, const std::optional<record::ProfileVersion>& version,
                   Answer&& answer) {
  if (!version) return true;
  if (record::satisfies({epoch, services->partition.applied()}, *version)) return true;
  const bool reachable = version->epoch == epoch;
  internal::wait_for_version(platform, services,
                             reachable ? std::optional(version->position) : std::nullopt,
                             std::forward<Answer>(answer));
  return false;
}

}  // namespace vitrine::api
