#include "tool/evaluate/readers.h"

#include <cstdio>
#include <filesystem>
#include <fstream>
#include <sstream>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>
#include <zlib.h>

#include "service/evaluate/dataset.h"
#include "tool/evaluate/data_file.h"

namespace vitrine::evaluate {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

class Readers : public testing::Test {
 protected:
  void SetUp() override {
    folder_ = std::filesystem::temp_directory_path() /
              ("vitrine-readers-" + std::to_string(::getpid()) + "-" +
               testing::UnitTest::GetInstance()->current_test_info()->name());
    std::filesystem::create_directories(folder_);
  }
  void TearDown() override { std::filesystem::remove_all(folder_); }

  std::string plain(const std::string& text) {
    const std::string path = folder_ / "plain";
    std::ofstream(path, std::ios::binary) << text;
    return path;
  }
  std::string gzip(const std::string& text) {
    const std::string path = folder_ / "file.gz";
    const gzFile file = gzopen(path.c_str(), "wb");
    gzwrite(file, text.data(), static_cast<unsigned>(text.size()));
    gzclose(file);
    return path;
  }
  std::filesystem::path folder_;
};

std::vector<std::string> lines_of(const std::string& path) {
  DataFile reader = DataFile::open(path).value();
  std::vector<std::string> lines;
  std::string_view line;
  while (reader.next(line).value()) lines.emplace_back(line);
  return lines;
}

const char* const kHeader =
    "\"InvoiceNo\",\"StockCode\",\"Description\",\"Quantity\",\"InvoiceDate\",\"UnitPrice\","
    "\"CustomerID\",\"Country\"\n";

TEST_F(Readers, LinesComeWithoutTheirEndsFromPlainAndGzipFiles) {
  EXPECT_THAT(lines_of(plain("a\r\nb\n\nlast")), ElementsAre("a", "b", "", "last"));
  EXPECT_THAT(lines_of(gzip("a\nb\n")), ElementsAre("a", "b"));
  EXPECT_THAT(lines_of(plain("")), ElementsAre());
}

TEST_F(Readers, LinesLongerThanTheBufferArriveWhole) {
  const std::string line(700'000, 'x');
  EXPECT_THAT(lines_of(gzip("s\n" + line + "\n" + line + "y\nz")),
              ElementsAre("s", line, line + "y", "z"));
}

// A cut anywhere in a gzip file must be an error, never a shorter data set.
TEST_F(Readers, ATruncatedGzipFileIsCorruptWhereverItIsCut) {
  std::string text;
  for (int i = 0; i < 300; ++i) text += "user" + std::to_string(i * 7919) + " 1 2 3\n";
  const std::string path = gzip(text);
  std::ifstream in(path, std::ios::binary);
  const std::string bytes{std::istreambuf_iterator<char>(in), {}};
  for (std::size_t cut = 12; cut < bytes.size(); cut += 5) {
    const auto read = read_sequences(plain(bytes.substr(0, cut)), no_progress());
    ASSERT_FALSE(read.ok()) << cut;
    EXPECT_EQ(read.error().code(), ErrorCode::kCorrupt) << cut;
  }
}

TEST_F(Readers, AMissingFileAndAFolderAreNamed) {
  EXPECT_EQ(read_sequences(folder_ / "none", no_progress()).error().code(), ErrorCode::kNotFound);
  EXPECT_THAT(read_sequences(folder_, no_progress()).error().message(), HasSubstr("is a folder"));
}

TEST_F(Readers, SequencesAreOneUserALine) {
  const Dataset data = read_sequences(plain("u1 a b  a\nu2 b\n\n"), no_progress()).value();
  EXPECT_THAT(data.users, ElementsAre("u1", "u2"));
  EXPECT_THAT(data.items, ElementsAre("a", "b"));
  ASSERT_EQ(data.interactions.size(), 4u);
  EXPECT_EQ(data.interactions[2].item, ItemIndex{0});
  EXPECT_EQ(data.interactions[3].user, UserIndex{1});
  EXPECT_FALSE(data.has_times);
  EXPECT_EQ(read_sequences(plain("\n"), no_progress()).error().code(), ErrorCode::kInvalidArgument);
}

TEST_F(Readers, RetailRowsAreSortedCancellationsAndUnknownCustomersSkipped) {
  const Dataset data =
      read_online_retail(
          plain(std::string(kHeader) + "2,S2,\"a, \"\"b\"\"\",1,2010-12-02 00:00:01,1.5,17,UK\n"
                                       "1,S1,x,2,2010-12-01 08:26:00,1.5,17,UK\n"
                                       "1,S3,x,2,2010-12-01 08:26:00,1.5,17,UK\n"
                                       "C3,S1,x,-2,2010-12-03 08:26:00,1.5,17,UK\n"
                                       "4,S1,x,-2,2010-12-03 08:26:00,1.5,18,UK\n"
                                       "5,S1,x,2,2010-12-03 08:26:00,1.5,,UK\n"),
          no_progress())
          .value();
  EXPECT_EQ(data.skipped, 3u);
  EXPECT_THAT(data.users, ElementsAre("17"));
  ASSERT_EQ(data.interactions.size(), 3u);
  EXPECT_EQ(data.items[data.interactions[0].item.value], "S1");
  EXPECT_EQ(data.interactions[0].event, 0u);
  EXPECT_EQ(data.interactions[1].event, 0u);
  EXPECT_EQ(data.interactions[2].event, 1u);
  EXPECT_EQ(data.interactions[0].time, 1291191960 * kSecondUs);
}

TEST_F(Readers, BadRetailRowsAreErrorsThatNameTheLine) {
  const auto error = [&](const std::string& row) {
    const auto read = read_online_retail(plain(kHeader + row), no_progress());
    return read.ok() ? std::string("accepted") : read.error().message();
  };
  EXPECT_THAT(error("1,2,3\n"), HasSubstr(":2: expected 8 columns"));
  EXPECT_THAT(error("1,S1,x,two,2010-12-01 08:26:00,1.5,17,UK\n"), HasSubstr("'two'"));
  EXPECT_THAT(error("1,S1,x,2,2010-13-01 08:26:00,1.5,17,UK\n"), HasSubstr("InvoiceDate"));
  EXPECT_THAT(error("1,S1,x,2,2010-02-30 08:26:00,1.5,17,UK\n"), HasSubstr("InvoiceDate"));
  EXPECT_THAT(error("1,S1,\"x,2,2010-12-01 08:26:00,1.5,17,UK\n"), HasSubstr(":2:"));
  EXPECT_THAT(read_online_retail(plain("user,item\n"), no_progress()).error().message(),
              HasSubstr("header"));
}

TEST_F(Readers, EventsAreTabSeparatedWithAnOptionalHeader) {
  const Dataset data =
      read_events(plain("user\titem\ttime\nu\ta\t20\nv\ta\t10.5\nu\tb\t20\n"), no_progress())
          .value();
  ASSERT_EQ(data.interactions.size(), 3u);
  EXPECT_EQ(data.users[data.interactions[0].user.value], "v");
  EXPECT_EQ(data.interactions[0].time, 10'500'000);
  EXPECT_EQ(data.interactions[1].event, data.interactions[2].event);
  EXPECT_THAT(read_events(plain("u\ta\t1\nu\tb\n"), no_progress()).error().message(),
              HasSubstr(":2:"));
  EXPECT_FALSE(read_events(plain("u\ta\t1\nu\tb\tnan\n"), no_progress()).ok());
  EXPECT_FALSE(read_events(plain("u\ta\t1\nu\tb\t1e400\n"), no_progress()).ok());
}

}  // namespace
}  // namespace vitrine::evaluate
