#include "engine/graph/aligned_buffer.h"

#include <sys/mman.h>

#include "base/check.h"

namespace vitrine::graph {

AlignedBuffer::AlignedBuffer(std::size_t bytes) : size_(bytes) {
  if (bytes == 0) return;
  void* at = ::mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  VITRINE_CHECK_MSG(at != MAP_FAILED, std::to_string(bytes) + " bytes of memory refused");
  constexpr std::size_t kHuge = 4u << 20;
  if (bytes >= kHuge) ::madvise(at, bytes, MADV_HUGEPAGE);
  data_ = static_cast<char*>(at);
}

AlignedBuffer::~AlignedBuffer() {
  if (data_ != nullptr) ::munmap(data_, size_);
}

}  // namespace vitrine::graph
