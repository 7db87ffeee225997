#include "edge/api/request_log.h"

#include <set>
#include <thread>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "platform/obs/log.h"

namespace vitrine::api {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;

class RequestLog : public ::testing::Test {
 protected:
  RequestLog() { listen(obs::LogLevel::kDebug); }
  ~RequestLog() override { EXPECT_TRUE(obs::configure_log({}).ok()); }
  void listen(obs::LogLevel level) {
    obs::LogOptions options;
    options.level = level;
    options.sink = [this](std::string_view line) { lines_.emplace_back(line); };
    ASSERT_TRUE(obs::configure_log(std::move(options)).ok());
  }
  // Lines of one kind come ten a second at most.
  static void let_pass() { std::this_thread::sleep_for(std::chrono::milliseconds(110)); }
  std::vector<std::string> lines_;
};

std::string id_of(const net::Response& response) {
  for (const auto& header : response.headers) {
    if (header.name == "X-Request-Id") return header.value;
  }
  return "";
}

TEST_F(RequestLog, AClientsNameIsKeptWhereItIsPlainAndReplacedWhereItIsNot) {
  EXPECT_EQ(request_name("order-17.retry_2"), "order-17.retry_2");
  for (const std::string& bad :
       {std::string(), std::string("two words"), std::string("a\r\nSet-Cookie: x"),
        std::string("\xF0\x9F\x98\x80"), std::string("a\0b", 3), std::string(65, 'a')}) {
    const std::string made = request_name(bad);
    EXPECT_EQ(made.size(), 13u);
    EXPECT_EQ(request_name(made), made);
  }
  EXPECT_EQ(request_name(std::string(64, 'a')), std::string(64, 'a'));
}

TEST_F(RequestLog, MadeNamesAreAllDifferent) {
  std::set<std::string> names;
  for (int i = 0; i < 20'000; ++i) names.insert(request_name(""));
  EXPECT_EQ(names.size(), 20'000u);
}

TEST_F(RequestLog, AFailureIsNamedToTheClientAndInTheLogWithItsTenant) {
  let_pass();
  net::Response response;
  response.status = 503;
  finish_answer({"n1", false, "shoes", "recommend", 2'500'000}, response);
  EXPECT_EQ(id_of(response), "n1");
  EXPECT_THAT(lines_, ElementsAre(AllOf(
                          HasSubstr(R"("event":"request_failed")"), HasSubstr(R"("level":"error")"),
                          HasSubstr(R"("request_id":"n1")"), HasSubstr(R"("tenant":"shoes")"),
                          HasSubstr(R"("route":"recommend")"), HasSubstr(R"("status":503)"),
                          HasSubstr(R"("ms":2.5)"))));
}

TEST_F(RequestLog, RefusalsAreToldToWhoListensForThem) {
  let_pass();
  net::Response response;
  response.status = 404;
  finish_answer({"n2", false, "", "", 0}, response);
  EXPECT_THAT(lines_, ElementsAre(HasSubstr("request_refused")));
  listen(obs::LogLevel::kInfo);
  lines_.clear();
  let_pass();
  finish_answer({"n3", false, "", "", 0}, response);
  EXPECT_THAT(lines_, IsEmpty());
}

TEST_F(RequestLog, WhatWentWellIsNamedOnlyWhereTheClientNamedItAndToldOnlyWhereItWasSlow) {
  let_pass();
  net::Response quiet, named, slow;
  finish_answer({"n4", false, "shoes", "search", 1'000'000}, quiet);
  finish_answer({"mine", true, "shoes", "search", 1'000'000}, named);
  EXPECT_EQ(id_of(quiet), "");
  EXPECT_EQ(id_of(named), "mine");
  EXPECT_THAT(lines_, IsEmpty());
  finish_answer({"n5", false, "shoes", "search", kSlowRequestNs + 1}, slow);
  EXPECT_THAT(lines_,
              ElementsAre(AllOf(HasSubstr("request_slow"), HasSubstr(R"("level":"warn")"))));
}

TEST_F(RequestLog, AStormOfFailuresWritesTenLinesASecondAndCountsTheRest) {
  let_pass();
  for (int i = 0; i < 1000; ++i) {
    net::Response response;
    response.status = 500;
    finish_answer({"storm", false, "shoes", "search", 0}, response);
  }
  const std::size_t of_the_storm = lines_.size();
  EXPECT_LT(of_the_storm, 100u);
  let_pass();
  net::Response response;
  response.status = 500;
  finish_answer({"after", false, "shoes", "search", 0}, response);
  ASSERT_EQ(lines_.size(), of_the_storm + 1);
  EXPECT_THAT(lines_.back(), Not(HasSubstr(R"("skipped":0)")));
}

}  // namespace
}  // namespace vitrine::api
