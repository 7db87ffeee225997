// API keys as text, and what is kept of them.
//
//   vt_pub_3f9a01bc22de_<43 characters of secret><6 of checksum>     69 bytes in all
//   ------ ------------
//   scope  key id: 48 random bits in hex; not secret, names the key in lists, logs, audit
//
// The secret is 256 random bits in base 62, so no salt and no slow hash is needed: only a
// BLAKE2b-256 of the whole text is stored. The checksum tells a mistyped or cut key from an
// unknown one without asking any database, and lets secret scanners in version control
// recognise a leaked key with certainty.
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "base/clock.h"
#include "base/ids.h"
#include "base/result.h"
#include "domain/tenant/scope.h"

namespace vitrine::tenant {

// 1 .. 2^48-1. 0 is no key: the operator on the machine itself, in the audit log.
using KeyId = StrongId<struct KeyTag, std::uint64_t>;

using KeyHash = std::array<unsigned char, 32>;
using KeySecret = std::array<unsigned char, 32>;

inline constexpr std::size_t kKeyTextBytes = 7 + 12 + 1 + 43 + 6;
inline constexpr std::uint64_t kKeyIdMax = (1ull << 48) - 1;

// How others may limit what one key spends of its tenant's quota; 0 is unlimited.
struct KeyLimits {
  double events_per_s = 0;
  double requests_per_s = 0;
  friend bool operator==(const KeyLimits&, const KeyLimits&) = default;
};

// All that may be shown of a key after it was made.
struct KeyInfo {
  KeyId id;
  Scope scope = Scope::kPublishable;
  TenantId tenant;    // 0 for an admin key
  std::string label;  // free text of the owner, <= 100 bytes
  TimeUs created_us = 0;
  TimeUs expires_us = 0;  // refused from then on; 0 = never
  TimeUs revoked_us = 0;  // when it was revoked; 0 = it was not
  KeyId replaced_by;      // by a rotation; 0 = none
  KeyLimits limits;
  friend bool operator==(const KeyInfo&, const KeyInfo&) = default;
};

// `id` in 1..kKeyIdMax; `secret` from a cryptographic random source.
std::string format_key(Scope scope, KeyId id, const KeySecret& secret);

struct ParsedKey {
  Scope scope = Scope::kPublishable;
  KeyId id;
};

// Whether the text has the shape of a key, without judging its secret. kUnauthenticated with
// reason "key_malformed", or "key_mistyped" when only the checksum is wrong.
Result<ParsedKey> parse_key(std::string_view text);

// The same by shape alone, without the checksum (the hot path needs it only to explain a
// refusal). False leaves `out` unspecified.
bool parse_key_shape(std::string_view text, ParsedKey& out) noexcept;

// BLAKE2b-256 of the text. About 0.2 us.
KeyHash hash_key(std::string_view text);

// In constant time.
bool same_hash(const KeyHash& a, const KeyHash& b) noexcept;

std::string key_id_text(KeyId id);                  // 12 hex digits
Result<KeyId> parse_key_id(std::string_view text);  // kInvalidArgument; not 0

}  // namespace vitrine::tenant
