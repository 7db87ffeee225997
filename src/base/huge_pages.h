// Memory for large tables that are read all over: on a machine with 4 KiB pages nearly every access
// to a gigabyte misses the translation cache too, and in a virtual machine that costs more than the
// miss itself. From 2 MiB on, memory is aligned to 2 MiB and the kernel is asked for large pages
// there. A refusal is fine.
#pragma once

#include <cstddef>
#include <cstdlib>
#include <new>
#include <vector>

namespace vitrine {

inline constexpr std::size_t kHugePageBytes = std::size_t{2} << 20;

// `bytes` of uninitialised memory, aligned to 64 bytes at least. Throws std::bad_alloc.
void* allocate_huge(std::size_t bytes);
inline void free_huge(void* memory) { std::free(memory); }

template <class T>
struct HugeAllocator {
  using value_type = T;
  HugeAllocator() = default;
  template <class U>
  HugeAllocator(const HugeAllocator<U>&) {}  // NOLINT: as the standard wants it
  T* allocate(std::size_t n) {
    if (n > static_cast<std::size_t>(-1) / sizeof(T)) throw std::bad_array_new_length();
    return static_cast<T*>(allocate_huge(n * sizeof(T)));
  }
  void deallocate(T* memory, std::size_t) { free_huge(memory); }
  friend bool operator==(const HugeAllocator&, const HugeAllocator&) { return true; }
};

// For tables that grow to millions of entries and are read at random.
template <class T>
using HugeVector = std::vector<T, HugeAllocator<T>>;

}  // namespace vitrine
