#include "engine/graph/sampler.h"

#include <algorithm>
#include <cstring>

namespace vitrine::graph {
namespace {

// What random numbers are for: the first coordinate after the seed.
enum Purpose : std::uint64_t { kExamples = 1, kOtherItem = 2, kHop = 16 };

// The found nodes with the targets they belong to, and places for all of them in one sorted list.
// Sorts (id, slot) by id, a digit of 11 bits at a time, and numbers the distinct ids.
class Places {
 public:
  void add(NodeId id) { keys_.push_back(std::uint64_t{id} << 32 | keys_.size()); }

  // place[slot] = index of the slot's id among the distinct ids, which go to `distinct`.
  void resolve(std::vector<NodeId>& distinct, std::vector<std::uint32_t>& place) {
    std::uint64_t highest = 0;
    for (const std::uint64_t key : keys_) highest |= key;
    for (int shift = 32; shift < 64 && (highest >> shift) != 0; shift += 11) sort_digit(shift);
    distinct.clear();
    place.resize(keys_.size());
    for (const std::uint64_t key : keys_) {
      const auto id = static_cast<NodeId>(key >> 32);
      if (distinct.empty() || distinct.back() != id) distinct.push_back(id);
      place[static_cast<std::uint32_t>(key)] = static_cast<std::uint32_t>(distinct.size() - 1);
    }
    keys_.clear();
  }

 private:
  void sort_digit(int shift) {
    std::uint32_t begin[2049] = {};
    for (const std::uint64_t key : keys_) ++begin[((key >> shift) & 2047) + 1];
    for (int i = 1; i <= 2048; ++i) begin[i] += begin[i - 1];
    sorted_.resize(keys_.size());
    for (const std::uint64_t key : keys_) sorted_[begin[(key >> shift) & 2047]++] = key;
    keys_.swap(sorted_);
  }
  std::vector<std::uint64_t> keys_;
  std::vector<std::uint64_t> sorted_;
};

// What hop() wrote for one batch: for each target in order a count (u32) and so many nodes.
Status split_hop(const std::string& bytes, std::size_t targets, std::vector<std::uint32_t>& begin,
                 std::vector<NodeId>& found) {
  begin.assign(1, 0);
  found.clear();
  std::size_t at = 0;
  for (std::size_t t = 0; t < targets; ++t) {
    std::uint32_t count = 0;
    if (bytes.size() - at < 4) break;
    std::memcpy(&count, bytes.data() + at, 4);
    at += 4;
    if (count > kFanoutMax || bytes.size() - at < std::size_t{count} * 4) break;
    const std::size_t old = found.size();
    found.resize(old + count);
    std::memcpy(found.data() + old, bytes.data() + at, std::size_t{count} * 4);
    at += std::size_t{count} * 4;
    begin.push_back(static_cast<std::uint32_t>(found.size()));
  }
  if (at != bytes.size() || begin.size() != targets + 1) {
    return Error(ErrorCode::kCorrupt, "the stored neighbours of a hop are not what was written");
  }
  return ok_status();
}

}  // namespace

// Floyd's way of drawing distinct numbers (Bentley, Communications of the ACM 1987).
void draw_neighbours(const RandomStream& random, std::uint32_t degree, std::uint32_t fanout,
                     std::vector<std::uint32_t>& out) {
  out.clear();
  if (degree <= fanout) {
    for (std::uint32_t i = 0; i < degree; ++i) out.push_back(i);
    return;
  }
  for (std::uint32_t j = degree - fanout; j < degree; ++j) {
    const auto drawn = static_cast<std::uint32_t>(random.below(std::uint64_t{j} + 1, j));
    const bool taken = std::find(out.begin(), out.end(), drawn) != out.end();
    out.push_back(taken ? j : drawn);
  }
  std::sort(out.begin(), out.end());
}

// Triples; examples while they are found; lists of both hops at about two bytes a node.
std::uint64_t Sampler::bytes_for(const SampleOptions& options, std::uint32_t batches) {
  const std::uint64_t examples = std::uint64_t{batches} * options.batch_examples;
  return examples * (12 + sizeof(Example) + 3 * (2 + 2 * (options.fanout_outer + 1)));
}

Status Sampler::sample(std::uint64_t epoch, std::uint64_t first, std::uint32_t count,
                       AccessTrace& trace, SegmentStore& structures) {
  VITRINE_CHECK(first + count <= batches_per_epoch());
  VITRINE_CHECK(options_.fanout_outer <= kFanoutMax);
  VITRINE_CHECK(options_.fanout_inner <= kFanoutMax);
  epoch_ = epoch;
  first_ = first;
  count_ = count;
  VITRINE_TRY(const Reservation held, budget_.reserve("sampling", bytes_for(options_, count)));
  VITRINE_TRY(find_examples());
  VITRINE_TRY(structures.begin(count));
  VITRINE_TRY(hop(1, options_.fanout_outer, outer_));
  inner_.assign(count, {});
  for (std::uint32_t b = 0; b < count; ++b) VITRINE_TRY(finish_outer(b, structures));
  VITRINE_TRY(hop(2, options_.fanout_inner, inner_));
  for (std::uint32_t b = 0; b < count; ++b) VITRINE_TRY(finish_inner(b, trace, structures));
  outer_.clear();
  inner_.clear();
  VITRINE_TRY(structures.seal());
  return trace.hold(budget_);
}

Status Sampler::find_examples() {
  const std::uint32_t n = options_.batch_examples;
  const Permutation order(graph_.info().entries, options_.seed, kExamples << 56 | epoch_);
  std::vector<Example> examples;
  examples.reserve(std::size_t{count_} * n);
  for (std::uint32_t b = 0; b < count_; ++b) {
    for (std::uint32_t i = 0; i < n; ++i) {
      examples.push_back({order.at((first_ + b) * n + i), b, i});
    }
  }
  std::sort(examples.begin(), examples.end(),
            [](const Example& a, const Example& b) { return a.entry < b.entry; });
  triples_.assign(std::size_t{count_} * n * 3, 0);
  VITRINE_TRY(resolve_examples(examples));
  outer_.assign(count_, {});
  std::vector<NodeId> distinct;
  for (std::uint32_t b = 0; b < count_; ++b) {
    NodeId* triples = triples_.data() + std::size_t{b} * n * 3;
    for (std::uint32_t i = 0; i < n; ++i) {
      const RandomStream random(options_.seed, kOtherItem << 56 | epoch_, first_ + b, i);
      NodeId other = 0;
      std::uint64_t attempt = 0;
      do other = static_cast<NodeId>(random.below(graph_.info().nodes(), attempt++));
      while (!graph_.is_item(other));
      triples[i * 3 + 2] = other;
    }
    distinct.assign(triples, triples + std::size_t{n} * 3);
    std::sort(distinct.begin(), distinct.end());
    distinct.erase(std::unique(distinct.begin(), distinct.end()), distinct.end());
    outer_[b].assign(distinct);
  }
  return ok_status();
}

// Both ends of each example's list entry: the node whose list it is, and the neighbour.
Status Sampler::resolve_examples(std::span<const Example> examples) {
  std::vector<std::uint32_t> blocks;
  for (const Example& example : examples) {
    const std::uint32_t block = graph_.block_of_entry(example.entry);
    if (blocks.empty() || blocks.back() != block) blocks.push_back(block);
  }
  std::size_t next = 0;
  return graph_.scan(blocks, [&](std::uint32_t, const BlockView& view) -> Status {
    std::uint64_t before = view.first_edge();  // entries before the piece
    std::array<NodeId, kChunkNeighbours> chunk;
    for (std::uint32_t p = 0; p < view.pieces() && next < examples.size(); ++p) {
      ListPiece piece;
      VITRINE_TRY(view.piece(p, piece));
      for (; next < examples.size() && examples[next].entry < before + piece.count; ++next) {
        const auto at = static_cast<std::uint32_t>(examples[next].entry - before);
        const std::uint32_t in_chunk =
            decode_chunk(piece, at / kChunkNeighbours, chunk, at % kChunkNeighbours + 1);
        if (at % kChunkNeighbours >= in_chunk) {
          return Error(ErrorCode::kCorrupt, "a chunk of neighbours is damaged");
        }
        const NodeId neighbour = chunk[at % kChunkNeighbours];
        const bool from_item = graph_.is_item(piece.node);
        NodeId* triple =
            triples_.data() +
            (std::size_t{examples[next].batch} * options_.batch_examples + examples[next].place) *
                3;
        triple[0] = from_item ? neighbour : piece.node;
        triple[1] = from_item ? piece.node : neighbour;
      }
      before += piece.count;
    }
    return ok_status();
  });
}

std::vector<std::uint32_t> Sampler::needed_blocks(const std::vector<IdList>& frontiers) const {
  const auto blocks = static_cast<std::uint32_t>(graph_.info().blocks);
  std::uint64_t nodes = 0;
  for (const IdList& list : frontiers) nodes += list.size();
  std::vector<std::uint32_t> needed;
  if (nodes >= blocks) {
    for (std::uint32_t b = 0; b < blocks; ++b) needed.push_back(b);
    return needed;
  }
  for (const IdList& list : frontiers) {
    for (IdList::Cursor at(list); !at.done(); at.next()) {
      std::uint32_t block = graph_.block_of(at.id());
      do needed.push_back(block++);
      while (block < blocks && graph_.first_node(block) == at.id() &&
             graph_.first_position(block) > 0);
    }
  }
  std::sort(needed.begin(), needed.end());
  needed.erase(std::unique(needed.begin(), needed.end()), needed.end());
  return needed;
}

Status Sampler::hop(std::uint32_t number, std::uint32_t fanout,
                    const std::vector<IdList>& frontiers) {
  VITRINE_TRY(scratch_.begin(count_));
  std::vector<IdList::Cursor> cursors(frontiers.begin(), frontiers.end());
  const Snapshot::TakeBlock take = [&](std::uint32_t, const BlockView& view) -> Status {
    for (std::uint32_t b = 0; b < count_; ++b) {
      VITRINE_TRY(serve(b, number, fanout, view, cursors[b]));
    }
    return ok_status();
  };
  VITRINE_TRY(graph_.scan(needed_blocks(frontiers), take));
  for (const auto& cursor : cursors) {
    if (!cursor.done()) return Error(ErrorCode::kCorrupt, "the graph lacks a list");
  }
  return scratch_.seal();
}

Status Sampler::serve(std::uint32_t batch, std::uint32_t number, std::uint32_t fanout,
                      const BlockView& view, IdList::Cursor& cursor) {
  std::array<NodeId, kChunkNeighbours> chunk;
  const std::uint64_t end = std::uint64_t{view.first_node()} + view.pieces();
  while (!cursor.done() && cursor.id() < end) {
    ListPiece piece;
    if (cursor.id() < view.first_node()) {
      return Error(ErrorCode::kCorrupt, "the graph lacks a list");
    }
    VITRINE_TRY(view.piece(cursor.id() - view.first_node(), piece));
    const RandomStream random(options_.seed, (kHop + number) << 56 | epoch_, first_ + batch,
                              piece.node);
    draw_neighbours(random, piece.degree, fanout, picks_);
    found_.clear();
    if (piece.first == 0) found_.push_back(static_cast<std::uint32_t>(picks_.size()));
    std::uint32_t chunk_at = ~0u;
    std::uint32_t in_chunk = 0;
    for (std::size_t p = 0; p < picks_.size(); ++p) {
      if (picks_[p] < piece.first || picks_[p] - piece.first >= piece.count) continue;
      const std::uint32_t at = picks_[p] - piece.first;
      if (at / kChunkNeighbours != chunk_at) {
        chunk_at = at / kChunkNeighbours;
        // No further than the last pick of the chunk: half of it on average in a long list.
        std::size_t last = p;
        while (last + 1 < picks_.size() &&
               (picks_[last + 1] - piece.first) / kChunkNeighbours == chunk_at) {
          ++last;
        }
        const std::uint32_t wanted = (picks_[last] - piece.first) % kChunkNeighbours + 1;
        in_chunk = decode_chunk(piece, chunk_at, chunk, wanted);
      }
      if (at % kChunkNeighbours >= in_chunk) {
        return Error(ErrorCode::kCorrupt, "a chunk of neighbours is damaged");
      }
      found_.push_back(chunk[at % kChunkNeighbours]);
    }
    VITRINE_TRY(
        scratch_.append(batch, {reinterpret_cast<const char*>(found_.data()), found_.size() * 4}));
    // A cut list goes on in the next block.
    if (piece.first + piece.count < piece.degree) return ok_status();
    cursor.next();
  }
  return ok_status();
}

Status Sampler::finish_outer(std::uint32_t batch, SegmentStore& structures) {
  VITRINE_TRY(read_segment(scratch_, batch, bytes_));
  MiniBatch made;
  std::vector<NodeId> targets;
  outer_[batch].decode(targets);
  VITRINE_TRY(split_hop(bytes_, targets.size(), made.outer_begin, found_));
  Places places;
  for (const NodeId id : targets) places.add(id);
  for (const NodeId id : found_) places.add(id);
  std::vector<NodeId> inner;
  std::vector<std::uint32_t> place;
  places.resolve(inner, place);
  inner_[batch].assign(inner);
  const auto split = place.begin() + static_cast<std::ptrdiff_t>(targets.size());
  made.outer.assign(place.begin(), split);
  made.outer_from.assign(split, place.end());
  const std::size_t n = std::size_t{options_.batch_examples} * 3;
  for (std::size_t i = 0; i < n; ++i) {
    const NodeId id = triples_[batch * n + i];
    const auto at = std::lower_bound(targets.begin(), targets.end(), id);
    made.triples.push_back(static_cast<std::uint32_t>(at - targets.begin()));
  }
  bytes_.clear();
  encode_outer(made, bytes_);
  return structures.append(batch, bytes_);
}

Status Sampler::finish_inner(std::uint32_t batch, AccessTrace& trace, SegmentStore& structures) {
  VITRINE_TRY(read_segment(scratch_, batch, bytes_));
  MiniBatch made;
  std::vector<NodeId> targets;
  inner_[batch].decode(targets);
  VITRINE_TRY(split_hop(bytes_, targets.size(), made.inner_begin, found_));
  Places places;
  for (const NodeId id : targets) places.add(id);
  for (const NodeId id : found_) places.add(id);
  std::vector<NodeId> rows;
  std::vector<std::uint32_t> place;
  places.resolve(rows, place);
  trace.add_batch(rows);
  made.rows = static_cast<std::uint32_t>(rows.size());
  const auto split = place.begin() + static_cast<std::ptrdiff_t>(targets.size());
  made.inner.assign(place.begin(), split);
  made.inner_from.assign(split, place.end());
  bytes_.clear();
  encode_inner(made, bytes_);
  return structures.append(batch, bytes_);
}

}  // namespace vitrine::graph
