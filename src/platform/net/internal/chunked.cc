#include "platform/net/internal/chunked.h"

#include <algorithm>
#include <cstring>

namespace vitrine::net::internal {
namespace {

int hex_digit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

// Control characters inside extensions or trailers are how framings are made to disagree.
bool is_text(char c) {
  const auto byte = static_cast<unsigned char>(c);
  return byte == '\t' || (byte >= 0x20 && byte != 0x7F);
}

}  // namespace

// One byte of framing; false if it is malformed.
bool ChunkedDecoder::step(char c) {
  switch (at_) {
    case At::kSize: {
      const int digit = hex_digit(c);
      if (digit >= 0) {
        // 15 digits can't overflow, and no real chunk needs as many.
        if (++digits_ > 15) return false;
        left_ = left_ * 16 + static_cast<std::uint64_t>(digit);
        return true;
      }
      if (digits_ == 0) return false;
      if (c == '\r') {
        at_ = At::kSizeLf;
        return true;
      }
      at_ = At::kExtension;
      return c == ';' || c == ' ' || c == '\t';
    }
    case At::kExtension:
      if (c == '\r') {
        at_ = At::kSizeLf;
        return true;
      }
      return is_text(c) && ++ignored_ <= kFramingBytesMax;
    case At::kSizeLf:
      at_ = left_ == 0 ? At::kTrailer : At::kData;
      digits_ = 0;
      return c == '\n';
    case At::kData: return false;  // not framing
    case At::kDataCr: at_ = At::kDataLf; return c == '\r';
    case At::kDataLf: at_ = At::kSize; return c == '\n';
    case At::kTrailer:
      at_ = c == '\r' ? At::kEndLf : At::kTrailerLine;
      return c == '\r' || (is_text(c) && ++ignored_ <= kFramingBytesMax);
    case At::kTrailerLine:
      if (c == '\r') {
        at_ = At::kTrailerLf;
        return true;
      }
      return is_text(c) && ++ignored_ <= kFramingBytesMax;
    case At::kTrailerLf: at_ = At::kTrailer; return c == '\n';
    case At::kEndLf: return c == '\n';
  }
  return false;
}

ChunkedDecoder::State ChunkedDecoder::feed(char* bytes, std::size_t& size) {
  std::size_t read = body_size_;
  State state = State::kNeedMore;
  while (read < size && state == State::kNeedMore) {
    if (at_ == At::kData) {
      const std::size_t n = static_cast<std::size_t>(std::min<std::uint64_t>(left_, size - read));
      std::memmove(bytes + body_size_, bytes + read, n);
      body_size_ += n;
      read += n;
      left_ -= n;
      if (left_ == 0) at_ = At::kDataCr;
      continue;
    }
    const At before = at_;
    if (!step(bytes[read])) return State::kMalformed;
    ++read;
    if (before == At::kSizeLf && left_ > body_bytes_max_ - body_size_) state = State::kTooLarge;
    if (before == At::kEndLf) state = State::kDone;
  }
  std::memmove(bytes + body_size_, bytes + read, size - read);
  size -= read - body_size_;
  return state;
}

}  // namespace vitrine::net::internal
