// A blocking HTTP/1.1 client for tools and tests: one keep-alive connection.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.h"
#include "platform/net/http.h"

namespace vitrine::net {

namespace internal {
class TlsStream;
}

struct ClientOptions {
  std::string host = "127.0.0.1";  // numeric address or a name
  std::uint16_t port = 80;
  bool tls = false;     // HTTPS; the server's certificate must be good for `host`
  std::string ca_file;  // PEM: the authorities that are trusted then; empty: the system's
  std::chrono::milliseconds connect_timeout{5'000};
  // From sending a request to the last byte of its answer.
  std::chrono::milliseconds request_timeout{30'000};
  std::size_t body_bytes_max = 256u << 20;  // of an answer
};

struct ClientResponse {
  int status = 0;
  std::vector<std::pair<std::string, std::string>> headers;  // as sent
  std::string body;

  // The first header of that name; case-insensitive; empty if absent.
  std::string_view header(std::string_view name) const;
};

// Not thread-safe: one per thread.
class Client {
 public:
  // Does not connect yet.
  explicit Client(ClientOptions options);
  ~Client();
  Client(Client&& other) noexcept;
  Client& operator=(Client&& other) noexcept;

  // Connects if there is no usable connection, sends, waits for the answer. Content-Length and Host
  // are added. Never sends twice: a connection that breaks in between is an error, because only
  // the caller knows whether the request may be repeated; the next call connects anew.
  // Any status is a ClientResponse. kUnavailable: can't connect (with TLS: or the certificate isn't
  // trusted), or the connection broke; kInvalidArgument: the authorities' file can't be read;
  // kDeadlineExceeded: timeout; kCorrupt: not an HTTP answer; kTooLarge: above body_bytes_max.
  Result<ClientResponse> request(std::string_view method, std::string_view target,
                                 std::span<const Header> headers = {}, std::string_view body = {});

  Result<ClientResponse> get(std::string_view target) { return request("GET", target); }
  Result<ClientResponse> post(std::string_view target, std::string_view content_type,
                              std::string_view body);

  // Drops the connection; the next request opens another.
  void close();

 private:
  using Deadline = std::chrono::steady_clock::time_point;

  Status connect();
  Status shake_hands(Deadline deadline);
  bool still_usable() const;
  Status wait(short events, Deadline deadline) const;
  Status send_all(std::string_view bytes, Deadline deadline);
  // Appends what arrives to buffer_; false at the end of the stream.
  Result<bool> receive(Deadline deadline);
  Result<ClientResponse> read_response(bool head_only, Deadline deadline);
  Status read_chunked(std::size_t head_size, std::string& body, Deadline deadline);
  Error lost(std::string_view what) const;

  ClientOptions options_;
  int fd_ = -1;
  std::unique_ptr<internal::TlsStream> tls_;
  std::string buffer_;
};

}  // namespace vitrine::net
