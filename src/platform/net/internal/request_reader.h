// Turns the bytes of one connection into requests. No socket: bytes in, requests out, so that tests
// and the fuzzer can cut the bytes wherever they like.
//
//   while connected: read into space(), filled(n), then advance() until kNeedMore;
//   after kComplete the request is valid until next() or reset().
//
// Not thread-safe.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "platform/net/http.h"
#include "platform/net/internal/chunked.h"

namespace vitrine::net::internal {

struct ReaderLimits {
  std::size_t body_bytes_max = 16u << 20;
  std::size_t header_bytes_max = 16u << 10;
  std::size_t target_bytes_max = 8u << 10;
  std::size_t headers_max = 100;
};

// Why a connection's bytes are no request. The connection can't be used afterwards.
struct Refusal {
  int status = 400;
  std::string_view code = "bad_request";
  std::string detail;
};

class RequestReader {
 public:
  enum class Step {
    kNeedMore,
    kHead,      // once per request whose body is still to come: the head is readable
    kComplete,  // request() is whole
    kRefused,   // refusal() says why
  };

  explicit RequestReader(const ReaderLimits& limits) : limits_(limits) {}
  RequestReader(const RequestReader&) = delete;
  RequestReader& operator=(const RequestReader&) = delete;

  // Where the next bytes go; never empty. Memory follows what has arrived, not what Content-Length
  // claims: the buffer at most doubles, up to the body's end.
  std::span<char> space();
  void filled(std::size_t n) { end_ += n; }

  Step advance();

  const Request& request() const { return request_; }
  const Refusal& refusal() const { return refusal_; }
  // Whether the connection may serve another request after this one (version, Connection header).
  bool keep_alive() const { return keep_alive_; }
  bool expects_continue() const { return expects_continue_; }
  // Stamps the request that is about to begin or has just begun.
  // `peer` outlives the request.
  void stamp(const Peer& peer, std::int64_t received_ns);

  // The finished request is forgotten, bytes after it stay.
  void next();
  // Everything is forgotten; a buffer above `keep_bytes` is given back.
  void reset(std::size_t keep_bytes);

  // No byte of a further request has been read.
  bool idle() const { return state_ == State::kHead && begin_ == end_; }
  std::size_t buffered() const { return end_ - begin_; }
  std::size_t capacity() const { return capacity_; }

 private:
  enum class State { kHead, kIdentityBody, kChunkedBody, kComplete, kRefused };

  Step advance_head();
  Step parse_head(std::size_t head_size);
  Step begin_body(bool chunked);
  Step advance_identity();
  Step advance_chunked();
  Step complete(std::size_t request_size);
  Step refuse(int status, std::string_view code, std::string detail);
  bool skip_blank_lines();
  void grow_to(std::size_t capacity);

  const ReaderLimits limits_;
  std::unique_ptr<char[]> buffer_;  // capacity_ + kBodyPadding bytes
  std::size_t capacity_ = 0;
  std::size_t begin_ = 0;    // of the current request
  std::size_t end_ = 0;      // of what has been read
  std::size_t scanned_ = 0;  // bytes of the current head without an end of head
  std::size_t head_size_ = 0;
  std::size_t request_size_ = 0;  // known when complete
  std::uint64_t body_size_ = 0;   // identity body
  State state_ = State::kHead;
  bool head_told_ = false;
  bool keep_alive_ = true;
  bool expects_continue_ = false;
  std::optional<ChunkedDecoder> chunked_;
  Request request_;
  Refusal refusal_;
};

}  // namespace vitrine::net::internal
