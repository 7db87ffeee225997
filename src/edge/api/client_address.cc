#include "edge/api/client_address.h"

#include <algorithm>
#include <optional>
#include <string>

#include <strings.h>

namespace vitrine::api {
namespace {

bool same_name(std::string_view a, std::string_view b) {
  return a.size() == b.size() && ::strncasecmp(a.data(), b.data(), a.size()) == 0;
}

std::string_view trim(std::string_view text) {
  const std::size_t begin = text.find_first_not_of(" \t");
  if (begin == std::string_view::npos) return {};
  return text.substr(begin, text.find_last_not_of(" \t") - begin + 1);
}

// "192.0.2.1", "192.0.2.1:80", "2001:db8::1", "[2001:db8::1]:80".
std::optional<net::IpAddress> parse_hop(std::string_view text) {
  if (text.starts_with('[')) {
    const std::size_t end = text.find(']');
    if (end == std::string_view::npos) return std::nullopt;
    return net::IpAddress::parse(text.substr(1, end - 1));
  }
  if (std::count(text.begin(), text.end(), ':') == 1) text = text.substr(0, text.find(':'));
  return net::IpAddress::parse(text);
}

// The "for" of one element of RFC 7239: for="[2001:db8::1]:80";proto=https.
std::string_view forwarded_for(std::string_view element) {
  while (!element.empty()) {
    const std::string_view pair = trim(element.substr(0, element.find(';')));
    const std::size_t equals = pair.find('=');
    if (equals != std::string_view::npos && same_name(trim(pair.substr(0, equals)), "for")) {
      std::string_view value = trim(pair.substr(equals + 1));
      if (value.size() >= 2 && value.front() == '"' && value.back() == '"') {
        value = value.substr(1, value.size() - 2);
      }
      return value;
    }
    const std::size_t next = element.find(';');
    element = next == std::string_view::npos ? std::string_view() : element.substr(next + 1);
  }
  return {};
}

// Walks the elements of one header's value from the last to the first. False: goes on before it.
bool walk(std::string_view value, const TrustedProxies& proxies, net::IpAddress& client) {
  while (true) {
    const std::size_t comma = value.rfind(',');
    const std::string_view element =
        trim(comma == std::string_view::npos ? value : value.substr(comma + 1));
    const auto hop =
        parse_hop(proxies.header == ProxyHeader::kForwarded ? forwarded_for(element) : element);
    if (!hop) return true;
    client = *hop;
    if (!net::contains(proxies.networks, client)) return true;
    if (comma == std::string_view::npos) return false;
    value = value.substr(0, comma);
  }
}

}  // namespace

Result<TrustedProxies> parse_proxies(std::string_view networks, std::string_view header) {
  TrustedProxies out;
  VITRINE_TRY(out.networks, net::parse_networks(networks));
  if (same_name(header, "forwarded")) {
    out.header = ProxyHeader::kForwarded;
  } else if (!same_name(header, "x-forwarded-for")) {
    return Error(ErrorCode::kInvalidArgument,
                 "'" + std::string(header) + "' is neither x-forwarded-for nor forwarded");
  }
  return out;
}

net::IpAddress client_address(const net::Request& request, const TrustedProxies& proxies) {
  net::IpAddress client = request.remote_ip();
  if (proxies.networks.empty() || !net::contains(proxies.networks, client)) return client;
  const std::string_view name =
      proxies.header == ProxyHeader::kForwarded ? "forwarded" : "x-forwarded-for";
  // Several headers of the name are one list in this order.
  for (std::size_t i = request.header_count(); i-- > 0;) {
    const net::Header header = request.header_at(i);
    if (!same_name(header.name, name)) continue;
    if (walk(header.value, proxies, client)) break;
  }
  return client;
}

}  // namespace vitrine::api
