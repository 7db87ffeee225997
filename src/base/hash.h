// XXH3 (the xxHash library) behind two calls. Not for secrets and not for bytes an attacker
// gains from colliding across tenants: every table keyed by it is one tenant's own.
#pragma once

#include <cstdint>
#include <string_view>

namespace vitrine {

struct Hash128 {
  std::uint64_t low = 0;
  std::uint64_t high = 0;
  friend constexpr auto operator<=>(const Hash128&, const Hash128&) = default;
};

// Stable over versions and machines: the values are on disk (event id window, digests).
std::uint64_t hash64(std::string_view bytes, std::uint64_t seed = 0);
Hash128 hash128(std::string_view bytes, std::uint64_t seed = 0);

// Streaming form, for digests of more than fits in memory.
class Hasher {
 public:
  Hasher();
  ~Hasher();
  Hasher(const Hasher&) = delete;
  Hasher& operator=(const Hasher&) = delete;
  void update(std::string_view bytes);
  Hash128 finish() const;

 private:
  void* state_;
};

}  // namespace vitrine
