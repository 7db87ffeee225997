#include <filesystem>
#include <sstream>

#include <gtest/gtest.h>

#include "apps/vitrine/simulate_command.h"
#include "platform/codec/json_parse.h"
#include "tests/integration/test_server.h"

namespace vitrine::integration {
namespace {

app::SimulateOptions small() {
  app::SimulateOptions options;
  auto& shop = options.simulation.shop;
  shop.items = 120;
  shop.categories = 6;
  shop.visitors = 150;
  shop.days = 4;
  shop.history_days = 10;
  shop.start = 1'767'571'200 * kSecondUs;
  options.simulation.policies = {"popularity", "vitrine"};
  options.json = true;
  return options;
}

// Everything of the last line but how long it took.
std::string figures(const app::SimulateOptions& options) {
  std::ostringstream out;
  const Status status = app::run_simulate(options, app::Settings{}, out, no_progress());
  EXPECT_TRUE(status.ok()) << status.error().to_string();
  return out.str().substr(0, out.str().find("\"recommend_ms_mean\""));
}

// The server answers by the simulated clock and each list waits for the events before it, so the
// loop through HTTP, log and state is as repeatable as the shop.
TEST(Simulate, TheSameSeedGivesTheSameFiguresThroughARealServer) {
  const TempFolder scratch;
  app::SimulateOptions options = small();
  options.scratch = scratch.path();
  const std::string first = figures(options);
  EXPECT_NE(first.find("\"lift_over_popularity\":"), std::string::npos);
  EXPECT_EQ(figures(options), first);
  options.simulation.shop.seed = 2;
  EXPECT_NE(figures(options), first);
  EXPECT_TRUE(std::filesystem::is_empty(scratch.path()));  // servers leave nothing behind
}

TEST(Simulate, VitrineLearnsFromTheHistoryThatItImports) {
  app::SimulateOptions options = small();
  options.simulation.policies = {"random", "vitrine"};
  options.simulation.shop.visitors = 400;
  std::ostringstream out;
  ASSERT_TRUE(app::run_simulate(options, app::Settings{}, out, no_progress()).ok());
  codec::JsonParser parser;
  const auto json = parser.parse(out.str()).value();
  EXPECT_GT(double(json["lift_over_random"]), 1.1);
  EXPECT_GT(std::uint64_t(json["recommend_calls"]), 200u);
}

}  // namespace
}  // namespace vitrine::integration
