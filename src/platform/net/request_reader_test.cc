#include "platform/net/internal/request_reader.h"

#include <random>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "platform/net/internal/request_script.h"

namespace vitrine::net::internal {
namespace {

std::string whole(std::string_view bytes, const ReaderLimits& limits = {}) {
  return describe_stream(bytes, limits, [] { return std::size_t{1} << 30; });
}

std::string chunked(std::string_view body, std::mt19937_64& random) {
  std::string out;
  while (!body.empty()) {
    const std::size_t n = 1 + random() % body.size();
    char size[32];
    std::snprintf(size, sizeof size, "%s%zx%s\r\n", random() % 2 == 0 ? "" : "0", n,
                  random() % 3 == 0 ? ";ext=\"1\"" : "");
    out.append(size).append(body.substr(0, n)).append("\r\n");
    body.remove_prefix(n);
  }
  out.append("0\r\n");
  if (random() % 2 == 0) out.append("Trailer: ignored\r\n");
  return out.append("\r\n");
}

// Goal: where the bytes are cut never changes what they mean.
// Method: random pipelines of requests whose meaning is known, cut at random, against that meaning.
TEST(RequestReader, ReadsRandomPipelinesCutAnywhere) {
  std::mt19937_64 random(7);
  for (int round = 0; round < 300; ++round) {
    std::string bytes;
    std::string expected;
    for (std::uint64_t n = 1 + random() % 6; n > 0; --n) {
      std::string body;
      const std::size_t size = random() % 3 == 0 ? random() % 40000 : random() % 50;
      for (std::size_t i = 0; i < size; ++i) body.push_back(static_cast<char>(random()));
      const std::string target = "/r" + std::to_string(random() % 1000);
      const bool as_chunks = random() % 2 == 0;
      const std::string framing = as_chunks ? "Transfer-Encoding" : "Content-Length";
      const std::string framing_value = as_chunks ? "chunked" : std::to_string(size);
      bytes += "POST " + target + "?q HTTP/1.1\r\nHost: h\r\n" + framing + ": " + framing_value +
               "\r\n\r\n" + (as_chunks ? chunked(body, random) : body);
      expected += "POST " + target + "?q " + target + "?q Host=h " + framing + "=" + framing_value +
                  " [" + body + "]\n";
    }
    ASSERT_EQ(expected, whole(bytes)) << round;
    const std::uint64_t largest = 1 + random() % 5000;
    ASSERT_EQ(expected,
              describe_stream(bytes, {},
                              [&] { return 1 + static_cast<std::size_t>(random() % largest); }))
        << round;
  }
}

TEST(RequestReader, ChunkedBodiesEndWhereTheyEnd) {
  const std::string head = "POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n";
  const std::string read = "POST / /? Host=h Transfer-Encoding=chunked ";
  EXPECT_EQ(read + "[]\n", whole(head + "0\r\n\r\n"));
  EXPECT_EQ(read + "[a]\n", whole(head + "1\r\na\r\n000\r\n\r\n"));
  EXPECT_EQ(read + "[a]\nGET / /? []\n",
            whole(head + "1 ;x\r\na\r\n0\r\nA: b\r\n\r\nGET / HTTP/1.0\r\n\r\n"));
  for (const std::string_view bad :
       {"\r\n", "g\r\n", "1\na\r\n0\r\n\r\n", "1\r\nab\r\n", "1\r\na\n0\r\n\r\n", "-1\r\n",
        "0x1\r\n", "1;\x01\r\n", "0\r\n\x01\r\n", "0\r\n\rX", "1\r\na0\r\n",
        "1000000000000000\r\n"}) {
    EXPECT_EQ("refused 400\n", whole(head + std::string(bad))) << bad;
  }
  EXPECT_EQ("refused 400\n", whole(head + "1;" + std::string(20000, 'x') + "\r\na\r\n0\r\n\r\n"));
  EXPECT_EQ("refused 400\n", whole(head + "0\r\nT: " + std::string(20000, 'x') + "\r\n\r\n"));
}

TEST(RequestReader, BodyLimitsAreExact) {
  ReaderLimits limits;
  limits.body_bytes_max = 10;
  const std::string post = "POST / HTTP/1.1\r\nHost: h\r\n";
  const std::string body10 = "0123456789";
  EXPECT_THAT(whole(post + "Content-Length: 10\r\n\r\n" + body10, limits),
              ::testing::HasSubstr("[0123456789]"));
  EXPECT_EQ("refused 413\n", whole(post + "Content-Length: 11\r\n\r\n", limits));
  EXPECT_THAT(
      whole(post + "Transfer-Encoding: chunked\r\n\r\n5\r\n01234\r\n5\r\n56789\r\n0\r\n\r\n",
            limits),
      ::testing::HasSubstr("[0123456789]"));
  EXPECT_EQ("refused 413\n",
            whole(post + "Transfer-Encoding: chunked\r\n\r\n5\r\n01234\r\n6\r\n", limits));
}

// A claim costs nothing: memory follows what has arrived.
TEST(RequestReader, MemoryFollowsBytesAndNotClaims) {
  ReaderLimits limits;
  limits.body_bytes_max = 1u << 30;
  RequestReader reader(limits);
  const std::string head = "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 1000000000\r\n\r\n";
  std::memcpy(reader.space().data(), head.data(), head.size());
  reader.filled(head.size());
  EXPECT_EQ(RequestReader::Step::kHead, reader.advance());
  std::size_t arrived = head.size();
  for (int i = 0; i < 200; ++i) {
    EXPECT_EQ(RequestReader::Step::kNeedMore, reader.advance());
    const std::span<char> space = reader.space();
    const std::size_t n = std::min<std::size_t>(space.size(), 5000);
    std::memset(space.data(), 'x', n);
    reader.filled(n);
    arrived += n;
    EXPECT_LE(reader.capacity(), std::max<std::size_t>(16 << 10, 2 * arrived));
  }
  reader.reset(1000);
  EXPECT_EQ(0u, reader.capacity());
}

TEST(RequestReader, TinyChunksDoNotCostMoreMemoryThanTheirContents) {
  RequestReader reader({});
  std::string bytes = "POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n";
  for (int i = 0; i < 10000; ++i) bytes += "1;ignored=1\r\nx\r\n";
  std::string_view rest = bytes;
  while (!rest.empty()) {
    const std::span<char> space = reader.space();
    const std::size_t n = std::min({space.size(), rest.size(), std::size_t{1000}});
    std::memcpy(space.data(), rest.data(), n);
    reader.filled(n);
    rest.remove_prefix(n);
    // 10,000 extensions of 10 bytes pass the bound on framing.
    if (reader.advance() == RequestReader::Step::kRefused) break;
    EXPECT_LE(reader.capacity(), std::size_t{16} << 10);
  }
  EXPECT_EQ(400, reader.refusal().status);
}

}  // namespace
}  // namespace vitrine::net::internal
