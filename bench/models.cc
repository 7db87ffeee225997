// What does a trained model cost a request, and what does bringing it into service cost?
//
// top() of each kind, as the Recommender calls it: a history of 50 events in, the best 200 items
// out, on one thread, with histories that vary. Of models with vectors also what the source
// `vector` asks: the fold-in of 12 anchors, and the 60 items nearest to it. Small: as many items as
// Beauty has; large: a million, which are found by an index (service/learn/item_scores.h).
//
// Item vectors are made up: around one of 1,000 directions, which visitors keep to, of lengths that
// fall with popularity. Nothing is learned, which does not change the work but for how well an
// index finds: its recall is measured against all products.
//
//   bench_models [session] [ials] [rows] [session_large] [ials_large] [rows_large]   (default: all)
//   SECONDS: of each measurement; default 1. ITEMS: of the large ones; default 1,000,000
// Ends with one line of JSON: microseconds, median and 99th percentile; seconds; bytes; recall.
#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <vector>

#include "engine/vec/random.h"
#include "service/learn/model_vectors.h"

namespace {

using namespace vitrine;
using SteadyClock = std::chrono::steady_clock;

constexpr std::size_t kHistory = 50;
constexpr std::size_t kAnchors = 12;
constexpr std::size_t kNear = 60;  // NearSource::candidates() of ten items
constexpr std::uint32_t kDimensions = 64;
constexpr std::uint32_t kDirections = 1000;
constexpr std::size_t kRecallQueries = 50;

template <class T>
T value_of(Result<T> result) {
  VITRINE_CHECK_MSG(result.ok(), result.error().to_string());
  return std::move(*result);
}

double seconds_since(SteadyClock::time_point began) {
  return std::chrono::duration<double>(SteadyClock::now() - began).count();
}

double environment(const char* name, double otherwise) {
  const char* text = std::getenv(name);
  return text == nullptr ? otherwise : std::atof(text);
}

// By item number: the first are turned to most.
std::vector<float> popularity(std::uint32_t items) {
  std::vector<float> out(items);
  for (std::uint32_t i = 0; i < items; ++i) {
    out[i] = 5 + std::floor(1e5f / static_cast<float>(1 + i));
  }
  return out;
}

// Item i points where i % kDirections does.
std::vector<float> made_vectors(std::uint32_t items) {
  vec::Random random(9);
  std::vector<float> middles(std::size_t{kDirections} * kDimensions);
  for (float& value : middles) value = static_cast<float>(random.normal()) / 8;
  std::vector<float> out(std::size_t{items} * kDimensions);
  for (std::uint32_t i = 0; i < items; ++i) {
    const double length = 0.3 + 0.7 * std::pow(1.0 + i, -0.2);
    const float* middle = &middles[std::size_t{i % kDirections} * kDimensions];
    for (std::uint32_t j = 0; j < kDimensions; ++j) {
      out[std::size_t{i} * kDimensions + j] =
          static_cast<float>(length * (double{middle[j]} + 0.06 * random.normal()));
    }
  }
  return out;
}

std::unique_ptr<learn::FittedModel> make_ials(std::uint32_t items) {
  factor::IalsOptions options;
  options.dimensions = kDimensions;
  auto model = factor::Ials::from_vectors(options, items, 100'000, made_vectors(items));
  return value_of(learn::make_ials(value_of(std::move(model)), popularity(items)));
}

std::unique_ptr<learn::FittedModel> make_session(std::uint32_t items) {
  session::Shape shape;
  shape.items = items;
  shape.width = kDimensions;
  auto model = value_of(session::SessionModel::create(shape, 1));
  const auto vectors = made_vectors(items);
  std::copy(vectors.begin(), vectors.end(),
            model.parameters().begin() + static_cast<std::ptrdiff_t>(session::Layout(shape).table));
  return value_of(learn::make_session(std::move(model), popularity(items)));
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

// Popular items more often, as in shops; of vectors those of four directions.
void draw_history(vec::Random& random, std::uint32_t items, std::vector<std::uint32_t>& history) {
  std::uint32_t directions[4];
  for (std::uint32_t& one : directions) {
    one = static_cast<std::uint32_t>(random.below(kDirections));
  }
  for (std::uint32_t& item : history) {
    const double x = random.uniform();
    item = static_cast<std::uint32_t>(x * x * items) / kDirections * kDirections +
           directions[random.below(4)];
    if (item >= items) item %= items;
  }
}

struct Cost {
  double median_us = 0, p99_us = 0;
};

// `once` is called again and again; `draw` before, and not measured.
template <class Draw, class Once>
Cost measure(double seconds, const Draw& draw, const Once& once) {
  std::vector<double> us;
  const auto end = SteadyClock::now() + std::chrono::duration<double>(seconds);
  while (SteadyClock::now() < end || us.size() < 100) {
    draw();
    const auto began = SteadyClock::now();
    once();
    us.push_back(seconds_since(began) * 1e6);
  }
  std::sort(us.begin(), us.end());
  return {us[us.size() / 2], us[us.size() * 99 / 100]};
}

Cost measure_top(const learn::FittedModel& model, double seconds) {
  vec::Random random(5);
  learn::ModelScratch scratch;
  std::vector<learn::Scored> out;
  std::vector<std::uint32_t> history(kHistory);
  return measure(
      seconds, [&] { draw_history(random, model.items(), history); },
      [&] { model.top(history, learn::kTopMost, scratch, out); });
}

// Share of the best kTopMost by all products that top() gives.
double recall_of(const learn::FittedModel& model) {
  vec::Random random(11);
  learn::ModelScratch scratch;
  std::vector<learn::Scored> found;
  std::vector<std::uint32_t> history(kHistory);
  std::vector<float> user(model.dimensions());
  std::vector<float> scores(model.items());
  std::size_t shared = 0;
  for (std::size_t q = 0; q < kRecallQueries; ++q) {
    draw_history(random, model.items(), history);
    model.top(history, learn::kTopMost, scratch, found);
    VITRINE_CHECK(model.user_vector(history, scratch, user));
    for (std::size_t i = 0; i < scores.size(); ++i) {
      const float* row = model.item_vectors().data() + i * user.size();
      float sum = 0;
      for (std::size_t j = 0; j < user.size(); ++j) sum += user[j] * row[j];
      scores[i] = sum;
    }
    std::vector<float> sorted = scores;
    std::nth_element(sorted.begin(), sorted.begin() + (learn::kTopMost - 1), sorted.end(),
                     std::greater<>());
    const float least = sorted[learn::kTopMost - 1];
    shared += static_cast<std::size_t>(
        std::count_if(found.begin(), found.end(),
                      [&](const learn::Scored& one) { return scores[one.item] >= least; }));
  }
  return static_cast<double>(shared) / static_cast<double>(kRecallQueries * learn::kTopMost);
}

struct NearCost {
  double make_s = 0;
  Cost fold_in, nearest;
  learn::ModelVectors::Stats stats;
};

NearCost measure_near(std::unique_ptr<learn::FittedModel> fitted, double seconds) {
  learn::StoredModel stored;
  stored.items.resize(fitted->items());
  stored.model = std::move(fitted);
  std::uint32_t next = 0;
  const auto model = std::make_shared<const learn::ServedModel>(
      "bench", 1, std::move(stored),
      [&](std::span<const std::string>, std::span<learn::CatalogItem> items) {
        for (learn::CatalogItem& item : items) item = {ItemIndex{next++}, true};
      });
  const auto began = SteadyClock::now();
  const auto vectors = value_of(learn::ModelVectors::make(model, {}, no_progress()));
  NearCost cost;
  cost.make_s = seconds_since(began);
  cost.stats = vectors->stats();
  vec::Random random(5);
  recommend::VectorScratch scratch;
  std::vector<std::uint32_t> history(kAnchors);
  std::vector<covisit::HistoryItem> anchors(kAnchors);
  std::vector<float> query(vectors->dim());
  const auto draw = [&] {
    draw_history(random, model->fitted().items(), history);
    for (std::uint32_t i = 0; i < kAnchors; ++i) anchors[i] = {ItemIndex{history[i]}, i, 1};
  };
  cost.fold_in = measure(seconds, draw,
                         [&] { VITRINE_CHECK(vectors->query(anchors, scratch, query.data())); });
  cost.nearest = measure(
      seconds,
      [&] {
        draw();
        VITRINE_CHECK(vectors->query(anchors, scratch, query.data()));
      },
      [&] { vectors->nearest(query.data(), kNear, nullptr, scratch, scratch.near); });
  return cost;
}

}  // namespace

int main(int argc, char** argv) {
  const std::vector<std::string> wanted(argv + 1, argv + argc);
  const double seconds = environment("SECONDS", 1);
  const auto large = static_cast<std::uint32_t>(environment("ITEMS", 1e6));
  constexpr std::uint32_t kSmall = 12'101;
  std::string json;
  const auto note = [&](const std::string& name, double value) {
    char text[96];
    std::snprintf(text, sizeof text, "%s\"%s\":%.6g", json.empty() ? "" : ",", name.c_str(), value);
    json += text;
  };
  const auto report = [&](const std::string& name, auto make) {
    if (!wanted.empty() && std::find(wanted.begin(), wanted.end(), name) == wanted.end()) return;
    const auto began = SteadyClock::now();
    std::unique_ptr<learn::FittedModel> model = make();
    const double make_s = seconds_since(began);
    const Cost cost = measure_top(*model, seconds);
    const double megabytes = static_cast<double>(model->memory_bytes()) / 1e6;
    std::printf("%-14s %9u items  top     median %8.1f us  p99 %8.1f us  made in %5.1f s %8.1f MB",
                name.c_str(), model->items(), cost.median_us, cost.p99_us, make_s, megabytes);
    note(name + "_us", cost.median_us);
    note(name + "_p99_us", cost.p99_us);
    note(name + "_mb", megabytes);
    if (model->dimensions() == 0) {
      std::printf("\n");
      return;
    }
    std::fflush(stdout);
    const double recall = recall_of(*model);
    std::printf("  recall %.3f\n", recall);
    note(name + "_recall", recall);
    const NearCost near = measure_near(std::move(model), seconds);
    const double near_megabytes = static_cast<double>(near.stats.bytes) / 1e6;
    std::printf(
        "%-14s %9llu vectors  fold-in %6.1f us  p99 %6.1f us  nearest %6.1f us  p99 %6.1f "
        "us  made in %5.1f s %8.1f MB  floor %.2f same %.2f\n",
        "", static_cast<unsigned long long>(near.stats.items), near.fold_in.median_us,
        near.fold_in.p99_us, near.nearest.median_us, near.nearest.p99_us, near.make_s,
        near_megabytes, double{near.stats.floor}, double{near.stats.same});
    std::fflush(stdout);
    note(name + "_fold_in_us", near.fold_in.median_us);
    note(name + "_fold_in_p99_us", near.fold_in.p99_us);
    note(name + "_nearest_us", near.nearest.median_us);
    note(name + "_nearest_p99_us", near.nearest.p99_us);
    note(name + "_vectors_s", near.make_s);
    note(name + "_vectors_mb", near_megabytes);
  };
  report("session", [] { return make_session(kSmall); });
  report("ials", [] { return make_ials(kSmall); });
  report("rows", [] { return make_rows(kSmall); });
  report("session_large", [&] { return make_session(large); });
  report("ials_large", [&] { return make_ials(large); });
  report("rows_large", [&] { return make_rows(large); });
  std::printf("{%s}\n", json.c_str());
  return 0;
}
