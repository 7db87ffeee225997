// The parts of one tenant's state that an answer reads, all at one position of the log.
#pragma once

#include <cstdint>

#include "base/clock.h"
#include "domain/catalog/catalog.h"
#include "domain/profile/profiles.h"
#include "domain/profile/showings.h"
#include "engine/counters/counters.h"
#include "engine/covisit/covisit.h"
#include "engine/repeat/repeat.h"

namespace vitrine::recommend {

// Owns nothing; valid while the tenant's read lock is held.
struct StateView {
  const catalog::Catalog& catalog;
  const profile::Profiles& profiles;
  const profile::Showings& showings;   // what visitors were shown and did not open
  const covisit::Covisit& covisit;     // what is looked at after what
  const covisit::Covisit& baskets;     // what is bought together
  const counters::Counters& trending;  // short half-life
  const counters::Counters& popular;   // long half-life
  const repeat::Repeat& repeats;       // intervals of buying again
  std::uint64_t position = 0;          // of the last applied record
};

}  // namespace vitrine::recommend
