#include "service/search/content_index.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <chrono>
#include <limits>

#include "engine/vec/index_file.h"
#include "platform/obs/log.h"
#include "service/search/vectors_state.h"

namespace vitrine::search {

namespace {

// What a field says about what an item is. Of a description the beginning, which says it.
constexpr float kTitleWeight = 1;
constexpr float kBrandWeight = 0.7F;
constexpr float kCategoryWeight = 0.9F;
constexpr float kDescriptionWeight = 0.3F;
constexpr std::size_t kDescriptionBytes = 400;
constexpr std::size_t kCategoriesMost = 8;
// While a large catalog is taken over, what is there already can be found.
constexpr std::size_t kPublishEach = 50'000;
constexpr std::int64_t kAfterFailureNs = 60'000'000'000;

constexpr std::string_view kVectorsState = "vectors.state";
std::string base_name(std::uint64_t number) { return "vectors-" + std::to_string(number) + ".vec"; }

std::int64_t steady_ns() { return std::chrono::steady_clock::now().time_since_epoch().count(); }

// Those of numbers below `end`.
Status remove_bases(const IndexStore& store, std::uint64_t end) {
  return remove_files(store, "", [end](std::string_view name) {
    constexpr std::string_view kBegin = "vectors-", kEnd = ".vec";
    if (!name.starts_with(kBegin) || !name.ends_with(kEnd)) return false;
    std::uint64_t number = 0;
    const char* const last = name.data() + name.size() - kEnd.size();
    const auto [at, error] = std::from_chars(name.data() + kBegin.size(), last, number);
    return error == std::errc() && at == last && number < end;
  });
}

class Fields {
 public:
  explicit Fields(const ItemText& text) {
    add("title", text[TextField::kTitle], kTitleWeight, false);
    add("brand", text[TextField::kBrand], kBrandWeight, true);
    std::string_view categories = text[TextField::kCategories];
    for (std::size_t n = 0; n < kCategoriesMost && !categories.empty(); ++n) {
      const std::size_t end = std::min(categories.find('\n'), categories.size());
      add("category", categories.substr(0, end), kCategoryWeight, true);
      categories.remove_prefix(std::min(end + 1, categories.size()));
    }
    const std::string_view description = text[TextField::kDescription];
    add("description", description.substr(0, kDescriptionBytes), kDescriptionWeight, false);
  }
  std::span<const vec::ContentField> all() const { return {fields_.data(), size_}; }

 private:
  void add(std::string_view name, std::string_view text, float weight, bool whole) {
    if (!text.empty()) fields_[size_++] = {name, text, weight, whole};
  }
  std::array<vec::ContentField, kCategoriesMost + 3> fields_;
  std::size_t size_ = 0;
};

}  // namespace

// One index in the making, on a thread of its own where there is an executor.
struct ContentIndex::Build {
  explicit Build(recommend::VectorRows taken) : rows(std::move(taken)) {}
  // Written and mapped: then its exact rows take memory only while they are read.
  Result<std::shared_ptr<const recommend::VectorBase>> stored(
      const recommend::VectorBase& base) const {
    const std::string path = store.path(base_name(file));
    VITRINE_TRY(store.files->create_directories(store.directory));
    VITRINE_TRY(vec::save_index(*store.files, path, base.index()));
    VITRINE_TRY(auto index, vec::load_index(*store.files, path, {.check_rows = false}));
    return std::shared_ptr<const recommend::VectorBase>(
        std::make_shared<recommend::VectorBase>(std::move(index)));
  }
  void run() {
    const std::int64_t begin = steady_ns();
    result = recommend::VectorBase::build(rows, {}, no_progress());
    if (result->ok() && result->value() != nullptr && store.there()) {
      auto mapped = stored(*result->value());
      if (mapped.ok()) {
        result = std::move(mapped);
      } else {
        file = 0;
        obs::log_warn("vector_index_not_stored",
                      {{"directory", store.directory}, {"error", mapped.error()}});
      }
    }
    took_ns = steady_ns() - begin;
    done.store(true, std::memory_order_release);
  }
  recommend::VectorRows rows;
  IndexStore store;
  std::uint64_t file = 0;
  std::optional<Result<std::shared_ptr<const recommend::VectorBase>>> result;
  std::int64_t took_ns = 0;
  std::atomic<bool> done{false};
  std::unique_ptr<Task> task;  // last: waited for before the rest goes
};

// As CatalogIndex::Save.
struct ContentIndex::Save {
  explicit Save(recommend::VectorRows rows) : state(std::move(rows)) {}
  void run() {
    status = store.files->create_directories(store.directory);
    if (status.ok()) {
      status = write_state(store, kVectorsState, encode_vectors_state(state));
    }
    // Indexes of before, that no state names any more.
    if (status.ok()) status = remove_bases(store, state.base_file);
    done.store(true, std::memory_order_release);
  }
  IndexStore store;
  VectorsState state;
  Status status = ok_status();
  std::atomic<bool> done{false};
  std::unique_ptr<Task> task;  // last: waited for before the rest goes
};

ContentIndex::ContentIndex(ContentIndexOptions options)
    : options_(std::move(options)), saved_ns_(steady_ns()) {}
ContentIndex::~ContentIndex() = default;

std::shared_ptr<const recommend::ItemVectors> ContentIndex::current() const {
  const std::lock_guard lock(mutex_);
  return view_;
}

ContentIndex::Stats ContentIndex::stats() const {
  const std::lock_guard lock(mutex_);
  return stats_;
}

// Counts the words of a sample: every n-th row, so that it is the same for the same catalog.
Status ContentIndex::count_words(const StateSource& source, std::size_t items) {
  auto counts = std::make_unique<vec::ContentCounts>();
  const std::size_t step = std::max<std::size_t>(1, items / kCountedMost);
  std::vector<ItemText> texts(kRowsPerLock);
  for (std::size_t row = 0; row < items;) {
    std::size_t read = 0;
    source.read([&](const SearchState& state) {
      const ItemTextReader reader(state.catalog());
      const std::size_t end = std::min(items, state.catalog().item_count());
      for (; row < end && read < kRowsPerLock; row += step) {
        const ItemIndex item{static_cast<std::uint32_t>(row)};
        if (state.catalog().listed(item)) reader.read(item, texts[read++]);
      }
      if (row >= end) row = items;
    });
    for (std::size_t i = 0; i < read; ++i) counts->add(Fields(texts[i]).all());
  }
  counts_ = std::move(counts);
  counted_of_ = items;
  return ok_status();
}

void ContentIndex::touch(std::uint32_t item) {
  if (build_ != nullptr) touched_.push_back(item);
  if (item >= is_fresh_.size()) is_fresh_.resize(item + std::size_t{1}, false);
  if (is_fresh_[item]) return;
  is_fresh_[item] = true;
  fresh_.push_back(item);
}

void ContentIndex::take(std::span<const CatalogFollower::Change> changes) {
  const vec::ContentVectors vectors(kDim, counts_.get());
  std::array<float, kDim> row{};
  for (const CatalogFollower::Change& change : changes) {
    if (change.hash == 0) {
      rows_.remove(change.item);
    } else {
      vectors.make(Fields(change.text).all(), row.data());
      rows_.put(change.item, row.data());
    }
    touch(change.item.value);
  }
  follower_.took(changes);
  made_ += changes.size();
  unsaved_ += changes.size();
}

Status ContentIndex::try_load(std::uint64_t position) {
  const IndexStore& store = options_.store;
  VITRINE_TRY(const std::string payload, read_state(store, kVectorsState));
  VITRINE_TRY(VectorsState state, decode_vectors_state(payload, kDim));
  if (state.position > position) {
    return Error(ErrorCode::kConflict, "it is of position " + std::to_string(state.position) +
                                           ", and the state only at " + std::to_string(position));
  }
  rows_ = std::move(state.rows);
  counted_of_ = state.counted_of;
  loaded_ = rows_.size();
  next_file_ = state.base_file + 1;
  follower_.remember(std::move(state.hashes));
  if (state.base_file != 0) {
    auto index = vec::load_index(*store.files, store.path(base_name(state.base_file)));
    if (index.ok() && index->dim() == kDim) {
      base_ = std::make_shared<recommend::VectorBase>(std::move(index).value());
      base_file_ = state.base_file;
    } else if (!index.ok()) {
      obs::log_warn("vector_index_discarded",
                    {{"directory", store.directory}, {"error", index.error()}});
    }
  }
  if (base_ != nullptr) {
    for (const std::uint32_t item : state.fresh) touch(item);
    return ok_status();
  }
  for (std::uint32_t item = 0; item < rows_.end(); ++item) {
    if (rows_.has(ItemIndex{item})) touch(item);
  }
  return ok_status();
}

void ContentIndex::load(std::uint64_t position) {
  load_tried_ = true;
  if (!options_.store.there()) return;
  const std::int64_t begin = steady_ns();
  const Status loaded = try_load(position);
  if (loaded.ok()) {
    obs::log_info("vector_index_loaded",
                  {{"directory", options_.store.directory},
                   {"rows", loaded_},
                   {"seconds", static_cast<double>(steady_ns() - begin) / 1e9}});
    return;
  }
  if (loaded.error().code() != ErrorCode::kNotFound) {
    obs::log_warn("vector_index_discarded",
                  {{"directory", options_.store.directory}, {"error", loaded.error()}});
  }
  // What can't be removed now is removed by some later save.
  (void)remove_bases(options_.store, std::numeric_limits<std::uint64_t>::max());
}

bool ContentIndex::save_due() const {
  if (!options_.store.there() || save_ != nullptr || unsaved_ == 0 || !follower_.complete()) {
    return false;
  }
  const std::int64_t since = steady_ns() - saved_ns_;
  if (since < options_.save_pause_ns) return false;
  return unsaved_ * options_.save_share >= rows_.size() ||
         since >= options_.save_pause_ns * options_.save_pauses_most;
}

void ContentIndex::start_save() {
  unsaved_ = 0;
  saved_ns_ = steady_ns();
  save_ = std::make_unique<Save>(rows_.shared());
  save_->store = options_.store;
  const auto hashes = follower_.hashes();
  save_->state.hashes.assign(hashes.begin(), hashes.end());
  save_->state.position = follower_.position();
  save_->state.counted_of = counted_of_;
  save_->state.base_file = base_file_;
  save_->state.fresh = fresh_;
  if (options_.executor != nullptr) {
    save_->task =
        options_.executor->run_thread("vector-save", [save = save_.get()] { save->run(); });
  } else {
    save_->run();
  }
}

// Waits for a save that runs.
Status ContentIndex::finish_save() {
  if (save_ == nullptr) return ok_status();
  save_->task.reset();
  Status status = std::move(save_->status);
  save_.reset();
  return status;
}

Status ContentIndex::save() {
  VITRINE_TRY(finish_save());
  if (!options_.store.there() || !follower_.complete() || unsaved_ == 0) return ok_status();
  start_save();
  return finish_save();
}

void ContentIndex::adopt(std::shared_ptr<const recommend::VectorBase> base, std::uint64_t file) {
  base_ = std::move(base);
  base_file_ = file;
  ++built_;
  ++unsaved_;
  fresh_.clear();
  is_fresh_.assign(is_fresh_.size(), false);
  const std::vector<std::uint32_t> since = std::move(touched_);
  touched_.clear();
  for (const std::uint32_t item : since) touch(item);
}

Status ContentIndex::start_build() {
  touched_.clear();
  build_ = std::make_unique<Build>(rows_.shared());
  build_->store = options_.store;
  if (options_.store.there()) build_->file = next_file_++;
  if (options_.executor != nullptr) {
    build_->task =
        options_.executor->run_thread("vector-index", [build = build_.get()] { build->run(); });
  } else {
    build_->run();
  }
  return ok_status();
}

Status ContentIndex::look_after_base() {
  if (build_ == nullptr) {
    const std::size_t indexed = base_ == nullptr ? 0 : base_->index().size();
    const bool much = fresh_.size() * kMuchFresh >= indexed;
    const std::int64_t pause = build_failed_
                                   ? kAfterFailureNs
                                   : ((much ? kBuildShareSoon : kBuildShare) - 1) * build_took_ns_;
    const bool waited = steady_ns() - build_ended_ns_ >= pause ||
                        (!build_failed_ && fresh_.size() >= indexed) ||
                        (much && options_.executor == nullptr);
    const bool due = waited && rows_.size() > options_.exhaustive_max &&
                     fresh_.size() > options_.exhaustive_max / 4 + indexed / kFreshShare;
    if (!due) return ok_status();
    VITRINE_TRY(start_build());
  }
  if (!build_->done.load(std::memory_order_acquire)) return ok_status();
  const std::unique_ptr<Build> build = std::move(build_);
  build_failed_ = !build->result->ok();
  build_took_ns_ = build->took_ns;
  build_ended_ns_ = steady_ns();
  VITRINE_TRY(auto base, std::move(*build->result));
  adopt(std::move(base), build->file);
  return ok_status();
}

void ContentIndex::publish() {
  recommend::IndexedVectors::Parts parts{rows_.shared(), base_, nullptr, kFloor};
  parts.fresh = std::make_shared<const std::vector<std::uint32_t>>(
      fresh_.end() -
          static_cast<std::ptrdiff_t>(std::min(fresh_.size(), recommend::kFreshCompared)),
      fresh_.end());
  Stats stats{.vectors = rows_.size(),
              .indexed = base_ == nullptr ? 0 : base_->index().size(),
              .fresh = fresh_.size(),
              .bytes = rows_.memory_bytes() + follower_.hashes().size_bytes() +
                       (base_ == nullptr ? 0 : base_->index().lists().total_bytes()),
              .built = built_,
              .loaded = loaded_,
              .made = made_};
  auto view = std::make_shared<const recommend::IndexedVectors>(std::move(parts));
  const std::lock_guard lock(mutex_);
  view_.swap(view);
  stats_ = stats;
}

Result<bool> ContentIndex::refresh(const StateSource& source) {
  std::size_t items = 0;
  std::uint64_t position = 0;
  const bool there = source.read([&](const SearchState& state) {
    items = state.catalog().item_count();
    position = state.shop.position;
  });
  if (!there) return false;
  if (!load_tried_) load(position);
  if (save_ != nullptr && save_->done.load(std::memory_order_acquire)) VITRINE_TRY(finish_save());
  if (save_due()) start_save();
  const bool count =
      items >= kCountedFrom && items >= kCountAgain * counted_of_ && counted_of_ < kCountedMost;
  if (count) {
    VITRINE_TRY(count_words(source, items));
    follower_.doubt();
  } else if (counts_ == nullptr && counted_of_ > 0) {
    // After a start: the same words are as rare as they were, but nobody knows any more how rare.
    VITRINE_TRY(count_words(source, std::min(items, counted_of_)));
  }
  bool due = false;
  if (!source.read([&](const SearchState& state) { due = follower_.plan(state); })) return false;
  if (due && follower_.anew()) {
    VITRINE_TRY(finish_save());
    base_file_ = 0;
    rows_ = recommend::VectorRows(kDim);
    base_.reset();
    build_.reset();
    fresh_.clear();
    is_fresh_.clear();
  }
  std::vector<CatalogFollower::Change> changes;
  std::size_t unpublished = 0;
  while (due && !follower_.at_end()) {
    bool same = false;
    source.read([&](const SearchState& state) { same = follower_.read(state, changes); });
    if (!same) return true;  // another catalog: the next refresh starts over
    take(changes);
    unpublished += changes.size();
    if (unpublished >= kPublishEach) {
      VITRINE_TRY(look_after_base());
      publish();
      unpublished = 0;
    }
  }
  if (due) follower_.finish();
  const std::uint64_t built = built_;
  VITRINE_TRY(look_after_base());
  if (!due && built == built_) return false;
  publish();
  return true;
}

}  // namespace vitrine::search
