#include "edge/api/client_address.h"

#include <gtest/gtest.h>

#include "platform/net/request_testing.h"

namespace vitrine::api {
namespace {

// The address that a request from `peer` with these header lines counts for.
std::string client_of(const std::string& peer, const std::string& lines,
                      const TrustedProxies& proxies) {
  const net::ParsedRequest parsed("GET / HTTP/1.1\r\nHost: x\r\n" + lines + "\r\n", peer);
  EXPECT_TRUE(parsed.complete()) << lines;
  return client_address(parsed.request(), proxies).text();
}

const TrustedProxies kNone;
const TrustedProxies kXff = parse_proxies("10.0.0.0/8", "X-Forwarded-For").value();
const TrustedProxies kForwarded = parse_proxies("10.0.0.0/8, 2001:db8:a::/48", "Forwarded").value();

TEST(ClientAddress, NobodyIsBelievedWhoIsNotTrusted) {
  const std::string says = "X-Forwarded-For: 1.1.1.1\r\nForwarded: for=1.1.1.1\r\n";
  EXPECT_EQ(client_of("10.0.0.1", says, kNone), "10.0.0.1");
  EXPECT_EQ(client_of("192.0.2.1", says, kXff), "192.0.2.1");
  EXPECT_EQ(client_of("10.0.0.1", says, kXff), "1.1.1.1");
}

TEST(ClientAddress, IsTheLastThatIsNoProxy) {
  const auto xff = [](const std::string& list) {
    return client_of("10.0.0.1", "X-Forwarded-For: " + list + "\r\n", kXff);
  };
  EXPECT_EQ(xff("6.6.6.6, 203.0.113.9"), "203.0.113.9") << "6.6.6.6 is what the client wrote";
  EXPECT_EQ(xff("6.6.6.6, 203.0.113.9, 10.1.1.1,10.2.2.2"), "203.0.113.9");
  EXPECT_EQ(xff("203.0.113.9:4711"), "203.0.113.9");
  EXPECT_EQ(xff("2001:db8::7"), "2001:db8::7");
  EXPECT_EQ(xff("[2001:db8::7]:80"), "2001:db8::7");
  EXPECT_EQ(xff("10.3.3.3, 10.1.1.1"), "10.3.3.3") << "inside, all the way";
}

TEST(ClientAddress, WhatIsNoAddressEndsTheSearch) {
  const auto xff = [](const std::string& list) {
    return client_of("10.0.0.1", "X-Forwarded-For: " + list + "\r\n", kXff);
  };
  EXPECT_EQ(xff("1.2.3.4, unknown"), "10.0.0.1");
  EXPECT_EQ(xff("1.2.3.4, nonsense, 10.1.1.1"), "10.1.1.1");
  EXPECT_EQ(xff(",,,"), "10.0.0.1");
  EXPECT_EQ(xff("1.2.3.4, "), "10.0.0.1");
  EXPECT_EQ(xff(std::string(4000, ',')), "10.0.0.1");
}

TEST(ClientAddress, SeveralHeadersAreOneList) {
  EXPECT_EQ(client_of("10.0.0.1", "X-Forwarded-For: 6.6.6.6\r\nX-Forwarded-For: 7.7.7.7\r\n", kXff),
            "7.7.7.7");
  EXPECT_EQ(client_of("10.0.0.1",
                      "x-forwarded-for: 6.6.6.6\r\nA: b\r\nX-Forwarded-For: 10.7.7.7\r\n", kXff),
            "6.6.6.6");
}

TEST(ClientAddress, ForwardedIsReadAsItsStandardSays) {
  const auto forwarded = [](const std::string& value) {
    return client_of("2001:db8:a::1", "Forwarded: " + value + "\r\n", kForwarded);
  };
  EXPECT_EQ(forwarded("for=192.0.2.43, for=198.51.100.17;by=203.0.113.60;proto=http"),
            "198.51.100.17");
  EXPECT_EQ(forwarded("proto=https;For=\"[2001:db8:cafe::17]:4711\""), "2001:db8:cafe::17");
  EXPECT_EQ(forwarded("for=192.0.2.43, for=10.1.1.1"), "192.0.2.43");
  EXPECT_EQ(forwarded("for=192.0.2.43, for=_hidden"), "2001:db8:a::1");
  EXPECT_EQ(forwarded("proto=https"), "2001:db8:a::1");
  EXPECT_EQ(client_of("10.0.0.1", "X-Forwarded-For: 1.1.1.1\r\n", kForwarded), "10.0.0.1")
      << "the other header is not looked at";
}

TEST(ClientAddress, SettingsThatMakeNoSenseAreRefused) {
  EXPECT_FALSE(parse_proxies("10.0.0.0/40", "forwarded").ok());
  EXPECT_FALSE(parse_proxies("", "x-real-ip").ok());
}

}  // namespace
}  // namespace vitrine::api
