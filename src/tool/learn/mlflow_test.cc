#include "tool/learn/mlflow.h"

#include <mutex>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "platform/codec/json_parse.h"
#include "platform/net/server.h"

namespace vitrine::learn_tool {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::StartsWith;

// Answers with the shapes that an MLflow 2 tracking server gives, recorded from its documentation.
class FakeMlflow final : public net::Handler {
 public:
  struct Seen {
    std::string method, target, body, authorization;
  };
  FakeMlflow() { server_ = net::Server::start({}, *this).value(); }
  std::string url() const { return "http://127.0.0.1:" + std::to_string(server_->port()); }

  void handle(const net::Request& request, net::Responder responder) override {
    std::lock_guard lock(mutex_);
    Seen one{std::string(request.method_name()), std::string(request.path()),
             std::string(request.body()), std::string(request.header("authorization"))};
    const std::string target = one.target;
    seen.push_back(std::move(one));
    net::Response response;
    response.content_type = "application/json";
    if (target == fail_at) {
      response.status = 400;
      response.body = R"({"error_code":"INVALID_PARAMETER_VALUE","message":"no"})";
    } else if (target.ends_with("/get-by-name") && !experiment_exists) {
      response.status = 404;
      response.body =
          R"({"error_code":"RESOURCE_DOES_NOT_EXIST","message":"Could not find experiment"})";
    } else if (target.ends_with("/get-by-name")) {
      response.body =
          R"({"experiment":{"experiment_id":"3","name":"vitrine","artifact_location":"mlflow-artifacts:/3","lifecycle_stage":"active"}})";
    } else if (target.ends_with("/experiments/create")) {
      response.body = R"({"experiment_id":"3"})";
    } else if (target.ends_with("/runs/create")) {
      response.body =
          R"({"run":{"info":{"run_uuid":"abc","experiment_id":"3","run_name":"n","status":"RUNNING","artifact_uri":")" +
          artifact_uri + R"(","lifecycle_stage":"active","run_id":"abc"},"data":{}}})";
    } else {
      response.body = "{}";
    }
    responder.respond(std::move(response));
  }
  std::optional<net::Response> before_body(const net::Request&) override { return std::nullopt; }
  net::Response refuse(int status, std::string_view, std::string_view detail) override {
    net::Response response;
    response.status = status;
    response.body = detail;
    return response;
  }
  std::vector<std::string> calls() {
    std::lock_guard lock(mutex_);
    std::vector<std::string> out;
    for (const Seen& one : seen) {
      out.push_back(one.method + " " + one.target.substr(one.target.find("mlflow")));
    }
    return out;
  }

  std::vector<Seen> seen;
  bool experiment_exists = true;
  std::string fail_at;
  std::string artifact_uri = "mlflow-artifacts:/3/abc/artifacts";

 private:
  std::mutex mutex_;
  std::unique_ptr<net::Server> server_;
};

model::Manifest trained() {
  model::Manifest m;
  m.id = "ials-1";
  m.tenant = TenantId{7};
  m.kind = "ials";
  m.created = 1'700'000'100'000'000;
  m.train_s = 60;
  m.parameters = {{"dimensions", 64}, {"ridge", 0.005}};
  m.losses = {.5, .25};
  m.judgement.k = 10;
  m.judgement.table = {{"ials", {.2, .1, .3}, {.12, .11, .13}, {}, {}, 0, 0, 0, 0, 0}};
  m.judgement.comparisons = {{"item-item", "as it serves", {.06, .04, .08}, true}};
  return m;
}

TEST(Mlflow, ARunHasParametersMetricsByEpochAndArtifacts) {
  FakeMlflow fake;
  const auto id = log_run({fake.url(), "vitrine", "secret"}, run_of(trained(), "shop", true));
  ASSERT_TRUE(id.ok()) << id.error().to_string();
  EXPECT_EQ(*id, "abc");
  EXPECT_THAT(fake.calls(),
              ElementsAre("GET mlflow/experiments/get-by-name", "POST mlflow/runs/create",
                          "POST mlflow/runs/log-batch",
                          "PUT mlflow-artifacts/artifacts/3/abc/artifacts/manifest.json",
                          "PUT mlflow-artifacts/artifacts/3/abc/artifacts/report.html",
                          "POST mlflow/runs/update"));
  for (const auto& one : fake.seen) EXPECT_EQ(one.authorization, "Bearer secret");
  const std::string& created = fake.seen[1].body;
  EXPECT_THAT(created, HasSubstr(R"("experiment_id":"3")"));
  EXPECT_THAT(created, HasSubstr(R"("start_time":1700000040000)"));
  EXPECT_THAT(created, HasSubstr(R"({"key":"promoted","value":"true"})"));
  const std::string& batch = fake.seen[2].body;
  EXPECT_THAT(batch, HasSubstr(R"("run_id":"abc")"));
  EXPECT_THAT(batch,
              HasSubstr(R"({"key":"loss","value":0.25,"timestamp":1700000100000,"step":2})"));
  EXPECT_THAT(batch, HasSubstr(R"({"key":"ndcg_at_10","value":0.12)"));
  EXPECT_THAT(batch, HasSubstr(R"({"key":"ndcg_difference_item_item","value":0.06)"));
  EXPECT_THAT(batch, HasSubstr(R"({"key":"ridge","value":"0.005"})"));
  codec::JsonParser parser;
  for (const auto& one : fake.seen) {
    EXPECT_TRUE(one.method != "POST" || parser.parse(one.body).ok()) << one.body;
  }
  EXPECT_THAT(fake.seen[4].body, HasSubstr("</html>"));
  EXPECT_THAT(fake.seen[5].body, HasSubstr(R"("status":"FINISHED")"));
}

TEST(Mlflow, AnExperimentThatIsNotThereIsMade) {
  FakeMlflow fake;
  fake.experiment_exists = false;
  const auto id = log_run({fake.url(), "my shop", ""},
                          failed_run("ials", "shop", 1'000'000, 2'000'000, "too little"));
  ASSERT_TRUE(id.ok()) << id.error().to_string();
  EXPECT_EQ(fake.calls()[1], "POST mlflow/experiments/create");
  EXPECT_THAT(fake.seen[1].body, HasSubstr(R"("name":"my shop")"));
  EXPECT_THAT(fake.seen.back().body, HasSubstr(R"("status":"FAILED")"));
}

TEST(Mlflow, ManyMetricsGoInSeveralBatches) {
  FakeMlflow fake;
  model::Manifest m = trained();
  m.losses.assign(2500, 1.0);
  ASSERT_TRUE(log_run({fake.url(), "vitrine", ""}, run_of(m, "shop", false)).ok());
  int batches = 0;
  for (const auto& call : fake.calls()) batches += call == "POST mlflow/runs/log-batch" ? 1 : 0;
  EXPECT_EQ(batches, 3);
}

TEST(Mlflow, ARefusalSaysWhichCallAndWhat) {
  FakeMlflow fake;
  fake.fail_at = "/api/2.0/mlflow/runs/log-batch";
  const auto refused = log_run({fake.url(), "vitrine", ""}, run_of(trained(), "shop", true));
  ASSERT_FALSE(refused.ok());
  EXPECT_THAT(refused.error().message(), HasSubstr("runs/log-batch"));
  EXPECT_THAT(refused.error().message(), HasSubstr("INVALID_PARAMETER_VALUE"));
}

TEST(Mlflow, ArtifactsThatTheServerDoesNotPassOnAreToldAndTheRunIsEnded) {
  FakeMlflow fake;
  fake.artifact_uri = "s3://bucket/3/abc/artifacts";
  const auto partly = log_run({fake.url(), "vitrine", ""}, run_of(trained(), "shop", true));
  ASSERT_FALSE(partly.ok());
  EXPECT_EQ(partly.error().code(), ErrorCode::kUnsupported);
  EXPECT_EQ(fake.calls().back(), "POST mlflow/runs/update");
}

TEST(Mlflow, NobodyThereIsAnErrorAndNoHang) {
  const auto nobody = log_run({"http://127.0.0.1:1", "vitrine", ""}, run_of(trained(), "s", true));
  ASSERT_FALSE(nobody.ok());
  EXPECT_EQ(nobody.error().code(), ErrorCode::kUnavailable);
}

}  // namespace
}  // namespace vitrine::learn_tool
