// What to do once an append is durable, or known to have failed.
#pragma once

#include <cstddef>
#include <memory>
#include <new>
#include <type_traits>
#include <utility>

#include "base/result.h"

namespace vitrine::eventlog {

// A move-only function of `const Status&`. Callables of up to five words lie inside it, so that
// an append allocates nothing. Called once, or destroyed uncalled.
class OnDurable {
 public:
  OnDurable() = default;
  OnDurable(std::nullptr_t) {}  // NOLINT: "no callback" reads well at the call

  template <class Fn>
  requires(!std::is_same_v<std::decay_t<Fn>, OnDurable> &&
           std::is_invocable_v<std::decay_t<Fn>&, const Status&>)
      OnDurable(Fn&& fn) {  // NOLINT: a lambda is a callback
    using Held = std::decay_t<Fn>;
    if constexpr (sizeof(Held) <= kInlineBytes && alignof(Held) <= alignof(void*) &&
                  std::is_nothrow_move_constructible_v<Held>) {
      ::new (static_cast<void*>(inline_)) Held(std::forward<Fn>(fn));
      calls_ = &kCallsOf<Held>;
    } else {
      auto boxed = [box = std::make_unique<Held>(std::forward<Fn>(fn))](const Status& status) {
        (*box)(status);
      };
      using Boxed = decltype(boxed);
      ::new (static_cast<void*>(inline_)) Boxed(std::move(boxed));
      calls_ = &kCallsOf<Boxed>;
    }
  }

  OnDurable(OnDurable&& other) noexcept { take(other); }
  OnDurable& operator=(OnDurable&& other) noexcept {
    if (this != &other) {
      reset();
      take(other);
    }
    return *this;
  }
  ~OnDurable() { reset(); }

  explicit operator bool() const noexcept { return calls_ != nullptr; }
  void operator()(const Status& status) { calls_->invoke(inline_, status); }

 private:
  static constexpr std::size_t kInlineBytes = 5 * sizeof(void*);
  struct Calls {
    void (*invoke)(void*, const Status&);
    void (*move)(void* to, void* from) noexcept;  // and destroys `from`
    void (*destroy)(void*) noexcept;
  };
  template <class Held>
  static constexpr Calls kCallsOf{
      [](void* held, const Status& status) { (*static_cast<Held*>(held))(status); },
      [](void* to, void* from) noexcept {
        ::new (to) Held(std::move(*static_cast<Held*>(from)));
        static_cast<Held*>(from)->~Held();
      },
      [](void* held) noexcept { static_cast<Held*>(held)->~Held(); }};

  void take(OnDurable& other) noexcept {
    calls_ = std::exchange(other.calls_, nullptr);
    if (calls_ != nullptr) calls_->move(inline_, other.inline_);
  }
  void reset() noexcept {
    if (calls_ != nullptr) calls_->destroy(inline_);
    calls_ = nullptr;
  }

  const Calls* calls_ = nullptr;
  alignas(void*) std::byte inline_[kInlineBytes];
};

}  // namespace vitrine::eventlog
