#include "platform/net/ip_address.h"

#include <algorithm>
#include <charconv>
#include <cstring>

#include <arpa/inet.h>

namespace vitrine::net {
namespace {

constexpr std::uint8_t kV4Prefix[12] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xFF, 0xFF};

}  // namespace

std::optional<IpAddress> IpAddress::parse(std::string_view text) {
  char copy[INET6_ADDRSTRLEN] = "";
  if (text.empty() || text.size() >= sizeof copy) return std::nullopt;
  std::memcpy(copy, text.data(), text.size());
  if (std::memchr(copy, 0, text.size()) != nullptr) return std::nullopt;
  std::array<std::uint8_t, 16> bytes{};
  if (inet_pton(AF_INET, copy, bytes.data() + 12) == 1) {
    std::memcpy(bytes.data(), kV4Prefix, sizeof kV4Prefix);
    return IpAddress(bytes);
  }
  if (inet_pton(AF_INET6, copy, bytes.data()) == 1) return IpAddress(bytes);
  return std::nullopt;
}

bool IpAddress::is_v4() const { return std::memcmp(bytes_.data(), kV4Prefix, 12) == 0; }

std::string IpAddress::text() const {
  char out[INET6_ADDRSTRLEN] = "";
  if (is_v4()) {
    inet_ntop(AF_INET, bytes_.data() + 12, out, sizeof out);
  } else {
    inet_ntop(AF_INET6, bytes_.data(), out, sizeof out);
  }
  return out;
}

IpAddress IpAddress::client() const { return is_v4() ? *this : masked(64); }

IpAddress IpAddress::masked(int bits) const {
  IpAddress out = *this;
  for (int i = 0; i < 16; ++i) {
    const int kept = std::clamp(bits - i * 8, 0, 8);
    out.bytes_[static_cast<std::size_t>(i)] &= static_cast<std::uint8_t>(0xFF00u >> kept);
  }
  return out;
}

std::optional<IpNetwork> IpNetwork::parse(std::string_view text) {
  const std::size_t slash = text.find('/');
  const auto address = IpAddress::parse(text.substr(0, slash));
  if (!address) return std::nullopt;
  IpNetwork out{*address, 128};
  if (slash != std::string_view::npos) {
    const std::string_view digits = text.substr(slash + 1);
    const int most = address->is_v4() ? 32 : 128;
    int bits = -1;
    const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), bits);
    if (error != std::errc() || end != digits.data() + digits.size() || bits < 0 || bits > most) {
      return std::nullopt;
    }
    out.bits = 128 - most + bits;
  }
  out.base = address->masked(out.bits);
  return out;
}

Result<IpNetworks> parse_networks(std::string_view text) {
  IpNetworks out;
  while (true) {
    const std::size_t begin = text.find_first_not_of(", \t");
    if (begin == std::string_view::npos) return out;
    text.remove_prefix(begin);
    const std::string_view entry = text.substr(0, text.find_first_of(", \t"));
    const auto network = IpNetwork::parse(entry);
    if (!network) {
      return Error(ErrorCode::kInvalidArgument,
                   "'" + std::string(entry) +
                       "' is neither an address nor a network such as 10.0.0.0/8 or 2001:db8::/32");
    }
    out.push_back(*network);
    text.remove_prefix(entry.size());
  }
}

bool contains(const IpNetworks& networks, const IpAddress& address) {
  return std::any_of(networks.begin(), networks.end(),
                     [&](const IpNetwork& network) { return network.contains(address); });
}

}  // namespace vitrine::net
