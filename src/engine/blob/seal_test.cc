#include "engine/blob/seal.h"

#include <random>

#include <gtest/gtest.h>

namespace vitrine::blob {
namespace {

constexpr SealKey kKey{7, 1, 9};

std::string text_of(std::size_t bytes, bool random) {
  std::mt19937_64 generator(bytes);
  std::string out(bytes, 'a');
  for (char& c : out) c = static_cast<char>(random ? generator() : 'a' + generator() % 3);
  return out;
}

struct Case {
  bool encrypted;
  int level;
  SealOptions options() const { return {encrypted ? &kKey : nullptr, level}; }
};
const std::vector<Case> kCases{{false, 0}, {false, 1}, {true, 0}, {true, 3}};

TEST(Seal, GivesBackEveryByteAtEveryPieceBorder) {
  for (const Case& c : kCases) {
    for (const std::size_t bytes : {0ul, 1ul, 65535ul, 65536ul, 65537ul, 131072ul, 300000ul}) {
      for (const bool random : {false, true}) {
        const std::string plain = text_of(bytes, random);
        const auto stored = seal(plain, "name", c.options());
        ASSERT_TRUE(stored.ok());
        EXPECT_EQ(unseal(*stored, "name", &kKey, bytes).value(), plain) << bytes;
        if (bytes > 0) {
          EXPECT_EQ(unseal(*stored, "name", &kKey, bytes - 1).error().code(), ErrorCode::kTooLarge);
        }
      }
    }
  }
}

TEST(Seal, EncryptedBytesShowNothingAndNeedTheirKey) {
  const std::string plain(1000, 'z');
  const std::string stored = seal(plain, "name", {&kKey, 0}).value();
  EXPECT_EQ(stored.find("zzzz"), std::string::npos);
  EXPECT_NE(stored, seal(plain, "name", {&kKey, 0}).value());
  EXPECT_EQ(unseal(stored, "name", nullptr, 1000).error().code(), ErrorCode::kPermissionDenied);
  const SealKey other{7, 1, 8};
  EXPECT_EQ(unseal(stored, "name", &other, 1000).error().code(), ErrorCode::kCorrupt);
}

TEST(Seal, AnObjectUnderAnotherNameIsRefused) {
  for (const Case& c : kCases) {
    const std::string stored = seal("text", "one", c.options()).value();
    EXPECT_EQ(unseal(stored, "two", &kKey, 100).error().code(), ErrorCode::kCorrupt);
  }
}

// Every bit of small objects, and bits all over one of several pieces.
TEST(Seal, EveryFlippedBitIsFoundAndThePlaceIsNamed) {
  for (const Case& c : kCases) {
    std::string small = seal(text_of(200, true), "name", c.options()).value();
    for (std::size_t bit = 0; bit < small.size() * 8; ++bit) {
      small[bit / 8] ^= static_cast<char>(1 << (bit % 8));
      EXPECT_FALSE(unseal(small, "name", &kKey, 1000).ok()) << bit;
      small[bit / 8] ^= static_cast<char>(1 << (bit % 8));
    }
    std::string large = seal(text_of(300'000, true), "name", c.options()).value();
    std::mt19937_64 random(1);
    for (int i = 0; i < 50; ++i) {
      const std::size_t at = random() % large.size();
      large[at] ^= 16;
      const auto opened = unseal(large, "name", &kKey, 1 << 20);
      ASSERT_FALSE(opened.ok());
      ASSERT_EQ(opened.error().code(), ErrorCode::kCorrupt);
      const std::string& text = opened.error().message();
      const std::size_t named = std::stoul(text.substr(text.find("at byte ") + 8));
      EXPECT_LE(named, at);
      EXPECT_LT(at - named, kSealPieceBytes + 128) << text;
      large[at] ^= 16;
    }
    EXPECT_TRUE(unseal(large, "name", &kKey, 1 << 20).ok());
  }
}

TEST(Seal, AnyOtherLengthIsRefused) {
  for (const Case& c : kCases) {
    const std::string stored = seal(text_of(70'000, true), "name", c.options()).value();
    for (const std::size_t bytes : {0ul, 1ul, 35ul, 36ul, 60ul, 65'700ul, stored.size() - 1}) {
      EXPECT_FALSE(unseal(stored.substr(0, bytes), "name", &kKey, 1 << 20).ok()) << bytes;
    }
    EXPECT_FALSE(unseal(stored + "x", "name", &kKey, 1 << 20).ok());
  }
}

TEST(Seal, PiecesCanNotChangePlaces) {
  const std::string plain = text_of(3 * kSealPieceBytes, true);
  for (const bool encrypted : {false, true}) {
    std::string stored = seal(plain, "name", {encrypted ? &kKey : nullptr, 0}).value();
    const std::size_t begin = kSealHeadBytes + (encrypted ? 24 : 0);
    const std::size_t piece = kSealPieceBytes + (encrypted ? 17 : 4);
    const std::string first = stored.substr(begin, piece);
    stored.replace(begin, piece, stored.substr(begin + piece, piece));
    stored.replace(begin + piece, piece, first);
    EXPECT_EQ(unseal(stored, "name", &kKey, plain.size()).error().code(), ErrorCode::kCorrupt);
  }
}

TEST(Compress, OneWholeFrameOfThePromisedSize) {
  const std::string plain = text_of(100'000, false);
  const std::string packed = compress(plain, 3).value();
  EXPECT_LT(packed.size(), plain.size() / 2);
  EXPECT_EQ(decompress(packed, plain.size()).value(), plain);
  EXPECT_FALSE(decompress(packed, plain.size() + 1).ok());
  EXPECT_FALSE(decompress(packed + "x", plain.size()).ok());
  EXPECT_FALSE(decompress(packed.substr(0, packed.size() / 2), plain.size()).ok());
  EXPECT_FALSE(decompress("", 0).ok());
}

}  // namespace
}  // namespace vitrine::blob
