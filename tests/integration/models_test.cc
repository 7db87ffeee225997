// Trained models over HTTP: from events to a model that answers, back again, and over a restart.
#include <atomic>
#include <fstream>
#include <thread>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "apps/vitrine/commands.h"
#include "apps/vitrine/model_commands.h"
#include "engine/vec/random.h"
#include "platform/codec/time_format.h"
#include "tests/integration/answers.h"

namespace vitrine::integration {
namespace {

using testing::HasSubstr;
using testing::Not;

constexpr std::string_view kSmall =
    R"({"kind":"ials","parameters":{"dimensions":16,"epochs":6,"unobserved":0.1}})";

class ModelsOverHttp : public testing::Test {
 protected:
  // What `command` gives while the server looks for changed keys, as `vitrine serve` does in its
  // loop.
  template <class Command>
  auto beside_server(const Command& command) {
    std::atomic<bool> done{false};
    std::thread loop([&] {
      for (; !done; std::this_thread::sleep_for(std::chrono::milliseconds(20))) {
        server_.application().tick();
      }
    });
    auto result = command();
    done = true;
    loop.join();
    return result;
  }
  // Visitors whose taste is hidden under what everybody looks at: service/learn/testing_shop_log.h.
  void send_history(const Shop& shop, int visitors) {
    const TimeUs start = system_clock().wall_us() - 30 * kDayUs;
    struct Step {
      int at, visitor;
      std::string item;
    };
    std::vector<Step> steps;
    vec::Random random(7);
    for (int v = 0; v < visitors; ++v) {
      std::vector<int> liked(20);
      for (int i = 0; i < 20; ++i) liked[static_cast<std::size_t>(i)] = i;
      for (std::size_t i = 20; i > 1; --i) std::swap(liked[i - 1], liked[random.below(i)]);
      std::size_t next = 0;
      int at = v * 700;
      const auto add = [&](const std::string& item) {
        steps.push_back({at, v, item});
        at += 1000;
      };
      for (int i = 0; i < 12; ++i) {
        for (int c = 0; i >= 6 && c < 13; ++c) add("common-" + std::to_string((v + c + i) % 14));
        add("t" + std::to_string(v % 8) + "-" + std::to_string(liked[next++]));
      }
    }
    std::stable_sort(steps.begin(), steps.end(),
                     [](const Step& a, const Step& b) { return a.at < b.at; });
    std::string lines;
    int count = 0;
    for (const Step& step : steps) {
      lines += "{\"event_id\":\"e" + std::to_string(count) + "\",\"type\":\"detail-page-view\",";
      lines += "\"event_time\":\"" + codec::format_rfc3339(start + step.at * kSecondUs) + "\",";
      lines += "\"user\":{\"user_id\":\"v" + std::to_string(step.visitor) + "\"},";
      lines += "\"items\":[{\"item_id\":\"" + step.item + "\"}]}\n";
      if (++count % 1000 != 0 && static_cast<std::size_t>(count) != steps.size()) continue;
      const auto answer =
          server_.post("/v1/events:import", shop.secret, lines, "application/x-ndjson");
      ASSERT_EQ(answer.status, 202) << answer.body;
      lines.clear();
    }
    std::string items;
    for (int t = 0; t < 8; ++t) {
      for (int i = 0; i < 20; ++i) {
        items +=
            "{\"item_id\":\"t" + std::to_string(t) + "-" + std::to_string(i) + "\",\"price\":5}\n";
      }
    }
    ASSERT_EQ(server_.post("/v1/items:import", shop.secret, items, "application/x-ndjson").status,
              200);
  }
  // Trains, waits for the end and gives the job.
  std::string train(const Shop& shop, std::string_view body) {
    const auto started = server_.post("/v1/models:train", shop.secret, body);
    EXPECT_EQ(started.status, 202) << started.body;
    const std::string id = text_at(started.body, "/job_id");
    for (int i = 0; i < 3000; ++i) {
      const auto job = server_.get("/v1/model-jobs/" + id, shop.secret);
      const std::string state = text_at(job.body, "/state");
      if (state != "queued" && state != "running") return job.body;
      std::this_thread::sleep_for(std::chrono::milliseconds(20));
    }
    ADD_FAILURE() << "the training does not end";
    return {};
  }
  // Asks until the answer names the model, at most five seconds.
  std::string ask_until(const Shop& shop, const std::string& model) {
    Answer answer;
    for (int i = 0; i < 500; ++i) {
      answer = server_.post("/v1/recommend/home", shop.publishable,
                            R"({"user":{"user_id":"v3"},"limit":5,"explain":true})");
      EXPECT_EQ(answer.status, 200) << answer.body;
      if (text_at(answer.body, "/model") == model) return answer.body;
      std::this_thread::sleep_for(std::chrono::milliseconds(10));
    }
    ADD_FAILURE() << "no answer of " << model << ": " << answer.body;
    return answer.body;
  }

  TestServer server_;
  Shop shop_ = server_.create_shop("shop");
};

TEST_F(ModelsOverHttp, ABetterModelIsPromotedServesAndIsRolledBackAndAReplayHasTheSame) {
  send_history(shop_, 100);
  wait_until_indexed(server_);
  const std::string before = ask_until(shop_, "live");
  const std::string job = train(shop_, kSmall);
  ASSERT_EQ(text_at(job, "/state"), "done") << job;
  EXPECT_THAT(job, HasSubstr("\"promoted\":true"));
  const std::string model = text_at(job, "/model_id");
  const std::string answer = ask_until(shop_, model);
  EXPECT_EQ(text_at(answer, "/items/0/source"), "model");
  EXPECT_EQ(text_at(answer, "/items/0/item_id").substr(0, 3), "t3-");
  const std::string request_id = text_at(answer, "/request_id");

  const auto models = server_.get("/v1/models", shop_.secret);
  EXPECT_EQ(text_at(models.body, "/states/live"), model);
  EXPECT_EQ(text_at(models.body, "/models/0/state"), "live");
  const auto one = server_.get("/v1/models/" + model, shop_.secret);
  EXPECT_EQ(number_at(one.body, "/parameters/dimensions"), 16);
  EXPECT_GT(number_at(one.body, "/judgement/cases"), 49);
  const auto evaluations = server_.get("/v1/evaluations?limit=1", shop_.secret);
  EXPECT_EQ(text_at(evaluations.body, "/evaluations/0/model_id"), model);

  // Over a restart, and as a replay of the log sees it.
  const auto digests = server_.digests();
  server_.restart();
  EXPECT_EQ(server_.digests(), digests);
  EXPECT_EQ(text_at(ask_until(shop_, model), "/items/0/item_id"),
            text_at(answer, "/items/0/item_id"));
  std::ostringstream told;
  const Status replayed =
      app::run_replay_decision(server_.settings(), {request_id, "shop", "", true}, told);
  EXPECT_TRUE(replayed.ok()) << replayed.error().to_string();
  EXPECT_THAT(told.str(), HasSubstr("\"same\":true"));

  const std::string rollback = "{\"model_id\":" + json_text(model) + ",\"reason\":\"test\"}";
  EXPECT_EQ(server_.post("/v1/models:rollback", shop_.secret, rollback).status, 200);
  EXPECT_EQ(text_at(ask_until(shop_, "live"), "/items/0/item_id"),
            text_at(before, "/items/0/item_id"));
  const auto again = server_.post("/v1/models:rollback", shop_.secret, rollback);
  EXPECT_EQ(again.status, 409);
  EXPECT_EQ(text_at(again.body, "/code"), "model_conflict");
  EXPECT_EQ(text_at(server_.get("/v1/models/" + model, shop_.secret).body, "/state"), "retired");
  // It was found better, so it may come back.
  EXPECT_EQ(server_.post("/v1/models/" + model + ":promote", shop_.secret, "").status, 200);
  ask_until(shop_, model);
}

TEST_F(ModelsOverHttp, ASearchShowsItsTrialsAndTheModelHasThem) {
  send_history(shop_, 100);
  const std::string job = train(shop_, R"({"kind":"ials","parameters":{"dimensions":16,"epochs":2},
      "search_trials":3,"search_seconds":600,"promote":false})");
  ASSERT_EQ(text_at(job, "/state"), "done") << job;
  EXPECT_EQ(number_at(job, "/search/trials"), 3);
  EXPECT_EQ(number_at(job, "/search/trials_most"), 3);
  const auto model = server_.get("/v1/models/" + text_at(job, "/model_id"), shop_.secret).body;
  EXPECT_EQ(text_at(model, "/search/ended"), "trials");
  const auto chosen = static_cast<int>(number_at(model, "/search/chosen"));
  EXPECT_EQ(number_at(model, "/search/trials/" + std::to_string(chosen) + "/measure"),
            number_at(job, "/search/best_measure"));
  EXPECT_EQ(number_at(model, "/parameters/dimensions"), 16);  // given, so not searched
  for (const char* body : {R"({"search_trials":501})", R"({"search_trials":1.5})",
                           R"({"search_seconds":-1})", R"({"search_trials":0})"}) {
    const auto refused = server_.post("/v1/models:train", shop_.secret, body);
    EXPECT_EQ(refused.status, 400) << body;
    EXPECT_EQ(text_at(refused.body, "/code"), "invalid_request") << body;
  }
}

TEST_F(ModelsOverHttp, AnEmbeddingAndABlendServeLikeTheOthers) {
  send_history(shop_, 100);
  wait_until_indexed(server_);
  for (const char* body :
       {R"({"kind":"embedding","parameters":{"dimensions":32,"epochs":4},"promote":false})",
        R"({"kind":"blend","parameters":{"weight_session":0,"ials_dimensions":16,
            "ials_unobserved":0.1},"promote":false})"}) {
    const std::string job = train(shop_, body);
    ASSERT_EQ(text_at(job, "/state"), "done") << job;
    const std::string model = text_at(job, "/model_id");
    const auto promoted =
        server_.post("/v1/models/" + model + ":promote", shop_.secret, R"({"force":true})");
    ASSERT_EQ(promoted.status, 200) << promoted.body;
    EXPECT_EQ(text_at(ask_until(shop_, model), "/items/0/item_id").substr(0, 3), "t3-");
    const auto models = server_.get("/v1/models", shop_.secret).body;
    EXPECT_EQ(text_at(models, "/serving/model_id"), model);
    EXPECT_GT(number_at(models, "/serving/vectors/items"), 0);
    // The stored bytes are what is loaded after a restart.
    server_.restart();
    EXPECT_EQ(text_at(ask_until(shop_, model), "/items/0/item_id").substr(0, 3), "t3-");
  }
}

TEST_F(ModelsOverHttp, VectorsOfTheLiveModelSpeakOnProductPagesFromThePromotionOn) {
  send_history(shop_, 100);
  wait_until_indexed(server_);
  const auto similar_to = [&](std::string_view item) {
    const auto answer = server_.post("/v1/recommend/product-similar", shop_.publishable,
                                     "{\"user\":{\"user_id\":\"new\"},\"item_ids\":[" +
                                         json_text(item) + "],\"limit\":8,\"explain\":true}");
    EXPECT_EQ(answer.status, 200) << answer.body;
    return answer.body;
  };
  const auto vectors = [&] {
    const std::string body = server_.get("/metrics", "").body;
    const std::string name = "\nvitrine_model_vectors ";
    const std::size_t at = body.find(name);
    return at == std::string::npos ? -1.0 : std::stod(body.substr(at + name.size()));
  };
  const auto wait_for_vectors = [&](bool there) {
    for (int i = 0; i < 500 && (vectors() > 0) != there; ++i) {
      std::this_thread::sleep_for(std::chrono::milliseconds(10));
    }
    EXPECT_EQ(vectors() > 0, there);
  };
  EXPECT_THAT(similar_to("t3-0"), Not(HasSubstr("\"vector\"")));

  const std::string job = train(shop_, kSmall);
  ASSERT_EQ(text_at(job, "/state"), "done") << job;
  const std::string model = text_at(job, "/model_id");
  wait_for_vectors(true);
  const std::string answer = similar_to("t3-0");
  int by_vectors = 0;
  for (std::size_t i = 0; i < item_ids(answer).size(); ++i) {
    const std::string at = "/items/" + std::to_string(i);
    if (!has(answer, at + "/sources/vector")) continue;
    ++by_vectors;
    EXPECT_EQ(item_ids(answer)[i].substr(0, 3), "t3-") << "of the page's taste";
  }
  EXPECT_GT(by_vectors, 3) << answer;
  const auto models = server_.get("/v1/models", shop_.secret);
  EXPECT_EQ(text_at(models.body, "/serving/model_id"), model);
  EXPECT_EQ(number_at(models.body, "/serving/vectors/items"), vectors());
  EXPECT_EQ(number_at(models.body, "/serving/vectors/dimensions"), 16);

  // What came after the training has no vector, and is shown and asked about all the same.
  ASSERT_EQ(server_
                .post("/v1/items:import", shop_.secret, "{\"item_id\":\"new\",\"price\":5}\n",
                      "application/x-ndjson")
                .status,
            200);
  EXPECT_THAT(similar_to("new"), Not(HasSubstr("\"vector\"")));
  EXPECT_FALSE(item_ids(similar_to("new")).empty());

  // Back and forth, and not a request that misses its answer.
  std::atomic<bool> done{false};
  std::atomic<int> asked{0};
  const std::string body = "{\"user\":{\"user_id\":\"other\"},\"item_ids\":[\"t3-0\"],\"limit\":8}";
  std::thread asking([&] {
    net::Client client = server_.client();
    for (; !done; ++asked) {
      const Answer shown =
          send(client, {"POST", "/v1/recommend/product-similar", shop_.publishable, body});
      EXPECT_EQ(item_ids(shown.body).size(), 8u);
    }
  });
  const std::string rollback = "{\"model_id\":" + json_text(model) + "}";
  for (int i = 0; i < 3; ++i) {
    EXPECT_EQ(server_.post("/v1/models:rollback", shop_.secret, rollback).status, 200);
    wait_for_vectors(false);
    EXPECT_EQ(server_.post("/v1/models/" + model + ":promote", shop_.secret, "").status, 200);
    wait_for_vectors(true);
  }
  done = true;
  asking.join();
  EXPECT_GT(asked, 10);

  // After a start they are there without anybody's request.
  server_.restart();
  wait_for_vectors(true);
  EXPECT_THAT(similar_to("t3-0"), HasSubstr("\"vector\""));

  // Made again from the log, without the vectors of then.
  std::ostringstream told;
  const Status replayed = app::run_replay_decision(
      server_.settings(), {text_at(answer, "/request_id"), "shop", "", true}, told);
  EXPECT_TRUE(replayed.ok()) << replayed.error().to_string();
  EXPECT_THAT(told.str(), HasSubstr("\"same\":true"));
}

TEST_F(ModelsOverHttp, WhatIsNotBetterIsRefusedUnlessForced) {
  send_history(shop_, 100);
  const std::string job = train(shop_, R"({"kind":"popularity"})");
  ASSERT_EQ(text_at(job, "/state"), "done") << job;
  EXPECT_THAT(job, HasSubstr("\"promoted\":false"));
  const std::string model = text_at(job, "/model_id");
  const auto refused = server_.post("/v1/models/" + model + ":promote", shop_.secret, "{}");
  EXPECT_EQ(refused.status, 409);
  EXPECT_EQ(text_at(refused.body, "/code"), "not_better");
  EXPECT_THAT(refused.body, HasSubstr("NDCG@10"));
  EXPECT_EQ(server_.post("/v1/models/" + model + ":shadow", shop_.secret, "").status, 200);
  EXPECT_EQ(text_at(server_.get("/v1/models", shop_.secret).body, "/states/shadow"), model);
  EXPECT_EQ(
      server_.post("/v1/models/" + model + ":promote", shop_.secret, R"({"force":true})").status,
      200);
  ask_until(shop_, model);
  EXPECT_EQ(server_.post("/v1/models/" + model + ":retire", shop_.secret, "").status, 409);
}

TEST_F(ModelsOverHttp, ModelsAndJobsOfAnotherTenantAreNotThere) {
  send_history(shop_, 100);
  const std::string job = train(shop_, R"({"kind":"popularity"})");
  const std::string model = text_at(job, "/model_id");
  const Shop other = server_.create_shop("other");
  for (const char* verb : {":promote", ":shadow", ":retire"}) {
    const auto answer =
        server_.post("/v1/models/" + model + verb, other.secret,
                     std::string_view(verb) == ":promote" ? R"({"force":true})" : "");
    EXPECT_EQ(answer.status, 404) << verb;
  }
  EXPECT_EQ(server_.get("/v1/models/" + model, other.secret).status, 404);
  EXPECT_EQ(server_.get("/v1/model-jobs/" + text_at(job, "/job_id"), other.secret).status, 404);
  for (const char* list : {"/v1/models", "/v1/evaluations", "/v1/model-jobs"}) {
    const auto answer = server_.get(list, other.secret);
    EXPECT_EQ(answer.status, 200);
    EXPECT_EQ(answer.body.find(model), std::string::npos) << list;
    EXPECT_EQ(server_.get(list, shop_.publishable).status, 403);
  }
  EXPECT_EQ(text_at(train(other, "{}"), "/error/code"), "not_enough_data");
}

TEST_F(ModelsOverHttp, ABrokenArtifactLeavesAnswersAsTheyAre) {
  send_history(shop_, 100);
  const std::string job = train(shop_, R"({"kind":"popularity","promote":false})");
  const std::string model = text_at(job, "/model_id");
  std::ofstream(server_.settings().data_directory + "/objects/models/" + std::to_string(shop_.id) +
                "/" + model + "/model.bin")
      << "broken";
  ASSERT_EQ(
      server_.post("/v1/models/" + model + ":promote", shop_.secret, R"({"force":true})").status,
      200);
  for (int i = 0; i < 500; ++i) {
    if (server_.get("/metrics", "").body.find("vitrine_model_load_failures_total 1") !=
        std::string::npos) {
      break;
    }
    ask_until(shop_, "live");
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  }
  EXPECT_THAT(server_.get("/metrics", "").body, HasSubstr("vitrine_model_load_failures_total 1"));
  ask_until(shop_, "live");
}

TEST_F(ModelsOverHttp, TheCommandLineTrainsBesideTheServerAndAlone) {
  send_history(shop_, 100);
  app::TrainCommand command;
  command.tenant = "shop";
  command.parameters = {"dimensions=16", "epochs=6", "unobserved=0.1"};
  command.html = server_.settings().data_directory + "/report.html";
  std::ostringstream out;
  const auto trained = beside_server(
      [&] { return app::run_train(server_.settings(), command, no_progress(), out); });
  ASSERT_TRUE(trained.ok()) << trained.error().to_string();
  EXPECT_EQ(*trained, app::kTrained) << out.str();
  EXPECT_THAT(out.str(), HasSubstr("better than item-item"));
  EXPECT_TRUE(std::ifstream(command.html).good());
  const std::string model = text_at(server_.get("/v1/models", shop_.secret).body, "/states/live");
  ask_until(shop_, model);
  // The key that asked for it is revoked.
  std::ostringstream listed;
  ASSERT_TRUE(app::run_models_list(server_.settings(), "shop", false, listed).ok());
  EXPECT_THAT(listed.str(), HasSubstr(model + "  live"));

  // The same settings with another seed are no better.
  command.parameters.push_back("seed=5");
  const auto second = beside_server(
      [&] { return app::run_train(server_.settings(), command, no_progress(), out); });
  ASSERT_TRUE(second.ok());
  EXPECT_EQ(*second, app::kNotPromoted);

  server_.stop();
  app::ModelsChange change;
  change.tenant = "shop";
  change.change.action = model::Action::kRollback;
  ASSERT_TRUE(app::run_models_change(server_.settings(), change, out).ok());
  EXPECT_EQ(app::run_models_change(server_.settings(), change, out).error().reason(),
            "model_conflict");
  server_.start();
  ask_until(shop_, "live");

  server_.create_shop("empty");
  command.tenant = "empty";
  const auto nothing = app::run_train(server_.settings(), command, no_progress(), out);
  ASSERT_TRUE(nothing.ok());
  EXPECT_EQ(*nothing, app::kNotEnoughData);
}

}  // namespace
}  // namespace vitrine::integration
