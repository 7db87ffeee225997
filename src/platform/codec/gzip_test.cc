#include "platform/codec/gzip.h"

#include <random>

#include <gtest/gtest.h>

namespace vitrine::codec {
namespace {

std::string random_text(std::mt19937_64& random, std::size_t bytes) {
  std::string text;
  while (text.size() < bytes) text += std::to_string(random() % 1000) + ",";
  text.resize(bytes);
  return text;
}

TEST(Gzip, WhatIsPackedUnpacksToTheSame) {
  std::mt19937_64 random(1);
  for (const std::size_t bytes : {0, 1, 100, 65535, 65536, 65537, 1000000}) {
    const std::string text = random_text(random, bytes);
    std::string out = "old";
    const auto status = gunzip(gzip(text), bytes, 64, out);
    ASSERT_TRUE(status.ok()) << status.error().to_string();
    EXPECT_EQ(out, text);
    EXPECT_GE(out.capacity(), out.size() + 64);
  }
}

TEST(Gzip, EveryCutIsTruncatedAndSaysSo) {
  std::mt19937_64 random(2);
  const std::string packed = gzip(random_text(random, 3000));
  std::string out;
  for (std::size_t size = 0; size < packed.size(); ++size) {
    const auto status = gunzip(std::string_view(packed).substr(0, size), 1 << 20, 0, out);
    ASSERT_FALSE(status.ok()) << size;
    ASSERT_EQ(status.error().code(), ErrorCode::kInvalidArgument);
    ASSERT_NE(status.error().message().find(size == 0 ? "empty" : "truncated"), std::string::npos);
  }
}

TEST(Gzip, ABombIsTooLargeBeforeItTakesMemory) {
  const std::string bomb = gzip(std::string(100 << 20, '\0'), 9);
  ASSERT_LT(bomb.size(), 200u << 10);
  std::string out;
  const auto status = gunzip(bomb, 1 << 20, 64, out);
  ASSERT_FALSE(status.ok());
  EXPECT_EQ(status.error().code(), ErrorCode::kTooLarge);
  EXPECT_LE(out.capacity(), 4u << 20);
}

TEST(Gzip, TheLimitIsExact) {
  std::string out;
  for (const std::size_t bytes : {1, 65535, 65536, 65537, 131072}) {
    const std::string packed = gzip(std::string(bytes, 'x'));
    EXPECT_TRUE(gunzip(packed, bytes, 0, out).ok()) << bytes;
    EXPECT_FALSE(gunzip(packed, bytes - 1, 0, out).ok()) << bytes;
  }
}

TEST(Gzip, SeveralMembersAreOneText) {
  std::string out;
  ASSERT_TRUE(gunzip(gzip("abc") + gzip("") + gzip("def"), 100, 0, out).ok());
  EXPECT_EQ(out, "abcdef");
  EXPECT_FALSE(gunzip(gzip("abc") + "garbage", 100, 0, out).ok());
  EXPECT_FALSE(gunzip(gzip("abc") + "\x1F", 100, 0, out).ok());
}

TEST(Gzip, WhatIsNotGzipOrDamagedIsRefusedAndTheNextTextWorks) {
  std::mt19937_64 random(3);
  const std::string text = random_text(random, 2000);
  const std::string packed = gzip(text);
  std::string out;
  EXPECT_FALSE(gunzip("plain text", 100, 0, out).ok());
  int refused = 0;
  for (std::size_t at = 10; at < packed.size(); ++at) {
    std::string damaged = packed;
    damaged[at] = static_cast<char>(damaged[at] ^ (1 << random() % 8));
    if (gunzip(damaged, 1 << 20, 0, out).ok()) {
      EXPECT_EQ(out, text);  // a bit that means nothing, such as padding behind the last block
    } else {
      ++refused;
    }
  }
  EXPECT_GT(refused, static_cast<int>(packed.size() - 15));
  ASSERT_TRUE(gunzip(packed, 1 << 20, 0, out).ok());
  EXPECT_EQ(out, text);
}

TEST(Gzip, PiecesOfAnySizeGiveTheSame) {
  std::mt19937_64 random(4);
  const std::string text = random_text(random, 200000);
  const std::string packed = gzip(text) + gzip(text);
  for (const std::size_t piece : {1, 7, 1000, 70000}) {
    GzipInflater inflater;
    std::string out;
    for (std::size_t at = 0; at < packed.size(); at += piece) {
      ASSERT_TRUE(inflater.feed(std::string_view(packed).substr(at, piece), 1 << 20, out).ok());
    }
    EXPECT_TRUE(inflater.finish().ok());
    EXPECT_EQ(out, text + text);
  }
}

}  // namespace
}  // namespace vitrine::codec
