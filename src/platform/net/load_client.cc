#include "platform/net/load_client.h"

#include <algorithm>
#include <cerrno>
#include <cmath>
#include <ctime>
#include <memory>
#include <utility>
#include <vector>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "platform/net/internal/chunked.h"
#include "platform/net/internal/response_head.h"

namespace vitrine::net {
namespace {

using internal::HeadState;
using internal::ResponseHead;

constexpr std::int64_t kS = 1'000'000'000;

double thread_cpu_s() {
  timespec t{};
  ::clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
  return static_cast<double>(t.tv_sec) + static_cast<double>(t.tv_nsec) / 1e9;
}

struct Connection {
  int fd = -1;
  std::string out;
  std::size_t sent = 0;
  std::string in;  // an incomplete answer
  bool busy = false;
  bool wants_write = false;
  std::uint64_t n = 0;        // the request that is out
  std::int64_t start_ns = 0;  // what its latency counts from
};

class LoadRun {
 public:
  explicit LoadRun(const LoadOptions& options)
      : options_(options), connections_(static_cast<std::size_t>(options.connections)) {}
  ~LoadRun() {
    for (Connection& c : connections_) {
      if (c.fd >= 0) ::close(c.fd);
    }
    if (epoll_ >= 0) ::close(epoll_);
  }

  Result<LoadResult> run();

 private:
  Status open(Connection& c);
  void send_due();
  void send_next(Connection& c);
  void flush(Connection& c);
  void watch(Connection& c, bool write);
  void receive(Connection& c);
  // Takes one complete answer off the front; 0: incomplete, negative: broken, else its size.
  std::ptrdiff_t take_answer(Connection& c, std::string_view bytes);
  void answered(Connection& c, int status, std::string_view body, bool keep_alive);
  void broken(Connection& c);
  void poll();
  std::int64_t due_ns(std::uint64_t n) const {
    return start_ns_ + static_cast<std::int64_t>(static_cast<double>(n) * interval_ns_);
  }
  bool may_send(std::int64_t now) const { return next_ < options_.requests_max && now < end_ns_; }

  const LoadOptions& options_;
  std::vector<Connection> connections_;
  std::vector<Connection*> idle_;
  LoadResult result_;
  std::string chunk_scratch_;
  std::vector<char> read_buffer_ = std::vector<char>(256 << 10);
  int epoll_ = -1;
  std::uint64_t next_ = 0;
  std::size_t busy_ = 0;
  double interval_ns_ = 0;  // open loop
  std::int64_t start_ns_ = 0, count_from_ns_ = 0, end_ns_ = 0, now_ns_ = 0, last_answer_ns_ = 0;
};

Status LoadRun::open(Connection& c) {
  if (c.fd >= 0) ::close(std::exchange(c.fd, -1));
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(options_.port);
  if (::inet_pton(AF_INET, options_.address.c_str(), &address.sin_addr) != 1) {
    return Error(ErrorCode::kInvalidArgument, "'" + options_.address + "' is not an IPv4 address");
  }
  c.fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (c.fd < 0) return io_error("open a socket for", options_.address, errno);
  if (::connect(c.fd, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) {
    const int error = errno;
    ::close(std::exchange(c.fd, -1));
    Error e = io_error("connect to", options_.address + ":" + std::to_string(options_.port), error);
    return Error(ErrorCode::kUnavailable, e.message());
  }
  const int on = 1;
  ::setsockopt(c.fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  epoll_event event{};
  event.events = EPOLLIN;
  event.data.ptr = &c;
  if (::epoll_ctl(epoll_, EPOLL_CTL_ADD, c.fd, &event) != 0) {
    return io_error("watch a connection to", options_.address, errno);
  }
  c.in.clear();
  c.busy = c.wants_write = false;
  return ok_status();
}

void LoadRun::send_next(Connection& c) {
  c.n = next_++;
  c.start_ns = interval_ns_ > 0 ? due_ns(c.n) : now_ns_;
  const LoadRequest request = options_.next(c.n);
  c.out.assign(request.method).append(" ").append(request.target);
  c.out.append(" HTTP/1.1\r\nHost: localhost\r\n").append(options_.header_lines);
  if (request.method != "GET") {
    c.out.append("Content-Length: ").append(std::to_string(request.body.size())).append("\r\n");
  }
  c.out.append("\r\n").append(request.body);
  c.sent = 0;
  c.busy = true;
  ++busy_;
  flush(c);
}

void LoadRun::watch(Connection& c, bool write) {
  if (c.wants_write == write) return;
  c.wants_write = write;
  epoll_event event{};
  event.events = EPOLLIN | (write ? EPOLLOUT : 0U);
  event.data.ptr = &c;
  ::epoll_ctl(epoll_, EPOLL_CTL_MOD, c.fd, &event);
}

void LoadRun::flush(Connection& c) {
  while (c.sent < c.out.size()) {
    const ssize_t n =
        ::send(c.fd, c.out.data() + c.sent, c.out.size() - c.sent, MSG_NOSIGNAL | MSG_DONTWAIT);
    if (n > 0) {
      c.sent += static_cast<std::size_t>(n);
    } else if (errno == EAGAIN || errno == EWOULDBLOCK) {
      return watch(c, true);
    } else if (errno != EINTR) {
      return broken(c);
    }
  }
  watch(c, false);
}

void LoadRun::broken(Connection& c) {
  if (std::exchange(c.busy, false)) {
    --busy_;
    ++result_.broken;
  }
  if (open(c).ok()) idle_.push_back(&c);
}

void LoadRun::receive(Connection& c) {
  const ssize_t n = ::recv(c.fd, read_buffer_.data(), read_buffer_.size(), MSG_DONTWAIT);
  if (n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR)) return;
  if (n <= 0) {
    // An idle connection that the server closed is just opened again.
    if (!c.busy) std::erase(idle_, &c);
    return broken(c);
  }
  std::string_view bytes(read_buffer_.data(), static_cast<std::size_t>(n));
  if (!c.in.empty()) {
    c.in.append(bytes);
    bytes = c.in;
  }
  const std::ptrdiff_t taken = c.busy ? take_answer(c, bytes) : -1;
  if (taken < 0) {
    if (!c.busy) std::erase(idle_, &c);
    return broken(c);
  }
  if (taken == 0) {
    if (c.in.empty()) c.in.assign(bytes);
    return;
  }
  c.in.clear();  // nothing may follow: one request is out at a time
}

std::ptrdiff_t LoadRun::take_answer(Connection& c, std::string_view bytes) {
  ResponseHead head;
  switch (internal::parse_response_head(bytes, head)) {
    case HeadState::kNeedMore: return 0;
    case HeadState::kMalformed: return -1;
    case HeadState::kComplete: break;
  }
  std::string_view body;
  std::size_t size = head.size;
  if (head.has_body() && head.chunked) {
    // Benchmarked servers send Content-Length; this is only to be complete.
    chunk_scratch_.assign(bytes.substr(head.size));
    std::size_t left = chunk_scratch_.size();
    internal::ChunkedDecoder decoder(1u << 30);
    const auto state = decoder.feed(chunk_scratch_.data(), left);
    if (state == internal::ChunkedDecoder::State::kNeedMore) return 0;
    if (state != internal::ChunkedDecoder::State::kDone) return -1;
    body = std::string_view(chunk_scratch_).substr(0, decoder.body_size());
    size = bytes.size();
  } else if (head.has_body()) {
    const std::uint64_t length = head.content_length.value_or(0);
    if (bytes.size() - head.size < length) return 0;
    body = bytes.substr(head.size, static_cast<std::size_t>(length));
    size += body.size();
  }
  answered(c, head.status, body, head.keep_alive);
  return static_cast<std::ptrdiff_t>(size);
}

void LoadRun::answered(Connection& c, int status, std::string_view body, bool keep_alive) {
  c.busy = false;
  --busy_;
  if (options_.on_answer) options_.on_answer(c.n, status, body);
  if (c.start_ns >= count_from_ns_) {
    ++result_.answers;
    const std::size_t status_class =
        status >= 100 && status < 600 ? static_cast<std::size_t>(status / 100) : 0;
    ++result_.by_class[status_class];
    if (status_class == 2) ++result_.answers_2xx;
    result_.latency.record(now_ns_ - c.start_ns);
    last_answer_ns_ = now_ns_;
  }
  if (!keep_alive && !open(c).ok()) return;
  idle_.push_back(&c);
}

void LoadRun::send_due() {
  while (!idle_.empty() && may_send(now_ns_)) {
    if (interval_ns_ > 0 && due_ns(next_) > now_ns_) return;
    Connection& c = *idle_.back();
    idle_.pop_back();
    send_next(c);
  }
}

void LoadRun::poll() {
  // Until the next request is due, or the end; answers wake it earlier.
  std::int64_t until = now_ns_ + kS / 10;
  if (now_ns_ < end_ns_) until = std::min(until, end_ns_);
  if (interval_ns_ > 0 && !idle_.empty() && may_send(now_ns_))
    until = std::min(until, due_ns(next_));
  const std::int64_t wait = std::max<std::int64_t>(0, until - now_ns_);
  const timespec timeout{wait / kS, wait % kS};
  epoll_event events[256];
  const int n = ::epoll_pwait2(epoll_, events, 256, &timeout, nullptr);
  now_ns_ = system_clock().steady_ns();
  for (int i = 0; i < n; ++i) {
    Connection& c = *static_cast<Connection*>(events[i].data.ptr);
    if (c.fd < 0) continue;
    if ((events[i].events & EPOLLOUT) != 0) flush(c);
    if ((events[i].events & (EPOLLIN | EPOLLHUP | EPOLLERR)) != 0) {
      // One reading per round is too coarse for the latency of the last of many.
      now_ns_ = system_clock().steady_ns();
      receive(c);
      send_due();
    }
  }
}

Result<LoadResult> LoadRun::run() {
  epoll_ = ::epoll_create1(EPOLL_CLOEXEC);
  if (epoll_ < 0) return io_error("create", "an epoll instance", errno);
  for (Connection& c : connections_) {
    VITRINE_TRY(open(c));
    idle_.push_back(&c);
  }
  // Sleeps end within microseconds and not within the default 50.
  const int slack = ::prctl(PR_GET_TIMERSLACK);
  ::prctl(PR_SET_TIMERSLACK, 1000UL);
  const double cpu_before = thread_cpu_s();
  if (options_.requests_per_s > 0) interval_ns_ = 1e9 / options_.requests_per_s;
  const auto ns = [](std::chrono::milliseconds t) { return std::chrono::nanoseconds(t).count(); };
  start_ns_ = now_ns_ = system_clock().steady_ns();
  count_from_ns_ = start_ns_ + ns(options_.warm_up);
  end_ns_ = count_from_ns_ + ns(options_.duration);
  while (may_send(now_ns_) || (busy_ > 0 && now_ns_ < end_ns_ + ns(options_.drain))) {
    send_due();
    if (may_send(now_ns_) || busy_ > 0) poll();
  }
  result_.unanswered = busy_;
  if (interval_ns_ > 0) {
    const auto due =
        static_cast<std::uint64_t>(static_cast<double>(end_ns_ - start_ns_) / interval_ns_);
    result_.unsent =
        std::min(due, options_.requests_max) - std::min({due, options_.requests_max, next_});
  }
  const std::int64_t until = std::max(last_answer_ns_, std::min(now_ns_, end_ns_));
  result_.seconds = static_cast<double>(std::max<std::int64_t>(1, until - count_from_ns_)) / 1e9;
  result_.answers_per_s = static_cast<double>(result_.answers) / result_.seconds;
  result_.client_cpu_s = thread_cpu_s() - cpu_before;
  if (slack >= 0) ::prctl(PR_SET_TIMERSLACK, static_cast<unsigned long>(slack));
  return result_;
}

}  // namespace

Result<LoadResult> run_load(const LoadOptions& options) {
  if (options.connections < 1 || !options.next || options.requests_per_s < 0) {
    return Error(ErrorCode::kInvalidArgument, "a load needs connections, requests and a rate >= 0");
  }
  auto run = std::make_unique<LoadRun>(options);
  return run->run();
}

}  // namespace vitrine::net
