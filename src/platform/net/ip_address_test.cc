#include "platform/net/ip_address.h"

#include <gtest/gtest.h>

namespace vitrine::net {
namespace {

TEST(IpAddress, WhatIsWrittenIsRead) {
  for (const char* text : {"203.0.113.7", "0.0.0.0", "2001:db8::1", "::1", "::"}) {
    const auto address = IpAddress::parse(text);
    ASSERT_TRUE(address) << text;
    EXPECT_EQ(address->text(), text);
  }
  EXPECT_EQ(IpAddress::parse("::ffff:10.1.2.3"), IpAddress::parse("10.1.2.3"));
}

TEST(IpAddress, WhatIsNoAddressIsRefused) {
  for (const std::string_view text : {"", "1.2.3", "1.2.3.4:80", "[::1]", "fe80::1%eth0", "unknown",
                                      "_hidden", "1.2.3.4 ", "2001:db8::1::2", "01.2.3.256"}) {
    EXPECT_FALSE(IpAddress::parse(text)) << text;
  }
  EXPECT_FALSE(IpAddress::parse(std::string_view("1.2.3.4\0", 8)));
}

TEST(IpAddress, AClientIsAnIpv4AddressOrAnIpv6Network) {
  EXPECT_EQ(IpAddress::parse("10.1.2.3")->client(), IpAddress::parse("10.1.2.3"));
  EXPECT_EQ(IpAddress::parse("2001:db8:1:2:3:4:5:6")->client(), IpAddress::parse("2001:db8:1:2::"));
}

TEST(IpNetworks, ContainWhatTheirPrefixSays) {
  const auto networks = parse_networks("10.0.0.0/8, 2001:db8::/33  192.0.2.9").value();
  ASSERT_EQ(networks.size(), 3u);
  const auto in = [&](const char* text) { return contains(networks, *IpAddress::parse(text)); };
  EXPECT_TRUE(in("10.255.1.2"));
  EXPECT_FALSE(in("11.0.0.0"));
  EXPECT_TRUE(in("192.0.2.9"));
  EXPECT_FALSE(in("192.0.2.8"));
  EXPECT_TRUE(in("2001:db8:7fff::1"));
  EXPECT_FALSE(in("2001:db8:8000::1"));
  EXPECT_TRUE(IpNetwork::parse("0.0.0.0/0")->contains(*IpAddress::parse("1.2.3.4")));
  EXPECT_FALSE(IpNetwork::parse("0.0.0.0/0")->contains(*IpAddress::parse("2001::1")));
  EXPECT_TRUE(parse_networks(" ").value().empty());
}

TEST(IpNetworks, AnEntryThatIsNoneIsNamed) {
  for (const char* text : {"10.0.0.0/33", "10.0.0.0/", "10.0.0.0/8x", "shop.example", "::/129"}) {
    const auto networks = parse_networks(std::string("10.0.0.1,") + text);
    ASSERT_FALSE(networks.ok()) << text;
    EXPECT_NE(networks.error().message().find(text), std::string::npos);
  }
}

}  // namespace
}  // namespace vitrine::net
