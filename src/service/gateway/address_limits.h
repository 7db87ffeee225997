// How many requests a second one client address may send, whoever it says it is.
//
// The quotas of tenants and keys are for those who have a key; this is for those who try. It stands
// before the key is looked at.
#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>

#include "platform/net/ip_address.h"

namespace vitrine::gateway {

struct AddressLimitOptions {
  double requests_per_s = 0;  // 0: no limit
  double burst = 0;           // requests at once after a pause, at least 1; 0: two seconds' worth
  net::IpNetworks unlimited;
  std::size_t addresses = 1 << 16;  // remembered, 24 bytes each; rounded up to a power of two
};

// Thread-safe. An address is an IPv4 address or an IPv6 /64. Memory is fixed: where a place is
// needed the one that may send again soonest is forgotten, so that too many addresses at a time
// make the limit laxer, never stricter. O(1): one hash, one lock of 64, at most eight entries
// looked at.
class AddressLimits {
 public:
  explicit AddressLimits(const AddressLimitOptions& options);
  ~AddressLimits();

  // Takes one request at the steady time `now_ns`. 0: go on; else refused, and nothing taken: the
  // whole seconds (>= 1) until it may succeed.
  std::uint32_t take(const net::IpAddress& address, std::int64_t now_ns);
  // What take() would say; takes nothing.
  std::uint32_t wait_s(const net::IpAddress& address, std::int64_t now_ns) const;

  bool active() const { return interval_ns_ > 0; }
  std::uint64_t refused() const { return refused_.load(std::memory_order_relaxed); }
  // Addresses that were forgotten while they could still have been refused.
  std::uint64_t forgotten() const { return forgotten_.load(std::memory_order_relaxed); }

 private:
  // A cell rate: `due_ns` is when all that was taken has been paid for at the permitted rate. In
  // the past it says no more than an absent entry.
  struct Entry {
    net::IpAddress address;
    std::int64_t due_ns = 0;
  };
  static constexpr std::size_t kWays = 8;
  static constexpr std::size_t kLocks = 64;
  struct Set {
    std::array<Entry, kWays> entries;
  };

  std::size_t set_of(const net::IpAddress& client) const;
  std::uint32_t wait_of(std::int64_t due_ns, std::int64_t now_ns) const;

  const net::IpNetworks unlimited_;
  std::int64_t interval_ns_ = 0;
  std::int64_t tolerance_ns_ = 0;  // how far ahead of now due_ns may be
  std::uint64_t seed_ = 0;         // so that nobody can choose addresses that share a set
  std::size_t sets_ = 0;
  std::unique_ptr<Set[]> table_;  // guarded by the set's lock
  mutable std::array<std::mutex, kLocks> locks_;
  std::atomic<std::uint64_t> refused_{0};
  std::atomic<std::uint64_t> forgotten_{0};
};

}  // namespace vitrine::gateway
