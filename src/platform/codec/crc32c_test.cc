#include "platform/codec/crc32c.h"

#include <random>
#include <string>

#include <gtest/gtest.h>

namespace vitrine::codec {
namespace {

TEST(Crc32c, GivesThePublishedValues) {
  EXPECT_EQ(crc32c(""), 0u);
  EXPECT_EQ(crc32c("123456789"), 0xE3069283u);
  EXPECT_EQ(crc32c(std::string(32, '\0')), 0x8A9136AAu);  // RFC 3720, B.4
  EXPECT_EQ(crc32c(std::string(32, '\xff')), 0x62A8AB43u);
}

TEST(Crc32c, AgreesWithTheSoftwareTwinAtEveryLengthAndAlignment) {
  std::mt19937_64 random(7);
  std::string bytes(20'000, '\0');
  for (char& c : bytes) c = static_cast<char>(random());
  for (std::size_t size = 0; size < 400; ++size) {
    const std::string_view part = std::string_view(bytes).substr(size % 11, size);
    ASSERT_EQ(crc32c(part), crc32c_software(part)) << size;
  }
  for (int i = 0; i < 500; ++i) {  // across the border of three lanes, and several rounds of it
    const std::size_t at = random() % 5000;
    const std::string_view part = std::string_view(bytes).substr(at, random() % 15'000);
    ASSERT_EQ(crc32c(part), crc32c_software(part)) << at << " " << part.size();
  }
}

TEST(Crc32c, ContinuesFromTheChecksumOfThePartBefore) {
  std::string bytes(9000, 'x');
  for (std::size_t i = 0; i < bytes.size(); ++i) bytes[i] = static_cast<char>(i * 31);
  const std::string_view all = bytes;
  for (const std::size_t cut : {0u, 1u, 8u, 3071u, 3072u, 3073u, 8999u, 9000u}) {
    EXPECT_EQ(crc32c(all.substr(cut), crc32c(all.substr(0, cut))), crc32c(all)) << cut;
  }
}

}  // namespace
}  // namespace vitrine::codec
