#include "service/gateway/address_limits.h"

#include <algorithm>
#include <bit>
#include <random>

#include "base/hash.h"

namespace vitrine::gateway {
namespace {

constexpr std::int64_t kSecondNs = 1'000'000'000;

}  // namespace

AddressLimits::AddressLimits(const AddressLimitOptions& options) : unlimited_(options.unlimited) {
  if (options.requests_per_s <= 0) return;
  interval_ns_ = std::max<std::int64_t>(
      1, static_cast<std::int64_t>(static_cast<double>(kSecondNs) / options.requests_per_s));
  const double burst = options.burst > 0 ? options.burst : 2 * options.requests_per_s;
  tolerance_ns_ =
      static_cast<std::int64_t>(static_cast<double>(interval_ns_) * (std::max(1.0, burst) - 1));
  std::random_device random;
  seed_ = (static_cast<std::uint64_t>(random()) << 32) | random();
  sets_ = std::bit_ceil(std::max<std::size_t>(1, options.addresses / kWays));
  table_ = std::make_unique<Set[]>(sets_);
}

AddressLimits::~AddressLimits() = default;

std::size_t AddressLimits::set_of(const net::IpAddress& client) const {
  const auto& bytes = client.bytes();
  return hash64({reinterpret_cast<const char*>(bytes.data()), bytes.size()}, seed_) & (sets_ - 1);
}

std::uint32_t AddressLimits::wait_of(std::int64_t due_ns, std::int64_t now_ns) const {
  const std::int64_t wait = due_ns - now_ns - tolerance_ns_;
  if (wait <= 0) return 0;
  return static_cast<std::uint32_t>(std::min<std::int64_t>(3600, (wait - 1) / kSecondNs + 1));
}

std::uint32_t AddressLimits::take(const net::IpAddress& address, std::int64_t now_ns) {
  if (!active() || (!unlimited_.empty() && net::contains(unlimited_, address))) return 0;
  const net::IpAddress client = address.client();
  const std::size_t set = set_of(client);
  const std::lock_guard lock(locks_[set % kLocks]);
  auto& entries = table_[set].entries;
  auto found = std::find_if(entries.begin(), entries.end(),
                            [&](const Entry& e) { return e.address == client && e.due_ns > 0; });
  if (found == entries.end()) {
    found = std::min_element(entries.begin(), entries.end(),
                             [](const Entry& a, const Entry& b) { return a.due_ns < b.due_ns; });
    if (found->due_ns > now_ns) forgotten_.fetch_add(1, std::memory_order_relaxed);
    *found = {client, now_ns};
  }
  const std::int64_t due = std::max(found->due_ns, now_ns);
  if (const std::uint32_t wait = wait_of(due, now_ns); wait > 0) {
    refused_.fetch_add(1, std::memory_order_relaxed);
    return wait;
  }
  found->due_ns = due + interval_ns_;
  return 0;
}

std::uint32_t AddressLimits::wait_s(const net::IpAddress& address, std::int64_t now_ns) const {
  if (!active() || (!unlimited_.empty() && net::contains(unlimited_, address))) return 0;
  const net::IpAddress client = address.client();
  const std::size_t set = set_of(client);
  const std::lock_guard lock(locks_[set % kLocks]);
  for (const Entry& entry : table_[set].entries) {
    if (entry.due_ns > 0 && entry.address == client) return wait_of(entry.due_ns, now_ns);
  }
  return 0;
}

}  // namespace vitrine::gateway
