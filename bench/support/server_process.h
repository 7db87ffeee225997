// The real server, as its users run it: the vitrine program in a process of its own.
//
// Not thread-safe. start() on the main thread: the server dies with the thread that started it.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include <sys/types.h>

#include "base/ids.h"
#include "base/result.h"
#include "platform/net/client.h"

namespace vitrine::bench {

// VITRINE_BINARY, else ../apps/vitrine/vitrine or ../../apps/vitrine/vitrine from the folder of
// this program. kNotFound with what to do.
Result<std::string> find_vitrine(const std::string& own_path);

struct ServerOptions {
  std::string binary;
  std::string data;                    // its data folder; its output goes to DATA.log
  std::vector<std::string> arguments;  // further "--key", "value"
  int cpu = -1;                        // all of it on this processor only
};

class ServerProcess {
 public:
  // Runs it; returns before it is ready.
  static Result<std::unique_ptr<ServerProcess>> launch(ServerOptions options);
  // Runs it and waits until it is ready.
  static Result<std::unique_ptr<ServerProcess>> start(
      ServerOptions options, std::chrono::milliseconds timeout = std::chrono::seconds(60));
  ~ServerProcess();  // kills it if it still runs
  ServerProcess(const ServerProcess&) = delete;
  ServerProcess& operator=(const ServerProcess&) = delete;

  // Waits until /readyz says 200. kUnavailable with the end of its log if it ended or took longer.
  Status wait_ready(std::chrono::milliseconds timeout);

  // SIGKILL, and waits for the end.
  void kill_now();
  // SIGTERM; its exit status, or an error if it did not end in time.
  Result<int> terminate(std::chrono::milliseconds timeout = std::chrono::seconds(120));
  bool ended();

  pid_t pid() const { return pid_; }
  std::uint16_t port() const { return port_; }  // once ready
  std::string url() const { return "http://127.0.0.1:" + std::to_string(port_); }
  double seconds_to_ready() const { return seconds_to_ready_; }  // from exec to /readyz 200
  double startup_seconds() const { return startup_seconds_; }    // as it says itself
  std::uint64_t replayed_records() const { return replayed_; }   // as it says itself
  std::uint64_t snapshot_position() const { return snapshot_; }  // as it says itself
  double cpu_s() const;
  double rss_bytes() const;
  std::string log_tail() const;

 private:
  explicit ServerProcess(ServerOptions options) : options_(std::move(options)) {}
  bool read_runtime_file();

  ServerOptions options_;
  pid_t pid_ = 0;
  std::uint16_t port_ = 0;
  std::chrono::steady_clock::time_point launched_;
  double seconds_to_ready_ = 0;
  double startup_seconds_ = 0;
  std::uint64_t replayed_ = 0;
  std::uint64_t snapshot_ = 0;
};

struct TenantAccess {
  TenantId id;
  std::uint32_t partition = 0;
  std::string publishable_key;
  std::string secret_key;
};

// By the command line, as an operator does it.
Result<TenantAccess> create_tenant(const std::string& binary, const std::string& data,
                                   const std::string& name);

net::Client client_of(const ServerProcess& server);
// "Authorization: Bearer K" and the content type, each with CRLF.
std::string header_lines(const std::string& key);

// A JSON request with a key; an answer outside 2xx is kInternal with its body.
Result<std::string> post_json(net::Client& client, const std::string& key, std::string_view target,
                              std::string_view body);

}  // namespace vitrine::bench
