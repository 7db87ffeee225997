// The token that names a state a reader wants to see: `profile_version` of the API.
//
// To the outside it is opaque text, "epoch-position" to us. Moving a tenant to another log
// raises the epoch, and a token of an older epoch counts as satisfied: what it waited for was
// carried over.
#pragma once

#include <compare>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/result.h"

namespace vitrine::record {

struct ProfileVersion {
  std::uint64_t epoch = 0;
  std::uint64_t position = 0;  // of the event log
  friend constexpr auto operator<=>(const ProfileVersion&, const ProfileVersion&) = default;
};

std::string format_profile_version(ProfileVersion version);

// kInvalidArgument with advice for whatever format_profile_version() did not write.
Result<ProfileVersion> parse_profile_version(std::string_view text);

// Does a state at `now` show everything that `wanted` asks for?
constexpr bool satisfies(ProfileVersion now, ProfileVersion wanted) { return now >= wanted; }

}  // namespace vitrine::record
