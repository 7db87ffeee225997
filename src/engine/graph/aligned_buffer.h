// Memory that direct I/O accepts: aligned to a page, zeroed, backed by huge pages where it is large
// (rows are read at random: fewer misses of the address translation).
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <utility>

namespace vitrine::graph {

// What offsets, lengths and addresses of direct reads and writes are multiples of.
inline constexpr std::size_t kPage = 4096;

constexpr std::uint64_t round_up(std::uint64_t value, std::uint64_t step) {
  return (value + step - 1) / step * step;
}

class AlignedBuffer {
 public:
  AlignedBuffer() = default;
  explicit AlignedBuffer(std::size_t bytes);  // stops the program where memory is refused
  AlignedBuffer(AlignedBuffer&& other) noexcept
      : data_(std::exchange(other.data_, nullptr)), size_(std::exchange(other.size_, 0)) {}
  AlignedBuffer& operator=(AlignedBuffer&& other) noexcept {
    std::swap(data_, other.data_);
    std::swap(size_, other.size_);
    return *this;
  }
  ~AlignedBuffer();

  char* data() const { return data_; }
  std::size_t size() const { return size_; }
  std::span<char> bytes() const { return {data_, size_}; }

 private:
  char* data_ = nullptr;
  std::size_t size_ = 0;
};

}  // namespace vitrine::graph
