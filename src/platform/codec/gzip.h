// gzip (RFC 1952) with bounds: what strangers send may be cut, broken or a bomb.
#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <string_view>

#include "base/result.h"

namespace vitrine::codec {

// Unpacks gzip data of one or more members, in pieces. Not thread-safe. One inflater can be used
// for many texts, which spares 40 KiB of allocation each.
class GzipInflater {
 public:
  GzipInflater();
  ~GzipInflater();
  GzipInflater(const GzipInflater&) = delete;
  GzipInflater& operator=(const GzipInflater&) = delete;

  // Begins a new text.
  void reset();

  // Consumes all of `input` and appends what it unpacks to, but stops with kTooLarge as soon as
  // that would make `out` longer than `bytes_max`. kInvalidArgument if the data is broken. After an
  // error only reset() may follow.
  Status feed(std::string_view input, std::size_t bytes_max, std::string& out);

  // To be called behind the last feed(): kInvalidArgument if the data ends within a member.
  Status finish() const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

// All at once. `out` is replaced and has at most `bytes_max` bytes; its capacity is at least
// `padding` bytes more, so that a parser can read behind its end.
Status gunzip(std::string_view compressed, std::size_t bytes_max, std::size_t padding,
              std::string& out);

// One gzip member; level 1 (fast) to 9 (small).
std::string gzip(std::string_view plain, int level = 6);

// Does this begin like gzip data?
inline bool looks_like_gzip(std::string_view bytes) { return bytes.starts_with("\x1F\x8B"); }

}  // namespace vitrine::codec
