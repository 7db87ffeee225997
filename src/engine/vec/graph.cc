#include "engine/vec/graph.h"

#include <algorithm>
#include <limits>

#include "engine/vec/kernels.h"

namespace vitrine::vec {
namespace {

constexpr std::uint32_t kExpanded = 0x80000000U;
constexpr std::uint32_t kDegreeMin = 28;
constexpr std::uint32_t kDegreeMax = 40;
constexpr std::size_t kEntryLists = 4;

std::size_t edges_offset(std::size_t dims) { return dims + 2 * sizeof(float); }

void prefetch(const void* at, std::size_t bytes) {
  const char* p = static_cast<const char*>(at);
  for (std::size_t i = 0; i < bytes; i += 64) __builtin_prefetch(p + i);
}

// One search under way.
class Walk {
 public:
  Walk(const Graph& graph, const RotatedQuery& query, std::size_t dims, std::size_t beam,
       GraphScratch& scratch)
      : graph_(graph), query_(query), dims_(dims), beam_(beam), scratch_(scratch) {
    slope_ = query.quantized.step;
    offset_ = -127.5F * query.quantized.step * static_cast<float>(query.quantized.sum);
    scratch_.pool.clear();
    scratch_.pool.reserve(beam + 1);
    scratch_.touched.clear();
  }

  bool visit(std::uint32_t slot) {
    std::uint64_t& word = scratch_.visited[slot / 64];
    const std::uint64_t bit = std::uint64_t{1} << (slot % 64);
    if ((word & bit) != 0) return false;
    word |= bit;
    scratch_.touched.push_back(slot);
    return true;
  }

  // Scores `count` slots together and keeps those that are among the best.
  void offer(const std::uint32_t* slots, std::size_t count) {
    const std::uint8_t* rows[kDegreeMax];
    std::int32_t dots[kDegreeMax];
    for (std::size_t i = 0; i < count; ++i) rows[i] = graph_.codes(slots[i]);
    kernels_.dot_bytes_many(rows, count, dims_, query_.codes, dots);
    scratch_.evaluations += count;
    for (std::size_t i = 0; i < count; ++i) {
      float factors[2];
      __builtin_memcpy(factors, rows[i] + dims_, sizeof(factors));
      keep(slots[i], factors[0] * (slope_ * static_cast<float>(dots[i]) + offset_) + factors[1]);
    }
  }

  void keep(std::uint32_t slot, float value) {
    auto& pool = scratch_.pool;
    if (pool.size() == beam_ && !(value > pool.back().score)) return;
    auto at = pool.end();
    while (at != pool.begin() && (at - 1)->score < value) --at;
    const auto place = static_cast<std::size_t>(at - pool.begin());
    if (pool.size() == beam_) pool.pop_back();
    pool.insert(pool.begin() + static_cast<std::ptrdiff_t>(place), {value, slot});
    // What is expanded next needs its edges, which lie behind its codes.
    if (place <= next_) ask_edges(slot);
    next_ = std::min(next_, place);
  }

  void ask_edges(std::uint32_t slot) const {
    prefetch(graph_.edges(slot), graph_.degree() * sizeof(std::uint32_t));
  }

  void run() {
    auto& pool = scratch_.pool;
    std::uint32_t fresh[kDegreeMax];
    while (next_ < pool.size()) {
      const std::size_t at = next_;
      if ((pool[at].slot & kExpanded) != 0) {
        ++next_;
        continue;
      }
      const std::uint32_t slot = pool[at].slot;
      pool[at].slot |= kExpanded;
      next_ = at + 1;
      const std::uint32_t* edges = graph_.edges(slot);
      std::uint32_t count = 0;
      for (std::uint32_t i = 0; i < graph_.degree() && edges[i] != kNoId; ++i) {
        if (!visit(edges[i])) continue;
        prefetch(graph_.codes(edges[i]), dims_ + 8);
        fresh[count++] = edges[i];
      }
      // The one that comes next, unless a better one turns up now.
      while (next_ < pool.size() && (pool[next_].slot & kExpanded) != 0) ++next_;
      if (next_ < pool.size()) ask_edges(pool[next_].slot);
      offer(fresh, count);
    }
    for (const std::uint32_t slot : scratch_.touched) scratch_.visited[slot / 64] = 0;
  }

 private:
  const Graph& graph_;
  const RotatedQuery& query_;
  const Kernels& kernels_ = kernels();
  std::size_t dims_;
  std::size_t beam_;
  GraphScratch& scratch_;
  float slope_ = 0;
  float offset_ = 0;
  std::size_t next_ = 0;  // nothing before it is unexpanded
};

}  // namespace

std::size_t Graph::stride_for(std::uint32_t dims) {
  return (edges_offset(dims) + kDegreeMin * sizeof(std::uint32_t) + 63) / 64 * 64;
}

Graph::Graph(Column<std::uint8_t> records, Column<std::uint32_t> entries, std::uint32_t dims)
    : records_(std::move(records)),
      entries_(std::move(entries)),
      dims_(dims),
      stride_(stride_for(dims)),
      degree_(static_cast<std::uint32_t>(std::min<std::size_t>(
          kDegreeMax, (stride_for(dims) - edges_offset(dims)) / sizeof(std::uint32_t)))) {}

const std::uint32_t* Graph::edges(std::uint32_t slot) const {
  return reinterpret_cast<const std::uint32_t*>(codes(slot) + edges_offset(dims_));
}

float Graph::scale(std::uint32_t slot) const {
  float value;
  __builtin_memcpy(&value, codes(slot) + dims_, sizeof(value));
  return value;
}

float Graph::bias(std::uint32_t slot) const {
  float value;
  __builtin_memcpy(&value, codes(slot) + dims_ + sizeof(float), sizeof(value));
  return value;
}

std::size_t search_graph(const Lists& lists, const Graph& graph, const float* query, std::size_t k,
                         const Plan& plan, const Filter* allowed, GraphScratch& scratch,
                         Neighbor* out) {
  SearchScratch& space = scratch.lists;
  const ListSearch search(lists);
  const RotatedQuery rotated = search.prepare_with(query, space);
  const CoarseTable& coarse = lists.coarse;
  space.dots.resize(coarse.padded());
  space.scores.resize(coarse.padded());
  coarse.score(&rotated, 1, space.dots.data(), space.scores.data(), nullptr);
  select_largest(space.scores.data(), coarse.count(), kEntryLists, space.groups, space.lists);
  scratch.visited.resize((lists.slot_count() + 63) / 64);
  const std::size_t exact = std::max<std::size_t>(plan.exact, k);
  const std::size_t beam = std::max<std::size_t>({plan.beam, exact, k});
  Walk walk(graph, rotated, lists.dims, beam, scratch);
  if (scratch.avoid != kNoId) walk.visit(scratch.avoid);
  for (const std::uint32_t list : space.lists) {
    const std::uint32_t slot = graph.entry(list);
    if (slot != kNoId && walk.visit(slot)) walk.offer(&slot, 1);
  }
  walk.run();
  space.found.clear();
  space.slots.clear();
  for (const GraphScratch::Open& open : scratch.pool) {
    const std::uint32_t slot = open.slot & ~kExpanded;
    if (allowed != nullptr && (allowed->words()[slot / kLanes] >> (slot % kLanes) & 1U) == 0)
      continue;
    prefetch(lists.rows.data() + std::size_t{slot} * lists.dim, lists.dim * sizeof(float));
    space.slots.push_back(slot);
    if (space.slots.size() == exact) break;
  }
  for (const std::uint32_t slot : space.slots)
    space.found.push_back({lists.ids[slot], lists.exact(rotated.original, slot)});
  return search.answer(space.found, k, out);
}

}  // namespace vitrine::vec
