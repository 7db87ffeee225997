// An immutable value that one writer replaces and many threads read on their hot path.
//
// A reader compares one version number with the one it saw last; only after a change does it
// take the mutex to copy the pointer. So reading costs a few ns and touches no shared line
// that anybody writes. (std::atomic<std::shared_ptr> would say the same, but libstdc++ 12's
// is reported as a race by ThreadSanitizer.)
//
// A thread keeps the value it read last alive until it reads again or ends: memory, not
// correctness.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <mutex>
#include <vector>

namespace vitrine::gateway {

namespace internal {

// What one thread read last of one Published. The newest reads of a thread stay in a short list.
struct ReadSlot {
  std::weak_ptr<const void> owner;
  const void* owner_address = nullptr;
  std::uint64_t version = 0;
  std::shared_ptr<const void> value;
};

inline ReadSlot& read_slot(const std::shared_ptr<const void>& owner) {
  // Slots are allocated one by one so that a reference survives the list's growth.
  thread_local std::vector<std::unique_ptr<ReadSlot>> slots;
  // The address alone names the owner: its slot is dropped only when the weak pointer expired,
  // and an expired owner's address is checked before it is believed.
  for (auto& slot : slots) {
    if (slot->owner_address == owner.get() && !slot->owner.expired()) return *slot;
  }
  std::erase_if(slots, [](const auto& slot) { return slot->owner.expired(); });
  slots.push_back(std::make_unique<ReadSlot>());
  slots.back()->owner = owner;
  slots.back()->owner_address = owner.get();
  return *slots.back();
}

}  // namespace internal

template <class T>
class Published {
 public:
  explicit Published(std::shared_ptr<const T> first) : value_(std::move(first)) {}
  Published(const Published&) = delete;
  Published& operator=(const Published&) = delete;

  // Calls fn(const T&) with the newest value. A read that begins after replace() returned sees
  // what it published. fn must not read the same Published again, nor keep the reference.
  template <class Fn>
  decltype(auto) read(Fn&& fn) const {
    internal::ReadSlot& slot = internal::read_slot(identity_);
    // Acquire pairs with the release in replace(): who sees the number gets that value or a
    // newer one from the mutex.
    if (slot.version != version_.load(std::memory_order_acquire)) {
      std::lock_guard lock(mutex_);
      slot.value = value_;
      slot.version = version_.load(std::memory_order_relaxed);
    }
    return fn(*static_cast<const T*>(slot.value.get()));
  }

  std::shared_ptr<const T> get() const {
    std::lock_guard lock(mutex_);
    return value_;
  }

  // One writer at a time; the caller sees to that (it reads, changes a copy and replaces).
  void replace(std::shared_ptr<const T> next) {
    std::lock_guard lock(mutex_);
    value_.swap(next);
    version_.fetch_add(1, std::memory_order_release);
  }

 private:
  const std::shared_ptr<const void> identity_ = std::make_shared<char>();
  mutable std::mutex mutex_;
  std::shared_ptr<const T> value_;  // guarded by mutex_
  std::atomic<std::uint64_t> version_{1};
};

}  // namespace vitrine::gateway
