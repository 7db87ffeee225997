#include "platform/net/client.h"

#include <algorithm>
#include <cerrno>
#include <cstring>

#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <strings.h>
#include <sys/socket.h>
#include <unistd.h>

#include "platform/net/internal/chunked.h"
#include "platform/net/internal/response_head.h"
#include "platform/net/internal/tls_stream.h"

namespace vitrine::net {

using internal::HeadState;
using internal::ResponseHead;

std::string_view ClientResponse::header(std::string_view name) const {
  for (const auto& [key, value] : headers) {
    if (key.size() == name.size() && ::strncasecmp(key.data(), name.data(), key.size()) == 0) {
      return value;
    }
  }
  return {};
}

Client::Client(ClientOptions options) : options_(std::move(options)) {}

Client::~Client() { close(); }

Client::Client(Client&& other) noexcept
    : options_(std::move(other.options_)),
      fd_(std::exchange(other.fd_, -1)),
      tls_(std::move(other.tls_)),
      buffer_(std::move(other.buffer_)) {}

Client& Client::operator=(Client&& other) noexcept {
  if (this == &other) return *this;
  close();
  options_ = std::move(other.options_);
  fd_ = std::exchange(other.fd_, -1);
  tls_ = std::move(other.tls_);
  buffer_ = std::move(other.buffer_);
  return *this;
}

void Client::close() {
  if (tls_) tls_->shutdown();
  tls_.reset();
  if (fd_ >= 0) ::close(std::exchange(fd_, -1));
  buffer_.clear();
}

Error Client::lost(std::string_view what) const {
  return Error(ErrorCode::kUnavailable,
               options_.host + " port " + std::to_string(options_.port) + ": " + std::string(what));
}

Status Client::connect() {
  close();
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  addrinfo* found = nullptr;
  const int failed =
      ::getaddrinfo(options_.host.c_str(), std::to_string(options_.port).c_str(), &hints, &found);
  if (failed != 0) return lost(::gai_strerror(failed));
  const Deadline deadline = std::chrono::steady_clock::now() + options_.connect_timeout;
  int last_errno = ECONNREFUSED;
  for (const addrinfo* a = found; a != nullptr && fd_ < 0; a = a->ai_next) {
    fd_ = ::socket(a->ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd_ < 0) {
      last_errno = errno;
      continue;
    }
    if (::connect(fd_, a->ai_addr, a->ai_addrlen) == 0) break;
    last_errno = errno;
    if (last_errno == EINPROGRESS) {
      socklen_t size = sizeof last_errno;
      if (!wait(POLLOUT, deadline).ok()) {
        last_errno = ETIMEDOUT;
      } else {
        ::getsockopt(fd_, SOL_SOCKET, SO_ERROR, &last_errno, &size);
      }
    }
    if (last_errno == 0) break;
    ::close(std::exchange(fd_, -1));
  }
  ::freeaddrinfo(found);
  if (fd_ < 0) return lost(std::string("can't connect: ") + std::strerror(last_errno));
  const int on = 1;
  ::setsockopt(fd_, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  if (!options_.tls) return ok_status();
  Status secure = shake_hands(deadline);
  if (!secure.ok()) close();
  return secure;
}

Status Client::shake_hands(Deadline deadline) {
  VITRINE_TRY(tls_, internal::TlsStream::client(fd_, options_.host, options_.ca_file));
  while (true) {
    switch (tls_->handshake()) {
      case internal::Handshake::kDone: return ok_status();
      case internal::Handshake::kWantRead: VITRINE_TRY(wait(POLLIN, deadline)); break;
      case internal::Handshake::kWantWrite: VITRINE_TRY(wait(POLLOUT, deadline)); break;
      default: return lost(tls_->error());
    }
  }
}

// An idle connection on which something has arrived was closed (or misused) by the server.
bool Client::still_usable() const {
  if (fd_ < 0) return false;
  if (tls_) return tls_->quiet();
  char byte = 0;
  const ssize_t n = ::recv(fd_, &byte, 1, MSG_PEEK | MSG_DONTWAIT);
  return n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK);
}

Status Client::wait(short events, Deadline deadline) const {
  while (true) {
    const auto left =
        std::chrono::ceil<std::chrono::milliseconds>(deadline - std::chrono::steady_clock::now());
    if (left.count() <= 0) {
      return Error(
          ErrorCode::kDeadlineExceeded,
          options_.host + " port " + std::to_string(options_.port) + ": no answer in time");
    }
    pollfd p{fd_, events, 0};
    const int n = ::poll(&p, 1, static_cast<int>(std::min<std::int64_t>(left.count(), 60'000)));
    if (n > 0) return ok_status();
    if (n < 0 && errno != EINTR) return lost(std::strerror(errno));
  }
}

Status Client::send_all(std::string_view bytes, Deadline deadline) {
  while (!bytes.empty()) {
    const ssize_t n =
        tls_ ? tls_->write(bytes) : ::send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (n >= 0) {
      bytes.remove_prefix(static_cast<std::size_t>(n));
    } else if (errno == EAGAIN || errno == EWOULDBLOCK) {
      // A server that refuses a large body answers and stops reading: go and read that answer.
      VITRINE_TRY(wait(POLLOUT | POLLIN, deadline));
      pollfd p{fd_, POLLIN, 0};
      if (tls_ ? !tls_->quiet() : ::poll(&p, 1, 0) > 0 && (p.revents & POLLIN) != 0) {
        return ok_status();
      }
    } else if (errno == EPIPE || errno == ECONNRESET) {
      return ok_status();  // the same: reading tells whether there is an answer
    } else if (errno != EINTR) {
      return lost(std::strerror(errno));
    }
  }
  return ok_status();
}

Result<bool> Client::receive(Deadline deadline) {
  while (true) {
    const std::size_t had = buffer_.size();
    buffer_.resize(had + (64 << 10));
    const std::span<char> space(buffer_.data() + had, buffer_.size() - had);
    const ssize_t n = tls_ ? tls_->read(space) : ::recv(fd_, space.data(), space.size(), 0);
    const int error = errno;
    buffer_.resize(had + static_cast<std::size_t>(std::max<ssize_t>(n, 0)));
    if (n > 0) return true;
    if (n == 0) return false;
    if (error == EAGAIN || error == EWOULDBLOCK) {
      VITRINE_TRY(wait(POLLIN, deadline));
    } else if (error != EINTR) {
      return lost(std::strerror(error));
    }
  }
}

Result<ClientResponse> Client::request(std::string_view method, std::string_view target,
                                       std::span<const Header> headers, std::string_view body) {
  if (!still_usable()) VITRINE_TRY(connect());
  const Deadline deadline = std::chrono::steady_clock::now() + options_.request_timeout;
  std::string message;
  message.reserve(256 + body.size());
  message.append(method).append(" ").append(target).append(" HTTP/1.1\r\nHost: ");
  message.append(options_.host).append(":").append(std::to_string(options_.port));
  for (const Header& h : headers) {
    message.append("\r\n").append(h.name).append(": ").append(h.value);
  }
  if (!body.empty() || method == "POST" || method == "PUT" || method == "PATCH") {
    message.append("\r\nContent-Length: ").append(std::to_string(body.size()));
  }
  message.append("\r\n\r\n").append(body);
  buffer_.clear();
  Status sent = send_all(message, deadline);
  if (!sent.ok()) {
    close();
    return std::move(sent).error();
  }
  auto response = read_response(method == "HEAD", deadline);
  if (!response.ok()) close();
  return response;
}

Result<ClientResponse> Client::post(std::string_view target, std::string_view content_type,
                                    std::string_view body) {
  const Header headers[] = {{"Content-Type", content_type}};
  return request("POST", target, headers, body);
}

Result<ClientResponse> Client::read_response(bool head_only, Deadline deadline) {
  ResponseHead head;
  while (true) {
    const HeadState state = internal::parse_response_head(buffer_, head);
    if (state == HeadState::kMalformed) {
      return Error(ErrorCode::kCorrupt, options_.host + ": the answer is not HTTP/1.1");
    }
    if (state == HeadState::kComplete && head.status >= 200) break;
    if (state == HeadState::kComplete) {
      buffer_.erase(0, head.size);  // 100 Continue
      continue;
    }
    VITRINE_TRY(const bool more, receive(deadline));
    if (!more) return lost("the connection was closed before an answer");
  }
  ClientResponse response;
  response.status = head.status;
  std::string_view fields = head.fields;
  std::string_view name;
  std::string_view value;
  while (internal::next_field(fields, name, value)) response.headers.emplace_back(name, value);

  const auto too_large = [this] {
    return Error(ErrorCode::kTooLarge, options_.host + ": the answer is longer than " +
                                           std::to_string(options_.body_bytes_max) + " bytes");
  };
  if (head_only || !head.has_body()) {
    buffer_.erase(0, head.size);
  } else if (head.chunked) {
    VITRINE_TRY(read_chunked(head.size, response.body, deadline));
  } else if (head.content_length) {
    if (*head.content_length > options_.body_bytes_max) return too_large();
    while (buffer_.size() - head.size < *head.content_length) {
      VITRINE_TRY(const bool more, receive(deadline));
      if (!more) return lost("the connection was closed within an answer");
    }
    response.body = buffer_.substr(head.size, static_cast<std::size_t>(*head.content_length));
  } else {
    while (true) {
      VITRINE_TRY(const bool more, receive(deadline));
      if (!more) break;
      if (buffer_.size() - head.size > options_.body_bytes_max) return too_large();
    }
    response.body = buffer_.substr(head.size);
    head.keep_alive = false;
  }
  if (!head.keep_alive) close();
  return response;
}

Status Client::read_chunked(std::size_t head_size, std::string& body, Deadline deadline) {
  internal::ChunkedDecoder decoder(options_.body_bytes_max);
  while (true) {
    std::size_t size = buffer_.size() - head_size;
    const auto state = decoder.feed(buffer_.data() + head_size, size);
    if (state == internal::ChunkedDecoder::State::kDone) break;
    if (state != internal::ChunkedDecoder::State::kNeedMore) {
      return Error(ErrorCode::kCorrupt, options_.host + ": the answer's chunks are malformed");
    }
    buffer_.resize(head_size + size);
    VITRINE_TRY(const bool more, receive(deadline));
    if (!more) return lost("the connection was closed within an answer");
  }
  body = buffer_.substr(head_size, decoder.body_size());
  return ok_status();
}

}  // namespace vitrine::net
