#include "platform/obs/metrics.h"

#include <charconv>
#include <cmath>
#include <map>
#include <random>
#include <set>
#include <thread>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace vitrine::obs {
namespace {

using ::testing::HasSubstr;

// A strict reader of the exposition format, written from its specification and not from our writer.
class Exposition {
 public:
  explicit Exposition(std::string_view text) {
    while (!text.empty()) {
      const std::size_t end = text.find('\n');
      if (end == std::string_view::npos) {
        problem("the last line does not end");
        return;
      }
      line(text.substr(0, end));
      text.remove_prefix(end + 1);
    }
  }
  std::map<std::string, double> samples;  // "name|label=value|..." with unescaped values
  std::map<std::string, std::string> types;
  std::string problems;

 private:
  void problem(const std::string& what) { problems += what + "\n"; }
  static bool name_char(char c, bool first) {
    return std::isalpha(static_cast<unsigned char>(c)) != 0 || c == '_' || c == ':' ||
           (!first && std::isdigit(static_cast<unsigned char>(c)) != 0);
  }
  static std::string take_name(std::string_view& s) {
    std::string name;
    while (!s.empty() && name_char(s.front(), name.empty())) {
      name.push_back(s.front());
      s.remove_prefix(1);
    }
    return name;
  }
  void line(std::string_view s) {
    if (s.starts_with("# ")) return comment(s.substr(2));
    std::string key = take_name(s);
    if (key.empty()) problem("no name: " + std::string(s));
    if (!s.empty() && s.front() == '{') {
      s.remove_prefix(1);
      while (!s.empty() && s.front() != '}') key += "|" + label(s);
      if (s.empty()) return problem("no closing brace");
      s.remove_prefix(1);
    }
    if (s.empty() || s.front() != ' ') return problem("no blank before the value: " + key);
    s.remove_prefix(1);
    const std::string number(s);
    char* end = nullptr;
    const double value = std::strtod(number.c_str(), &end);
    if (number.empty() || *end != '\0') return problem("not a number: " + number);
    if (!samples.emplace(key, value).second) problem("twice: " + key);
  }
  std::string label(std::string_view& s) {
    std::string out = take_name(s) + "=";
    if (!s.starts_with("=\"")) {
      problem("label without value");
      s = {};
      return out;
    }
    s.remove_prefix(2);
    while (!s.empty() && s.front() != '"') {
      char c = s.front();
      s.remove_prefix(1);
      if (c == '\\') {
        if (s.empty()) break;
        c = s.front() == 'n' ? '\n' : s.front();
        if (s.front() != 'n' && s.front() != '\\' && s.front() != '"') problem("bad escape");
        s.remove_prefix(1);
      }
      out.push_back(c);
    }
    if (!s.empty()) s.remove_prefix(1);
    if (!s.empty() && s.front() == ',') s.remove_prefix(1);
    return out;
  }
  void comment(std::string_view s) {
    const bool type = s.starts_with("TYPE ");
    if (!type && !s.starts_with("HELP ")) return problem("unknown comment");
    s.remove_prefix(5);
    const std::string name = take_name(s);
    if (type && !types.emplace(name, s.substr(1)).second) problem("two TYPE lines: " + name);
  }
};

Exposition write(const Registry& registry) {
  std::string text;
  registry.write_prometheus(text);
  Exposition read(text);
  EXPECT_EQ("", read.problems) << text;
  return read;
}

TEST(Metrics, CountsOverThreadsAlsoAfterTheyEnd) {
  Counter counter;
  for (int round = 0; round < 3; ++round) {
    std::vector<std::thread> threads;
    for (int t = 0; t < 8; ++t) {
      threads.emplace_back([&] {
        for (int i = 0; i < 10000; ++i) counter.add();
      });
    }
    for (auto& t : threads) t.join();
  }
  EXPECT_EQ(240000u, counter.value());
}

TEST(Metrics, AFormerCountersCellStartsAtZero) {
  for (int i = 0; i < 10; ++i) {
    Counter counter;
    EXPECT_EQ(0u, counter.value());
    counter.add(7);
    std::thread([&] { counter.add(1); }).join();
    EXPECT_EQ(8u, counter.value());
  }
}

TEST(Metrics, ManyNumbersSpanChunks) {
  std::vector<std::unique_ptr<Histogram>> histograms;
  for (int i = 0; i < 200; ++i) {
    histograms.push_back(std::make_unique<Histogram>());
    for (int n = 0; n <= i; ++n) histograms.back()->observe_ns(1000);
  }
  for (std::size_t i = 0; i < histograms.size(); ++i) EXPECT_EQ(i + 1, histograms[i]->count());
}

// Goal: the table that skips to the first possible bucket never skips too far.
// Method: every bound and its neighbours, and random durations of every size, against a linear
// search.
TEST(Metrics, HistogramBucketsAgreeWithALinearSearch) {
  std::vector<std::int64_t> durations{-5, 0, 1, std::numeric_limits<std::int64_t>::max()};
  for (const std::int64_t bound : Histogram::kBoundsNs) {
    for (const std::int64_t d : {-1, 0, 1}) durations.push_back(bound + d);
  }
  std::mt19937_64 random(1);
  for (int i = 0; i < 20000; ++i) {
    durations.push_back(static_cast<std::int64_t>(random() >> (1 + random() % 63)));
  }
  Histogram histogram;
  std::uint64_t expected[Histogram::kBounds + 1] = {};
  for (const std::int64_t d : durations) {
    histogram.observe_ns(d);
    std::size_t i = 0;
    while (i < Histogram::kBounds && Histogram::kBoundsNs[i] < d) ++i;
    ++expected[i];
  }
  for (std::size_t i = 0; i <= Histogram::kBounds; ++i) EXPECT_EQ(expected[i], histogram.bucket(i));
  EXPECT_EQ(durations.size(), histogram.count());
}

TEST(Metrics, QuantilesAreBucketBounds) {
  Histogram histogram;
  EXPECT_EQ(0, histogram.quantile_seconds(0.5));
  for (int i = 0; i < 98; ++i) histogram.observe(std::chrono::microseconds(150));
  histogram.observe(std::chrono::milliseconds(3));
  histogram.observe(std::chrono::seconds(60));
  EXPECT_DOUBLE_EQ(0.0002, histogram.quantile_seconds(0.5));
  EXPECT_DOUBLE_EQ(0.005, histogram.quantile_seconds(0.99));
  EXPECT_TRUE(std::isinf(histogram.quantile_seconds(1)));
}

TEST(Metrics, TextHasEverySeriesAndParses) {
  Registry registry;
  registry.counter("b_total", "Things.", {{"k", "x"}, {"l", "y"}}).add(3);
  registry.counter("b_total", "Things.", {{"k", "x"}, {"l", "z"}}).add(4);
  registry.gauge("a_gauge", "A \\ line\nand more.").set(-1.5);
  Histogram& h = registry.histogram("h_seconds", "Durations.", {{"route", "/v1"}});
  h.observe(std::chrono::milliseconds(1));
  h.observe(std::chrono::milliseconds(30));
  h.observe(std::chrono::seconds(100));
  registry.function(Registry::FunctionKind::kGauge, "f", "Function.", {}, this, [] { return 2.5; });
  const Exposition text = write(registry);
  EXPECT_EQ(3, text.samples.at("b_total|k=x|l=y"));
  EXPECT_EQ(4, text.samples.at("b_total|k=x|l=z"));
  EXPECT_EQ(-1.5, text.samples.at("a_gauge"));
  EXPECT_EQ(2.5, text.samples.at("f"));
  EXPECT_EQ(0, text.samples.at("h_seconds_bucket|route=/v1|le=5e-04"));
  EXPECT_EQ(1, text.samples.at("h_seconds_bucket|route=/v1|le=0.001"));
  EXPECT_EQ(2, text.samples.at("h_seconds_bucket|route=/v1|le=0.05"));
  EXPECT_EQ(3, text.samples.at("h_seconds_bucket|route=/v1|le=+Inf"));
  EXPECT_EQ(3, text.samples.at("h_seconds_count|route=/v1"));
  EXPECT_NEAR(100.031, text.samples.at("h_seconds_sum|route=/v1"), 1e-9);
  EXPECT_EQ("counter", text.types.at("b_total"));
  EXPECT_EQ("histogram", text.types.at("h_seconds"));
}

TEST(Metrics, TheSameNameAndLabelsAreTheSameSeries) {
  Registry registry;
  EXPECT_EQ(&registry.counter("c_total", "c", {{"a", "1"}}),
            &registry.counter("c_total", "c", {{"a", "1"}}));
  EXPECT_NE(&registry.counter("c_total", "c", {{"a", "1"}}),
            &registry.counter("c_total", "c", {{"a", "2"}}));
}

TEST(Metrics, AnyBytesAreALabelValue) {
  Registry registry;
  const std::string hostile[] = {"quote\" and \\ and\nline", "} 1\nfake_total 2", "\xFF\xC0\x80",
                                 "snow\xE2\x98\x83", ""};
  for (const std::string& value : hostile) registry.gauge("g", "g", {{"v", value}}).add(1);
  const Exposition text = write(registry);
  EXPECT_EQ(5u, text.samples.size());
  EXPECT_EQ(1, text.samples.at("g|v=" + hostile[0]));
  EXPECT_EQ(1, text.samples.at("g|v=" + hostile[1]));
  EXPECT_EQ(1, text.samples.at("g|v=" + hostile[3]));
  EXPECT_EQ(1, text.samples.at("g|v=\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD"));
}

TEST(Metrics, WhoChoosesLabelValuesCantChooseOurMemory) {
  Registry registry;
  for (std::size_t i = 0; i < 3 * Registry::kSeriesMax; ++i) {
    registry.counter("t_total", "t", {{"tenant", std::to_string(i)}}).add(1);
  }
  const Exposition text = write(registry);
  EXPECT_EQ(Registry::kSeriesMax + 1, text.samples.size());
  EXPECT_EQ(2 * Registry::kSeriesMax, text.samples.at("t_total|tenant=other"));
}

TEST(Metrics, FunctionsLeaveWithTheirOwner) {
  Registry registry;
  int owner = 0;
  registry.function(Registry::FunctionKind::kCounter, "f_total", "f", {}, &owner, [] { return 1; });
  EXPECT_EQ(1u, write(registry).samples.size());
  registry.remove_functions(&owner);
  EXPECT_EQ(0u, write(registry).samples.size());
}

TEST(Metrics, TextAgreesWithItselfWhileOthersObserve) {
  Registry registry;
  Histogram& h = registry.histogram("h_seconds", "h");
  std::atomic<bool> stop{false};
  std::thread observer([&] {
    for (std::int64_t i = 0; !stop; ++i) h.observe_ns(i % 100'000'000);
  });
  for (int i = 0; i < 200; ++i) {
    const Exposition text = write(registry);
    double last = 0;
    for (const std::int64_t bound : Histogram::kBoundsNs) {
      char le[32];
      *std::to_chars(le, le + sizeof le, static_cast<double>(bound) / 1e9).ptr = '\0';
      const double n = text.samples.at(std::string("h_seconds_bucket|le=") + le);
      EXPECT_GE(n, last);
      last = n;
    }
    EXPECT_EQ(text.samples.at("h_seconds_bucket|le=+Inf"), text.samples.at("h_seconds_count"));
  }
  stop = true;
  observer.join();
}

TEST(MetricsDeathTest, ANameHasOneKindAndOneSetOfLabels) {
  Registry registry;
  registry.counter("x_total", "x", {{"a", "1"}});
  EXPECT_DEATH(registry.gauge("x_total", "x", {{"a", "1"}}), "two kinds");
  EXPECT_DEATH(registry.counter("x_total", "x", {{"b", "1"}}), "label names");
  EXPECT_DEATH(registry.counter("bad name", "x"), "bad name");
}

}  // namespace
}  // namespace vitrine::obs
