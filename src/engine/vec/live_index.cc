#include "engine/vec/live_index.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <string>

#include "engine/vec/kernels.h"

namespace vitrine::vec {

namespace {
constexpr std::size_t kChunkRows = 512;
}  // namespace

// Places are only ever appended; a snapshot reads those below its own count.
struct LiveSnapshot::Chunk {
  explicit Chunk(std::uint32_t dim) : rows(kChunkRows * dim) {}
  std::vector<float> rows;
  std::array<std::uint32_t, kChunkRows> ids{};
};

namespace {

// How unequal list sizes are: 1 for equal ones. Proportional to what a search scans.
double imbalance(const Lists& lists) {
  double squares = 0;
  for (const std::uint32_t size : lists.sizes.span()) squares += static_cast<double>(size) * size;
  const auto count = static_cast<double>(std::max<std::size_t>(1, lists.count));
  return squares * static_cast<double>(lists.list_count()) / (count * count);
}

}  // namespace

struct LiveIndex::State {
  State(Index base_, const LiveOptions& options_) : options(options_), base(std::move(base_)) {
    adopt();
    trained_count = base.size();
    trained_imbalance = imbalance(base.lists());
  }

  // Takes `base` as it is: nothing fresh, nothing gone.
  void adopt() {
    slots.clear();
    slots.reserve(base.size());
    const Lists& lists = base.lists();
    for (std::size_t slot = 0; slot < lists.slot_count(); ++slot)
      if (lists.ids[slot] != kNoId)
        slots.push_back({lists.ids[slot], static_cast<std::uint32_t>(slot)});
    std::sort(slots.begin(), slots.end());
    words.clear();
    chunks.clear();
    fresh = 0;
    gone.clear();
    fresh_gone = 0;
    fresh_of.clear();
    cached.reset();
  }

  std::uint32_t base_slot(std::uint32_t id) const {
    const auto at = std::lower_bound(slots.begin(), slots.end(), std::pair{id, 0U});
    return at != slots.end() && at->first == id ? at->second : kNoId;
  }

  bool remove(std::uint32_t id) {
    bool there = false;
    const auto at = fresh_of.find(id);
    if (at != fresh_of.end()) {
      gone[at->second / 64] |= std::uint64_t{1} << (at->second % 64);
      ++fresh_gone;
      fresh_of.erase(at);
      there = true;
    }
    const std::uint32_t slot = base_slot(id);
    if (slot != kNoId) {
      if (words.empty()) {
        const Filter all(base.lists());
        words.assign(all.words(), all.words() + base.lists().block_count());
      }
      std::uint32_t& word = words[slot / kLanes];
      const std::uint32_t bit = 1U << (slot % kLanes);
      if ((word & bit) != 0) {
        word &= ~bit;
        base_changed = true;
        there = true;
      }
    }
    if (there) cached.reset();
    return there;
  }

  void put(std::uint32_t id, const float* row) {
    remove(id);
    if (fresh == chunks.size() * kChunkRows)
      chunks.push_back(std::make_shared<LiveSnapshot::Chunk>(base.dim()));
    LiveSnapshot::Chunk& chunk = *chunks.back();
    const std::size_t place = fresh % kChunkRows;
    float* to = chunk.rows.data() + place * base.dim();
    if (base.metric() == Metric::kCosine)
      normalize(row, base.dim(), to);
    else
      std::copy_n(row, base.dim(), to);
    chunk.ids[place] = id;
    fresh_of[id] = static_cast<std::uint32_t>(fresh++);
    gone.resize((fresh + 63) / 64);
    cached.reset();
  }

  LiveOptions options;
  Index base;
  std::vector<std::pair<std::uint32_t, std::uint32_t>> slots;  // (id, slot) of the base, by id
  std::vector<std::uint32_t> words;  // what is left of the base; empty: all of it
  bool base_changed = false;         // since `alive` was made
  std::shared_ptr<const Filter> alive;
  std::vector<std::shared_ptr<LiveSnapshot::Chunk>> chunks;
  std::size_t fresh = 0;
  std::vector<std::uint64_t> gone;
  std::size_t fresh_gone = 0;
  std::unordered_map<std::uint32_t, std::uint32_t> fresh_of;  // id to place
  std::shared_ptr<const LiveSnapshot> cached;
  std::size_t trained_count = 0;
  double trained_imbalance = 1;
  std::uint64_t rebuilds = 0;
  bool merging = false;
  std::vector<std::uint32_t> touched;  // ids written while merging
};

std::size_t LiveSnapshot::size() const {
  return (alive_ == nullptr ? base_.size() : alive_->count()) + fresh_ - fresh_gone_;
}

std::vector<Neighbor> LiveSnapshot::search(const float* query, const SearchOptions& options,
                                           std::span<const std::uint64_t> passing,
                                           Searcher& searcher) const {
  const auto passes = [&](std::uint32_t id) {
    return passing.empty() ||
           (id / 64 < passing.size() && (passing[id / 64] >> (id % 64) & 1) != 0);
  };
  SearchOptions inner = options;
  inner.k = std::clamp<std::size_t>(options.k, 1, kNeighboursMax);
  std::optional<Filter> both;
  inner.filter = alive_.get();
  if (!passing.empty()) {
    both.emplace(base_.lists(), passing);
    if (alive_ != nullptr) both.emplace(*both & *alive_);
    inner.filter = &*both;
  }
  if (&searcher.index().lists() != &base_.lists()) searcher = Searcher(base_);
  const auto found = searcher.search(query, inner);
  std::vector<Neighbor> out(found.begin(), found.end());
  std::vector<float> unit(query, query + base_.dim());
  if (base_.metric() == Metric::kCosine) normalize(query, base_.dim(), unit.data());
  for (std::size_t place = 0; place < fresh_; ++place) {
    if ((gone_[place / 64] >> (place % 64) & 1) != 0) continue;
    const Chunk& chunk = *chunks_[place / kChunkRows];
    const std::uint32_t id = chunk.ids[place % kChunkRows];
    if (!passes(id)) continue;
    const float* row = chunk.rows.data() + place % kChunkRows * base_.dim();
    out.push_back({id, base_.metric() == Metric::kL2
                           ? kernels().squared_distance(unit.data(), row, base_.dim())
                           : kernels().dot(unit.data(), row, base_.dim())});
  }
  const bool small_is_near = base_.metric() == Metric::kL2;
  std::sort(out.begin(), out.end(), [small_is_near](const Neighbor& a, const Neighbor& b) {
    if (a.score != b.score) return small_is_near ? a.score < b.score : a.score > b.score;
    return a.id < b.id;
  });
  if (out.size() > inner.k) out.resize(inner.k);
  return out;
}

LiveIndex::LiveIndex(Index base, const LiveOptions& options)
    : state_(std::make_unique<Guarded<State>>(std::move(base), options)) {}
LiveIndex::~LiveIndex() = default;

Status LiveIndex::put(std::uint32_t id, const float* row) {
  if (id == kNoId) return Error(ErrorCode::kInvalidArgument, "the id 4294967295 is reserved");
  return state_->with([&](State& state) -> Status {
    VITRINE_TRY(check_finite(Rows{row, 1, state.base.dim()}));
    state.put(id, row);
    if (state.merging) state.touched.push_back(id);
    return ok_status();
  });
}

bool LiveIndex::remove(std::uint32_t id) {
  return state_->with([&](State& state) {
    if (state.merging) state.touched.push_back(id);
    return state.remove(id);
  });
}

std::shared_ptr<const LiveSnapshot> LiveIndex::snapshot() {
  return state_->with([](State& state) {
    if (state.cached != nullptr) return state.cached;
    std::shared_ptr<LiveSnapshot> made(new LiveSnapshot(state.base));
    if (state.base_changed) {
      state.alive = std::make_shared<const Filter>(state.base.lists(), state.words);
      state.base_changed = false;
    }
    if (!state.words.empty()) made->alive_ = state.alive;
    made->chunks_ = state.chunks;
    made->fresh_ = state.fresh;
    made->gone_ = state.gone;
    made->fresh_gone_ = state.fresh_gone;
    state.cached = made;
    return state.cached;
  });
}

bool LiveIndex::merge_needed() {
  return state_->with([](const State& state) { return state.fresh >= state.options.fresh_max; });
}

std::uint64_t LiveIndex::rebuilds() const {
  return state_->with([](const State& state) { return state.rebuilds; });
}

Status LiveIndex::merge(const Workers& workers, Progress& progress) {
  double trained_count = 0;
  double trained_imbalance = 1;
  LiveOptions options;
  // From here on writes are noted; those that the snapshot below already has are done twice, which
  // changes nothing.
  state_->with([&](State& state) {
    state.merging = true;
    state.touched.clear();
    trained_count = static_cast<double>(state.trained_count);
    trained_imbalance = state.trained_imbalance;
    options = state.options;
  });
  const auto from = snapshot();
  const Lists& old = from->base_.lists();
  std::vector<float> rows;
  std::vector<std::uint32_t> ids;
  rows.reserve(from->size() * old.dim);
  for (std::size_t slot = 0; slot < old.slot_count(); ++slot) {
    if (old.ids[slot] == kNoId) continue;
    if (from->alive_ != nullptr &&
        (from->alive_->words()[slot / kLanes] >> (slot % kLanes) & 1U) == 0)
      continue;
    ids.push_back(old.ids[slot]);
    const float* row = old.rows.data() + slot * old.dim;
    rows.insert(rows.end(), row, row + old.dim);
  }
  for (std::size_t place = 0; place < from->fresh_; ++place) {
    if ((from->gone_[place / 64] >> (place % 64) & 1) != 0) continue;
    const LiveSnapshot::Chunk& chunk = *from->chunks_[place / kChunkRows];
    ids.push_back(chunk.ids[place % kChunkRows]);
    const float* row = chunk.rows.data() + place % kChunkRows * old.dim;
    rows.insert(rows.end(), row, row + old.dim);
  }
  const Rows all{rows.data(), ids.size(), old.dim};
  // Plans of walks need the graph, which merging does not extend: lists serve until the next
  // clustering builds another.
  std::vector<CalibratedPlan> plans = from->base_.plans();
  for (CalibratedPlan& plan : plans)
    if (plan.single.beam != 0) plan.single = plan.batch;
  Index merged(
      std::make_shared<const Lists>(encode_lists(all, ids.data(), old.metric, old.rotation,
                                                 old.coarse, old.coding, workers, progress)),
      nullptr, std::move(plans), from->base_.options());
  const auto count = static_cast<double>(std::max<std::size_t>(1, ids.size()));
  const double growth = count / std::max(1.0, trained_count);
  const bool drifted = growth > options.drift || growth < 1 / options.drift ||
                       imbalance(merged.lists()) > options.drift * trained_imbalance;
  if (drifted) {
    auto built = Index::build(all, ids.data(), from->base_.options(), workers, progress);
    if (!built.ok()) {
      state_->with([](State& state) { state.merging = false; });
      return std::move(built).error();
    }
    merged = std::move(built).value();
  }
  state_->with([&](State& state) {
    // What was written meanwhile, as it is now.
    std::vector<std::pair<std::uint32_t, std::vector<float>>> puts;
    std::vector<std::uint32_t> removed;
    std::sort(state.touched.begin(), state.touched.end());
    state.touched.erase(std::unique(state.touched.begin(), state.touched.end()),
                        state.touched.end());
    for (const std::uint32_t id : state.touched) {
      const auto at = state.fresh_of.find(id);
      removed.push_back(id);
      if (at == state.fresh_of.end()) continue;
      const LiveSnapshot::Chunk& chunk = *state.chunks[at->second / kChunkRows];
      const float* row = chunk.rows.data() + at->second % kChunkRows * state.base.dim();
      puts.emplace_back(id, std::vector<float>(row, row + state.base.dim()));
    }
    state.base = std::move(merged);
    state.base_changed = false;
    state.alive.reset();
    state.adopt();
    for (const std::uint32_t id : removed) state.remove(id);
    for (const auto& [id, row] : puts) state.put(id, row.data());
    state.merging = false;
    state.touched.clear();
    if (drifted) {
      ++state.rebuilds;
      state.trained_count = state.base.size();
      state.trained_imbalance = imbalance(state.base.lists());
    }
  });
  return ok_status();
}

}  // namespace vitrine::vec
