// Sleeping on a 32-bit word, also one in memory shared between processes.
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>

namespace vitrine::io {

static_assert(sizeof(std::atomic<std::uint32_t>) == 4);
static_assert(std::atomic<std::uint32_t>::is_always_lock_free);

// Sleeps while `word` holds `expected`, at most `timeout`. May return early: look again.
// The memory may be read-only.
void futex_wait(const std::atomic<std::uint32_t>& word, std::uint32_t expected,
                std::chrono::microseconds timeout);

// Wakes everyone who sleeps on `word`. About 0.2 us when nobody does.
void futex_wake_all(std::atomic<std::uint32_t>& word);

}  // namespace vitrine::io
