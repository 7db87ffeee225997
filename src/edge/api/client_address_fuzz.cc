// Whatever the headers say, a request counts for its peer unless that is trusted, and never for a
// proxy behind which an address that is none was written.
#include <cstdint>
#include <cstdlib>
#include <string>

#include "edge/api/client_address.h"
#include "platform/net/request_testing.h"

namespace {

void check(const std::string& lines, const vitrine::api::TrustedProxies& proxies) {
  using namespace vitrine;
  const std::string text = "GET / HTTP/1.1\r\nHost: x\r\n" + lines + "\r\n\r\n";
  for (const char* peer : {"192.0.2.1", "10.0.0.1", "2001:db8::1"}) {
    const net::ParsedRequest parsed(text, peer);
    if (!parsed.complete()) return;
    const net::IpAddress client = api::client_address(parsed.request(), proxies);
    const net::IpAddress from = parsed.request().remote_ip();
    if (!net::contains(proxies.networks, from) && client != from) std::abort();
    if (!net::IpAddress::parse(client.text())) std::abort();
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace vitrine::api;
  static const auto xff = parse_proxies("10.0.0.0/8 2001:db8::/32", "x-forwarded-for").value();
  static const auto forwarded = parse_proxies("10.0.0.0/8 2001:db8::/32", "forwarded").value();
  const std::string value(reinterpret_cast<const char*>(data), size);
  check("X-Forwarded-For: " + value, xff);
  check("Forwarded: " + value, forwarded);
  (void)parse_proxies(value, "forwarded");
  return 0;
}
