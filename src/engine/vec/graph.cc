#include "engine/vec/graph.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <limits>

#include "engine/vec/kernels.h"

namespace vitrine::vec {
namespace {

constexpr std::uint32_t kExpanded = 0x80000000U;
constexpr std::size_t kEntryLists = 4;
constexpr std::size_t kStepsAhead = 3;

void prefetch(const void* at, std::size_t bytes) {
  const char* p = static_cast<const char*>(at);
  for (std::size_t i = 0; i < bytes; i += 64) __builtin_prefetch(p + i);
}

// One search under way. Scores are q.x, for L2 less half of x.x: large is near.
class Walk {
 public:
  Walk(const Graph& graph, const RotatedQuery& query, std::size_t beam, GraphScratch& scratch)
      : graph_(graph),
        query_(query),
        dims_(graph.coding().dims()),
        bytes_offset_(-127.5F * query.quantized.step * static_cast<float>(query.quantized.sum)),
        beam_(beam),
        scratch_(scratch) {
    scratch_.pool.clear();
    scratch_.pool.reserve(beam + 1);
    scratch_.touched.clear();
    scratch_.seen.clear();
    scan_.tables = query.tables;
    scan_.estimates = estimates_.data();
    scan_.slots = lanes_.data();
  }

  bool visit(std::uint32_t slot) {
    std::uint64_t& word = scratch_.visited[slot / 64];
    const std::uint64_t bit = std::uint64_t{1} << (slot % 64);
    if ((word & bit) != 0) return false;
    word |= bit;
    scratch_.touched.push_back(slot);
    return true;
  }

  void enter(std::uint32_t slot) {
    if (!visit(slot)) return;
    const Graph::Factors factors = graph_.factors(slot);
    keep(slot, product(slot, factors) - factors.minus);
  }

  // A step reads some 25 cache lines that were not needed before. So the best candidates are asked
  // for some steps ahead, even though a better one may turn up meanwhile: it comes next.
  void run() {
    auto& pool = scratch_.pool;
    std::array<std::uint32_t, kStepsAhead> asked;
    std::size_t first = 0;
    std::size_t count = 0;
    for (;;) {
      while (count < kStepsAhead && next_ < pool.size()) {
        std::uint32_t& slot = pool[next_++].slot;
        if ((slot & kExpanded) != 0) continue;
        ask(slot);
        asked[(first + count++) % kStepsAhead] = slot;
        slot |= kExpanded;
      }
      if (count == 0) break;
      const std::uint32_t slot = asked[first];
      first = (first + 1) % kStepsAhead;
      --count;
      step_on(slot);
    }
    for (const std::uint32_t slot : scratch_.touched) scratch_.visited[slot / 64] = 0;
    scratch_.steps += scratch_.seen.size();
  }

 private:
  float product(std::uint32_t slot, const Graph::Factors& factors) const {
    const auto dot =
        static_cast<float>(kernels_.dot_bytes(graph_.bytes_of(slot), dims_, query_.codes));
    return factors.scale * (query_.quantized.step * dot + bytes_offset_);
  }

  void step_on(std::uint32_t slot) {
    const Graph::Factors factors = graph_.factors(slot);
    const float with_slot = product(slot, factors);
    scratch_.seen.push_back({with_slot - factors.minus, slot});
    const std::uint32_t* edges = graph_.edges(slot);
    scan_.base = with_slot + factors.codes.bias_least;
    scan_.slope = query_.slope * factors.codes.scale_step;
    scan_.offset = query_.offset * factors.codes.scale_step;
    scan_.bias_step = factors.codes.bias_step;
    scan_.threshold = scratch_.pool.size() == beam_ ? scratch_.pool.back().score
                                                    : std::numeric_limits<float>::lowest();
    scan_.count = 0;
    graph_.coding().scan(graph_.block(slot), 1, 0, nullptr, &scan_, 1);
    for (std::uint32_t i = 0; i < scan_.count; ++i) {
      const std::uint32_t to = edges[lanes_[i]];
      if (to == kNoId) continue;
      // What was below the threshold is not marked: it may look better from elsewhere.
      if (worth(estimates_[i]) && visit(to)) keep(to, estimates_[i]);
    }
  }

  bool worth(float value) const {
    return scratch_.pool.size() < beam_ || value > scratch_.pool.back().score;
  }

  void keep(std::uint32_t slot, float value) {
    auto& pool = scratch_.pool;
    if (!worth(value)) return;
    auto at = pool.end();
    while (at != pool.begin() && (at - 1)->score < value) --at;
    const auto place = static_cast<std::size_t>(at - pool.begin());
    if (pool.size() == beam_) pool.pop_back();
    pool.insert(pool.begin() + static_cast<std::ptrdiff_t>(place), {value, slot});
    next_ = std::min(next_, place);
  }

  // What a step on `slot` reads.
  void ask(std::uint32_t slot) const { prefetch(graph_.record(slot), graph_.stride()); }

  const Graph& graph_;
  const RotatedQuery& query_;
  const Kernels& kernels_ = kernels();
  std::size_t dims_;
  float bytes_offset_;
  std::size_t beam_;
  GraphScratch& scratch_;
  ScanQuery scan_;
  std::array<float, 2 * kLanes> estimates_;
  std::array<std::uint32_t, 2 * kLanes> lanes_;
  std::size_t next_ = 0;  // nothing before it is still to be stepped on
};

}  // namespace

Graph::Graph(Coding coding, Column<std::uint8_t> records, Column<std::uint32_t> entries)
    : coding_(std::move(coding)),
      records_(std::move(records)),
      entries_(std::move(entries)),
      block_offset_(block_offset(coding_)),
      stride_(stride_for(coding_)) {}

std::size_t Graph::stride_for(const Coding& coding) {
  return (block_offset(coding) + coding.block_bytes() + 63) / 64 * 64;
}

Graph::Factors Graph::factors(std::uint32_t slot) const {
  Factors out;
  std::memcpy(&out, record(slot) + kFactorsOffset, sizeof(out));
  return out;
}

std::size_t search_graph(const Lists& lists, const Graph& graph, const float* query, std::size_t k,
                         const Plan& plan, const Filter* allowed, GraphScratch& scratch,
                         Neighbor* out) {
  SearchScratch& space = scratch.lists;
  const ListSearch search(lists);
  RotatedQuery rotated = search.prepare_with(query, space);
  const CoarseTable& coarse = lists.coarse;
  space.dots.resize(coarse.padded());
  space.scores.resize(coarse.padded());
  coarse.score(&rotated, 1, space.dots.data(), space.scores.data(), nullptr);
  select_largest(space.scores.data(), coarse.count(), kEntryLists, space.groups, space.lists);
  space.tables.resize(graph.coding().table_bytes() + kTableAlignment);
  rotated.tables = aligned(space.tables.data());
  const Coding::Slope made =
      graph.coding().make_tables(rotated.rotated, aligned(space.tables.data()));
  rotated.slope = made.slope;
  rotated.offset = made.offset;
  scratch.visited.resize((lists.slot_count() + 63) / 64);
  Walk walk(graph, rotated, std::max<std::size_t>(plan.beam, k), scratch);
  if (scratch.avoid != kNoId) walk.visit(scratch.avoid);
  for (const std::uint32_t list : space.lists)
    if (graph.entry(list) != kNoId) walk.enter(graph.entry(list));
  walk.run();
  auto& seen = scratch.seen;
  if (allowed != nullptr)
    std::erase_if(seen, [&](const GraphScratch::Open& s) {
      return (allowed->words()[s.slot / kLanes] >> (s.slot % kLanes) & 1U) == 0;
    });
  const std::size_t some = std::min(seen.size(), std::max<std::size_t>(plan.exact, k));
  std::partial_sort(seen.begin(), seen.begin() + static_cast<std::ptrdiff_t>(some), seen.end(),
                    [](const GraphScratch::Open& a, const GraphScratch::Open& b) {
                      return a.score > b.score || (a.score == b.score && a.slot < b.slot);
                    });
  for (std::size_t i = 0; i < some; ++i)
    prefetch(lists.rows.data() + std::size_t{seen[i].slot} * lists.dim, lists.dim * sizeof(float));
  space.found.clear();
  for (std::size_t i = 0; i < some; ++i)
    space.found.push_back({lists.ids[seen[i].slot], lists.exact(rotated.original, seen[i].slot)});
  return search.answer(space.found, k, out);
}

}  // namespace vitrine::vec
