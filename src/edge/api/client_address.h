// Whose request it is, where proxies stand between.
#pragma once

#include "base/result.h"
#include "platform/net/http.h"
#include "platform/net/ip_address.h"

namespace vitrine::api {

enum class ProxyHeader { kXForwardedFor, kForwarded };

struct TrustedProxies {
  net::IpNetworks networks;
  ProxyHeader header = ProxyHeader::kXForwardedFor;
};

// The networks as parse_networks() reads them, the header by its name in any case.
// kInvalidArgument.
Result<TrustedProxies> parse_proxies(std::string_view networks, std::string_view header);

// The peer, unless it is a trusted proxy: then the last address of the header that is not one.
// What stands before that was written by who is not trusted and is not looked at. An entry that is
// no address ("unknown", a name) ends the search at the proxy that wrote it. O(entries).
net::IpAddress client_address(const net::Request& request, const TrustedProxies& proxies);

}  // namespace vitrine::api
