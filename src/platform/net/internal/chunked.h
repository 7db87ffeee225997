// Decodes a chunked body (RFC 9112 section 7.1) in place: payload is moved down over the
// framing, so that the body becomes one contiguous range without a second buffer.
#pragma once

#include <cstddef>
#include <cstdint>

namespace vitrine::net::internal {

class ChunkedDecoder {
 public:
  enum class State { kNeedMore, kDone, kMalformed, kTooLarge };

  explicit ChunkedDecoder(std::uint64_t body_bytes_max) : body_bytes_max_(body_bytes_max) {}

  // bytes[0, body_size()) is the body decoded so far, bytes[body_size(), size) is raw.
  // Afterwards `size` is the new end: all raw bytes were consumed unless the state is kDone, in
  // which case what follows body_size() belongs to the next request. Trailers are read and dropped.
  // O(new bytes).
  State feed(char* bytes, std::size_t& size);

  std::size_t body_size() const { return body_size_; }

 private:
  enum class At {
    kSize,
    kExtension,
    kSizeLf,
    kData,
    kDataCr,
    kDataLf,
    kTrailer,
    kTrailerLine,
    kTrailerLf,
    kEndLf
  };
  bool step(char c);

  // Extensions and trailers carry nothing that we use: bounded over the whole body, so
  // that a peer can't keep us reading framing for ever.
  static constexpr std::size_t kFramingBytesMax = 16 << 10;

  std::uint64_t body_bytes_max_;
  std::uint64_t left_ = 0;  // of this chunk
  std::size_t body_size_ = 0;
  std::size_t ignored_ = 0;  // bytes of extensions and trailers
  int digits_ = 0;
  At at_ = At::kSize;
};

}  // namespace vitrine::net::internal
