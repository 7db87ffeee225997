#include "platform/net/bare_server.h"

// ThreadSanitizer does not know stand-alone fences.
#ifdef __SANITIZE_THREAD__
#define BOOST_ASIO_DISABLE_FENCED_BLOCK 1
#endif

#include <boost/asio/awaitable.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http.hpp>
#include <string>
#include <utility>

#include "base/executor.h"

namespace vitrine::net {
namespace {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace http = boost::beast::http;
using boost::system::error_code;

using Concrete = asio::io_context::executor_type;
template <class T>
using Awaitable = asio::awaitable<T, Concrete>;
using Token = asio::use_awaitable_t<Concrete>;
using Socket = asio::basic_stream_socket<asio::ip::tcp, Concrete>;
using Acceptor = asio::basic_socket_acceptor<asio::ip::tcp, Concrete>;

Awaitable<void> serve(Socket socket) {
  error_code ec;
  auto token = asio::redirect_error(Token{}, ec);
  socket.set_option(asio::ip::tcp::no_delay(true), ec);
  beast::flat_buffer buffer;
  bool keep_alive = true;
  while (keep_alive) {
    http::request<http::string_body> request;
    co_await http::async_read(socket, buffer, request, token);
    if (ec) break;
    http::response<http::empty_body> response(http::status::accepted, request.version());
    response.keep_alive(request.keep_alive());
    response.prepare_payload();
    keep_alive = request.keep_alive();
    co_await http::async_write(socket, response, token);
    if (ec) break;
  }
  socket.shutdown(asio::ip::tcp::socket::shutdown_send, ec);
}

Awaitable<void> accept_all(Acceptor& acceptor) {
  error_code ec;
  auto token = asio::redirect_error(Token{}, ec);
  while (true) {
    Socket socket = co_await acceptor.async_accept(token);
    if (ec == asio::error::operation_aborted) co_return;
    if (!ec) asio::co_spawn(acceptor.get_executor(), serve(std::move(socket)), asio::detached);
  }
}

class BeastServer final : public BareServer {
 public:
  ~BeastServer() override {
    context_.stop();
    task_.reset();
  }
  Status listen(std::uint16_t port) {
    error_code ec;
    const asio::ip::tcp::endpoint endpoint(asio::ip::address_v4::loopback(), port);
    acceptor_.open(endpoint.protocol(), ec);
    if (!ec) acceptor_.set_option(asio::socket_base::reuse_address(true), ec);
    if (!ec) acceptor_.bind(endpoint, ec);
    if (!ec) acceptor_.listen(asio::socket_base::max_listen_connections, ec);
    if (ec) return io_error("listen on", "127.0.0.1:" + std::to_string(port), ec.value());
    asio::co_spawn(context_, accept_all(acceptor_), asio::detached);
    return ok_status();
  }
  void run() { context_.run(); }
  void run_on_own_thread() {
    task_ = thread_executor().run_thread("bare-http", [this] { run(); });
  }
  std::uint16_t port() const override {
    error_code ignored;
    return acceptor_.local_endpoint(ignored).port();
  }

 private:
  asio::io_context context_{1};
  Acceptor acceptor_{context_};
  std::unique_ptr<Task> task_;
};

}  // namespace

Result<std::unique_ptr<BareServer>> start_bare_server(std::uint16_t port) {
  auto server = std::make_unique<BeastServer>();
  VITRINE_TRY(server->listen(port));
  server->run_on_own_thread();
  return std::unique_ptr<BareServer>(std::move(server));
}

Status run_bare_server(std::uint16_t port) {
  BeastServer server;
  VITRINE_TRY(server.listen(port));
  server.run();
  return ok_status();
}

}  // namespace vitrine::net
