#pragma once
// An array that is either owned (built here) or a view into a mapped file. Large owned ones ask
// for 2 MiB pages, which saves most of the address translation of random reads.

#include <cstddef>
#include <cstring>
#include <memory>
#include <span>
#include <type_traits>
#include <utility>

namespace vitrine::vec {

/// Zeroed memory at an address that is a multiple of 64 bytes. Aborts when there is none.
std::shared_ptr<std::byte> allocate_zeroed(std::size_t bytes);

/// Of memory that maps a file: asks the system to read `bytes` at `at` now, without waiting for it,
/// and not to read more around single pages from now on. Neither can fail in a way that matters.
void ask_pages(const void* at, std::size_t bytes);
void expect_scattered_reads(const void* at, std::size_t bytes);

/// Copies share the memory. Whoever builds a column writes through mutable_data() before anyone
/// else sees it.
template <class T>
class Column {
  static_assert(std::is_trivially_copyable_v<T>);

 public:
  Column() = default;
  explicit Column(std::size_t size) : size_(size) {
    std::shared_ptr<std::byte> memory = allocate_zeroed(size * sizeof(T));
    writable_ = reinterpret_cast<T*>(memory.get());
    data_ = writable_;
    owner_ = std::move(memory);
  }
  /// `owner` keeps `data` alive.
  Column(std::span<const T> data, std::shared_ptr<const void> owner)
      : data_(data.data()), size_(data.size()), owner_(std::move(owner)) {}

  const T* data() const { return data_; }
  T* mutable_data() { return writable_; }
  std::size_t size() const { return size_; }
  std::size_t bytes() const { return size_ * sizeof(T); }
  const T& operator[](std::size_t i) const { return data_[i]; }
  std::span<const T> span() const { return {data_, size_}; }

 private:
  const T* data_ = nullptr;
  T* writable_ = nullptr;
  std::size_t size_ = 0;
  std::shared_ptr<const void> owner_;
};

}  // namespace vitrine::vec
