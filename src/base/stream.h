// Where state is written to and read from: a file with checksums, a hasher, a string.
//
// save(Sink&) of every part of the state is canonical: equal states give equal bytes,
// whatever history of growth, eviction or hash-map order led there. So a digest is
// nothing but save() into a hashing sink.
#pragma once

#include <cstring>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>

#include "base/hash.h"
#include "base/result.h"

namespace vitrine {

// Writing never fails here: a file-backed sink remembers its first error for its finish().
class Sink {
 public:
  virtual ~Sink() = default;
  virtual void write(std::string_view bytes) = 0;

  template <class T>
  requires std::is_trivially_copyable_v<T>
  void value(const T& v) { write({reinterpret_cast<const char*>(&v), sizeof(T)}); }
  // Element count as u64, then the elements as they lie in memory: T must have no padding.
  template <class T>
  requires std::has_unique_object_representations_v<T> || std::is_floating_point_v<T>
  void array(std::span<const T> values) {
    value<std::uint64_t>(values.size());
    write({reinterpret_cast<const char*>(values.data()), values.size_bytes()});
  }
  void string(std::string_view s) {
    value<std::uint64_t>(s.size());
    write(s);
  }
};

// Reading may end early or meet a bad checksum: then kCorrupt, and nothing read so far is to be
// used.
class Source {
 public:
  virtual ~Source() = default;
  // Fills exactly `size` bytes or fails.
  virtual Status read(char* out, std::size_t size) = 0;
  // An upper bound of the bytes left, to refuse a hostile count before allocating for it.
  virtual std::uint64_t remaining() const = 0;

  template <class T>
  requires std::is_trivially_copyable_v<T> Status value(T& out) {
    return read(reinterpret_cast<char*>(&out), sizeof(T));
  }
  template <class Vector>
  Status array(Vector& out) {
    using T = typename Vector::value_type;
    static_assert(std::is_trivially_copyable_v<T>);
    std::uint64_t count = 0;
    VITRINE_TRY(value(count));
    if (count > remaining() / sizeof(T)) {
      return Error(ErrorCode::kCorrupt, "an array of " + std::to_string(count) +
                                            " elements is longer than what is left");
    }
    out.resize(count);
    return read(reinterpret_cast<char*>(out.data()), count * sizeof(T));
  }
  Status string(std::string& out) {
    std::uint64_t size = 0;
    VITRINE_TRY(value(size));
    if (size > remaining()) {
      return Error(ErrorCode::kCorrupt,
                   "a string of " + std::to_string(size) + " bytes is longer than what is left");
    }
    out.resize(size);
    return read(out.data(), size);
  }
};

class HashSink final : public Sink {
 public:
  void write(std::string_view bytes) override { hasher_.update(bytes); }
  Hash128 finish() const { return hasher_.finish(); }

 private:
  Hasher hasher_;
};

class StringSink final : public Sink {
 public:
  void write(std::string_view bytes) override { bytes_.append(bytes); }
  const std::string& bytes() const { return bytes_; }

 private:
  std::string bytes_;
};

class StringSource final : public Source {
 public:
  explicit StringSource(std::string_view bytes) : rest_(bytes) {}
  Status read(char* out, std::size_t size) override {
    if (size > rest_.size()) return Error(ErrorCode::kCorrupt, "the bytes end early");
    if (size > 0) std::memcpy(out, rest_.data(), size);
    rest_.remove_prefix(size);
    return ok_status();
  }
  std::uint64_t remaining() const override { return rest_.size(); }

 private:
  std::string_view rest_;
};

}  // namespace vitrine
