// Building the graph: neighbours by the batch search, edges by pruning, both list by list.
#include <algorithm>
#include <atomic>
#include <cstring>
#include <limits>
#include <numeric>

#include "engine/vec/graph.h"
#include "engine/vec/kernels.h"
#include "engine/vec/random.h"

namespace vitrine::vec {
namespace {

struct Edge {
  float closeness = 0;  // large is near
  std::uint32_t slot = kNoId;
};

// Adjacency while it grows: `width` places a slot.
struct Adjacency {
  Adjacency(std::size_t slots, std::size_t width_) : width(width_), edges(slots * width_) {}
  Edge* of(std::size_t slot) { return edges.data() + slot * width; }
  const Edge* of(std::size_t slot) const { return edges.data() + slot * width; }
  std::size_t width;
  std::vector<Edge> edges;
};

float closeness(const Lists& lists, std::uint32_t a, std::uint32_t b) {
  // The walk compares by the metric, but edges are chosen by distance for all metrics: that is what
  // keeps them short and spread over directions.
  return -kernels().squared_distance(lists.rows.data() + std::size_t{a} * lists.dim,
                                     lists.rows.data() + std::size_t{b} * lists.dim, lists.dim);
}

// Keeps of `candidates` (best first) those that no kept one is closer to, at most `degree`.
std::size_t prune(const Lists& lists, const std::vector<Edge>& candidates, std::size_t degree,
                  float slack, Edge* out) {
  std::size_t kept = 0;
  for (const Edge& candidate : candidates) {
    if (kept == degree) break;
    bool hidden = false;
    for (std::size_t i = 0; i < kept && !hidden; ++i)
      hidden = closeness(lists, out[i].slot, candidate.slot) * slack > candidate.closeness;
    if (!hidden) out[kept++] = candidate;
  }
  // Fill up with the nearest of the others: free room in the record is lost otherwise.
  for (const Edge& candidate : candidates) {
    if (kept == degree) break;
    const bool there =
        std::any_of(out, out + kept, [&](const Edge& e) { return e.slot == candidate.slot; });
    if (!there) out[kept++] = candidate;
  }
  return kept;
}

bool nearer(const Edge& a, const Edge& b) {
  return a.closeness > b.closeness || (a.closeness == b.closeness && a.slot < b.slot);
}

// The nearest neighbours of each slot, pruned.
Adjacency forward_edges(const Lists& lists, const GraphOptions& options, std::size_t degree,
                        const Workers& workers, Progress& progress) {
  Lists by_slot = lists;
  by_slot.ids = Column<std::uint32_t>(lists.slot_count());
  for (std::size_t slot = 0; slot < lists.slot_count(); ++slot)
    if (lists.ids[slot] != kNoId)
      by_slot.ids.mutable_data()[slot] = static_cast<std::uint32_t>(slot);
  const ListSearch search(by_slot);
  const std::size_t k = std::min<std::size_t>(options.candidates + 1, lists.count);
  Plan plan;
  plan.probes = options.probes;
  plan.keep = static_cast<std::uint32_t>(k + k / 2);
  plan.exact = static_cast<std::uint32_t>(k);
  Adjacency out(lists.slot_count(), degree);
  std::atomic<std::size_t> done{0};
  std::vector<BatchScratch> scratch(std::max(1U, workers.count));
  progress.start("neighbours", lists.count, "vectors");
  // The vectors of a list are near each other and visit the same lists: a good batch.
  parallel_for(workers, lists.list_count(), [&](std::size_t list, unsigned worker) {
    const std::size_t first = std::size_t{lists.first_block[list]} * kLanes;
    const std::size_t size = lists.sizes[list];
    std::vector<Neighbor> found(size * k);
    search.search_batch(Rows{lists.rows.data() + first * lists.dim, size, lists.dim}, k, plan,
                        nullptr, Workers{}, found.data(), scratch[worker], nullptr);
    std::vector<Edge> candidates;
    for (std::size_t i = 0; i < size; ++i) {
      const auto self = static_cast<std::uint32_t>(first + i);
      candidates.clear();
      for (std::size_t j = 0; j < k; ++j) {
        const std::uint32_t slot = found[i * k + j].id;
        if (slot != kNoId && slot != self)
          candidates.push_back({closeness(lists, self, slot), slot});
      }
      std::sort(candidates.begin(), candidates.end(), nearer);
      prune(lists, candidates, degree, options.slack, out.of(self));
    }
    done += size;
    if (worker == 0) progress.update(done);
  });
  progress.finish();
  return out;
}

// Adds to each slot the edges that point at it, and prunes again.
Adjacency with_reverse(const Lists& lists, const Adjacency& forward, const GraphOptions& options,
                       const Workers& workers, Progress& progress) {
  const std::size_t slots = lists.slot_count();
  std::vector<std::uint32_t> begin(slots + 1);
  for (const Edge& edge : forward.edges)
    if (edge.slot != kNoId) ++begin[edge.slot + 1];
  std::partial_sum(begin.begin(), begin.end(), begin.begin());
  std::vector<Edge> reverse(begin.back());
  std::vector<std::uint32_t> next(begin.begin(), begin.end() - 1);
  for (std::size_t slot = 0; slot < slots; ++slot)
    for (std::size_t i = 0; i < forward.width; ++i) {
      const Edge& edge = forward.of(slot)[i];
      if (edge.slot != kNoId)
        reverse[next[edge.slot]++] = {edge.closeness, static_cast<std::uint32_t>(slot)};
    }
  Adjacency out(slots, forward.width);
  progress.start("edges", lists.list_count(), "lists");
  parallel_for(workers, lists.list_count(), [&](std::size_t list, unsigned worker) {
    std::vector<Edge> candidates;
    const std::size_t first = std::size_t{lists.first_block[list]} * kLanes;
    for (std::size_t slot = first; slot < first + lists.sizes[list]; ++slot) {
      candidates.assign(reverse.begin() + begin[slot], reverse.begin() + begin[slot + 1]);
      for (std::size_t i = 0; i < forward.width; ++i)
        if (forward.of(slot)[i].slot != kNoId) candidates.push_back(forward.of(slot)[i]);
      std::sort(candidates.begin(), candidates.end(), nearer);
      candidates.erase(std::unique(candidates.begin(), candidates.end(),
                                   [](const Edge& a, const Edge& b) { return a.slot == b.slot; }),
                       candidates.end());
      if (candidates.size() > 4 * forward.width) candidates.resize(4 * forward.width);
      prune(lists, candidates, forward.width, options.slack, out.of(slot));
    }
    if (worker == 0) progress.update(list);
  });
  progress.finish();
  return out;
}

// All vectors rotated, by slot, with half their squared lengths where the metric wants them.
struct Rotated {
  explicit Rotated(const Lists& lists)
      : dims(lists.dims), rows(lists.slot_count() * dims), minus(lists.slot_count()) {}
  const float* row(std::size_t slot) const { return rows.data() + slot * dims; }
  std::size_t dims;
  Column<float> rows;
  std::vector<float> minus;
};

Rotated rotated_rows(const Lists& lists, const Workers& workers) {
  Rotated out(lists);
  parallel_for(workers, lists.block_count(), [&](std::size_t block, unsigned) {
    for (std::size_t slot = block * kLanes; slot < (block + 1) * kLanes; ++slot) {
      const float* row = lists.rows.data() + slot * lists.dim;
      lists.rotation.apply(row, out.rows.mutable_data() + slot * lists.dims);
      if (lists.metric == Metric::kL2) out.minus[slot] = 0.5F * kernels().dot(row, row, lists.dim);
    }
  });
  return out;
}

void residual_of(const Rotated& rotated, std::size_t from, std::size_t to, float* residual) {
  const float* a = rotated.row(from);
  const float* b = rotated.row(to);
  for (std::size_t d = 0; d < rotated.dims; ++d) residual[d] = b[d] - a[d];
}

// The words of the codes beside edges, from edges at random.
Coding trained_coding(const Lists& lists, const Adjacency& edges, const Rotated& rotated,
                      const GraphOptions& options, const Workers& workers, Progress& progress) {
  constexpr std::size_t kSample = 16384;
  const std::size_t dims = lists.dims;
  const CodeOptions codes = Graph::code_options();
  Random random(options.seed ^ 0x6564676573ULL);
  Column<float> sample(kSample * dims);
  std::size_t count = 0;
  for (std::size_t tries = 0; tries < 4 * kSample && count < kSample; ++tries) {
    const std::size_t slot = random.below(lists.slot_count());
    const std::uint32_t to = edges.of(slot)[random.below(edges.width)].slot;
    if (to == kNoId || lists.ids[slot] == kNoId) continue;
    float* residual = sample.mutable_data() + count * dims;
    residual_of(rotated, slot, to, residual);
    if (kernels().dot(residual, residual, dims) > 0) ++count;
  }
  // Nothing but equal vectors: any words will do.
  if (count == 0) return Coding(codes, lists.dims, Column<float>(word_floats(codes, lists.dims)));
  to_unit_length(sample.mutable_data(), count, dims);
  return Coding(
      codes, lists.dims,
      train_words(sample.data(), count, lists.dims, codes, options.seed, workers, progress));
}

void put_record(const Lists& lists, const Coding& coding, const Rotated& rotated, const Edge* edges,
                std::size_t slot, std::uint8_t* record, std::size_t factors_offset,
                std::size_t bytes_offset, std::size_t block_offset) {
  const std::size_t dims = lists.dims;
  std::vector<float> residual(dims);
  std::vector<VectorFactors> vectors;
  vectors.reserve(Graph::kDegree);
  std::uint32_t* to = reinterpret_cast<std::uint32_t*>(record);
  std::fill(to, to + Graph::kDegree, kNoId);
  for (std::size_t i = 0; i < Graph::kDegree && edges[i].slot != kNoId; ++i) {
    to[i] = edges[i].slot;
    // Neighbours lie anywhere: the one after the next is on its way meanwhile.
    if (i + 2 < Graph::kDegree && edges[i + 2].slot != kNoId)
      for (std::size_t d = 0; d < dims; d += 16)
        __builtin_prefetch(rotated.row(edges[i + 2].slot) + d);
    residual_of(rotated, slot, to[i], residual.data());
    vectors.push_back(coding.encode(residual.data(), rotated.row(slot), nullptr,
                                    rotated.minus[to[i]], i, record + block_offset, nullptr));
  }
  Graph::Factors factors;
  factors.codes = factors_for(vectors);
  factors.scale = quantize_unsigned(rotated.row(slot), dims, record + bytes_offset);
  factors.minus = rotated.minus[slot];
  std::memcpy(record + factors_offset, &factors, sizeof(factors));
  for (std::size_t i = 0; i < vectors.size(); ++i)
    coding.put(factors.codes, vectors[i], i, record + block_offset);
}

std::uint32_t nearest_to_center(const Lists& lists, const Rotated& rotated, std::size_t list) {
  const std::size_t first = std::size_t{lists.first_block[list]} * kLanes;
  float best = std::numeric_limits<float>::infinity();
  std::uint32_t out = kNoId;
  for (std::size_t slot = first; slot < first + lists.sizes[list]; ++slot) {
    const float distance =
        kernels().squared_distance(rotated.row(slot), lists.coarse.centroid(list), lists.dims);
    if (distance < best || out == kNoId) {
      best = distance;
      out = static_cast<std::uint32_t>(slot);
    }
  }
  return out;
}

}  // namespace

Graph Graph::build(const Lists& lists, const GraphOptions& options, const Workers& workers,
                   Progress& progress) {
  const Adjacency edges = with_reverse(
      lists, forward_edges(lists, options, kDegree, workers, progress), options, workers, progress);
  const Rotated rotated = rotated_rows(lists, workers);
  const Coding coding = trained_coding(lists, edges, rotated, options, workers, progress);
  const std::size_t stride = stride_for(coding);
  Graph out(coding, Column<std::uint8_t>(lists.slot_count() * stride),
            Column<std::uint32_t>(lists.list_count()));
  std::atomic<std::size_t> done{0};
  progress.start("codes beside edges", lists.count, "vectors");
  parallel_for(workers, lists.list_count(), [&](std::size_t list, unsigned worker) {
    const std::size_t first = std::size_t{lists.first_block[list]} * kLanes;
    const std::size_t end = std::size_t{lists.first_block[list + 1]} * kLanes;
    for (std::size_t slot = first; slot < end; ++slot)
      put_record(lists, coding, rotated, edges.of(slot), slot,
                 out.records_.mutable_data() + slot * stride, kFactorsOffset, kBytesOffset,
                 out.block_offset_);
    out.entries_.mutable_data()[list] = nearest_to_center(lists, rotated, list);
    done += lists.sizes[list];
    if (worker == 0) progress.update(done);
  });
  progress.finish();
  return out;
}

}  // namespace vitrine::vec
