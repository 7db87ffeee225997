// What does our HTTP server cost per request, next to a bare Beast server that does nothing? And
// what does an idle connection cost?
//
//   net_bench [seconds per run] [rounds]
//
// Each server runs in a process of its own, so that its CPU time and memory are its own; rounds
// alternate between the servers, because a machine's mood changes over minutes. The last line
// is JSON.
#include <algorithm>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <fstream>
#include <functional>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "platform/net/bare_server.h"
#include "platform/net/client.h"
#include "platform/net/load_client.h"
#include "platform/net/server.h"

using namespace vitrine;
using namespace std::chrono_literals;

namespace {

// Answers at once, on the connection's thread.
class TrivialHandler final : public net::Handler {
 public:
  void handle(const net::Request&, net::Responder responder) override {
    net::Response response;
    response.status = 202;
    responder.respond(std::move(response));
  }
};

// Answers from another thread in bursts, about every 100 us: as after a group commit.
class BurstHandler final : public net::Handler {
 public:
  BurstHandler() : thread_([this] { answer(); }) {}
  void handle(const net::Request&, net::Responder responder) override {
    std::lock_guard lock(mutex_);
    waiting_.push_back(std::move(responder));
  }

 private:
  void answer() {
    while (true) {
      std::this_thread::sleep_for(100us);
      std::vector<net::Responder> batch;
      {
        std::lock_guard lock(mutex_);
        batch.swap(waiting_);
      }
      for (net::Responder& responder : batch) {
        net::Response response;
        response.status = 202;
        responder.respond(std::move(response));
      }
    }
  }
  std::mutex mutex_;
  std::vector<net::Responder> waiting_;
  std::thread thread_;
};

// A server in a child process.
class Child {
 public:
  explicit Child(const std::function<std::uint16_t()>& start) {
    int pipe_fds[2];
    if (::pipe(pipe_fds) != 0) std::abort();
    pid_ = ::fork();
    if (pid_ == 0) {
      const std::uint16_t port = start();
      if (::write(pipe_fds[1], &port, sizeof port) != sizeof port) std::_Exit(1);
      while (true) ::pause();
    }
    if (::read(pipe_fds[0], &port_, sizeof port_) != sizeof port_) std::abort();
    ::close(pipe_fds[0]);
    ::close(pipe_fds[1]);
  }
  ~Child() {
    ::kill(pid_, SIGKILL);
    ::waitpid(pid_, nullptr, 0);
  }
  std::uint16_t port() const { return port_; }
  double cpu_s() const {
    clockid_t clock{};
    timespec t{};
    if (::clock_getcpuclockid(pid_, &clock) != 0) return 0;
    ::clock_gettime(clock, &t);
    return static_cast<double>(t.tv_sec) + static_cast<double>(t.tv_nsec) / 1e9;
  }
  double rss_bytes() const {
    std::ifstream statm("/proc/" + std::to_string(pid_) + "/statm");
    double size = 0;
    double resident = 0;
    statm >> size >> resident;
    return resident * static_cast<double>(::sysconf(_SC_PAGESIZE));
  }

 private:
  pid_t pid_ = 0;
  std::uint16_t port_ = 0;
};

struct Measured {
  double cpu_us = 0;
  double per_s = 0;
  double client_cpu_us = 0;
  double p50_ms = 0;
  double p99_ms = 0;
};

const std::string kBody(204, 'x');

Measured measure(const Child& server, std::chrono::milliseconds duration) {
  net::LoadOptions load;
  load.port = server.port();
  load.header_lines =
      "User-Agent: bench\r\nAuthorization: Bearer 0123456789abcdef\r\nContent-Type: "
      "application/json\r\n";
  load.duration = duration;
  load.warm_up = 0ms;
  load.next = [](std::uint64_t) { return net::LoadRequest{"POST", "/v1/events", kBody}; };
  const double before = server.cpu_s();
  auto result = net::run_load(load);
  if (!result.ok() || result->answers_2xx == 0 || result->answers_2xx != result->answers)
    std::abort();
  const auto n = static_cast<double>(result->answers);
  return {(server.cpu_s() - before) / n * 1e6, result->answers_per_s,
          result->client_cpu_s / n * 1e6, result->latency.quantile_ms(0.5),
          result->latency.quantile_ms(0.99)};
}

double median(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  return values[values.size() / 2];
}

template <class H>
std::uint16_t start_ours() {
  static H handler;
  static auto server = std::move(net::Server::start({}, handler)).value();
  return server->port();
}

double idle_connection_bytes(int connections) {
  const Child server([] { return start_ours<TrivialHandler>(); });
  measure(server, 200ms);
  const double before = server.rss_bytes();
  net::LoadOptions load;
  load.port = server.port();
  load.connections = connections;
  load.requests_max =
      static_cast<std::uint64_t>(connections) * 2;  // each has served before it idles
  load.next = [](std::uint64_t) { return net::LoadRequest{"POST", "/v1/events", kBody}; };
  double after = before;
  std::uint64_t answers = 0;
  load.on_answer = [&](std::uint64_t, int, std::string_view) {
    if (++answers == load.requests_max) after = server.rss_bytes();
  };
  if (!net::run_load(load).ok()) std::abort();
  return (after - before) / connections;
}

}  // namespace

int main(int argc, char** argv) {
  const auto duration = std::chrono::milliseconds(argc > 1 ? 1000 * std::atoi(argv[1]) : 3000);
  const int rounds = argc > 2 ? std::atoi(argv[2]) : 5;
  const Child bare([] {
    static auto server = std::move(net::start_bare_server(0)).value();
    return server->port();
  });
  const Child trivial([] { return start_ours<TrivialHandler>(); });
  const Child burst([] { return start_ours<BurstHandler>(); });
  const Child* const servers[] = {&bare, &trivial, &burst};
  const char* const names[] = {"bare Beast", "ours, answers at once", "ours, bursts from a thread"};
  std::vector<double> cpu[3], rate[3], client[3], p99[3];
  for (int round = 0; round < rounds; ++round) {
    for (std::size_t s = 0; s < 3; ++s) {
      const Measured m = measure(*servers[s], duration);
      cpu[s].push_back(m.cpu_us);
      rate[s].push_back(m.per_s);
      client[s].push_back(m.client_cpu_us);
      p99[s].push_back(m.p99_ms);
    }
  }
  std::printf("64 connections, 204-byte POST, medians of %d rounds of %.1f s\n\n", rounds,
              static_cast<double>(duration.count()) / 1000);
  std::printf("%-28s %14s %14s %20s %10s\n", "server", "CPU us/request", "requests/s",
              "client CPU us/request", "p99 ms");
  for (std::size_t s = 0; s < 3; ++s) {
    std::printf("%-28s %14.2f %14.0f %20.2f %10.3f\n", names[s], median(cpu[s]), median(rate[s]),
                median(client[s]), median(p99[s]));
  }
  const double idle = idle_connection_bytes(5000);
  std::printf("\nmemory per idle connection (of 5000, in the process): %.0f bytes\n", idle);
  std::printf(
      "{\"bare_cpu_us\":%.3f,\"cpu_us\":%.3f,\"burst_cpu_us\":%.3f,\"cpu_over_bare\":%.3f,"
      "\"client_cpu_us\":%.3f,\"idle_connection_bytes\":%.0f}\n",
      median(cpu[0]), median(cpu[1]), median(cpu[2]), median(cpu[1]) / median(cpu[0]),
      median(client[1]), idle);
  return 0;
}
