#include "platform/net/internal/listener.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <string>

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

namespace vitrine::net::internal {
namespace {

// Connections above the maximum that may be told so politely at a time; more are just closed.
constexpr std::size_t kPoliteRefusals = 128;
constexpr int kAcceptsPerRound = 256;

struct Address {
  sockaddr_storage storage{};
  socklen_t size = 0;
};

Result<Address> parse_address(const std::string& text, std::uint16_t port) {
  Address out;
  auto* v4 = reinterpret_cast<sockaddr_in*>(&out.storage);
  if (inet_pton(AF_INET, text.c_str(), &v4->sin_addr) == 1) {
    v4->sin_family = AF_INET;
    v4->sin_port = htons(port);
    out.size = sizeof(sockaddr_in);
    return out;
  }
  auto* v6 = reinterpret_cast<sockaddr_in6*>(&out.storage);
  if (inet_pton(AF_INET6, text.c_str(), &v6->sin6_addr) == 1) {
    v6->sin6_family = AF_INET6;
    v6->sin6_port = htons(port);
    out.size = sizeof(sockaddr_in6);
    return out;
  }
  return Error(ErrorCode::kInvalidArgument,
               "listen address '" + text + "' is not a numeric IPv4 or IPv6 address");
}

IpAddress address_of(const sockaddr_storage& storage) {
  std::array<std::uint8_t, 16> bytes{};
  if (storage.ss_family == AF_INET) {
    bytes[10] = bytes[11] = 0xFF;
    std::memcpy(bytes.data() + 12, &reinterpret_cast<const sockaddr_in&>(storage).sin_addr, 4);
  } else {
    std::memcpy(bytes.data(), &reinterpret_cast<const sockaddr_in6&>(storage).sin6_addr, 16);
  }
  return IpAddress(bytes);
}

}  // namespace

Listener::Listener(const ServerOptions& options,
                   const std::vector<std::shared_ptr<IoThread>>& threads, AddressCounts& addresses,
                   bool encrypted)
    : options_(options), addresses_(addresses), encrypted_(encrypted), threads_(threads) {}

Listener::~Listener() {
  if (fd_ >= 0) ::close(fd_);
  if (reserve_fd_ >= 0) ::close(reserve_fd_);
}

Status Listener::bind() {
  const std::string& name = encrypted_ ? options_.tls_address : options_.address;
  const std::uint16_t number = encrypted_ ? options_.tls_port : options_.port;
  VITRINE_TRY(Address address, parse_address(name, number));
  const std::string where = name + " port " + std::to_string(number);
  fd_ = ::socket(address.storage.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (fd_ < 0) return io_error("open a socket for", where, errno);
  const int on = 1;
  const int off = 0;
  // Without it a restart would wait for old connections to leave TIME_WAIT.
  ::setsockopt(fd_, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  if (address.storage.ss_family == AF_INET6) {
    ::setsockopt(fd_, IPPROTO_IPV6, IPV6_V6ONLY, &off, sizeof off);
  }
  // Accepted sockets inherit it.
  ::setsockopt(fd_, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  if (::bind(fd_, reinterpret_cast<const sockaddr*>(&address.storage), address.size) != 0) {
    return io_error("bind", where, errno);
  }
  if (::listen(fd_, options_.backlog) != 0) return io_error("listen on", where, errno);
  Address bound;
  bound.size = sizeof bound.storage;
  if (::getsockname(fd_, reinterpret_cast<sockaddr*>(&bound.storage), &bound.size) != 0) {
    return io_error("read the address of", where, errno);
  }
  // The port lies at the same place in both families.
  port_ = ntohs(reinterpret_cast<const sockaddr_in&>(bound.storage).sin_port);
  reserve_fd_ = ::open("/dev/null", O_RDONLY | O_CLOEXEC);
  return ok_status();
}

void Listener::start() {
  watch_ = std::make_unique<Watch>(threads_.front()->loop(), std::exchange(fd_, -1), *this);
  watch_->await_readable();
}

void Listener::on_readable() {
  for (int i = 0; i < kAcceptsPerRound; ++i) {
    if (!accept_one()) break;
  }
  watch_->await_readable();
}

void Listener::close() {
  if (!watch_) return;
  while (accept_one()) {
  }
  watch_.reset();
}

bool Listener::accept_one() {
  sockaddr_storage peer{};
  socklen_t size = sizeof peer;
  const int fd = ::accept4(watch_->fd(), reinterpret_cast<sockaddr*>(&peer), &size,
                           SOCK_NONBLOCK | SOCK_CLOEXEC);
  if (fd >= 0) {
    const IpAddress ip = address_of(peer);
    hand_over(fd, {ip.text(), ip, encrypted_});
    return true;
  }
  if (errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM) {
    shed_for_lack_of_descriptors();
    return false;
  }
  // A connection that died in the queue (or a signal) is no reason to stop.
  return errno == ECONNABORTED || errno == EINTR || errno == EPROTO;
}

void Listener::hand_over(int fd, Peer peer) {
  accepted_.add();
  std::size_t open = 0;
  IoThread* emptiest = threads_.front().get();
  std::size_t fewest = emptiest->open_connections();
  for (const auto& thread : threads_) {
    const std::size_t n = thread->open_connections();
    open += n;
    if (n < fewest) {
      fewest = n;
      emptiest = thread.get();
    }
  }
  Admission admission = Admission::kServe;
  if (open >= options_.max_connections) {
    admission = Admission::kFull;
    refused_.add();
  } else if (!addresses_.take(peer.ip)) {
    admission = Admission::kAddressFull;
    refused_by_address_.add();
  }
  // Refusing politely takes a place for a moment, and in TLS a handshake, which is what we can't
  // spare; one address must not take the others' places by being refused.
  const std::size_t polite = admission == Admission::kFull
                                 ? options_.max_connections + kPoliteRefusals
                                 : options_.max_connections / 2;
  if (admission != Admission::kServe && (encrypted_ || open >= polite)) {
    ::close(fd);
    return;
  }
  emptiest->adopt(fd, std::move(peer), admission);
}

// Without a free descriptor the waiting connection would keep the listener readable for ever.
void Listener::shed_for_lack_of_descriptors() {
  if (reserve_fd_ < 0) return;
  ::close(std::exchange(reserve_fd_, -1));
  const int fd = ::accept4(watch_->fd(), nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC);
  if (fd >= 0) {
    refused_.add();
    // As Session::start_refused() says it, at once: there is no place for a session.
    const Response busy =
        problem(503, "overloaded", "this server has as many connections as it may have; try again");
    const std::string text =
        "HTTP/1.1 503 Service Unavailable\r\nContent-Type: " + std::string(busy.content_type) +
        "\r\nContent-Length: " + std::to_string(busy.body.size()) +
        "\r\nRetry-After: 1\r\nConnection: close\r\n\r\n" + busy.body;
    [[maybe_unused]] const ssize_t ignored =
        encrypted_ ? 0 : ::send(fd, text.data(), text.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
    ::close(fd);
  }
  reserve_fd_ = ::open("/dev/null", O_RDONLY | O_CLOEXEC);
}

}  // namespace vitrine::net::internal
