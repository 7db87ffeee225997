#include "domain/tenant/key.h"

#include <random>
#include <set>

#include <gtest/gtest.h>

namespace vitrine::tenant {
namespace {

KeySecret random_secret(std::mt19937_64& random) {
  KeySecret secret;
  for (auto& byte : secret) byte = static_cast<unsigned char>(random());
  return secret;
}

TEST(Key, WhatIsFormattedParsesBackForEveryScopeAndManyIds) {
  std::mt19937_64 random(7);
  for (int i = 0; i < 300; ++i) {
    const Scope scope = kScopes[i % kScopes.size()];
    const KeyId id{1 + random() % kKeyIdMax};
    const std::string text = format_key(scope, id, random_secret(random));
    ASSERT_EQ(text.size(), kKeyTextBytes);
    const auto parsed = parse_key(text);
    ASSERT_TRUE(parsed.ok()) << text;
    EXPECT_EQ(parsed->scope, scope);
    EXPECT_EQ(parsed->id, id);
    EXPECT_EQ(parse_key_id(key_id_text(id)).value(), id);
  }
}

TEST(Key, DifferentSecretsGiveDifferentTextsUpToTheLastBit) {
  std::set<std::string> texts;
  KeySecret secret{};
  texts.insert(format_key(Scope::kSecret, KeyId{1}, secret));
  for (std::size_t bit = 0; bit < 256; ++bit) {
    KeySecret one{};
    one[bit / 8] = static_cast<unsigned char>(1u << (bit % 8));
    texts.insert(format_key(Scope::kSecret, KeyId{1}, one));
  }
  secret.fill(0xFF);
  texts.insert(format_key(Scope::kSecret, KeyId{1}, secret));
  EXPECT_EQ(texts.size(), 258u);
}

TEST(Key, EverySingleTypoIsToldFromAnUnknownKey) {
  std::mt19937_64 random(8);
  const std::string text = format_key(Scope::kPublishable, KeyId{0xabc}, random_secret(random));
  for (std::size_t at = 0; at < text.size(); ++at) {
    for (char wrong : {'0', 'x', 'Z', '_', ' ', '\0', '\xff'}) {
      std::string typo = text;
      if (typo[at] == wrong) continue;
      typo[at] = wrong;
      const auto parsed = parse_key(typo);
      ASSERT_FALSE(parsed.ok()) << typo;
      EXPECT_EQ(parsed.error().code(), ErrorCode::kUnauthenticated);
      EXPECT_TRUE(parsed.error().reason() == "key_mistyped" ||
                  parsed.error().reason() == "key_malformed");
    }
  }
}

TEST(Key, SwappedNeighboursAreNoticed) {
  std::mt19937_64 random(9);
  const std::string text = format_key(Scope::kSecret, KeyId{0xabc}, random_secret(random));
  for (std::size_t at = 0; at + 1 < text.size(); ++at) {
    std::string typo = text;
    std::swap(typo[at], typo[at + 1]);
    if (typo == text) continue;
    EXPECT_FALSE(parse_key(typo).ok()) << at;
  }
}

TEST(Key, CutOrLengthenedKeysAreMalformed) {
  std::mt19937_64 random(10);
  const std::string text = format_key(Scope::kAdmin, KeyId{5}, random_secret(random));
  for (std::size_t size = 0; size < text.size(); ++size) {
    const auto parsed = parse_key(std::string_view(text).substr(0, size));
    ASSERT_FALSE(parsed.ok());
    EXPECT_EQ(parsed.error().reason(), "key_malformed");
  }
  EXPECT_EQ(parse_key(text + "0").error().reason(), "key_malformed");
}

TEST(Key, NoRefusalRepeatsTheKey) {
  std::mt19937_64 random(11);
  std::string text = format_key(Scope::kSecret, KeyId{5}, random_secret(random));
  const std::string secret = text.substr(20, 43);
  text.back() = text.back() == '0' ? '1' : '0';
  EXPECT_EQ(parse_key(text).error().message().find(secret), std::string::npos);
}

TEST(Key, AnIdIsTwelveHexDigitsAndNotZero) {
  EXPECT_EQ(parse_key_id("00000000000f").value(), KeyId{15});
  for (std::string_view bad : {"", "0", "000000000000", "00000000000F", "00000000000g",
                               "0000000000000f", "-0000000000f"}) {
    EXPECT_EQ(parse_key_id(bad).error().code(), ErrorCode::kInvalidArgument) << bad;
  }
}

// The stored form must never change: a database of today must know its keys tomorrow.
TEST(Key, TheTextAndHashOfAFixedSecretStayTheSame) {
  KeySecret secret;
  for (std::size_t i = 0; i < secret.size(); ++i) secret[i] = static_cast<unsigned char>(i);
  const std::string text = format_key(Scope::kSecret, KeyId{0x3f9a01bc22de}, secret);
  EXPECT_EQ(text, "vt_sec_3f9a01bc22de_003aUlTJC7tjlCTQj2uNU3MFagCXG9LRKRcwGkBIDlfIiCFwV");
  std::string hex;
  for (unsigned char byte : hash_key(text)) {
    hex += "0123456789abcdef"[byte / 16];
    hex += "0123456789abcdef"[byte % 16];
  }
  EXPECT_EQ(hex, "c99f8a0f41a812c43b4b4fe7de43058ce468bf7c01c304e9a65363395e718cd3");
}

TEST(Key, HashesDifferWithOneBitOfText) {
  EXPECT_TRUE(same_hash(hash_key("a"), hash_key("a")));
  EXPECT_FALSE(same_hash(hash_key("a"), hash_key("b")));
}

}  // namespace
}  // namespace vitrine::tenant
