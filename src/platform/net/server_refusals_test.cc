// What is no request, or too much of one, is refused.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "platform/net/server_test_util.h"

namespace vitrine::net {
namespace {

using ::testing::HasSubstr;
using ::testing::StartsWith;

struct BadRequest {
  std::string_view bytes;
  int status;
};

// Each is answered with its status and the connection is closed.
TEST(Server, RefusesWhatIsNoRequest) {
  static const std::string long_target =
      "GET /" + std::string(9000, 'a') + " HTTP/1.1\r\nHost: x\r\n\r\n";
  static const std::string endless_target = "GET /" + std::string(20000, 'a');
  static const std::string long_header =
      "GET / HTTP/1.1\r\nHost: x\r\nX: " + std::string(20000, 'a') + "\r\n\r\n";
  static const std::string many_headers = [] {
    std::string s = "GET / HTTP/1.1\r\nHost: x\r\n";
    for (int i = 0; i < 200; ++i) s += "A: b\r\n";
    return s + "\r\n";
  }();
  const BadRequest cases[] = {
      {"\x16\x03\x01\x02\x00\x01\x00\x01", 400},
      {"nonsense\r\n\r\n", 400},
      {"GET / HTTP/1.1\r\n\r\n", 400},
      {"GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n", 400},
      {"GET / HTTP/2.0\r\nHost: x\r\n\r\n", 505},
      {"GET  / HTTP/1.1\r\nHost: x\r\n\r\n", 400},
      {"GET / HTTP/1.1\r\nHost: x\r\nBad Name: y\r\n\r\n", 400},
      {"GET / HTTP/1.1\r\nHost: x\r\nA : y\r\n\r\n", 400},
      {"GET / HTTP/1.1\r\nHost: x\r\nA: y\r\n folded\r\n\r\n", 400},
      {"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n",
       400},
      {"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\nContent-Length: 1\r\n\r\n",
       400},
      {"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n", 400},
      {"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\n", 400},
      {"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1x\r\n\r\n", 400},
      {"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 99999999999999999999999\r\n\r\n", 400},
      {"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 10000000000\r\n\r\n", 413},
      {"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: gzip\r\n\r\n", 501},
      {"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: gzip, chunked\r\n\r\n", 501},
      {"POST / HTTP/1.0\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n", 400},
      {"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n", 400},
      {"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nab\r\n", 400},
      {"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nFFFFFFFFFFF\r\n", 413},
      {"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nFFFFFFFFFFFFFFFFFFFF\r\n",
       400},
      {"POST / HTTP/1.1\r\nHost: x\r\nExpect: tea\r\nContent-Length: 1\r\n\r\n", 417},
      {long_target, 414},
      {endless_target, 414},
      {long_header, 431},
      {many_headers, 431},
  };
  Fixture f;
  for (const BadRequest& c : cases) {
    SCOPED_TRACE(c.bytes.substr(0, 120));
    Raw raw(f);
    raw.send(c.bytes);
    const std::string answer = raw.read_all();
    EXPECT_THAT(answer, StartsWith("HTTP/1.1 " + std::to_string(c.status) + " "));
    EXPECT_THAT(answer, HasSubstr("Connection: close"));
    EXPECT_THAT(answer, HasSubstr("application/problem+json"));
  }
  EXPECT_EQ(0, f.handler.handled);
  EXPECT_EQ(std::size(cases), f.server->stats().requests_refused);
}

// The sender of a body that is too long still gets to read why, while it is sending.
TEST(Server, RefusesALongBodyWithoutReadingIt) {
  ServerOptions options = quick_options();
  options.body_bytes_max = 1000;
  Fixture f(nullptr, options);
  Client client = f.client();
  auto response = client.post("/", "x/y", std::string(3'000'000, 'x'));
  ASSERT_TRUE(response.ok()) << response.error().to_string();
  EXPECT_EQ(413, response->status);
  EXPECT_TRUE(client.post("/", "x/y", std::string(1000, 'x')).ok());
}

TEST(Server, StopsAChunkedBodyThatGrowsTooLong) {
  ServerOptions options = quick_options();
  options.body_bytes_max = 1000;
  Fixture f(nullptr, options);
  Raw raw(f);
  raw.send("POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n");
  for (int i = 0; i < 100 && raw.send("20\r\n01234567890123456789012345678901\r\n"); ++i) {
  }
  EXPECT_THAT(raw.read_all(), StartsWith("HTTP/1.1 413 "));
}

TEST(Server, GrowsItsBufferForALargeBody) {
  ServerOptions options = quick_options();
  options.idle_timeout = 60s;  // filling and comparing 16 MiB may take seconds under a sanitizer
  Fixture f(
      [](const Request& request, Responder responder) {
        Response response;
        response.body = std::string(request.body());
        responder.respond(std::move(response));
      },
      options);
  Client client = f.client();
  for (const std::size_t size : {0u, 1u, 16383u, 16384u, 70'000u, 1'000'000u, 16u << 20}) {
    std::string body(size, '\0');
    for (std::size_t i = 0; i < size; ++i) body[i] = static_cast<char>(i * 31 % 251);
    auto response = client.post("/", "x/y", body);
    ASSERT_TRUE(response.ok()) << response.error().to_string();
    EXPECT_TRUE(response->body == body) << size;
  }
  EXPECT_EQ(1u, f.server->stats().connections_accepted);
}

}  // namespace
}  // namespace vitrine::net
