#include "platform/net/internal/request_reader.h"

#include <algorithm>
#include <cstring>
#include <string>
#include <utility>

#include "platform/net/internal/head_parser.h"

namespace vitrine::net::internal {
namespace {

constexpr std::size_t kFirstBytes = 16 << 10;

// A request starts with a method, which is a token. Looking at the first byte tells a TLS
// handshake or binary noise at once, without waiting for an end of head that never comes.
bool can_start_request(char c) {
  return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') ||
         std::strchr("!#$%&'*+-.^_`|~", c) != nullptr;
}

// Where "\r\n\r\n" ends, looking from `from` on; npos if it isn't there yet.
std::size_t find_end_of_head(std::string_view bytes, std::size_t from) {
  const std::size_t at = bytes.find("\r\n\r\n", from);
  return at == std::string_view::npos ? at : at + 4;
}

}  // namespace

void RequestReader::grow_to(std::size_t capacity) {
  auto grown = std::make_unique_for_overwrite<char[]>(capacity + kBodyPadding);
  if (end_ > begin_) std::memcpy(grown.get(), buffer_.get() + begin_, end_ - begin_);
  // Checkers of uninitialised memory see defined bytes where a JSON parser looks past the end.
  std::memset(grown.get() + capacity, 0, kBodyPadding);
  buffer_ = std::move(grown);
  capacity_ = capacity;
  end_ -= begin_;
  begin_ = 0;
  request_.base_ = buffer_.get();
}

std::span<char> RequestReader::space() {
  if (begin_ == end_ && state_ == State::kHead) {
    begin_ = end_ = 0;
    if (buffer_) request_.base_ = buffer_.get();
  }
  if (capacity_ == 0) grow_to(kFirstBytes);
  if (end_ == capacity_ && begin_ > 0) {
    std::memmove(buffer_.get(), buffer_.get() + begin_, end_ - begin_);
    end_ -= begin_;
    begin_ = 0;
    request_.base_ = buffer_.get();
  }
  if (end_ == capacity_) {
    std::size_t want = capacity_ * 2;
    if (state_ == State::kIdentityBody) want = std::min<std::size_t>(want, head_size_ + body_size_);
    grow_to(std::max(want, capacity_ + 1));
  }
  return {buffer_.get() + end_, capacity_ - end_};
}

RequestReader::Step RequestReader::advance() {
  switch (state_) {
    case State::kHead: return advance_head();
    case State::kIdentityBody: return advance_identity();
    case State::kChunkedBody: return advance_chunked();
    case State::kComplete: return Step::kComplete;
    case State::kRefused: break;
  }
  return Step::kRefused;
}

// RFC 9112 2.2: empty lines before a request line are ignored. False if something else starts.
bool RequestReader::skip_blank_lines() {
  while (begin_ < end_ && scanned_ == 0) {
    const char c = buffer_[begin_];
    if (c != '\r' && c != '\n') return can_start_request(c);
    ++begin_;
  }
  return true;
}

RequestReader::Step RequestReader::advance_head() {
  if (!skip_blank_lines()) return refuse(400, "bad_request", "this is not an HTTP/1.1 request");
  if (begin_ == end_) return Step::kNeedMore;
  const std::string_view bytes(buffer_.get() + begin_, end_ - begin_);
  const std::size_t head_size = find_end_of_head(bytes, scanned_ > 3 ? scanned_ - 3 : 0);
  if (std::min(head_size, bytes.size()) > limits_.header_bytes_max) {
    if (bytes.substr(0, limits_.target_bytes_max + 16).find('\n') == std::string_view::npos) {
      return refuse(414, "target_too_long",
                    "the request target is longer than " +
                        std::to_string(limits_.target_bytes_max) + " bytes");
    }
    return refuse(
        431, "headers_too_large",
        "the request head is longer than " + std::to_string(limits_.header_bytes_max) + " bytes");
  }
  if (head_size == std::string_view::npos) {
    scanned_ = bytes.size();
    return Step::kNeedMore;
  }
  return parse_head(head_size);
}

RequestReader::Step RequestReader::parse_head(std::size_t head_size) {
  // One per thread instead of one per connection: it is empty again when this returns.
  thread_local ParsedHead head;
  const char* const base = buffer_.get() + begin_;
  HeadError error =
      internal::parse_head({base, head_size}, limits_.target_bytes_max, limits_.headers_max, head);
  if (error.status != 0) return refuse(error.status, error.code, std::move(error.detail));

  const auto range = [base](std::string_view s) {
    // An empty view may point anywhere.
    if (s.empty()) return Request::Range{};
    return Request::Range{static_cast<std::uint32_t>(s.data() - base),
                          static_cast<std::uint32_t>(s.size())};
  };
  std::string_view path = head.target;
  if (!path.empty() && path.front() != '/' && path != "*") {
    const std::size_t authority = path.find("://");
    const std::size_t slash =
        authority == std::string_view::npos ? path.npos : path.find_first_of("/?", authority + 3);
    path = slash == std::string_view::npos ? std::string_view() : path.substr(slash);
  }
  const std::size_t question = path.find('?');
  request_.base_ = base;
  request_.method_ = head.method;
  request_.method_name_ = range(head.method_name);
  request_.target_ = range(head.target);
  request_.path_ = range(path.substr(0, question));
  request_.query_ =
      question == std::string_view::npos ? Request::Range{} : range(path.substr(question + 1));
  request_.headers_.clear();
  for (const Header& h : head.headers) request_.headers_.push_back({range(h.name), range(h.value)});
  request_.content_length_ = head.content_length;
  request_.body_begin_ = head_size;
  request_.body_size_ = 0;
  keep_alive_ = head.keep_alive;
  expects_continue_ = head.expects_continue;
  head_size_ = head_size;
  return begin_body(head.chunked);
}

RequestReader::Step RequestReader::begin_body(bool chunked) {
  head_told_ = false;
  if (chunked) {
    chunked_.emplace(limits_.body_bytes_max);
    state_ = State::kChunkedBody;
    return advance_chunked();
  }
  body_size_ = request_.content_length_.value_or(0);
  if (body_size_ > limits_.body_bytes_max) {
    return refuse(413, "body_too_large",
                  "the body is longer than " + std::to_string(limits_.body_bytes_max) + " bytes");
  }
  state_ = State::kIdentityBody;
  return advance_identity();
}

RequestReader::Step RequestReader::advance_identity() {
  if (end_ - begin_ - head_size_ >= body_size_) {
    request_.body_size_ = static_cast<std::size_t>(body_size_);
    return complete(head_size_ + static_cast<std::size_t>(body_size_));
  }
  request_.base_ = buffer_.get() + begin_;
  if (std::exchange(head_told_, true)) return Step::kNeedMore;
  return Step::kHead;
}

RequestReader::Step RequestReader::advance_chunked() {
  char* const body = buffer_.get() + begin_ + head_size_;
  std::size_t size = end_ - begin_ - head_size_;
  const ChunkedDecoder::State state = chunked_->feed(body, size);
  if (state == ChunkedDecoder::State::kMalformed) {
    return refuse(400, "bad_request", "the chunked body is malformed");
  }
  end_ = begin_ + head_size_ + size;
  if (state == ChunkedDecoder::State::kTooLarge) {
    return refuse(413, "body_too_large",
                  "the body is longer than " + std::to_string(limits_.body_bytes_max) + " bytes");
  }
  if (state == ChunkedDecoder::State::kDone) {
    request_.body_size_ = chunked_->body_size();
    return complete(head_size_ + chunked_->body_size());
  }
  request_.base_ = buffer_.get() + begin_;
  if (std::exchange(head_told_, true)) return Step::kNeedMore;
  return Step::kHead;
}

RequestReader::Step RequestReader::complete(std::size_t request_size) {
  request_.base_ = buffer_.get() + begin_;
  request_size_ = request_size;
  state_ = State::kComplete;
  return Step::kComplete;
}

RequestReader::Step RequestReader::refuse(int status, std::string_view code, std::string detail) {
  refusal_ = {status, code, std::move(detail)};
  state_ = State::kRefused;
  keep_alive_ = false;
  return Step::kRefused;
}

void RequestReader::stamp(const Peer& peer, std::int64_t received_ns) {
  request_.peer_ = &peer;
  request_.received_ns_ = received_ns;
}

void RequestReader::next() {
  if (state_ != State::kComplete) return;
  begin_ += request_size_;
  request_size_ = 0;
  scanned_ = 0;
  head_size_ = 0;
  keep_alive_ = true;
  expects_continue_ = false;
  chunked_.reset();
  state_ = State::kHead;
}

void RequestReader::reset(std::size_t keep_bytes) {
  begin_ = end_ = scanned_ = head_size_ = request_size_ = 0;
  keep_alive_ = true;
  expects_continue_ = false;
  chunked_.reset();
  state_ = State::kHead;
  if (capacity_ > keep_bytes) {
    buffer_.reset();
    capacity_ = 0;
    request_.base_ = "";
  }
}

}  // namespace vitrine::net::internal
