#include "platform/codec/line_reader.h"

#include <filesystem>
#include <fstream>
#include <random>

#include <gtest/gtest.h>

#include "platform/codec/gzip.h"

namespace vitrine::codec {
namespace {

// "a|b|<long>|..." as read; ends with the error if there was one.
std::string read_all(LineReader& reader) {
  std::string all;
  for (;;) {
    std::string_view line;
    auto read = reader.next(line);
    if (!read.ok()) return all + "!" + read.error().to_string();
    if (read.value() == LineRead::kEnd) return all;
    all += read.value() == LineRead::kTooLong ? "<long>" : std::string(line);
    all += '|';
  }
}

std::string lines_of(std::string_view text, std::size_t line_max = 100, std::size_t piece = 64) {
  LineReader reader(memory_input(text, piece), line_max);
  return read_all(reader);
}

TEST(LineReader, SplitsAtLineEndsOfBothKinds) {
  EXPECT_EQ(lines_of(""), "");
  EXPECT_EQ(lines_of("\n"), "|");
  EXPECT_EQ(lines_of("a\nb\r\n\nc"), "a|b||c|");
  EXPECT_EQ(lines_of("a\rb\n"), "a\rb|");
}

TEST(LineReader, AgreesWithPlainSplittingForPiecesOfAnySize) {
  std::mt19937_64 random(1);
  for (int round = 0; round < 5000; ++round) {
    std::string text;
    for (std::size_t n = random() % 60; n > 0; --n) text += "ab\n\r"[random() % 4];
    std::string expected;
    std::size_t start = 0;
    while (start < text.size()) {
      const std::size_t stop = std::min(text.find('\n', start), text.size());
      std::string line = text.substr(start, stop - start);
      if (line.ends_with('\r')) line.pop_back();
      expected += (line.size() > 5 ? "<long>" : line) + "|";
      start = stop + 1;
    }
    for (const std::size_t piece : {1, 2, 3, 64}) {
      ASSERT_EQ(lines_of(text, 5, piece), expected)
          << testing::PrintToString(text) << " in " << piece;
    }
  }
}

TEST(LineReader, CountsLinesAndSkipsOnlyTheLongOne) {
  const std::string text = "one\n" + std::string(50, 'x') + "\nthree\n";
  LineReader reader(memory_input(text, 7), 10);
  std::string_view line;
  ASSERT_EQ(reader.next(line).value(), LineRead::kLine);
  ASSERT_EQ(reader.next(line).value(), LineRead::kTooLong);
  EXPECT_EQ(reader.line_number(), 2u);
  ASSERT_EQ(reader.next(line).value(), LineRead::kLine);
  EXPECT_EQ(line, "three");
  EXPECT_EQ(reader.line_number(), 3u);
}

class Files : public testing::Test {
 protected:
  Files() {
    std::string pattern =
        (std::filesystem::temp_directory_path() / "vitrine-lines-XXXXXX").string();
    directory_ = ::mkdtemp(pattern.data());
  }
  ~Files() override { std::filesystem::remove_all(directory_); }
  std::string write(const std::string& name, std::string_view bytes) const {
    const std::string path = directory_ + "/" + name;
    std::ofstream(path, std::ios::binary) << bytes;
    return path;
  }
  std::string directory_;
};

std::string many_lines() {
  std::string text;
  for (int i = 0; i < 200000; ++i) text += "line " + std::to_string(i) + "\n";
  return text;
}

TEST_F(Files, PlainAndPackedFilesGiveTheSameLinesWithProgress) {
  const std::string text = many_lines();
  const std::string packed = gzip(text);
  std::string expected = text;
  std::replace(expected.begin(), expected.end(), '\n', '|');
  for (const auto& [name, bytes] : {std::pair{"plain", text}, std::pair{"packed.gz", packed}}) {
    auto input = open_input_file(write(name, bytes));
    ASSERT_TRUE(input.ok());
    LineReader reader(std::move(input).value());
    EXPECT_EQ(reader.input().bytes_total(), bytes.size());
    EXPECT_EQ(read_all(reader), expected);
    EXPECT_EQ(reader.input().bytes_done(), bytes.size());
  }
}

TEST_F(Files, ATruncatedPackedFileIsAnErrorThatSaysSo) {
  const std::string packed = gzip(many_lines());
  auto input = open_input_file(write("cut.gz", packed.substr(0, packed.size() - 100)));
  ASSERT_TRUE(input.ok());
  LineReader reader(std::move(input).value());
  const std::string all = read_all(reader);
  EXPECT_NE(all.find("!invalid_argument: " + directory_ + "/cut.gz"), std::string::npos);
  EXPECT_NE(all.find("truncated"), std::string::npos);
}

TEST_F(Files, AMissingFileIsNotFound) {
  EXPECT_EQ(open_input_file(directory_ + "/none").error().code(), ErrorCode::kNotFound);
}

TEST_F(Files, AnEmptyFileHasNoLines) {
  auto input = open_input_file(write("empty", ""));
  ASSERT_TRUE(input.ok());
  LineReader reader(std::move(input).value());
  EXPECT_EQ(read_all(reader), "");
}

}  // namespace
}  // namespace vitrine::codec
