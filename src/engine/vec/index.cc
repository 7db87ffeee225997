#include "engine/vec/index.h"

#include <algorithm>
#include <cmath>
#include <cstring>

namespace vitrine::vec {
namespace {

Status check_rows(const Rows& rows, const std::uint32_t* ids) {
  if (rows.dim < 1 || rows.dim > kDimMax)
    return Error(ErrorCode::kInvalidArgument, "vectors have " + std::to_string(rows.dim) +
                                                  " dimensions; 1 to " + std::to_string(kDimMax) +
                                                  " are possible");
  if (rows.count >= kNoId - kLanes * 65536)
    return Error(ErrorCode::kTooLarge,
                 std::to_string(rows.count) + " vectors are too many for 32-bit slots");
  VITRINE_TRY(check_finite(rows));
  if (ids == nullptr) return ok_status();
  std::vector<std::uint32_t> sorted(ids, ids + rows.count);
  std::sort(sorted.begin(), sorted.end());
  if (!sorted.empty() && sorted.back() == kNoId)
    return Error(ErrorCode::kInvalidArgument, "the id 4294967295 is reserved");
  const auto twice = std::adjacent_find(sorted.begin(), sorted.end());
  if (twice != sorted.end())
    return Error(ErrorCode::kInvalidArgument, "the id " + std::to_string(*twice) + " occurs twice");
  return ok_status();
}

}  // namespace

Status check_finite(const Rows& rows) {
  for (std::size_t i = 0; i < rows.count; ++i) {
    // A sum is finite only if all of it is; it may overflow without cause, so look again then.
    float sum = 0;
    for (std::uint32_t d = 0; d < rows.dim; ++d) sum += rows.row(i)[d] * 0.0F;
    if (sum == 0) continue;
    return Error(ErrorCode::kInvalidArgument,
                 "row " + std::to_string(i) + " has a value that is not a finite number");
  }
  return ok_status();
}

std::string_view name(Metric metric) {
  switch (metric) {
    case Metric::kL2: return "l2";
    case Metric::kInnerProduct: return "ip";
    case Metric::kCosine: return "cosine";
  }
  return "unknown";
}

std::string_view name(CodeFamily family) {
  switch (family) {
    case CodeFamily::kNibbles: return "nibbles";
    case CodeFamily::kPq16: return "pq16";
    case CodeFamily::kPq256: return "pq256";
  }
  return "unknown";
}

Index::Index(std::shared_ptr<const Lists> lists, std::shared_ptr<const Graph> graph,
             std::vector<CalibratedPlan> plans, BuildOptions options)
    : lists_(std::move(lists)),
      graph_(graph == nullptr ? std::make_shared<const Graph>() : std::move(graph)),
      plans_(std::move(plans)),
      options_(options) {
  options_.calibration.own_queries = {};  // not ours
}

Result<Index> Index::build(const Rows& rows, const std::uint32_t* ids, const BuildOptions& options,
                           const Workers& workers, Progress& progress) {
  VITRINE_TRY(check_rows(rows, ids));
  const std::uint32_t width = options.codes.width;
  if (width != 0 && width != 2 && width != 4 && width != 8)
    return Error(ErrorCode::kInvalidArgument,
                 "a word of a product code stands for 2, 4 or 8 "
                 "dimensions, not " +
                     std::to_string(width));
  const Rows& own = options.calibration.own_queries;
  if (own.count > 0) {
    if (own.dim != rows.dim)
      return Error(ErrorCode::kInvalidArgument,
                   "calibration queries have " + std::to_string(own.dim) +
                       " dimensions, the vectors " + std::to_string(rows.dim));
    VITRINE_TRY(check_finite(own));
  }
  ListOptions list_options;
  list_options.metric = options.metric;
  list_options.lists = options.lists;
  list_options.order = options.order;
  list_options.seed = options.seed;
  list_options.codes = options.codes;
  const auto lists =
      std::make_shared<const Lists>(build_lists(rows, ids, list_options, workers, progress));
  CalibrationOptions calibration = options.calibration;
  calibration.seed ^= options.seed;
  auto plans = calibrate(*lists, nullptr, calibration, workers, progress);
  std::shared_ptr<const Graph> graph;
  const bool worth = options.graph == GraphChoice::kAlways ||
                     (options.graph == GraphChoice::kAutomatic &&
                      scanned_vectors(*lists, plans, 0.95F) > kGraphWorthVectors);
  if (worth && rows.count > 0) {
    GraphOptions graph_options;
    graph_options.seed = options.seed;
    graph = std::make_shared<const Graph>(Graph::build(*lists, graph_options, workers, progress));
    plans = calibrate(*lists, graph.get(), calibration, workers, progress);
  }
  return Index(lists, graph, std::move(plans), options);
}

Plan Index::plan(const SearchOptions& options, bool batch) const {
  if (options.plan) return *options.plan;
  return plan_for(plans_, options.recall, options.k, batch);
}

std::span<const Neighbor> Searcher::search(const float* query, const SearchOptions& options) {
  const std::size_t k = std::clamp<std::size_t>(options.k, 1, kNeighboursMax);
  // Walks read rows one after the other, which disks are bad at.
  const Plan plan = index_.plan(options, index_.lists().rows_on_disk);
  out_.resize(std::max(out_.size(), k));
  std::size_t n = 0;
  if (plan.beam != 0 && !index_.graph().empty() && options.filter == nullptr)
    n = search_graph(index_.lists(), index_.graph(), query, k, plan, nullptr, scratch_,
                     out_.data());
  else
    n = ListSearch(index_.lists())
            .search(query, k, plan, options.filter, scratch_.lists, out_.data());
  return {out_.data(), n};
}

std::span<const Neighbor> Searcher::search_batch(const Rows& queries, const SearchOptions& options,
                                                 const Workers& workers, SearchStats* stats) {
  const std::size_t k = std::clamp<std::size_t>(options.k, 1, kNeighboursMax);
  out_.resize(std::max(out_.size(), queries.count * k));
  ListSearch(index_.lists())
      .search_batch(queries, k, index_.plan(options, true), options.filter, workers, out_.data(),
                    batch_, stats);
  return {out_.data(), queries.count * k};
}

}  // namespace vitrine::vec
