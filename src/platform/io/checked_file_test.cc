#include "platform/io/checked_file.h"

#include <random>

#include <gtest/gtest.h>

#include "platform/io/simulated_files.h"

namespace vitrine::io {
namespace {

std::string some_bytes(std::size_t size, std::uint64_t seed) {
  std::mt19937_64 random(seed);
  std::string bytes(size, '\0');
  for (char& c : bytes) c = static_cast<char>(random());
  return bytes;
}

void write_checked(FileSystem& files, const std::string& path, std::string_view data) {
  auto writer = CheckedFileWriter::create(files, path, {.name = "part", .format = 3}).value();
  while (!data.empty()) {
    const std::size_t piece = std::min<std::size_t>(data.size(), 7777);
    writer->write(data.substr(0, piece));
    data.remove_prefix(piece);
  }
  ASSERT_TRUE(writer->finish().ok());
}

Result<std::string> read_checked(FileSystem& files, const std::string& path, std::size_t size) {
  VITRINE_TRY(auto reader, CheckedFileReader::open(files, path, "part", 3));
  std::string out(size, '\0');
  VITRINE_TRY(reader->read(out.data(), out.size()));
  VITRINE_TRY(reader->expect_end());
  return out;
}

TEST(CheckedFile, ReadsBackWhatWasWrittenAtSizesAroundTheBlock) {
  SimulatedFiles files;
  for (const std::size_t size :
       {std::size_t{0}, std::size_t{1}, kCheckedBlockBytes - 1, kCheckedBlockBytes,
        kCheckedBlockBytes + 1, 3 * kCheckedBlockBytes, 3 * kCheckedBlockBytes + 5}) {
    const std::string data = some_bytes(size, size);
    write_checked(files, "d/f", data);
    EXPECT_EQ(read_checked(files, "d/f", size).value(), data) << size;
    EXPECT_FALSE(read_checked(files, "d/f", size + 1).ok()) << size;
    if (size > 0) {
      EXPECT_FALSE(read_checked(files, "d/f", size - 1).ok()) << size;
    }
  }
}

TEST(CheckedFile, NoticesEveryFlippedBitAndEveryTruncation) {
  SimulatedFiles files;
  const std::string data = some_bytes(600, 1);
  write_checked(files, "d/f", data);
  const std::string bytes = files.contents("d/f").value();
  for (std::size_t at = 0; at < bytes.size(); ++at) {
    files.overwrite("d/f", at, std::string(1, static_cast<char>(bytes[at] ^ (1 << (at % 8)))));
    EXPECT_FALSE(read_checked(files, "d/f", data.size()).ok()) << at;
    files.overwrite("d/f", at, bytes.substr(at, 1));
  }
  for (std::size_t size = 0; size < bytes.size(); ++size) {
    files.overwrite("d/cut" + std::to_string(size), 0, bytes.substr(0, size));
    EXPECT_FALSE(read_checked(files, "d/cut" + std::to_string(size), data.size()).ok()) << size;
  }
}

TEST(CheckedFile, RefusesAnotherNameAndANewerFormat) {
  SimulatedFiles files;
  write_checked(files, "d/f", "abc");
  EXPECT_EQ(CheckedFileReader::open(files, "d/f", "other", 3).error().code(), ErrorCode::kCorrupt);
  EXPECT_EQ(CheckedFileReader::open(files, "d/f", "part", 2).error().code(),
            ErrorCode::kUnsupported);
}

TEST(CheckedFile, ACountTooLargeForTheFileIsRefusedBeforeAllocating) {
  SimulatedFiles files;
  std::string data(8, '\xff');
  write_checked(files, "d/f", data);
  auto reader = CheckedFileReader::open(files, "d/f", "part", 3).value();
  std::vector<std::uint64_t> values;
  EXPECT_EQ(reader->array(values).error().code(), ErrorCode::kCorrupt);
}

// Goal: under its name there is the old or the new file, never a mixture, wherever the disk dies.
TEST(CheckedFile, TheOldOrTheNewContentsSurviveAPowerCutAtEveryOperation) {
  const std::string before = some_bytes(1000, 1);
  const std::string after = some_bytes(1000, 2);
  bool finished = false;
  for (std::uint64_t cut = 0; !finished; ++cut) {
    for (std::uint64_t seed = 0; seed < 16; ++seed) {
      SimulatedFiles files;
      write_checked(files, "d/f", before);
      files.cut_power_at(files.operations() + cut);
      auto writer = CheckedFileWriter::create(files, "d/f", {.name = "part", .format = 3});
      if (writer.ok()) {
        writer.value()->write(after);
        finished = writer.value()->finish().ok();
      }
      files.crash(seed);
      const std::string found = read_checked(files, "d/f", 1000).value();
      EXPECT_TRUE(found == after || (!finished && found == before)) << cut << " " << seed;
    }
  }
}

}  // namespace
}  // namespace vitrine::io
