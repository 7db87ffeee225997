#include "engine/vec/column.h"

#include <cstdlib>

#include <sys/mman.h>

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

}  // namespace vitrine::vec
