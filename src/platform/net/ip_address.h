// Numeric addresses and networks, as values.
#pragma once

#include <array>
#include <compare>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace vitrine::net {

// 16 bytes; IPv4 as ::ffff:a.b.c.d.
class IpAddress {
 public:
  IpAddress() = default;  // "::"
  explicit IpAddress(const std::array<std::uint8_t, 16>& bytes) : bytes_(bytes) {}

  // "203.0.113.7", "2001:db8::1"; no port, no zone, no brackets.
  static std::optional<IpAddress> parse(std::string_view text);

  bool is_v4() const;
  std::string text() const;
  const std::array<std::uint8_t, 16>& bytes() const { return bytes_; }

  // Whom limits count as one: the address itself for IPv4, its /64 for IPv6, where one customer has
  // a whole network.
  IpAddress client() const;
  // The first `bits` of 128 kept, the others zero.
  IpAddress masked(int bits) const;

  auto operator<=>(const IpAddress&) const = default;

 private:
  std::array<std::uint8_t, 16> bytes_{};
};

struct IpNetwork {
  IpAddress base;
  int bits = 128;  // of 128, also for IPv4

  // "10.0.0.0/8", "2001:db8::/32", or a single address.
  static std::optional<IpNetwork> parse(std::string_view text);
  bool contains(const IpAddress& address) const { return address.masked(bits) == base; }
};

using IpNetworks = std::vector<IpNetwork>;

// Separated by commas or blanks; an empty list for an empty text. kInvalidArgument names the entry.
Result<IpNetworks> parse_networks(std::string_view text);

// O(networks).
bool contains(const IpNetworks& networks, const IpAddress& address);

}  // namespace vitrine::net
