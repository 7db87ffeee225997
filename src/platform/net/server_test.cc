#include "platform/net/server.h"

#include <ctime>
#include <mutex>
#include <new>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "platform/net/server_test_util.h"

namespace vitrine::net {
namespace {

using ::testing::HasSubstr;
using ::testing::StartsWith;

TEST(Server, AnswersAndKeepsTheConnection) {
  Fixture f;
  Client client = f.client();
  for (int i = 0; i < 3; ++i) {
    auto response = client.request("POST", "/v1/events?x=1", {}, "body " + std::to_string(i));
    ASSERT_TRUE(response.ok()) << response.error().to_string();
    EXPECT_EQ(200, response->status);
    EXPECT_EQ("POST /v1/events?x=1 [body " + std::to_string(i) + "]", response->body);
    EXPECT_EQ("text/plain", response->header("content-type"));
    EXPECT_THAT(std::string(response->header("Date")), HasSubstr("GMT"));
  }
  EXPECT_EQ(1u, f.server->stats().connections_accepted);
  EXPECT_EQ(3u, f.server->stats().requests);
}

TEST(Server, TakesARequestCutAtEveryByte) {
  Fixture f;
  const std::string request =
      "POST /cut HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\nX-A: b\r\n\r\nhello";
  const std::string chunked =
      "POST /cut HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: "
      "chunked\r\n\r\n2\r\nhe\r\n3;e=1\r\nllo\r\n"
      "0\r\nT: v\r\n\r\n";
  Raw raw(f);
  for (const std::string& bytes : {request, chunked}) {
    for (std::size_t cut = 1; cut < bytes.size(); ++cut) {
      SCOPED_TRACE(cut);
      ASSERT_TRUE(raw.send(bytes.substr(0, cut)));
      if (cut % 7 == 0) std::this_thread::sleep_for(1ms);
      ASSERT_TRUE(raw.send(bytes.substr(cut)));
      ASSERT_THAT(raw.read_answers(1), HasSubstr("POST /cut [hello]"));
    }
  }
}

TEST(Server, AnswersPipelinedRequestsInOrder) {
  Fixture f;
  std::string all;
  for (int i = 0; i < 500; ++i) {
    all += "POST /" + std::to_string(i) + " HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\nabc";
  }
  Raw raw(f);
  std::thread sender([&] { raw.send(all); });
  const std::string answers = raw.read_answers(500);
  sender.join();
  std::size_t at = 0;
  for (int i = 0; i < 500; ++i) {
    at = answers.find("POST /" + std::to_string(i) + " [abc]", at);
    ASSERT_NE(std::string::npos, at) << i;
  }
}

// Goal: order holds although each answer comes from another thread, after a while.
TEST(Server, AnswersPipelinedRequestsInOrderWhenAnsweredElsewhere) {
  std::vector<std::thread> threads;
  std::mutex mutex;
  Fixture f([&](const Request& request, Responder responder) {
    std::lock_guard lock(mutex);
    threads.emplace_back([&request, r = std::move(responder)]() mutable {
      std::this_thread::sleep_for(std::chrono::microseconds(request.target().size() * 37 % 500));
      r.respond(echo(request));
    });
  });
  std::string all;
  for (int i = 0; i < 100; ++i) all += "GET /" + std::to_string(i) + " HTTP/1.1\r\nHost: x\r\n\r\n";
  Raw raw(f);
  raw.send(all);
  const std::string answers = raw.read_answers(100);
  std::size_t at = 0;
  for (int i = 0; i < 100; ++i) {
    at = answers.find("GET /" + std::to_string(i) + " []", at);
    ASSERT_NE(std::string::npos, at) << i;
  }
  for (auto& t : threads) t.join();
}

TEST(Server, TellsTheSenderToContinueOnlyIfItMay) {
  Fixture f;
  Raw raw(f);
  raw.send("POST / HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\n");
  std::string first = raw.read_all(200ms);
  EXPECT_EQ("HTTP/1.1 100 Continue\r\n\r\n", first);
  raw.send("ok");
  EXPECT_THAT(raw.read_answers(1), HasSubstr("[ok]"));

  Raw refused(f);
  refused.send(
      "POST / HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nAuthorization: no\r\n"
      "Content-Length: 2\r\n\r\n");
  const std::string answer = refused.read_all();
  EXPECT_THAT(answer, StartsWith("HTTP/1.1 401 "));
  EXPECT_THAT(answer, HasSubstr("Connection: close"));
  EXPECT_EQ(1, f.handler.handled);
  EXPECT_EQ(2, f.handler.asked_before_body);
}

TEST(Server, DoesNotAskBeforeABodyThatIsAlreadyThere) {
  Fixture f;
  Raw raw(f);
  raw.send("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\nok");
  EXPECT_THAT(raw.read_answers(1), HasSubstr("[ok]"));
  EXPECT_EQ(0, f.handler.asked_before_body);
}

TEST(Server, AnswersHeadWithoutABody) {
  Fixture f;
  Client client = f.client();
  auto head = client.request("HEAD", "/h");
  ASSERT_TRUE(head.ok());
  EXPECT_EQ("", head->body);
  EXPECT_EQ("10", head->header("Content-Length"));  // "HEAD /h []"
  EXPECT_TRUE(client.get("/after").ok());
  EXPECT_EQ(1u, f.server->stats().connections_accepted);
}

TEST(Server, SaysWhyItCantStart) {
  TestHandler handler;
  ServerOptions options;
  options.address = "not an address";
  EXPECT_EQ(ErrorCode::kInvalidArgument, Server::start(options, handler).error().code());
  options = {};
  options.threads = 0;
  EXPECT_EQ(ErrorCode::kInvalidArgument, Server::start(options, handler).error().code());
  Fixture f;
  options = {};
  options.port = f.server->port();
  EXPECT_EQ(ErrorCode::kIo, Server::start(options, handler).error().code());
}

TEST(Server, HeadersAndTargetsReadAsSent) {
  std::mutex mutex;
  std::string seen;
  Fixture f([&](const Request& r, Responder responder) {
    std::lock_guard lock(mutex);
    seen = std::string(r.path()) + "|" + std::string(r.query()) + "|" +
           std::string(r.header("x-KEY")) + "|" + std::string(r.header("absent")) + "|" +
           std::string(r.remote_address()) + "|" + std::string(r.header_at(1).name);
    EXPECT_GT(r.received_ns(), 0);
    responder.respond(
        {.status = 204, .content_type = {}, .body = {}, .headers = {{"X-R", "a\r\nb: c"}}});
  });
  Raw raw(f);
  raw.send("GET http://h:1/v1/items/a%2Fb?q=1?2 HTTP/1.1\r\nHost: x\r\nX-Key: \t v w \r\n\r\n");
  const std::string answer = raw.read_all(200ms);
  EXPECT_EQ("/v1/items/a%2Fb|q=1?2|v w||127.0.0.1|X-Key", seen);
  EXPECT_THAT(answer, StartsWith("HTTP/1.1 204 No Content\r\n"));
  EXPECT_THAT(answer, HasSubstr("X-R: a  b: c\r\n"));
  EXPECT_THAT(answer, ::testing::Not(HasSubstr("Content-Length")));
}

TEST(Server, ClosesForHttp10AndForConnectionClose) {
  Fixture f;
  for (const std::string_view request :
       {"GET / HTTP/1.0\r\n\r\n", "GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"}) {
    Raw raw(f);
    raw.send(request);
    EXPECT_THAT(raw.read_all(), HasSubstr("Connection: close"));
  }
}

// An answer that is made where it is sent.
class MadeElsewhere final : public AnswerMaker {
 public:
  explicit MadeElsewhere(std::function<Response()> fn) : fn_(std::move(fn)) {}
  Response make() override { return fn_(); }

 private:
  std::function<Response()> fn_;
};

TEST(Server, MakesAnAnswerOnTheThreadOfItsConnection) {
  std::vector<std::thread> threads;
  std::mutex mutex;
  Fixture f([&](const Request& request, Responder responder) {
    const bool at_once = request.target() == "/at-once";
    auto maker = std::make_unique<MadeElsewhere>([handled_by = std::this_thread::get_id()] {
      Response response;
      response.body = std::this_thread::get_id() == handled_by ? "[same thread]" : "[another]";
      return response;
    });
    if (at_once) return responder.respond_with(std::move(maker));
    std::lock_guard lock(mutex);
    threads.emplace_back([m = std::move(maker), r = std::move(responder)]() mutable {
      r.respond_with(std::move(m));
    });
  });
  Raw raw(f);
  for (const char* target : {"/at-once", "/later"}) {
    ASSERT_TRUE(raw.send("GET " + std::string(target) + " HTTP/1.1\r\nHost: x\r\n\r\n"));
    EXPECT_THAT(raw.read_answers(1), HasSubstr("same thread")) << target;
  }
  for (std::thread& thread : threads) thread.join();
}

TEST(Server, AnAnswerThatCannotBeMadeIs500) {
  std::vector<std::thread> threads;
  std::mutex mutex;
  Fixture f([&](const Request& request, Responder responder) {
    auto maker = std::make_unique<MadeElsewhere>([]() -> Response { throw std::bad_alloc(); });
    if (request.target() == "/at-once") return responder.respond_with(std::move(maker));
    std::lock_guard lock(mutex);
    threads.emplace_back([m = std::move(maker), r = std::move(responder)]() mutable {
      r.respond_with(std::move(m));
    });
  });
  Client client = f.client();
  for (const char* target : {"/at-once", "/later"}) {
    const auto answer = client.get(target);
    ASSERT_TRUE(answer.ok()) << answer.error().to_string();
    EXPECT_EQ(500, answer->status) << target;
  }
  EXPECT_EQ(2u, f.server->stats().handler_exceptions);
  for (std::thread& thread : threads) thread.join();
}

// Goal: a client that sends, or hangs up, while its request is handled neither is forgotten nor
// keeps the thread busy for nothing.
TEST(Server, SleepsWhileAClientThatSentMoreOrHungUpWaitsForItsAnswer) {
  std::mutex mutex;
  std::vector<Responder> owed;
  Fixture f([&](const Request&, Responder responder) {
    std::lock_guard lock(mutex);
    owed.push_back(std::move(responder));
  });
  const auto count = [&] {
    std::lock_guard lock(mutex);
    return owed.size();
  };
  Raw sends(f), leaves(f), resets(f);
  for (Raw* raw : {&sends, &leaves, &resets}) {
    ASSERT_TRUE(raw->send("GET /1 HTTP/1.1\r\nHost: x\r\n\r\n"));
  }
  while (count() < 3) std::this_thread::sleep_for(1ms);
  ASSERT_TRUE(sends.send("GET /2 HTTP/1.1\r\nHost: x\r\n\r\n"));
  leaves.close();
  resets.reset();
  std::this_thread::sleep_for(20ms);
  const std::clock_t before = std::clock();
  std::this_thread::sleep_for(200ms);
  EXPECT_LT(std::clock() - before, CLOCKS_PER_SEC / 10);  // a loop that spins takes all of 0.2 s
  Response answer;
  answer.body = "[]";
  for (std::size_t i = 0; i < 3; ++i) {
    std::lock_guard lock(mutex);
    owed[i].respond(answer);
  }
  sends.read_answers(1);
  while (count() < 4) std::this_thread::sleep_for(1ms);
  owed[3].respond(answer);
  sends.read_answers(1);
  while (f.server->stats().connections_open > 1) std::this_thread::sleep_for(1ms);
}

}  // namespace
}  // namespace vitrine::net
