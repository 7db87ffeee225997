#include "engine/train/trainer.h"

#include <algorithm>
#include <condition_variable>
#include <cstdio>
#include <mutex>

#include "base/bytes.h"
#include "base/noted_progress.h"
#include "platform/io/checked_file.h"

namespace vitrine::train {
namespace {

using graph::AccessTrace;
using graph::MiniBatch;
using graph::SegmentStore;

constexpr std::string_view kCheckpointName = "graph checkpoint";

// One gathered batch on its way from the gatherer to the trainer.
class Handoff {
 public:
  // False when the other side gave up.
  bool wait_empty() {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [this] { return !full_ || given_up_; });
    return !given_up_;
  }
  bool wait_full() {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [this] { return full_ || given_up_; });
    return full_ && !given_up_;
  }
  void set(bool full) {
    {
      std::lock_guard lock(mutex_);
      full_ = full;
    }
    changed_.notify_all();
  }
  void give_up() {
    {
      std::lock_guard lock(mutex_);
      given_up_ = true;
    }
    changed_.notify_all();
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  bool full_ = false;      // guarded by mutex_
  bool given_up_ = false;  // guarded by mutex_
};

struct Superbatch {
  std::uint64_t position = 0;
  std::uint32_t count = 0;
  std::shared_ptr<AccessTrace> trace;
  SegmentStore* structures = nullptr;
};

}  // namespace

class Trainer::Impl {
 public:
  Impl(graph::Snapshot& graph, graph::RowStore& store, const TrainerOptions& options)
      : graph_(graph),
        store_(store),
        options_(options),
        workers_(*options.executor, options.threads),
        model_(options.shape, options.sample.seed, options.adam, workers_) {}

  Status open() {
    if (store_.format().dimension != options_.shape.features) {
      return Error(ErrorCode::kInvalidArgument,
                   "the model takes rows of " + std::to_string(options_.shape.features) +
                       " values, the file has " + std::to_string(store_.format().dimension));
    }
    if (store_.format().count < graph_.info().nodes()) {
      return Error(ErrorCode::kInvalidArgument,
                   "there are rows for " + std::to_string(store_.format().count) + " of " +
                       std::to_string(graph_.info().nodes()) + " nodes");
    }
    VITRINE_TRY(scratch_, make_segments("hop"));
    VITRINE_TRY(structures_[0], make_segments("batches0"));
    VITRINE_TRY(structures_[1], make_segments("batches1"));
    sampler_ =
        std::make_unique<graph::Sampler>(graph_, options_.sample, *scratch_, *options_.budget);
    if (sampler_->batches_per_epoch() == 0) {
      return Error(ErrorCode::kInvalidArgument, "the graph has fewer edges than a batch examples");
    }
    return load_checkpoint();
  }

  std::uint64_t batches_per_epoch() const { return sampler_->batches_per_epoch(); }
  std::uint64_t position() const { return position_; }
  GraphSage& model() { return model_; }

  Hash128 digest() const {
    HashSink sink;
    model_.save(sink);
    return sink.finish();
  }

  Result<TrainStats> run(std::uint64_t until, Progress& progress) {
    stats_ = {};
    gather_s_ = sample_s_ = plan_s_ = 0;
    const std::int64_t begin = options_.clock->steady_ns();
    const std::uint64_t first = position_;
    progress.start("training", until > first ? until - first : 0, "batches");
    Superbatch current = next_superbatch(position_, until);
    if (current.count > 0) VITRINE_TRY(prepare(current));
    stats_.first_prepare_s = seconds_since(begin);
    while (current.count > 0) {
      VITRINE_TRY(store_.advance());
      VITRINE_TRY(make_room(current));
      Superbatch next = next_superbatch(current.position + current.count, until);
      Status prepared;
      Status trained;
      {
        std::unique_ptr<Task> preparer;
        if (next.count > 0) {
          preparer =
              options_.executor->run_thread("graph-prepare", [&] { prepared = prepare(next); });
        }
        trained = train(current, first, progress);
      }  // waits for the preparer
      VITRINE_TRY(std::move(trained));
      VITRINE_TRY(std::move(prepared));
      take_stats(begin);
      say(progress);
      if (options_.on_superbatch && !options_.on_superbatch(mean_stats())) break;
      current = std::move(next);
    }
    progress.finish();
    VITRINE_TRY(save_checkpoint());
    take_stats(begin);
    return mean_stats();
  }

 private:
  double seconds_since(std::int64_t before_ns) const {
    return static_cast<double>(options_.clock->steady_ns() - before_ns) / 1e9;
  }
  // While no other thread is at work.
  void take_stats(std::int64_t begin) {
    stats_.seconds = seconds_since(begin);
    stats_.gather_s = gather_s_;
    stats_.sample_s = sample_s_;
    stats_.plan_s = plan_s_;
    stats_.store = store_.stats();
  }
  TrainStats mean_stats() const {
    TrainStats stats = stats_;
    if (stats.batches > 0) stats.loss /= static_cast<double>(stats.batches);
    return stats;
  }

  void say(Progress& progress) const {
    const TrainStats stats = mean_stats();
    const auto rows = static_cast<double>(std::max<std::uint64_t>(1, stats.store.rows));
    char text[160];
    std::snprintf(text, sizeof text, "loss %.4f, %.0f %% of rows in memory, %s read, %s written",
                  stats.loss, 100 * static_cast<double>(stats.store.hits) / rows,
                  human_bytes(static_cast<double>(stats.store.bytes_read)).c_str(),
                  human_bytes(static_cast<double>(stats.store.bytes_written)).c_str());
    note(progress, text);
  }

  Result<std::unique_ptr<SegmentStore>> make_segments(std::string_view name) {
    graph::SegmentOptions to;
    if (!options_.spill_directory.empty()) {
      to.files = options_.files;
      to.path = io::join_path(options_.spill_directory, std::string(name) + ".segments");
      to.disk_bytes_max = options_.spill_bytes_max;
      to.extent_bytes = 16 * 1024;
    }
    return SegmentStore::create(to, *options_.budget);
  }

  // From `position`, at most a superbatch, not beyond the epoch's end or `until`.
  Superbatch next_superbatch(std::uint64_t position, std::uint64_t until) {
    Superbatch made;
    made.position = position;
    if (position >= until) return made;
    const std::uint64_t in_epoch = position % batches_per_epoch();
    made.count = static_cast<std::uint32_t>(std::min<std::uint64_t>(
        {options_.superbatch, until - position, batches_per_epoch() - in_epoch}));
    made.structures = structures_[turn_++ % 2].get();
    return made;
  }

  Status prepare(Superbatch& superbatch) {
    superbatch.trace = std::make_shared<AccessTrace>();
    std::int64_t before = options_.clock->steady_ns();
    VITRINE_TRY(sampler_->sample(superbatch.position / batches_per_epoch(),
                                 superbatch.position % batches_per_epoch(), superbatch.count,
                                 *superbatch.trace, *superbatch.structures));
    sample_s_ += seconds_since(before);
    before = options_.clock->steady_ns();
    VITRINE_TRY(store_.plan(superbatch.trace));
    plan_s_ += seconds_since(before);
    return ok_status();
  }

  // The buffer of gathered rows grows where a superbatch has a larger batch than any before.
  Status make_room(const Superbatch& superbatch) {
    stats_.rows_max = std::max(stats_.rows_max, superbatch.trace->rows_max());
    const std::uint64_t needed =
        std::uint64_t{superbatch.trace->rows_max()} * store_.format().stride();
    if (needed <= rows_.size()) return ok_status();
    held_rows_.release();
    rows_ = graph::AlignedBuffer();
    const std::uint64_t with_slack = needed + needed / 64;
    VITRINE_TRY(held_rows_, options_.budget->reserve("gathered rows", with_slack));
    rows_ = graph::AlignedBuffer(with_slack);
    return ok_status();
  }

  Status gather(const Superbatch& superbatch) {
    for (std::uint32_t b = 0; b < superbatch.count; ++b) {
      if (!handoff_.wait_empty()) return ok_status();
      const std::int64_t before = options_.clock->steady_ns();
      const std::size_t bytes = std::size_t{superbatch.trace->rows(b)} * store_.format().stride();
      VITRINE_TRY(store_.gather(b, rows_.bytes().first(bytes)));
      VITRINE_TRY(graph::read_segment(*superbatch.structures, b, structure_));
      gather_s_ += seconds_since(before);
      handoff_.set(true);
    }
    return ok_status();
  }

  Status train(const Superbatch& superbatch, std::uint64_t first, Progress& progress) {
    Status gathered;
    Status trained;
    {
      const auto gatherer = options_.executor->run_thread("graph-gather", [&] {
        gathered = gather(superbatch);
        if (!gathered.ok()) handoff_.give_up();
      });
      for (std::uint32_t b = 0; b < superbatch.count && trained.ok(); ++b) {
        if (!handoff_.wait_full()) break;
        trained = step();
        if (!trained.ok()) break;
        progress.update(position_ - first);
      }
      if (!trained.ok()) handoff_.give_up();
    }  // waits for the gatherer
    if (!gathered.ok()) return gathered;
    return trained;
  }

  Status step() {
    const std::int64_t before = options_.clock->steady_ns();
    VITRINE_TRY(graph::decode_mini_batch(structure_, batch_));
    if (batch_.inner.size() > inner_max_ || batch_.outer.size() > outer_max_) {
      inner_max_ = std::max(inner_max_, batch_.inner.size() + batch_.inner.size() / 32);
      outer_max_ = std::max(outer_max_, batch_.outer.size() + batch_.outer.size() / 32);
      VITRINE_TRY(model_.reserve(inner_max_, outer_max_, *options_.budget));
    }
    const std::size_t bytes = std::size_t{batch_.rows} * store_.format().stride();
    model_.take_rows(batch_, {rows_.data(), bytes}, store_.format());
    handoff_.set(false);  // the next batch may overwrite rows and structure now
    stats_.loss += model_.step(batch_);
    stats_.batches += 1;
    stats_.step_s += seconds_since(before);
    ++position_;
    if (options_.checkpoint_batches > 0 && position_ % options_.checkpoint_batches == 0) {
      VITRINE_TRY(save_checkpoint());
    }
    return ok_status();
  }

  // Of everything that changes the result.
  std::uint64_t fingerprint() const {
    std::string text;
    ByteWriter writer(text);
    writer.u64(options_.sample.seed);
    writer.u32(options_.sample.batch_examples);
    writer.u32(options_.sample.fanout_outer);
    writer.u32(options_.sample.fanout_inner);
    writer.fixed(options_.shape);
    writer.fixed(options_.adam);
    writer.u64(graph_.info().users);
    writer.u64(graph_.info().items);
    writer.u64(graph_.info().edges);
    writer.u64(store_.format().count);
    writer.u32(static_cast<std::uint32_t>(store_.format().type));
    return hash64(text);
  }

  Status save_checkpoint() {
    if (options_.checkpoint_path.empty()) return ok_status();
    io::CheckedFileOptions checked;
    checked.name = kCheckpointName;
    VITRINE_TRY(auto out,
                io::CheckedFileWriter::create(*options_.files, options_.checkpoint_path, checked));
    out->value(fingerprint());
    out->value(position_);
    model_.save(*out);
    return out->finish();
  }

  Status load_checkpoint() {
    if (options_.checkpoint_path.empty()) return ok_status();
    VITRINE_TRY(const bool there, options_.files->exists(options_.checkpoint_path));
    if (!there) return ok_status();
    VITRINE_TRY(auto in, io::CheckedFileReader::open(*options_.files, options_.checkpoint_path,
                                                     kCheckpointName, 1));
    std::uint64_t made_with = 0;
    VITRINE_TRY(in->value(made_with));
    if (made_with != fingerprint()) {
      return Error(ErrorCode::kInvalidArgument,
                   options_.checkpoint_path +
                       " was made with other options, another graph or other rows; remove it to "
                       "start again");
    }
    VITRINE_TRY(in->value(position_));
    VITRINE_TRY(model_.load(*in));
    return in->expect_end();
  }

  graph::Snapshot& graph_;
  graph::RowStore& store_;
  TrainerOptions options_;
  graph::Workers workers_;
  GraphSage model_;
  std::unique_ptr<SegmentStore> scratch_;
  std::unique_ptr<SegmentStore> structures_[2];
  std::uint64_t turn_ = 0;
  std::unique_ptr<graph::Sampler> sampler_;
  std::uint64_t position_ = 0;

  Handoff handoff_;
  graph::Reservation held_rows_;
  graph::AlignedBuffer rows_;  // the gatherer's while the handoff is empty, else the trainer's
  std::string structure_;      // likewise
  MiniBatch batch_;
  std::size_t inner_max_ = 0;
  std::size_t outer_max_ = 0;

  TrainStats stats_;
  double gather_s_ = 0;  // the gatherer's
  double sample_s_ = 0;  // the preparer's
  double plan_s_ = 0;    // the preparer's
};

Trainer::Trainer(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Trainer::~Trainer() = default;

Result<std::unique_ptr<Trainer>> Trainer::open(graph::Snapshot& graph, graph::RowStore& store,
                                               const TrainerOptions& options) {
  VITRINE_CHECK(options.files != nullptr);
  VITRINE_CHECK(options.budget != nullptr);
  VITRINE_CHECK(options.executor != nullptr);
  VITRINE_CHECK(options.clock != nullptr);
  VITRINE_CHECK(options.superbatch > 0);
  auto trainer =
      std::unique_ptr<Trainer>(new Trainer(std::make_unique<Impl>(graph, store, options)));
  VITRINE_TRY(trainer->impl_->open());
  return trainer;
}

std::uint64_t Trainer::batches_per_epoch() const { return impl_->batches_per_epoch(); }
std::uint64_t Trainer::position() const { return impl_->position(); }
Result<TrainStats> Trainer::run(std::uint64_t until, Progress& progress) {
  return impl_->run(until, progress);
}
Hash128 Trainer::digest() const { return impl_->digest(); }
GraphSage& Trainer::model() { return impl_->model(); }

}  // namespace vitrine::train
