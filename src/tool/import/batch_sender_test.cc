#include "tool/import/batch_sender.h"

#include <array>
#include <atomic>
#include <sstream>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tool/import/fake_shop.h"
#include "tool/import/import_report.h"
#include "tool/import/text_table.h"

namespace vitrine::importer {
namespace {

using std::chrono::milliseconds;
using ::testing::HasSubstr;

const std::string kPath = "/v1/events:import";

struct Fixture {
  Fixture() {
    options.target = {shop.url(), "secret"};
    options.path = kPath;
    options.sleep = [this](milliseconds time) { slept += time.count(); };
  }
  Result<SendTotals> send(int lines) {
    auto sender = BatchSender::start(options);
    if (!sender.ok()) return std::move(sender).error();
    for (int i = 0; i < lines; ++i) {
      Status added =
          sender.value()->add("{\"n\":" + std::to_string(i) + "}",
                              static_cast<std::uint64_t>(i + 1), static_cast<std::uint64_t>(i % 7));
      if (!added.ok()) return std::move(added).error();
    }
    return sender.value()->finish(no_progress());
  }
  FakeShop shop;
  SendOptions options;
  std::atomic<long> slept{0};
};

TEST(BatchSender, EveryLineArrivesOnceAndInOrder) {
  for (const int lines : {0, 1, 9, 10, 11, 95}) {
    SCOPED_TRACE(lines);
    Fixture f;
    f.options.batch_lines = 10;
    const auto totals = f.send(lines);
    ASSERT_TRUE(totals.ok()) << totals.error().to_string();
    EXPECT_EQ(totals->accepted, static_cast<std::uint64_t>(lines));
    EXPECT_EQ(totals->batches, static_cast<std::uint64_t>((lines + 9) / 10));
    const auto arrived = f.shop.lines(kPath);
    ASSERT_EQ(arrived.size(), static_cast<std::size_t>(lines));
    for (int i = 0; i < lines; ++i) {
      EXPECT_EQ(arrived[static_cast<std::size_t>(i)], "{\"n\":" + std::to_string(i) + "}");
    }
  }
}

TEST(BatchSender, WithSeveralConnectionsEachLaneKeepsItsOrder) {
  Fixture f;
  f.options.batch_lines = 5;
  f.options.connections = 3;
  const auto totals = f.send(700);
  ASSERT_TRUE(totals.ok());
  EXPECT_EQ(totals->accepted, 700u);
  std::array<int, 7> last;
  last.fill(-1);
  for (const auto& line : f.shop.lines(kPath)) {
    const int n = std::stoi(line.substr(5));
    EXPECT_GT(n, last[static_cast<std::size_t>(n % 7)]);
    last[static_cast<std::size_t>(n % 7)] = n;
  }
}

TEST(BatchSender, WaitsAsLongAsRetryAfterSaysAndRepeats) {
  Fixture f;
  for (int i = 0; i < 3; ++i) {
    net::Response busy = net::problem(429, "quota", "slower");
    busy.headers.push_back({"Retry-After", "2"});
    f.shop.fail_next(std::move(busy));
  }
  const auto totals = f.send(5);
  ASSERT_TRUE(totals.ok());
  EXPECT_EQ(totals->accepted, 5u);
  EXPECT_EQ(totals->retries, 3u);
  EXPECT_EQ(f.slept, 6000);
  EXPECT_EQ(totals->throttled, milliseconds(6000));
}

TEST(BatchSender, RepeatsAfterServerFailuresButNotForEver) {
  Fixture f;
  f.shop.fail_next(net::problem(503, "starting", "soon"));
  f.shop.fail_next(net::problem(500, "internal", "oops"));
  EXPECT_EQ(f.send(5)->accepted, 5u);
  for (int i = 0; i < f.options.attempts_max; ++i) {
    f.shop.fail_next(net::problem(503, "starting", "never"));
  }
  const auto totals = f.send(6);
  ASSERT_FALSE(totals.ok());
  EXPECT_EQ(totals.error().code(), ErrorCode::kUnavailable);
}

TEST(BatchSender, GivesUpWhenThrottledForTooLong) {
  Fixture f;
  f.options.throttled_max = std::chrono::seconds(5);
  for (int i = 0; i < 10; ++i) f.shop.fail_next(net::problem(429, "quota", "slower"));
  EXPECT_EQ(f.send(5).error().code(), ErrorCode::kExhausted);
}

TEST(BatchSender, ARefusalEndsTheSendingWithItsReason) {
  Fixture f;
  f.options.target.key = "other";
  f.options.batch_lines = 1;
  const auto totals = f.send(500);
  ASSERT_FALSE(totals.ok());
  EXPECT_EQ(totals.error().code(), ErrorCode::kUnauthenticated);
  EXPECT_THAT(totals.error().message(), HasSubstr("key_unknown"));
}

TEST(BatchSender, RejectionsKeepTheOriginOfTheirLine) {
  Fixture f;
  f.options.batch_lines = 4;
  f.shop.reject("\"n\":6}", "out_of_range");
  f.shop.reject("\"n\":9}", "missing_field");
  const auto totals = f.send(12);
  ASSERT_TRUE(totals.ok());
  EXPECT_EQ(totals->accepted, 10u);
  EXPECT_EQ(totals->rejected, 2u);
  ASSERT_EQ(totals->first_rejected.size(), 2u);
  EXPECT_EQ(totals->first_rejected[0].origin, 7u);
  EXPECT_EQ(totals->first_rejected[0].code, "out_of_range");
  EXPECT_EQ(totals->first_rejected[1].origin, 10u);
}

TEST(BatchSender, ARefusedSingleLineIsARejectedLine) {
  Fixture f;
  f.shop.fail_next(net::problem(400, "invalid_json", "no"));
  const auto totals = f.send(1);
  ASSERT_TRUE(totals.ok());
  EXPECT_EQ(totals->rejected_by_code.at("invalid_json"), 1u);
}

TEST(BatchSender, HalvesABatchThatIsTooLarge) {
  Fixture f;
  f.shop.allow_lines_of_bytes(30);
  const auto totals = f.send(40);
  ASSERT_TRUE(totals.ok());
  EXPECT_EQ(totals->accepted, 40u);
  EXPECT_EQ(f.shop.lines(kPath).size(), 40u);
}

TEST(BatchSender, AServerThatIsNotThereIsSaidSo) {
  Fixture f;
  f.options.target.url = "http://127.0.0.1:1";
  f.options.attempts_max = 2;
  EXPECT_EQ(f.send(1).error().code(), ErrorCode::kUnavailable);
}

TEST(ApiClient, ReadsAddressesAndRefusesOthers) {
  EXPECT_EQ(parse_endpoint("http://localhost")->port, 80);
  EXPECT_EQ(parse_endpoint("http://[::1]:9/")->host, "::1");
  EXPECT_FALSE(parse_endpoint("http://localhost")->tls);
  EXPECT_TRUE(parse_endpoint("https://x")->tls);
  EXPECT_EQ(parse_endpoint("https://x")->port, 443);
  EXPECT_EQ(parse_endpoint("https://x:8443/")->port, 8443);
  for (const char* url :
       {"", "localhost:80", "http://", "http://:80", "http://a:0", "http://a:x", "http://a:65536",
        "http://a/b", "http://a b", "http://[::1", "http://u@h", "https://", "ftp://h"}) {
    EXPECT_FALSE(parse_endpoint(url).ok()) << url;
  }
  EXPECT_FALSE(ApiClient::open({"http://h", "two words"}).ok());
  EXPECT_FALSE(ApiClient::open({"http://h", "a\r\nb"}).ok());
}

TEST(TextTable, AlignsByCharactersAndCutsLongText) {
  TextTable table({{"name", TextTable::kLeft, 8}, {"n", TextTable::kRight}});
  table.row({"CAFÉ", "1"});
  table.row({"a\nvery long name", "1234"});
  std::ostringstream out;
  table.print(out);
  EXPECT_EQ(out.str(),
            "  name         n\n"
            "  --------  ----\n"
            "  CAFÉ         1\n"
            "  a ver...  1234\n");
  EXPECT_EQ(group_digits(541909), "541,909");
  EXPECT_EQ(group_digits(999), "999");
  EXPECT_EQ(group_digits(1000000), "1,000,000");
}

}  // namespace
}  // namespace vitrine::importer
