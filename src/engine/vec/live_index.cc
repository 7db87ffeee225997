#include "engine/vec/live_index.h"

#include <algorithm>
#include <array>
#include <condition_variable>
#include <mutex>
#include <utility>

#include "base/check.h"
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

// Where the vectors of a base are: (id, slot), by id.
std::vector<std::pair<std::uint32_t, std::uint32_t>> slots_by_id(const Lists& lists) {
  std::vector<std::pair<std::uint32_t, std::uint32_t>> slots;
  slots.reserve(lists.count);
  for (std::size_t slot = 0; slot < lists.slot_count(); ++slot)
    if (lists.ids[slot] != kNoId)
      slots.emplace_back(lists.ids[slot], static_cast<std::uint32_t>(slot));
  std::sort(slots.begin(), slots.end());
  return slots;
}

// `place` is that of the row among the fresh ones, kNoId where the id was removed.
struct Write {
  std::uint32_t id;
  std::uint32_t place;
};

// Writes that a merge repeats with the lock held, at most, unless they come faster than it can
// catch up with in kCatchUpRounds.
constexpr std::size_t kLastWrites = 64;
constexpr int kCatchUpRounds = 16;

}  // namespace

// A base and what was written on top of it.
struct LiveIndex::Layers {
  explicit Layers(Index base_) : base(std::move(base_)), slots(slots_by_id(base.lists())) {
    const Filter everything(base.lists());
    all.assign(everything.words(), everything.words() + base.lists().block_count());
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
      if (words.empty()) words = all;
      std::uint32_t& word = words[slot / kLanes];
      const std::uint32_t bit = 1U << (slot % kLanes);
      if ((word & bit) != 0) {
        word &= ~bit;
        base_changed = true;
        ++base_gone;
        there = true;
      }
    }
    if (there) cached.reset();
    return there;
  }

  // A row that a chunk held is as it should be: scaled again, it might differ in its last bits.
  void put(std::uint32_t id, const float* row, bool scaled) {
    remove(id);
    if (fresh == chunks.size() * kChunkRows)
      chunks.push_back(std::make_shared<LiveSnapshot::Chunk>(base.dim()));
    LiveSnapshot::Chunk& chunk = *chunks.back();
    const std::size_t place = fresh % kChunkRows;
    float* to = chunk.rows.data() + place * base.dim();
    if (base.metric() == Metric::kCosine && !scaled)
      normalize(row, base.dim(), to);
    else
      std::copy_n(row, base.dim(), to);
    chunk.ids[place] = id;
    fresh_of[id] = static_cast<std::uint32_t>(fresh++);
    gone.resize((fresh + 63) / 64);
    cached.reset();
  }

  std::shared_ptr<const LiveSnapshot> snapshot() {
    if (cached != nullptr) return cached;
    std::shared_ptr<LiveSnapshot> made(new LiveSnapshot(base));
    if (base_changed) {
      alive = std::make_shared<const Filter>(base.lists(), words);
      base_changed = false;
    }
    if (!words.empty()) made->alive_ = alive;
    made->chunks_ = chunks;
    made->fresh_ = fresh;
    made->gone_ = gone;
    made->fresh_gone_ = fresh_gone;
    cached = made;
    return cached;
  }

  // In the order in which they were written; `from` holds the rows.
  void repeat(const std::vector<Write>& writes,
              const std::vector<std::shared_ptr<LiveSnapshot::Chunk>>& from) {
    for (const Write& write : writes) {
      if (write.place == kNoId) {
        remove(write.id);
        continue;
      }
      const LiveSnapshot::Chunk& chunk = *from[write.place / kChunkRows];
      put(write.id, chunk.rows.data() + write.place % kChunkRows * base.dim(), true);
    }
  }

  Index base;
  std::vector<std::pair<std::uint32_t, std::uint32_t>> slots;
  std::vector<std::uint32_t> all;    // a bit a vector of the base: a copy for the first deletion
  std::vector<std::uint32_t> words;  // what is left of the base; empty: all of it
  std::size_t base_gone = 0;         // of it
  bool base_changed = false;         // since `alive` was made
  std::shared_ptr<const Filter> alive;
  std::vector<std::shared_ptr<LiveSnapshot::Chunk>> chunks;
  std::size_t fresh = 0;
  std::vector<std::uint64_t> gone;
  std::size_t fresh_gone = 0;
  std::unordered_map<std::uint32_t, std::uint32_t> fresh_of;  // id to place
  std::shared_ptr<const LiveSnapshot> cached;
};

struct LiveIndex::State {
  State(Index base, const LiveOptions& options_)
      : options(options_),
        layers(std::move(base)),
        trained_count(layers.base.size()),
        trained_imbalance(imbalance(layers.base.lists())) {}

  // Calls fn(*this) under the lock of writes.
  template <class Fn>
  auto with(Fn&& fn) {
    std::lock_guard held(mutex);
    return std::forward<Fn>(fn)(*this);
  }

  bool needs_merge() const {
    return layers.fresh >= std::max<std::size_t>(1, options.fresh_max) ||
           (layers.base_gone >= kGoneMin &&
            static_cast<double>(layers.base_gone) >=
                options.gone_share * static_cast<double>(layers.base.size()));
  }

  bool may_merge() const { return needs_merge() && writes >= retry_from; }

  // After each write of a caller.
  void wrote(const Write& write) {
    ++writes;
    if (merging)
      meanwhile.push_back(write);
    else if (may_merge())
      changed.notify_all();
  }

  std::mutex mutex;  // everything below
  std::condition_variable changed;
  const LiveOptions options;
  Layers layers;
  std::size_t trained_count = 0;
  double trained_imbalance = 1;
  std::uint64_t merges = 0;
  std::uint64_t rebuilds = 0;
  bool merging = false;
  std::vector<Write> meanwhile;  // since the merge took its snapshot
  bool stopping = false;
  std::uint64_t writes = 0;
  std::uint64_t retry_from = 0;  // of `writes`, after a merge that failed
  std::optional<Error> failure;  // of the last merge

  std::mutex merge_mutex;  // one merge at a time; taken before `mutex`
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
    : state_(std::make_unique<State>(std::move(base), options)) {}

LiveIndex::~LiveIndex() {
  state_->with([](State& state) {
    state.stopping = true;
    state.changed.notify_all();
  });
  merger_.reset();
}

Status LiveIndex::put(std::uint32_t id, const float* row) {
  if (id == kNoId) return Error(ErrorCode::kInvalidArgument, "the id 4294967295 is reserved");
  return state_->with([&](State& state) -> Status {
    VITRINE_TRY(check_finite(Rows{row, 1, state.layers.base.dim()}));
    state.layers.put(id, row, false);
    state.wrote({id, static_cast<std::uint32_t>(state.layers.fresh - 1)});
    return ok_status();
  });
}

bool LiveIndex::remove(std::uint32_t id) {
  return state_->with([&](State& state) {
    const bool there = state.layers.remove(id);
    if (there) state.wrote({id, kNoId});
    return there;
  });
}

std::shared_ptr<const LiveSnapshot> LiveIndex::snapshot() {
  return state_->with([](State& state) { return state.layers.snapshot(); });
}

bool LiveIndex::merge_needed() {
  return state_->with([](const State& state) { return state.needs_merge(); });
}

std::uint64_t LiveIndex::rebuilds() const {
  return state_->with([](const State& state) { return state.rebuilds; });
}

MergeStatus LiveIndex::merge_status() const {
  return state_->with([](const State& state) {
    return MergeStatus{state.merges, state.rebuilds, state.merging, state.needs_merge(),
                       state.failure};
  });
}

void LiveIndex::start_merging(Executor& executor, unsigned threads) {
  VITRINE_CHECK(!merger_);
  const Workers workers{&executor, std::max(1U, threads)};
  merger_ = executor.run_thread("vec-merge", [this, workers] { merge_as_needed(workers); });
}

void LiveIndex::merge_as_needed(const Workers& workers) {
  State& state = *state_;
  for (;;) {
    {
      std::unique_lock held(state.mutex);
      state.changed.wait(held, [&state] { return state.stopping || state.may_merge(); });
      if (state.stopping) return;
    }
    // Kept by merge() for merge_status().
    static_cast<void>(merge(workers, no_progress()));
  }
}

Status LiveIndex::merge(const Workers& workers, Progress& progress) {
  std::lock_guard one(state_->merge_mutex);
  Status status = merge_once(workers, progress);
  state_->with([&](State& state) {
    state.merging = false;
    state.meanwhile = {};
    if (status.ok()) {
      ++state.merges;
      state.failure.reset();
      state.retry_from = 0;
    } else {
      state.failure = status.error();
      state.retry_from = state.writes + std::max<std::size_t>(1, state.options.fresh_max);
    }
    // Where the owner merged, the thread heard nothing of the writes meanwhile.
    if (state.may_merge()) state.changed.notify_all();
  });
  return status;
}

Status LiveIndex::merge_once(const Workers& workers, Progress& progress) {
  const Error stopped(ErrorCode::kUnavailable, "the index is about to end: not merged");
  double trained_count = 0;
  double trained_imbalance = 1;
  bool stopping = false;
  std::shared_ptr<const LiveSnapshot> from;
  state_->with([&](State& state) {
    trained_count = static_cast<double>(state.trained_count);
    trained_imbalance = state.trained_imbalance;
    stopping = state.stopping;
    if (stopping) return;
    from = state.layers.snapshot();
    state.merging = true;  // writes are noted from here on
    state.meanwhile.clear();
  });
  if (stopping) return stopped;
  const LiveOptions& options = state_->options;  // never changes
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
  // clustering builds another. A goal's plan for batches is the one for lists that was calibrated
  // before the walk took its place (calibrate.cc). Plans stay otherwise: within `drift` the lists
  // are those they were calibrated on, and they count in lists, not in vectors.
  std::vector<CalibratedPlan> plans = from->base_.plans();
  for (CalibratedPlan& plan : plans) {
    if (plan.single.beam == 0) continue;
    plan.single = plan.batch;
    plan.single_recall = plan.batch_recall;
  }
  Index merged(
      std::make_shared<const Lists>(encode_lists(all, ids.data(), old.metric, old.rotation,
                                                 old.coarse, old.coding, workers, progress)),
      nullptr, std::move(plans), from->base_.options());
  const auto count = static_cast<double>(std::max<std::size_t>(1, ids.size()));
  const double growth = count / std::max(1.0, trained_count);
  const bool drifted = growth > options.drift || growth < 1 / options.drift ||
                       imbalance(merged.lists()) > options.drift * trained_imbalance;
  if (drifted) {
    if (state_->with([](const State& state) { return state.stopping; })) return stopped;
    VITRINE_TRY(merged, Index::build(all, ids.data(), from->base_.options(), workers, progress));
  }
  const double new_imbalance = imbalance(merged.lists());
  Layers next(std::move(merged));
  // Most of what was written meanwhile is repeated without the lock: rows of chunks never change.
  std::vector<Write> writes;
  std::vector<std::shared_ptr<LiveSnapshot::Chunk>> chunks;
  for (int round = 0; round < kCatchUpRounds; ++round) {
    const bool enough = state_->with([&](State& state) {
      if (state.meanwhile.size() <= kLastWrites) return true;
      writes.clear();
      writes.swap(state.meanwhile);
      chunks = state.layers.chunks;
      return false;
    });
    if (enough) break;
    next.repeat(writes, chunks);
  }
  state_->with([&](State& state) {
    next.repeat(state.meanwhile, state.layers.chunks);
    std::swap(state.layers, next);
    if (drifted) {
      ++state.rebuilds;
      state.trained_count = state.layers.base.size();
      state.trained_imbalance = new_imbalance;
    }
  });
  return ok_status();  // the old layers go here, without the lock
}

}  // namespace vitrine::vec
