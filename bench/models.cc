// What does a trained model cost a request?
//
// top() of each kind, as the Recommender calls it: a history of 50 events in, the best 200 items
// out, on one thread, with histories that vary. Weights are random: what is learned does not change
// the work. Small: as many items as Beauty has; large: a million, which are found by an index
// (service/learn/item_scores.h).
//
//   bench_models
//   SECONDS: of each measurement; default 1
// Ends with one line of JSON: microseconds, median and 99th percentile.
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <vector>

#include "engine/vec/random.h"
#include "service/learn/fitted_model.h"

namespace {

using namespace vitrine;

constexpr std::size_t kHistory = 50;
constexpr std::uint32_t kDimensions = 64;

template <class T>
T value_of(Result<T> result) {
  VITRINE_CHECK_MSG(result.ok(), result.error().to_string());
  return std::move(*result);
}

std::vector<float> popularity(std::uint32_t items) {
  std::vector<float> out(items);
  for (std::uint32_t i = 0; i < items; ++i) out[i] = 1.0f / static_cast<float>(1 + i);
  return out;
}

std::unique_ptr<learn::FittedModel> make_ials(std::uint32_t items) {
  factor::IalsOptions options;
  options.dimensions = kDimensions;
  return value_of(
      learn::make_ials(value_of(factor::Ials::create(options, items, 1000)), popularity(items)));
}

std::unique_ptr<learn::FittedModel> make_session(std::uint32_t items) {
  session::Shape shape;
  shape.items = items;
  shape.width = kDimensions;
  return value_of(
      learn::make_session(value_of(session::SessionModel::create(shape, 1)), popularity(items)));
}

std::unique_ptr<learn::FittedModel> make_rows(std::uint32_t items) {
  constexpr std::uint32_t kNeighbours = 128;
  vec::Random random(3);
  learn::SparseRows rows;
  for (std::uint32_t i = 0; i < items; ++i) {
    for (std::uint32_t n = 0; n < kNeighbours; ++n) {
      rows.item.push_back(static_cast<std::uint32_t>(random.below(items)));
      rows.weight.push_back(static_cast<float>(random.uniform()));
    }
    rows.begin.push_back(rows.item.size());
  }
  return learn::make_rows(learn::Kind::kEase, items, std::move(rows), 1);
}

struct Cost {
  double median_us = 0, p99_us = 0;
};

Cost measure(const learn::FittedModel& model, double seconds) {
  using Clock = std::chrono::steady_clock;
  vec::Random random(5);
  learn::ModelScratch scratch;
  std::vector<learn::Scored> out;
  std::vector<std::uint32_t> history(kHistory);
  std::vector<double> us;
  const auto end = Clock::now() + std::chrono::duration<double>(seconds);
  while (Clock::now() < end || us.size() < 100) {
    for (std::uint32_t& item : history) {
      // Popular items more often, as in shops.
      const double x = random.uniform();
      item = static_cast<std::uint32_t>(x * x * model.items());
    }
    const auto began = Clock::now();
    model.top(history, learn::kTopMost, scratch, out);
    us.push_back(std::chrono::duration<double, std::micro>(Clock::now() - began).count());
  }
  std::sort(us.begin(), us.end());
  return {us[us.size() / 2], us[us.size() * 99 / 100]};
}

}  // namespace

int main() {
  const char* text = std::getenv("SECONDS");
  const double seconds = text == nullptr ? 1 : std::atof(text);
  std::string json;
  const auto report = [&](const std::string& name, const learn::FittedModel& model) {
    const Cost cost = measure(model, seconds);
    std::printf("%-14s %9u items  median %8.1f us  p99 %8.1f us  %6.1f MB\n", name.c_str(),
                model.items(), cost.median_us, cost.p99_us,
                static_cast<double>(model.memory_bytes()) / 1e6);
    char line[160];
    std::snprintf(line, sizeof line, "%s\"%s_us\":%.1f,\"%s_p99_us\":%.1f", json.empty() ? "" : ",",
                  name.c_str(), cost.median_us, name.c_str(), cost.p99_us);
    json += line;
  };
  constexpr std::uint32_t kSmall = 12'101, kLarge = 1'000'000;
  report("session", *make_session(kSmall));
  report("ials", *make_ials(kSmall));
  report("rows", *make_rows(kSmall));
  report("ials_large", *make_ials(kLarge));
  report("rows_large", *make_rows(kLarge));
  std::printf("{%s}\n", json.c_str());
  return 0;
}
