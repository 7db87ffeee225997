// A timer wheel for many deadlines that move all the time: connections.
//
// Moving a deadline later costs a store: the node stays where it is, and is looked at again (and
// put back) when its slot comes up. Moving it earlier relinks it, O(1). So a busy keep-alive
// connection never touches the wheel. Not thread-safe.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <limits>

namespace vitrine::net::internal {

inline constexpr std::int64_t kNever = std::numeric_limits<std::int64_t>::max();

struct WheelNode {
  WheelNode* previous = nullptr;  // null while not in a wheel
  WheelNode* next = nullptr;
  std::int64_t deadline = kNever;  // when it really is due
  std::int64_t look_tick = 0;      // when the wheel looks at it, at the latest
};

// Times are in any one unit (the server uses milliseconds); `tick` of it is the resolution.
class Wheel {
 public:
  Wheel(std::int64_t tick, std::int64_t now) : tick_(tick), at_tick_(now / tick) {
    for (WheelNode& head : slots_) head.previous = head.next = &head;
  }
  Wheel(const Wheel&) = delete;
  Wheel& operator=(const Wheel&) = delete;

  bool empty() const { return size_ == 0; }
  std::int64_t next_tick_time() const { return (at_tick_ + 1) * tick_; }

  void set_deadline(WheelNode& node, std::int64_t deadline) {
    node.deadline = deadline;
    const std::int64_t tick = look_tick(deadline);
    if (node.next != nullptr) {
      if (tick >= node.look_tick) return;
      remove(node);
    }
    insert(node, tick);
  }

  void remove(WheelNode& node) {
    if (node.next == nullptr) return;
    unlink(node);
    --size_;
  }

  // Calls expired(node) for each whose deadline is at or before `now`; those are out of the wheel.
  // It may set deadlines and remove any node.
  template <class Fn>
  void advance(std::int64_t now, Fn&& expired) {
    const std::int64_t target = now / tick_;
    // After a long pause one round sees every slot.
    if (target - at_tick_ > static_cast<std::int64_t>(kSlots)) at_tick_ = target - kSlots;
    while (at_tick_ < target) {
      ++at_tick_;
      WheelNode due;  // the slot's nodes, moved here: what is put back can't be met again
      splice(slots_[static_cast<std::size_t>(at_tick_) % kSlots], due);
      while (due.next != &due) {
        WheelNode& node = *due.next;
        unlink(node);
        --size_;
        if (node.deadline <= now) {
          expired(node);
        } else {
          insert(node, look_tick(node.deadline));
        }
      }
    }
  }

 private:
  static constexpr std::size_t kSlots = 512;

  // The first tick at or after the deadline, at most one round ahead.
  std::int64_t look_tick(std::int64_t deadline) const {
    const std::int64_t furthest = at_tick_ + static_cast<std::int64_t>(kSlots) - 1;
    if (deadline >= furthest * tick_) return furthest;
    return std::max(at_tick_ + 1, (deadline + tick_ - 1) / tick_);
  }
  void insert(WheelNode& node, std::int64_t tick) {
    WheelNode& head = slots_[static_cast<std::size_t>(tick) % kSlots];
    node.look_tick = tick;
    node.previous = head.previous;
    node.next = &head;
    head.previous->next = &node;
    head.previous = &node;
    ++size_;
  }
  static void unlink(WheelNode& node) {
    node.previous->next = node.next;
    node.next->previous = node.previous;
    node.previous = node.next = nullptr;
  }
  static void splice(WheelNode& from, WheelNode& to) {
    to.previous = to.next = &to;
    if (from.next == &from) return;
    to.next = from.next;
    to.previous = from.previous;
    to.next->previous = &to;
    to.previous->next = &to;
    from.previous = from.next = &from;
  }

  const std::int64_t tick_;
  std::int64_t at_tick_;
  std::size_t size_ = 0;
  std::array<WheelNode, kSlots> slots_;
};

}  // namespace vitrine::net::internal
