// Answers on their way from any thread to the connection's own: an intrusive lock-free list.
#pragma once

#include <atomic>

namespace vitrine::net::internal {

// T has a member `T* mail_next`. Many push, one takes everything at once.
template <class T>
class Mailbox {
 public:
  // False once closed: the caller keeps the item.
  bool push(T* item) {
    T* head = head_.load(std::memory_order_relaxed);
    do {
      if (head == closed()) return false;
      item->mail_next = head;
      // Release: whoever takes the list sees what was written into the item.
    } while (!head_.compare_exchange_weak(head, item, std::memory_order_release,
                                          std::memory_order_relaxed));
    return true;
  }

  // Everything pushed so far, oldest first, linked by mail_next; null if nothing.
  // No ABA: items are only ever taken all together.
  T* take() { return reversed(head_.exchange(nullptr, std::memory_order_acquire)); }

  // The same, and nothing can be pushed afterwards.
  T* close() { return reversed(head_.exchange(closed(), std::memory_order_acquire)); }

 private:
  // An address that no item has.
  T* closed() { return reinterpret_cast<T*>(&head_); }

  static T* reversed(T* list) {
    T* out = nullptr;
    while (list != nullptr) {
      T* const next = list->mail_next;
      list->mail_next = out;
      out = list;
      list = next;
    }
    return out;
  }

  std::atomic<T*> head_{nullptr};
};

}  // namespace vitrine::net::internal
