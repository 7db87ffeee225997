#include "engine/vec/column.h"

#include <cstdint>
#include <cstdlib>

#include <sys/mman.h>
#include <unistd.h>

#include "base/check.h"

namespace vitrine::vec {

std::shared_ptr<std::byte> allocate_zeroed(std::size_t bytes) {
  constexpr std::size_t kHuge = std::size_t{2} << 20;
  const bool huge = bytes >= 2 * kHuge;
  const std::size_t alignment = huge ? kHuge : 64;
  // Slack behind the end: the scan prefetches and the wide loads may look a little past it.
  const std::size_t wanted = (bytes + 64 + alignment - 1) / alignment * alignment;
  void* memory = std::aligned_alloc(alignment, wanted);
  VITRINE_CHECK(memory != nullptr);
  if (huge) static_cast<void>(::madvise(memory, wanted, MADV_HUGEPAGE));
  std::memset(memory, 0, wanted);
  return {static_cast<std::byte*>(memory), [](std::byte* p) { std::free(p); }};
}

namespace {

void advise(const void* at, std::size_t bytes, int advice) {
  if (bytes == 0) return;
  static const auto page = static_cast<std::uintptr_t>(::sysconf(_SC_PAGESIZE));
  const auto address = reinterpret_cast<std::uintptr_t>(at);
  const std::uintptr_t first = address / page * page;
  static_cast<void>(::madvise(reinterpret_cast<void*>(first), address + bytes - first, advice));
}

}  // namespace

void ask_pages(const void* at, std::size_t bytes) { advise(at, bytes, MADV_WILLNEED); }
void expect_scattered_reads(const void* at, std::size_t bytes) { advise(at, bytes, MADV_RANDOM); }

}  // namespace vitrine::vec
