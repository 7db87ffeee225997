// How fast is the vector engine against the best rival at the same recall?
//
// One thread, recall@10. Every contender is swept over its efforts; its speed at a recall is
// interpolated (logarithm of the speed over recall) between the neighbouring points of its sweep.
// Times are CPU time of the thread, the points of all contenders taken in turn, three rounds,
// medians. Our own points are the plans that the build calibrated on vectors of the index; queries
// and exact answers of this benchmark are never seen by the build.
//
// VEC_N=200000    fewer vectors (default 1,000,000)
// VEC_SETS=spread only these sets (default clustered,spread)
// VECTORS=f.fvecs also this file; the last 1,000 rows are the queries
// VEC_CODES=pq16  another family of codes than nibbles: pq16, pq256
// VEC_RIVALS=...  only these rivals (default hnswlib,faiss,blas)
// FAISS_ROOT=dir  at configure time (make bench-vec configures each time): a newer Faiss, with its
//                 4-bit fast scan as another rival
// BENCH_DATA=dir  where built indexes of rivals and exact answers are kept (default
//                 build/bench-data): the first run is the longest
//
// Rivals are built with two threads and searched with one. Filtered rivals are Faiss IVFFlat with a
// bitmap, and where 1 % passes BLAS over copies of the survivors; Debian's hnswlib has no filters.
// Filters are random, whatever the vectors.
#include <algorithm>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <ctime>
#include <filesystem>
#include <fstream>
#include <functional>
#include <map>
#include <optional>

#include <unistd.h>

#include "engine/vec/index.h"
#include "report.h"
#include "tool/vec/generate.h"
#include "vector_rivals.h"

namespace vitrine::bench {
namespace {

constexpr std::size_t kQueries = 1000;
constexpr std::size_t kTop = 10;
constexpr double kGoals[] = {0.90, 0.95, 0.99};

double clock_s(clockid_t clock) {
  timespec t{};
  clock_gettime(clock, &t);
  return static_cast<double>(t.tv_sec) + 1e-9 * static_cast<double>(t.tv_nsec);
}
double thread_cpu_s() { return clock_s(CLOCK_THREAD_CPUTIME_ID); }

// A line of progress with the time since the start.
void say(const std::string& what) {
  static const double start = clock_s(CLOCK_MONOTONIC);
  std::printf("[%4.0f s] %s\n", clock_s(CLOCK_MONOTONIC) - start, what.c_str());
}

struct Data {
  VectorSet set;
  std::vector<float> rows;
  std::vector<float> queries;
  std::vector<std::int64_t> truth;
};

double recall_of(const std::vector<std::int64_t>& truth, const std::vector<std::int64_t>& ids) {
  std::size_t hits = 0;
  std::size_t wanted = 0;
  for (std::size_t q = 0; q < kQueries; ++q) {
    const auto* mine = ids.data() + q * kTop;
    for (std::size_t i = 0; i < kTop; ++i) {
      const std::int64_t id = truth[q * kTop + i];
      if (id < 0) continue;
      ++wanted;
      hits += std::find(mine, mine + kTop, id) != mine + kTop ? 1 : 0;
    }
  }
  return wanted == 0 ? 0 : static_cast<double>(hits) / static_cast<double>(wanted);
}

// One setting of one contender: answers all queries, and how it did.
struct Point {
  std::string label;
  std::function<void(std::vector<std::int64_t>&)> run;
  double recall = 0;
  std::vector<double> rates;
  double rate() const { return median_of(rates); }
};

struct Contender {
  std::string name;
  std::vector<Point> points;

  // Queries a second at `recall`; none where it isn't reached. Where the first point is already
  // better than asked for, that point.
  std::optional<double> rate_at(double recall) const {
    const Point* below = nullptr;
    for (const Point& point : points) {
      if (point.rates.empty()) continue;
      if (point.recall >= recall) {
        if (below == nullptr) return point.rate();
        const double share = (recall - below->recall) / (point.recall - below->recall);
        return std::exp(std::log(below->rate()) * (1 - share) + std::log(point.rate()) * share);
      }
      below = &point;
    }
    return std::nullopt;
  }
};

void measure(Point& point, const std::vector<std::int64_t>& truth) {
  std::vector<std::int64_t> ids(kQueries * kTop, -1);
  const double start = thread_cpu_s();
  point.run(ids);
  point.rates.push_back(kQueries / (thread_cpu_s() - start));
  point.recall = recall_of(truth, ids);
}

// Sweeps each contender once, drops points that no goal needs, then takes turns.
void run_all(std::vector<Contender>& contenders, const std::vector<std::int64_t>& truth) {
  for (Contender& contender : contenders) {
    std::vector<Point> kept;
    for (Point& point : contender.points) {
      measure(point, truth);
      // A later setting that is not better adds nothing.
      if (!kept.empty() && point.recall <= kept.back().recall) continue;
      kept.push_back(point);
      if (point.recall >= 0.995) break;
    }
    contender.points.clear();
    for (std::size_t i = 0; i < kept.size(); ++i) {
      const double from = i == 0 ? 0 : kept[i - 1].recall;
      const double to = i + 1 < kept.size() ? kept[i + 1].recall : 1.01;
      const bool needed = std::any_of(std::begin(kGoals), std::end(kGoals),
                                      [&](double goal) { return from < goal && goal <= to; });
      if (needed) contender.points.push_back(kept[i]);
    }
  }
  for (int round = 0; round < 2; ++round)
    for (Contender& contender : contenders)
      for (Point& point : contender.points)
        if (point.rate() > 400 || round == 0) measure(point, truth);
}

std::string at_goal(const Contender& contender, double goal) {
  const auto rate = contender.rate_at(goal);
  return rate ? fixed(*rate, 0) : "-";
}

// Kept files belong to these vectors and queries, not to another file (or an older generator) of
// the same name and size.
std::uint64_t fingerprint(const VectorSet& set, const std::vector<float>& queries) {
  std::uint64_t out = 0xCBF29CE484222325ULL;
  const auto mix = [&out](const float* values, std::size_t count, std::size_t step) {
    for (std::size_t i = 0; i < count; i += step) {
      std::uint32_t bits = 0;
      std::memcpy(&bits, values + i, sizeof(bits));
      out = (out ^ bits) * 0x100000001B3ULL;
    }
  };
  mix(set.rows, set.count * set.dim, 97);
  mix(queries.data(), queries.size(), 1);
  return out;
}

struct Best {
  double rate = 0;
  std::string name = "none";
};

Best best_rival(const std::vector<Contender>& contenders, double goal) {
  Best best;
  for (std::size_t i = 1; i < contenders.size(); ++i) {
    const auto rate = contenders[i].rate_at(goal);
    if (rate && *rate > best.rate) best = {*rate, contenders[i].name};
  }
  return best;
}

void print_table(const std::string& title, const std::vector<Contender>& contenders) {
  Table table({title, "queries/s at .90", "at .95", "at .99", "points (recall: queries/s)"});
  for (const Contender& contender : contenders) {
    std::string points;
    for (const Point& point : contender.points)
      points += point.label + " " + fixed(point.recall, 4) + ": " + fixed(point.rate(), 0) + "  ";
    table.add({contender.name, at_goal(contender, 0.90), at_goal(contender, 0.95),
               at_goal(contender, 0.99), points});
  }
  table.print();
}

// ---- our own points ----

std::string described(const vec::Plan& plan) {
  if (plan.beam != 0) return "beam " + std::to_string(plan.beam);
  return (plan.volume > 0 ? fixed(static_cast<double>(plan.volume), 1) + " volume"
                          : std::to_string(plan.probes) + " lists") +
         ", keep " + std::to_string(plan.keep) + ", exact " + std::to_string(plan.exact);
}

class Own {
 public:
  Own(const vec::Index& index, const Data& data) : index_(index), data_(data), searcher_(index) {}

  Contender contender(bool batch, const vec::Filter* filter) {
    Contender out;
    out.name = batch ? "vitrine, batch of 1,000" : "vitrine";
    for (const auto& plan : index_.plans()) {
      Point point;
      point.label = "goal " + fixed(static_cast<double>(plan.recall), 3) + " (" +
                    described(batch ? plan.batch : plan.single) + ")";
      const vec::SearchOptions options{kTop, static_cast<double>(plan.recall), {}, filter};
      point.run = [this, options, batch](std::vector<std::int64_t>& ids) {
        batch ? run_batch(options, ids) : run_single(options, ids);
      };
      out.points.push_back(point);
    }
    return out;
  }

  void run_single(const vec::SearchOptions& options, std::vector<std::int64_t>& ids) {
    for (std::size_t q = 0; q < kQueries; ++q) {
      const auto found = searcher_.search(data_.queries.data() + q * data_.set.dim, options);
      for (std::size_t i = 0; i < found.size(); ++i) ids[q * kTop + i] = found[i].id;
    }
  }
  void run_batch(const vec::SearchOptions& options, std::vector<std::int64_t>& ids) {
    const auto found = searcher_.search_batch(rows(), options, vec::Workers{});
    for (std::size_t i = 0; i < found.size(); ++i)
      ids[i] = found[i].id == vec::kNoId ? -1 : static_cast<std::int64_t>(found[i].id);
  }
  vec::Rows rows() const { return {data_.queries.data(), kQueries, data_.set.dim}; }

  // CPU time of single queries, each the median of seven passes over all of them: a query's runs
  // are far apart, so that neither caches nor a noisy moment of the machine decide.
  double p99_over_p50(double recall) {
    constexpr std::size_t kPasses = 7;
    std::vector<std::vector<double>> runs(kQueries);
    for (std::size_t pass = 0; pass < kPasses; ++pass) {
      for (std::size_t q = 0; q < kQueries; ++q) {
        const double start = thread_cpu_s();
        static_cast<void>(searcher_.search(data_.queries.data() + q * data_.set.dim,
                                           {kTop, recall, {}, nullptr}));
        runs[q].push_back(thread_cpu_s() - start);
      }
    }
    std::vector<double> times;
    for (const auto& of_query : runs) times.push_back(median_of(of_query));
    std::sort(times.begin(), times.end());
    return times[kQueries * 99 / 100] / times[kQueries / 2];
  }

  double two_thread_speedup() {
    const vec::SearchOptions options{kTop, 0.95, {}, nullptr};
    double best[2] = {1e9, 1e9};
    for (int round = 0; round < 15; ++round) {
      for (unsigned threads = 1; threads <= 2; ++threads) {
        const double start = clock_s(CLOCK_MONOTONIC);
        for (int i = 0; i < 3; ++i)
          static_cast<void>(searcher_.search_batch(rows(), options, {&thread_executor(), threads}));
        best[threads - 1] = std::min(best[threads - 1], clock_s(CLOCK_MONOTONIC) - start);
      }
    }
    return best[0] / best[1];
  }

  double bytes_saved(double recall) {
    vec::SearchStats stats;
    static_cast<void>(searcher_.search_batch(rows(), {kTop, recall, {}, nullptr}, {}, &stats));
    return static_cast<double>(stats.code_bytes_visited) /
           static_cast<double>(std::max<std::uint64_t>(1, stats.code_bytes_read));
  }
  // Code bytes that a single query over the lists would load.
  double bytes_visited(double recall) {
    vec::SearchStats stats;
    static_cast<void>(searcher_.search_batch(rows(), {kTop, recall, {}, nullptr}, {}, &stats));
    return static_cast<double>(stats.code_bytes_visited) / kQueries;
  }

 private:
  const vec::Index& index_;
  const Data& data_;
  vec::Searcher searcher_;
};

// Bytes a second that one thread reads from memory: a sum over 1 GiB.
double read_bandwidth() {
  vec::Column<std::uint64_t> memory(std::size_t{1} << 27);
  double best = 0;
  std::uint64_t sum = 0;
  for (int round = 0; round < 4; ++round) {
    const double start = thread_cpu_s();
    for (std::size_t i = 0; i < memory.size(); i += 8) {
      if (i % 64 == 0) __builtin_prefetch(memory.data() + i + 512);
      sum += memory[i];
    }
    best = std::max(best, static_cast<double>(memory.bytes()) / (thread_cpu_s() - start));
  }
  if (sum != 0) std::puts("");
  return best;
}

// ---- rivals ----

// Whether the comma-separated environment variable names `word`, or is not set.
bool wanted(const char* variable, const std::string& word) {
  const char* text = std::getenv(variable);
  return text == nullptr ||
         ("," + std::string(text) + ",").find("," + word + ",") != std::string::npos;
}

// A rival that fails costs its own figures only.
std::unique_ptr<VectorRival> rival(const std::string& name,
                                   const std::function<std::unique_ptr<VectorRival>()>& make) {
  if (!wanted("VEC_RIVALS", name)) return nullptr;
  say("loading or building " + name);
  try {
    return make();
  } catch (const std::exception& error) {
    say(name + " is left out: " + error.what());
    return nullptr;
  }
}

// Exact answers, kept in a file beside the indexes.
void find_truth(Data& data, VectorRival& blas, const std::string& cache) {
  data.truth.resize(kQueries * kTop);
  const auto bytes = static_cast<std::streamsize>(data.truth.size() * sizeof(std::int64_t));
  const std::string path = cache + "/truth-" + data.set.file_key() + ".bin";
  std::ifstream in(path, std::ios::binary);
  if (in.read(reinterpret_cast<char*>(data.truth.data()), bytes)) return;
  blas.search(data.queries.data(), kQueries, 1, data.truth.data());
  std::ofstream(path + ".tmp", std::ios::binary)
      .write(reinterpret_cast<const char*>(data.truth.data()), bytes);
  std::filesystem::rename(path + ".tmp", path);
}

void add_rival(std::vector<Contender>& contenders, VectorRival* rival, const Data& data,
               const std::vector<std::uint64_t>* passing, bool one_by_one) {
  if (rival == nullptr) return;
  Contender out;
  out.name = rival->name();
  for (const int effort : rival->efforts(passing != nullptr)) {
    Point point;
    point.label = std::to_string(effort);
    point.run = [=, &data](std::vector<std::int64_t>& ids) {
      const std::size_t step = one_by_one ? 1 : kQueries;
      for (std::size_t q = 0; q < kQueries; q += step) {
        const float* queries = data.queries.data() + q * data.set.dim;
        if (passing == nullptr)
          rival->search(queries, step, effort, ids.data() + q * kTop);
        else
          rival->search_filtered(queries, step, effort, *passing, ids.data() + q * kTop);
      }
    };
    out.points.push_back(point);
  }
  if (!out.points.empty()) contenders.push_back(std::move(out));
}

std::vector<std::uint64_t> random_filter(std::size_t n, unsigned percent) {
  std::vector<std::uint64_t> out((n + 63) / 64);
  for (std::size_t i = 0; i < n; ++i)
    if ((static_cast<std::uint32_t>(i * 2654435761U) >> 16) % 100 < percent)
      out[i / 64] |= std::uint64_t{1} << (i % 64);
  return out;
}

std::vector<std::int64_t> filtered_truth(const Data& data,
                                         const std::vector<std::uint64_t>& passing) {
  std::vector<float> rows;
  std::vector<std::int64_t> ids;
  for (std::size_t i = 0; i < data.set.count; ++i) {
    if ((passing[i / 64] >> (i % 64) & 1) == 0) continue;
    ids.push_back(static_cast<std::int64_t>(i));
    rows.insert(rows.end(), data.set.rows + i * data.set.dim,
                data.set.rows + (i + 1) * data.set.dim);
  }
  VectorSet set = data.set;
  set.rows = rows.data();
  set.count = ids.size();
  std::vector<std::int64_t> out(kQueries * kTop, -1);
  blas_rival(set)->search(data.queries.data(), kQueries, 1, out.data());
  for (auto& id : out)
    if (id >= 0) id = ids[static_cast<std::size_t>(id)];
  return out;
}

// Speed among what passes a filter of `percent`, over the best rival's, at 0.95.
double run_filtered(Own& own, const Data& data, const vec::Index& index, VectorRival* faiss,
                    VectorRival& blas, unsigned percent) {
  const auto passing = random_filter(data.set.count, percent);
  const auto truth = filtered_truth(data, passing);
  const double start = thread_cpu_s();
  const vec::Filter filter = index.filter(passing);
  say("filter of " + std::to_string(percent) + " %, prepared in " +
      fixed((thread_cpu_s() - start) * 1e3, 1) + " ms");
  std::vector<Contender> contenders{own.contender(false, &filter)};
  add_rival(contenders, faiss, data, &passing, true);
  // One query against a tenth of all rows takes milliseconds: not the best, and slow to measure.
  if (percent < 10) add_rival(contenders, &blas, data, &passing, true);
  run_all(contenders, truth);
  print_table(data.set.name + ", " + std::to_string(percent) + " % pass a filter", contenders);
  const double best = best_rival(contenders, 0.95).rate;
  return best > 0 ? contenders[0].rate_at(0.95).value_or(0) / best : 0;
}

vec::CodeFamily code_family() {
  const char* text = std::getenv("VEC_CODES");
  for (const auto family :
       {vec::CodeFamily::kNibbles, vec::CodeFamily::kPq16, vec::CodeFamily::kPq256})
    if (text == nullptr || vec::name(family) == text) return family;
  give_up("VEC_CODES must be nibbles, pq16 or pq256");
}

using Figures = std::vector<std::pair<std::string, double>>;

Figures run_set(Data& data, const std::string& cache, double bandwidth) {
  Figures out;
  data.set.fingerprint = fingerprint(data.set, data.queries);
  say("== " + data.set.name + ": " + std::to_string(data.set.count) + " x " +
      std::to_string(data.set.dim) + "; building the index");
  const vec::Rows rows{data.set.rows, data.set.count, data.set.dim};
  vec::BuildOptions options;
  options.metric = data.set.inner_product ? vec::Metric::kInnerProduct : vec::Metric::kL2;
  options.codes.family = code_family();
  const double start = clock_s(CLOCK_PROCESS_CPUTIME_ID);
  auto built =
      vec::Index::build(rows, nullptr, options, {&thread_executor(), 2}, *terminal_progress());
  if (!built.ok()) give_up(built.error().message());
  const vec::Index& index = built.value();
  const double build_cpu_s = clock_s(CLOCK_PROCESS_CPUTIME_ID) - start;
  say("built in " + fixed(build_cpu_s, 1) + " CPU s" +
      (index.graph().empty() ? "" : ", with a graph"));

  say("exact answers by brute force");
  const auto blas = blas_rival(data.set);
  find_truth(data, *blas, cache);
  const auto hnswlib = rival("hnswlib", [&] { return hnswlib_rival(data.set, cache); });
  const auto faiss = rival("faiss", [&] { return faiss_flat_lists_rival(data.set, cache); });
  const auto fast_scan = rival("faiss", [&] { return faiss_fast_scan_rival(data.set, cache); });

  Own own(index, data);
  std::vector<Contender> single{own.contender(false, nullptr)};
  std::vector<Contender> batch{own.contender(true, nullptr)};
  for (VectorRival* rival : {hnswlib.get(), faiss.get(), fast_scan.get()}) {
    add_rival(single, rival, data, nullptr, true);
    add_rival(batch, rival, data, nullptr, false);
  }
  if (wanted("VEC_RIVALS", "blas")) add_rival(batch, blas.get(), data, nullptr, false);
  say("one by one");
  run_all(single, data.truth);
  say("batches");
  run_all(batch, data.truth);
  print_table(data.set.name + ", one by one", single);
  print_table(data.set.name + ", batches of 1,000", batch);

  for (const auto& [key, contenders] :
       {std::pair{"single_over_best_", &single}, std::pair{"batch_over_best_", &batch}}) {
    for (const double goal : kGoals) {
      const Best best = best_rival(*contenders, goal);
      const auto mine = (*contenders)[0].rate_at(goal);
      // 0: nobody else, or not we, reached it.
      out.emplace_back(key + fixed(goal * 100, 0), mine && best.rate > 0 ? *mine / best.rate : 0.0);
    }
  }
  for (const unsigned percent : {1U, 10U})
    out.emplace_back("filtered" + std::to_string(percent) + "_over_best_95",
                     run_filtered(own, data, index, faiss.get(), *blas, percent));
  say("details");
  const auto single_95 = single[0].rate_at(0.95);
  const auto batch_95 = batch[0].rate_at(0.95);
  const auto count = static_cast<double>(data.set.count);
  out.emplace_back("p99_over_p50_single_95", own.p99_over_p50(0.95));
  out.emplace_back("bytes_per_vector_codes",
                   static_cast<double>(index.lists().code_bytes()) / count);
  out.emplace_back(
      "bytes_per_vector_total",
      static_cast<double>(index.lists().total_bytes() + index.graph().bytes()) / count);
  out.emplace_back("build_cpu_s", build_cpu_s);
  out.emplace_back("two_thread_speedup", own.two_thread_speedup());
  if (single_95 && batch_95) out.emplace_back("batch_reuse_gain", *batch_95 / *single_95);
  out.emplace_back("batch_code_bytes_saved_95", own.bytes_saved(0.95));
  out.emplace_back("batch_code_bytes_saved_99", own.bytes_saved(0.99));
  if (single_95)
    out.emplace_back("read_share_of_bandwidth", own.bytes_visited(0.95) * *single_95 / bandwidth);
  Table table({data.set.name, "value"});
  for (const auto& [key, value] : out) table.add({key, fixed(value, 2)});
  table.print();
  return out;
}

Data generated(const std::string& name, std::size_t count) {
  Data data;
  const auto shape = vec::parse_shape(name);
  if (!shape.ok()) give_up(shape.error().message());
  const bool clustered = shape.value() == vec::Shape::kClustered;
  data.set = {name, nullptr, count, clustered ? 128U : 96U, clustered};
  const vec::Workers two{&thread_executor(), 2};
  data.rows = vec::generate_rows(shape.value(), 7, 0, count, data.set.dim, two);
  data.queries =
      vec::generate_rows(shape.value(), 7, std::size_t{1} << 32, kQueries, data.set.dim, two);
  data.set.rows = data.rows.data();
  return data;
}

Data from_fvecs(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  std::int32_t dim = 0;
  Data data;
  while (in.read(reinterpret_cast<char*>(&dim), sizeof(dim))) {
    if (dim < 1 || dim > 2048) give_up(path + ": not an .fvecs file");
    const std::size_t at = data.rows.size();
    data.rows.resize(at + static_cast<std::size_t>(dim));
    in.read(reinterpret_cast<char*>(data.rows.data() + at), dim * 4);
    data.set.dim = static_cast<std::uint32_t>(dim);
  }
  if (data.set.dim == 0) give_up(path + ": can't be read");
  const std::size_t rows = data.rows.size() / data.set.dim;
  if (rows < 2 * kQueries) give_up(path + ": needs at least 2,000 rows");
  data.set.count = rows - kQueries;
  data.queries.assign(
      data.rows.begin() + static_cast<std::ptrdiff_t>(data.set.count * data.set.dim),
      data.rows.end());
  data.set.rows = data.rows.data();
  data.set.name = std::filesystem::path(path).stem().string();
  return data;
}

int main_with() {
  const char* folder = std::getenv("BENCH_DATA");
  const std::string cache = folder != nullptr && *folder != 0 ? folder : "build/bench-data";
  std::filesystem::create_directories(cache);
  std::setvbuf(stdout, nullptr, _IOLBF, 0);  // progress, also into a file
  const auto count = static_cast<std::size_t>(number_from_environment("VEC_N", 1e6));
  std::string sets =
      std::getenv("VEC_SETS") != nullptr ? std::getenv("VEC_SETS") : "clustered,spread";
  const double bandwidth = read_bandwidth();
  std::printf("one thread reads %.1f GB/s; kernels: %s\n", bandwidth / 1e9,
              std::string(simd::name(vec::kernels().level)).c_str());
  std::string json;
  const auto add = [&](Data data) {
    const Figures figures = run_set(data, cache, bandwidth);
    json += (json.empty() ? "{\"" : ",\"") + data.set.name + "\":{";
    for (std::size_t i = 0; i < figures.size(); ++i)
      json += (i == 0 ? "\"" : ",\"") + figures[i].first + "\":" + fixed(figures[i].second, 3);
    json += "}";
  };
  for (std::size_t at = 0; at < sets.size();) {
    const std::size_t end = std::min(sets.find(',', at), sets.size());
    add(generated(sets.substr(at, end - at), count));
    at = end + 1;
  }
  if (const char* path = std::getenv("VECTORS")) add(from_fvecs(path));
  std::printf("%s}\n", json.c_str());
  return 0;
}

}  // namespace
}  // namespace vitrine::bench

int main(int, char** argv) {
  // OpenBLAS reads these when it is loaded, so they must be there before this program starts.
  if (std::getenv("OPENBLAS_NUM_THREADS") == nullptr) {
    setenv("OPENBLAS_NUM_THREADS", "1", 1);
    setenv("OMP_NUM_THREADS", "1", 1);
    if (vitrine::simd::detected_level() >= vitrine::simd::Level::kAvx512)
      setenv("OPENBLAS_CORETYPE", "SkylakeX", 0);
    execv("/proc/self/exe", argv);
  }
  return vitrine::bench::main_with();
}
