// How many connections each client address has open.
#pragma once

#include <cstddef>
#include <map>
#include <mutex>

#include "platform/net/ip_address.h"

namespace vitrine::net::internal {

// Thread-safe. As large as there are open connections, which are bounded. With a maximum of 0
// nothing is counted.
class AddressCounts {
 public:
  AddressCounts(std::size_t most, IpNetworks exempt) : most_(most), exempt_(std::move(exempt)) {}

  // False, and not counted, where the address has its most. After true release() is owed.
  bool take(const IpAddress& address) {
    if (!counts(address)) return true;
    const std::lock_guard lock(mutex_);
    std::size_t& open = open_[address.client()];
    if (open >= most_) return false;
    ++open;
    return true;
  }

  void release(const IpAddress& address) {
    if (!counts(address)) return;
    const std::lock_guard lock(mutex_);
    const auto found = open_.find(address.client());
    if (found != open_.end() && --found->second == 0) open_.erase(found);
  }

 private:
  bool counts(const IpAddress& address) const { return most_ > 0 && !contains(exempt_, address); }

  const std::size_t most_;
  const IpNetworks exempt_;
  std::mutex mutex_;
  std::map<IpAddress, std::size_t> open_;  // guarded by mutex_
};

}  // namespace vitrine::net::internal
