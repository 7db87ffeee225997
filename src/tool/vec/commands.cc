#include "tool/vec/commands.h"

#include <algorithm>
#include <ctime>
#include <iomanip>
#include <sstream>

#include "engine/vec/cost_model.h"
#include "engine/vec/faiss_index.h"
#include "engine/vec/index_file.h"
#include "engine/vec/kernels.h"
#include "engine/vec/vector_file.h"
#include "tool/vec/generate.h"

namespace vitrine::vec {
namespace {

Result<Metric> parse_metric(const std::string& text) {
  if (text == "l2") return Metric::kL2;
  if (text == "ip") return Metric::kInnerProduct;
  if (text == "cosine") return Metric::kCosine;
  return Error(ErrorCode::kInvalidArgument, "--metric must be l2, ip or cosine");
}

Result<CodeFamily> parse_codes(const std::string& text) {
  for (const CodeFamily family : {CodeFamily::kNibbles, CodeFamily::kPq16, CodeFamily::kPq256})
    if (text == name(family)) return family;
  return Error(ErrorCode::kInvalidArgument, "--codes must be nibbles, pq16 or pq256");
}

Result<GraphChoice> parse_graph(const std::string& text) {
  if (text == "auto") return GraphChoice::kAutomatic;
  if (text == "always") return GraphChoice::kAlways;
  if (text == "never") return GraphChoice::kNever;
  return Error(ErrorCode::kInvalidArgument, "--graph must be auto, always or never");
}

// How the vectors are coded, for people.
std::string describe(const Coding& coding) {
  const std::string second = coding.second_bytes() > 0 ? "" : ", no second look";
  if (!coding.is_product()) return "4 bits a dimension and 4 more" + second;
  return std::to_string(coding.parts()) + " words of " + std::to_string(coding.word_count()) +
         " for " + std::to_string(coding.width()) + " dimensions each" + second;
}

std::string number(double value, int digits) {
  std::ostringstream text;
  text << std::fixed << std::setprecision(digits) << value;
  return text.str();
}

double cpu_s(clockid_t clock) {
  timespec t{};
  clock_gettime(clock, &t);
  return static_cast<double>(t.tv_sec) + 1e-9 * static_cast<double>(t.tv_nsec);
}

// Queries of a file that fit the index, at most `limit`.
Result<VectorFile> read_queries(const std::string& path, const Index& index, std::size_t limit) {
  VITRINE_TRY(VectorFile queries, read_vectors(io::system_files(), path));
  if (queries.count() == 0) return Error(ErrorCode::kInvalidArgument, path + " holds no vector");
  if (queries.dim != index.dim())
    return Error(ErrorCode::kInvalidArgument, path + " has " + std::to_string(queries.dim) +
                                                  " dimensions, the index " +
                                                  std::to_string(index.dim()));
  if (queries.count() > limit) queries.values.resize(limit * queries.dim);
  VITRINE_TRY(check_finite(queries.rows()));
  return queries;
}

std::string describe(const Plan& plan, bool graph) {
  if (graph && plan.beam != 0)
    return "graph, beam " + std::to_string(plan.beam) + ", exact " + std::to_string(plan.exact);
  const std::string lists = plan.volume > 0 ? "about " + number(static_cast<double>(plan.volume), 1)
                                            : std::to_string(plan.probes);
  return lists + " lists, keep " + std::to_string(plan.keep) + ", exact " +
         std::to_string(plan.exact);
}

Status write_index(const Index& index, const std::string& path, std::ostream& out) {
  VITRINE_TRY(save_index(io::system_files(), path, index));
  const double total = static_cast<double>(index.lists().total_bytes() + index.graph().bytes());
  out << path << ": " << index.size() << " vectors of " << index.dim() << " dimensions ("
      << name(index.metric()) << "), " << index.lists().list_count() << " lists"
      << (index.graph().empty() ? "" : " and a graph") << ", " << human_bytes(total) << "\n";
  return ok_status();
}

Result<VectorFile> build_input(const VecBuildOptions& options, const Workers& workers) {
  if (options.shape.empty()) return read_vectors(io::system_files(), options.input);
  VITRINE_TRY(const Shape shape, parse_shape(options.shape));
  VectorFile made;
  made.dim = shape == Shape::kClustered ? 128 : 96;
  made.values = generate_rows(shape, options.seed, 0, options.count, made.dim, workers);
  return made;
}

double recall_of(std::span<const Neighbor> got, std::span<const Neighbor> want, std::size_t k) {
  std::size_t hits = 0;
  std::size_t all = 0;
  for (std::size_t start = 0; start < want.size(); start += k) {
    for (std::size_t i = start; i < start + k && want[i].id != kNoId; ++i) {
      ++all;
      hits += std::any_of(got.begin() + static_cast<std::ptrdiff_t>(start),
                          got.begin() + static_cast<std::ptrdiff_t>(start + k),
                          [&](const Neighbor& n) { return n.id == want[i].id; })
                  ? 1
                  : 0;
    }
  }
  return all == 0 ? 1 : static_cast<double>(hits) / static_cast<double>(all);
}

}  // namespace

Status run_vec_build(const VecBuildOptions& options, Progress& progress, std::ostream& out) {
  const Workers workers{&thread_executor(), std::max(1U, options.threads)};
  if (options.input.empty() == options.shape.empty())
    return Error(ErrorCode::kInvalidArgument, "give either a file of vectors or --made");
  BuildOptions build;
  VITRINE_TRY(build.metric, parse_metric(options.metric));
  VITRINE_TRY(build.graph, parse_graph(options.graph));
  VITRINE_TRY(build.codes.family, parse_codes(options.codes));
  build.codes.width = options.code_width;
  build.codes.second = !options.no_second;
  build.lists = options.lists;
  build.seed = options.seed;
  VITRINE_TRY(const VectorFile vectors, build_input(options, workers));
  VITRINE_TRY(const Index index, Index::build(vectors.rows(), nullptr, build, workers, progress));
  return write_index(index, options.output, out);
}

Status run_vec_search(const VecSearchOptions& options, std::ostream& out) {
  VITRINE_TRY(const Index index, load_index(io::system_files(), options.index,
                                            {.rows_on_disk = options.rows_on_disk}));
  VITRINE_TRY(const VectorFile queries, read_queries(options.queries, index, options.limit));
  Searcher searcher(index);
  for (std::size_t q = 0; q < queries.count(); ++q) {
    const auto found =
        searcher.search(queries.rows().row(q), {options.k, options.recall, std::nullopt, nullptr});
    if (options.json) out << "{\"query\":" << q << ",\"neighbors\":[";
    for (std::size_t i = 0; i < found.size(); ++i) {
      if (options.json)
        out << (i == 0 ? "" : ",") << "{\"id\":" << found[i].id
            << ",\"score\":" << number(static_cast<double>(found[i].score), 6) << "}";
      else
        out << (i == 0 ? std::to_string(q) + ":" : "") << "  " << found[i].id << " ("
            << number(static_cast<double>(found[i].score), 4) << ")";
    }
    out << (options.json ? "]}\n" : "\n");
  }
  return ok_status();
}

Status run_vec_bench(const VecBenchOptions& options, std::ostream& out) {
  VITRINE_TRY(const Index index, load_index(io::system_files(), options.index,
                                            {.rows_on_disk = options.rows_on_disk}));
  VITRINE_TRY(const VectorFile queries, read_queries(options.queries, index, options.limit));
  const Workers workers{&thread_executor(), std::max(1U, options.threads)};
  const std::size_t k = std::clamp<std::size_t>(options.k, 1, kNeighboursMax);
  const auto n = static_cast<double>(queries.count());
  Searcher searcher(index);
  SearchOptions all;
  all.k = k;
  all.plan = Plan{static_cast<std::uint32_t>(index.lists().list_count()),
                  static_cast<std::uint32_t>(400 + 4 * k), static_cast<std::uint32_t>(200 + 2 * k)};
  const auto exact = searcher.search_batch(queries.rows(), all, workers);
  const std::vector<Neighbor> want(exact.begin(), exact.end());
  if (!options.json)
    out << "recall is against a plan that visits all lists and compares " << all.plan->exact
        << " vectors of each query exactly, not against brute force\n"
        << "goal   recall one by one   queries/s   p50 us   p99 us   recall batch   queries/s\n";
  for (const CalibratedPlan& plan : index.plans()) {
    const SearchOptions search{k, static_cast<double>(plan.recall), std::nullopt, nullptr};
    std::vector<Neighbor> got(want.size());
    std::vector<double> times;
    for (std::size_t q = 0; q < queries.count(); ++q) {
      const double start = cpu_s(CLOCK_THREAD_CPUTIME_ID);
      const auto found = searcher.search(queries.rows().row(q), search);
      times.push_back(cpu_s(CLOCK_THREAD_CPUTIME_ID) - start);
      std::copy(found.begin(), found.end(), got.begin() + static_cast<std::ptrdiff_t>(q * k));
    }
    double sum = 0;
    for (const double time : times) sum += time;
    std::sort(times.begin(), times.end());
    const double single_recall = recall_of(got, want, k);
    const double start = cpu_s(CLOCK_MONOTONIC);
    const auto batch = searcher.search_batch(queries.rows(), search, workers);
    const double batch_rate = n / (cpu_s(CLOCK_MONOTONIC) - start);
    const double p50 = times[times.size() / 2] * 1e6;
    const double p99 = times[times.size() * 99 / 100] * 1e6;
    if (options.json) {
      out << "{\"goal\":" << number(static_cast<double>(plan.recall), 3)
          << ",\"single_recall\":" << number(single_recall, 4)
          << ",\"single_per_s\":" << number(n / sum, 0) << ",\"p50_us\":" << number(p50, 1)
          << ",\"p99_us\":" << number(p99, 1)
          << ",\"batch_recall\":" << number(recall_of(batch, want, k), 4)
          << ",\"batch_per_s\":" << number(batch_rate, 0) << "}\n";
      continue;
    }
    out << std::left << std::setw(7) << number(static_cast<double>(plan.recall), 3) << std::setw(20)
        << number(single_recall, 4) << std::setw(12) << number(n / sum, 0) << std::setw(9)
        << number(p50, 1) << std::setw(9) << number(p99, 1) << std::setw(15)
        << number(recall_of(batch, want, k), 4) << number(batch_rate, 0) << "\n";
  }
  return ok_status();
}

Status run_vec_info(const std::string& path, bool json, std::ostream& out) {
  VITRINE_TRY(const Index index, load_index(io::system_files(), path));
  const Lists& lists = index.lists();
  const auto count = static_cast<double>(std::max<std::size_t>(1, index.size()));
  const double codes = static_cast<double>(lists.code_bytes()) / count;
  const double total = static_cast<double>(lists.total_bytes() + index.graph().bytes()) / count;
  const double scan = static_cast<double>(lists.codes.bytes()) / count;
  const std::uint32_t largest =
      lists.list_count() == 0
          ? 0
          : *std::max_element(lists.sizes.span().begin(), lists.sizes.span().end());
  if (json) {
    out << "{\"vectors\":" << index.size() << ",\"dimensions\":" << index.dim() << ",\"metric\":\""
        << name(index.metric()) << "\",\"lists\":" << lists.list_count()
        << ",\"largest_list\":" << largest << ",\"codes\":\"" << name(lists.coding.family())
        << "\",\"code_width\":" << lists.coding.width()
        << ",\"scan_bytes_per_vector\":" << number(scan, 1)
        << ",\"graph_degree\":" << (index.graph().empty() ? 0 : index.graph().degree())
        << ",\"code_bytes_per_vector\":" << number(codes, 1)
        << ",\"bytes_per_vector\":" << number(total, 1) << ",\"kernels\":\""
        << simd::name(kernels().level) << "\"}\n";
    return ok_status();
  }
  out << "vectors      " << index.size() << " x " << index.dim() << ", " << name(index.metric())
      << "\nlists        " << lists.list_count() << ", the largest with " << largest
      << "\ncodes        " << name(lists.coding.family()) << ": " << describe(lists.coding)
      << "; a scan reads " << number(scan, 1) << " bytes a vector\ngraph        "
      << (index.graph().empty() ? "none"
                                : std::to_string(index.graph().degree()) + " edges a vector")
      << "\nbytes        " << number(codes, 1) << " of codes and " << number(total, 1)
      << " in all a vector\nkernels      " << simd::name(kernels().level)
      << " (this machine; VITRINE_SIMD lowers it)\n\nrecall@10  one by one"
      << "                           batch\n";
  for (const CalibratedPlan& plan : index.plans()) {
    const bool graph = !index.graph().empty();
    out << std::left << std::setw(11) << number(static_cast<double>(plan.recall), 3)
        << std::setw(37) << describe(plan.single, graph) << describe(plan.batch, false) << "\n";
  }
  return ok_status();
}

Status run_vec_import_faiss(const VecImportOptions& options, Progress& progress,
                            std::ostream& out) {
  VITRINE_TRY(const FaissIndex faiss, FaissIndex::read(io::system_files(), options.input));
  const VectorFile vectors = faiss.vectors();
  BuildOptions build;
  build.metric = vectors.metric;
  build.lists = vectors.lists;
  const Workers workers{&thread_executor(), std::max(1U, options.threads)};
  VITRINE_TRY(const Index index,
              Index::build(vectors.rows(), vectors.ids.empty() ? nullptr : vectors.ids.data(),
                           build, workers, progress));
  return write_index(index, options.output, out);
}

Status run_vec_model(const VecModelOptions& options, std::ostream& out) {
  const double paper = paper_saving(options.paper_batch, options.paper_probes, options.paper_lists);
  if (options.index.empty() || options.queries.empty()) {
    if (options.json)
      out << "{\"saving\":" << number(paper, 2) << "}\n";
    else
      out << "A model, not a measurement.\n"
          << number(options.paper_batch, 0) << " queries that visit "
          << number(options.paper_probes, 0) << " of " << number(options.paper_lists, 0)
          << " lists: " << number(options.paper_batch * options.paper_probes, 0)
          << " loads of a list alone, " << number(options.paper_lists, 0)
          << " shared: " << number(paper, 1) << " times less traffic\n";
    return ok_status();
  }
  VITRINE_TRY(const Index index, load_index(io::system_files(), options.index));
  VITRINE_TRY(const VectorFile queries, read_queries(options.queries, index, 1U << 20));
  const Lists& lists = index.lists();
  VisitTrace trace;
  trace.dims = lists.dims;
  trace.inner_product = lists.metric != Metric::kL2;
  for (std::size_t list = 0; list < lists.list_count(); ++list) {
    trace.list_vectors.push_back(lists.sizes[list]);
    trace.list_bytes.push_back(
        std::uint64_t{lists.first_block[list + 1] - lists.first_block[list]} *
        lists.coding.block_bytes());
  }
  const Plan plan = index.plan({10, options.recall, std::nullopt, nullptr}, true);
  SearchScratch scratch;
  const ListSearch search(lists);
  for (std::size_t q = 0; q < queries.count(); ++q) {
    search.rank_lists(queries.rows().row(q), plan, scratch);
    trace.visits.push_back(scratch.lists);
  }
  const Traffic bytes = traffic(trace, options.batch);
  const double bandwidth = options.gigabytes_a_second * 1e9;
  const AcceleratorTime chip =
      lists.coding.is_product()
          ? accelerator_time(trace, options.batch, {},
                             static_cast<double>(lists.coding.word_count()),
                             static_cast<double>(lists.coding.parts()))
          : accelerator_time(trace, options.batch, {}, 16, static_cast<double>(lists.dims) / 2);
  const auto n = static_cast<double>(queries.count());
  if (options.json) {
    out << "{\"bytes_each\":" << number(bytes.bytes_each, 0)
        << ",\"bytes_shared\":" << number(bytes.bytes_shared, 0)
        << ",\"saving\":" << number(bytes.saved(), 2)
        << ",\"seconds_each\":" << number(bytes.bytes_each / bandwidth, 6)
        << ",\"seconds_shared\":" << number(bytes.bytes_shared / bandwidth, 6)
        << ",\"accelerator_seconds\":" << number(chip.total_s(), 6) << "}\n";
    return ok_status();
  }
  out << "A model, not a measurement: bytes over bandwidth, operations over units.\n"
      << queries.count() << " queries in batches of " << options.batch << ", " << plan.probes
      << " of " << lists.list_count() << " lists each\n"
      << "each visit loads its list   " << human_bytes(bytes.bytes_each) << ", "
      << number(n * bandwidth / bytes.bytes_each, 0) << " queries/s at "
      << number(options.gigabytes_a_second, 1) << " GB/s\n"
      << "lists shared by visitors    " << human_bytes(bytes.bytes_shared) << ", "
      << number(n * bandwidth / bytes.bytes_shared, 0) << " queries/s by bandwidth ("
      << number(bytes.saved(), 1) << " times less traffic)\n"
      << "accelerator of the paper    " << number(n / chip.total_s(), 0)
      << " queries/s (filter and tables " << human_duration(chip.filter_s) << ", scan "
      << human_duration(chip.scan_s) << ", memory " << human_duration(chip.memory_s) << ")\n";
  return ok_status();
}

}  // namespace vitrine::vec
