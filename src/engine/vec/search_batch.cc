// The batch: which lists each query visits, then list after list for all its visitors.
#include <algorithm>
#include <array>
#include <numeric>

#include "engine/vec/kernels.h"
#include "engine/vec/search.h"

namespace vitrine::vec {
namespace {

// Queries are ranked and finished in groups of this many.
constexpr std::size_t kGroup = 64;

}  // namespace

// Shortlists lie in arrays of one worker: query q has `capacity` places from q * capacity. Each
// worker has its own for every query; they meet in finish_batch.
struct BatchScratch::State {
  struct Worker {
    std::vector<ScanQuery> shortlists;
    std::vector<float> estimates;
    std::vector<std::uint32_t> slots;
    std::vector<std::vector<Neighbor>> found;  // of lists that were compared row by row
    SearchScratch scratch;
  };
  std::size_t k = 0;
  Plan plan;
  const Filter* filter = nullptr;
  Rows queries;
  std::vector<float> rotated;
  std::vector<float> unit;
  std::vector<std::int8_t> codes;
  std::vector<std::uint8_t> tables;
  std::vector<RotatedQuery> prepared;
  std::vector<std::vector<std::uint32_t>> lists_of;  // of each query
  std::vector<std::uint32_t> visitors;               // queries, list after list
  std::vector<std::size_t> begin;                    // of each list in `visitors`, and the end
  std::vector<Worker> workers;
  std::size_t capacity = 0;

  void invert(std::size_t list_count) {
    begin.assign(list_count + 1, 0);
    for (const auto& lists : lists_of)
      for (const std::uint32_t list : lists) ++begin[list + 1];
    std::partial_sum(begin.begin(), begin.end(), begin.begin());
    visitors.resize(begin.back());
    std::vector<std::size_t> next(begin.begin(), begin.end() - 1);
    for (std::size_t q = 0; q < lists_of.size(); ++q)
      for (const std::uint32_t list : lists_of[q])
        visitors[next[list]++] = static_cast<std::uint32_t>(q);
  }
};

BatchScratch::BatchScratch() : state_(std::make_unique<State>()) {}
BatchScratch::~BatchScratch() = default;
BatchScratch::BatchScratch(BatchScratch&&) noexcept = default;
BatchScratch& BatchScratch::operator=(BatchScratch&&) noexcept = default;

void ListSearch::rank_batch(BatchScratch::State& batch, std::size_t first, std::size_t count,
                            SearchScratch& scratch) const {
  const CoarseTable& coarse = lists_->coarse;
  for (std::size_t q = first; q < first + count; ++q) {
    batch.prepared[q] =
        prepare(batch.queries.row(q), batch.unit.data() + q * lists_->dim,
                batch.rotated.data() + q * lists_->dims, batch.codes.data() + q * lists_->dims);
    add_tables(batch.prepared[q], aligned(batch.tables.data()) + q * lists_->coding.table_bytes());
  }
  scratch.dots.resize(count * coarse.padded());
  scratch.scores.resize(count * coarse.padded());
  coarse.score(batch.prepared.data() + first, count, scratch.dots.data(), scratch.scores.data(),
               nullptr);
  for (std::size_t q = 0; q < count; ++q) {
    choose_lists(scratch.scores.data() + q * coarse.padded(), batch.plan, batch.filter, scratch);
    batch.lists_of[first + q] = scratch.lists;
  }
}

void ListSearch::visit_list(BatchScratch::State& batch, std::uint32_t list, unsigned worker) const {
  BatchScratch::State::Worker& mine = batch.workers[worker];
  const std::span<const std::uint32_t> visitors(batch.visitors.data() + batch.begin[list],
                                                batch.begin[list + 1] - batch.begin[list]);
  if (is_sparse(list, batch.filter)) {
    for (const std::uint32_t q : visitors)
      compare_survivors(batch.prepared[q].original, list, *batch.filter, mine.found[q]);
    return;
  }
  const CodeView codes = view(list, batch.filter);
  const std::size_t stride = lists_->coding.block_bytes();
  std::array<ScanQuery, kQueriesPerPass> pass;
  std::array<std::uint32_t, kBlocksPerCall> space;
  for (const std::uint32_t q : visitors) aim(mine.shortlists[q], batch.prepared[q], list);
  for (std::size_t block = codes.first_block(); block < codes.end_block();
       block += kBlocksPerCall) {
    const std::size_t some = std::min(kBlocksPerCall, codes.end_block() - block);
    const std::uint32_t* words = codes.words(block, some, space.data());
    for (std::size_t at = 0; at < visitors.size(); at += kQueriesPerPass) {
      const std::size_t n = std::min(kQueriesPerPass, visitors.size() - at);
      for (std::size_t i = 0; i < n; ++i) pass[i] = mine.shortlists[visitors[at + i]];
      lists_->coding.scan(codes.codes + block * stride, some,
                          static_cast<std::uint32_t>(block * kLanes), words, pass.data(), n);
      for (std::size_t i = 0; i < n; ++i) {
        ScanQuery& kept = mine.shortlists[visitors[at + i]];
        kept.count = pass[i].count;
        shrink(kept, batch.plan.keep, mine.scratch.keys);
      }
    }
  }
  const std::size_t bytes = (codes.end_block() - codes.first_block()) * stride;
  SearchStats& stats = mine.scratch.stats;
  stats.lists_read += 1;
  stats.list_visits += visitors.size();
  stats.code_bytes_read += bytes;
  stats.code_bytes_visited += visitors.size() * bytes;
}

void ListSearch::finish_batch(BatchScratch::State& batch, std::size_t query, SearchScratch& scratch,
                              Neighbor* out) const {
  scratch.found.clear();
  ScanQuery all = batch.workers[0].shortlists[query];
  if (batch.workers.size() > 1) {
    std::size_t total = 0;
    for (const auto& worker : batch.workers) total += worker.shortlists[query].count;
    // cut() may store a little past the end.
    scratch.estimates.resize(total + kLanes);
    scratch.slots.resize(total + kLanes);
    all.estimates = scratch.estimates.data();
    all.slots = scratch.slots.data();
    all.count = 0;
    for (const auto& worker : batch.workers) {
      const ScanQuery& part = worker.shortlists[query];
      std::copy_n(part.estimates, part.count, all.estimates + all.count);
      std::copy_n(part.slots, part.count, all.slots + all.count);
      all.count += part.count;
    }
  }
  for (const auto& worker : batch.workers)
    if (!worker.found.empty())
      scratch.found.insert(scratch.found.end(), worker.found[query].begin(),
                           worker.found[query].end());
  refine(batch.prepared[query], all, batch.plan, batch.filter, scratch);
  answer(scratch.found, batch.k, out);
}

void ListSearch::search_batch(const Rows& queries, std::size_t k, const Plan& plan,
                              const Filter* filter, const Workers& workers, Neighbor* out,
                              BatchScratch& space, SearchStats* stats) const {
  const std::size_t n = queries.count;
  if (filter != nullptr && filter->count() <= kExactSurvivors) {
    std::vector<SearchScratch> scratch(std::max(1U, workers.count));
    parallel_for(workers, n, [&](std::size_t q, unsigned worker) {
      search(queries.row(q), k, plan, filter, scratch[worker], out + q * k);
    });
    return;
  }
  BatchScratch::State& batch = *space.state_;
  batch.k = k;
  batch.plan = effective_plan(plan, k, filter != nullptr);
  batch.filter = filter;
  batch.queries = queries;
  batch.rotated.resize(n * lists_->dims);
  batch.unit.resize(n * lists_->dim);
  batch.codes.resize(n * lists_->dims);
  batch.tables.resize(n * lists_->coding.table_bytes() + kTableAlignment);
  batch.prepared.resize(n);
  batch.lists_of.resize(n);
  batch.workers.resize(std::max(1U, workers.count));
  const std::size_t groups = (n + kGroup - 1) / kGroup;
  parallel_for(workers, groups, [&](std::size_t group, unsigned worker) {
    rank_batch(batch, group * kGroup, std::min(kGroup, n - group * kGroup),
               batch.workers[worker].scratch);
  });
  batch.invert(lists_->list_count());
  batch.capacity = shortlist_capacity(batch.plan.keep, kBlocksPerCall * kLanes);
  for (BatchScratch::State::Worker& mine : batch.workers) {
    mine.estimates.resize(n * batch.capacity);
    mine.slots.resize(n * batch.capacity);
    mine.shortlists.resize(n);
    mine.found.resize(filter == nullptr ? 0 : n);
    for (auto& found : mine.found) found.clear();
    mine.scratch.stats = {};
    for (std::size_t q = 0; q < n; ++q) {
      mine.shortlists[q] = {};
      mine.shortlists[q].codes = batch.prepared[q].codes;
      mine.shortlists[q].tables = batch.prepared[q].tables;
      mine.shortlists[q].estimates = mine.estimates.data() + q * batch.capacity;
      mine.shortlists[q].slots = mine.slots.data() + q * batch.capacity;
    }
  }
  // The heaviest lists first, so that no thread is left with one at the end.
  std::vector<std::uint32_t> order;
  for (std::uint32_t list = 0; list < lists_->list_count(); ++list)
    if (batch.begin[list + 1] > batch.begin[list]) order.push_back(list);
  const auto weight = [&](std::uint32_t list) {
    return (batch.begin[list + 1] - batch.begin[list]) * lists_->sizes[list];
  };
  if (workers.count > 1)
    std::stable_sort(order.begin(), order.end(),
                     [&](std::uint32_t a, std::uint32_t b) { return weight(a) > weight(b); });
  parallel_for(workers, order.size(),
               [&](std::size_t i, unsigned worker) { visit_list(batch, order[i], worker); });
  parallel_for(workers, groups, [&](std::size_t group, unsigned worker) {
    for (std::size_t q = group * kGroup; q < std::min(n, (group + 1) * kGroup); ++q)
      finish_batch(batch, q, batch.workers[worker].scratch, out + q * k);
  });
  if (stats != nullptr)
    for (const BatchScratch::State::Worker& worker : batch.workers) *stats += worker.scratch.stats;
}

}  // namespace vitrine::vec
