#include "service/gateway/address_limits.h"

#include <map>
#include <random>

#include <gtest/gtest.h>

namespace vitrine::gateway {
namespace {

constexpr std::int64_t kMs = 1'000'000;
constexpr std::int64_t kStart = 1'000'000 * kMs;

net::IpAddress address(const char* text) { return *net::IpAddress::parse(text); }

AddressLimitOptions limit(double rate, double burst) {
  AddressLimitOptions options;
  options.requests_per_s = rate;
  options.burst = burst;
  return options;
}

TEST(AddressLimits, WithoutALimitNobodyIsRefused) {
  AddressLimits limits({});
  EXPECT_FALSE(limits.active());
  for (int i = 0; i < 1000; ++i) EXPECT_EQ(limits.take(address("1.2.3.4"), kStart), 0u);
}

TEST(AddressLimits, ABurstPassesThenTheRateHolds) {
  AddressLimits limits(limit(10, 3));
  const auto client = address("1.2.3.4");
  for (int i = 0; i < 3; ++i) EXPECT_EQ(limits.take(client, kStart), 0u);
  EXPECT_EQ(limits.take(client, kStart), 1u);
  EXPECT_EQ(limits.wait_s(client, kStart), 1u);
  EXPECT_EQ(limits.take(client, kStart + 99 * kMs), 1u);
  EXPECT_EQ(limits.wait_s(client, kStart + 100 * kMs), 0u);
  EXPECT_EQ(limits.take(client, kStart + 100 * kMs), 0u);
  EXPECT_EQ(limits.take(client, kStart + 100 * kMs), 1u);
  EXPECT_EQ(limits.refused(), 3u);
  EXPECT_EQ(limits.take(address("1.2.3.5"), kStart), 0u) << "another address";
}

TEST(AddressLimits, RetryAfterIsWhenItSucceeds) {
  AddressLimits limits(limit(0.1, 1));
  const auto client = address("1.2.3.4");
  EXPECT_EQ(limits.take(client, kStart), 0u);
  EXPECT_EQ(limits.take(client, kStart), 10u);
  EXPECT_EQ(limits.take(client, kStart + 10'000 * kMs), 0u);
}

TEST(AddressLimits, AnIpv6NetworkIsOneClient) {
  AddressLimits limits(limit(1, 1));
  EXPECT_EQ(limits.take(address("2001:db8::1"), kStart), 0u);
  EXPECT_GT(limits.take(address("2001:db8::2"), kStart), 0u);
  EXPECT_EQ(limits.take(address("2001:db8:0:1::1"), kStart), 0u);
}

TEST(AddressLimits, TheUnlimitedAreNotCounted) {
  auto options = limit(1, 1);
  options.unlimited = net::parse_networks("10.0.0.0/8").value();
  AddressLimits limits(options);
  for (int i = 0; i < 100; ++i) EXPECT_EQ(limits.take(address("10.9.8.7"), kStart), 0u);
}

TEST(AddressLimits, AsItsObviousTwinWhereEveryAddressHasAPlace) {
  AddressLimits limits(limit(50, 4));
  std::map<net::IpAddress, std::int64_t> due;
  std::mt19937 random(7);
  std::int64_t now = kStart;
  for (int i = 0; i < 20'000; ++i) {
    now += static_cast<std::int64_t>(random() % 3) * kMs;
    std::array<std::uint8_t, 16> bytes{};
    bytes[10] = bytes[11] = 0xFF;
    bytes[15] = static_cast<std::uint8_t>(random() % 20);
    const net::IpAddress client(bytes);
    std::int64_t& d = due[client];
    d = std::max(d, now);
    const bool passes = d - now <= 3 * 20 * kMs;
    if (passes) d += 20 * kMs;
    ASSERT_EQ(limits.take(client, now) == 0, passes) << i;
  }
}

// Too many addresses for the table: whoever keeps on sending too fast is found again all the same.
TEST(AddressLimits, ManyAddressesDoNotPushOutTheWorst) {
  auto options = limit(1, 10);
  options.addresses = 64;
  AddressLimits limits(options);
  const auto greedy = address("9.9.9.9");
  for (int i = 0; i < 10; ++i) limits.take(greedy, kStart);
  for (std::uint32_t i = 0; i < 10'000; ++i) {
    std::array<std::uint8_t, 16> bytes{};
    bytes[10] = bytes[11] = 0xFF;
    bytes[13] = static_cast<std::uint8_t>(i >> 8);
    bytes[14] = static_cast<std::uint8_t>(i);
    EXPECT_EQ(limits.take(net::IpAddress(bytes), kStart), 0u);
  }
  EXPECT_GT(limits.take(greedy, kStart), 0u);
  EXPECT_GT(limits.forgotten(), 9'000u);
}

}  // namespace
}  // namespace vitrine::gateway
