// Covisit::save and load. Layout: magic, options, number of events, then three arrays with one
// element per item (count, time step, entries in the row), then for each row its item numbers and
// its weights in the order they have in memory.
#include <algorithm>
#include <cmath>
#include <string>

#include "engine/covisit/covisit.h"

namespace vitrine::covisit {
namespace {

constexpr std::uint32_t kMagic = 0x31564F43;  // "COV1"

struct SavedOptions {
  std::uint32_t window;
  std::uint32_t max_neighbours;
  std::uint32_t gap_half_power;
  float backward;
  std::int64_t half_life;
};

SavedOptions saved(const Options& options) {
  return {options.window, options.max_neighbours, options.gap_half_power, options.backward,
          options.half_life};
}

Error corrupt(const char* what) {
  return {ErrorCode::kCorrupt, std::string("co-visitation: ") + what};
}

}  // namespace

void Covisit::save(Sink& sink) const {
  sink.value(kMagic);
  sink.value(saved(options_));
  sink.value(events_);
  sink.array(std::span<const float>(count_));
  std::vector<std::uint32_t> column(rows_.size());
  std::transform(rows_.begin(), rows_.end(), column.begin(),
                 [](const Row& row) { return row.stamp; });
  sink.array(std::span<const std::uint32_t>(column));
  std::transform(rows_.begin(), rows_.end(), column.begin(),
                 [](const Row& row) { return row.size; });
  sink.array(std::span<const std::uint32_t>(column));
  const auto bytes = [](const auto* data, std::uint32_t n) {
    return std::string_view(reinterpret_cast<const char*>(data), n * sizeof(*data));
  };
  std::string buffer;
  for (const Row& row : rows_) {
    for (std::uint32_t s = 0; s < segments_of(row); ++s) {
      const Entries e = entries(row, s);
      buffer.append(bytes(e.items, e.used));
      buffer.append(bytes(e.weights, e.used));
    }
    if (buffer.size() >= 64 * 1024) {
      sink.write(buffer);
      buffer.clear();
    }
  }
  sink.write(buffer);
}

Status Covisit::load(Source& source) {
  clear();
  std::uint32_t magic = 0;
  SavedOptions options{};
  VITRINE_TRY(source.value(magic));
  VITRINE_TRY(source.value(options));
  if (magic != kMagic) return corrupt("not a co-visitation state");
  const SavedOptions own = saved(options_);
  if (std::memcmp(&options, &own, sizeof(own)) != 0) {
    return Error(ErrorCode::kUnsupported,
                 "co-visitation: saved with other settings; count again from the log");
  }
  std::uint64_t events = 0;
  std::vector<float> counts;
  std::vector<std::uint32_t> stamps;
  std::vector<std::uint32_t> sizes;
  VITRINE_TRY(source.value(events));
  VITRINE_TRY(source.array(counts));
  VITRINE_TRY(source.array(stamps));
  VITRINE_TRY(source.array(sizes));
  if (counts.size() >= BlockPool::kFreeEntry) return corrupt("too many items");
  if (stamps.size() != counts.size() || sizes.size() != counts.size()) {
    return corrupt("its columns differ in length");
  }
  for (const float count : counts) {
    if (!(count >= 0 && count <= 1e30f)) return corrupt("a count is out of range");
  }
  std::uint64_t entries_left = source.remaining() / 8;
  for (const std::uint32_t size : sizes) {
    if (size > options_.max_neighbours) return corrupt("a row is longer than the bound");
    if (size > entries_left) return corrupt("the rows are longer than what is left");
    entries_left -= size;
  }
  grow(static_cast<std::uint32_t>(counts.size()));
  std::copy(counts.begin(), counts.end(), count_.begin());
  for (std::size_t i = 0; i < stamps.size(); ++i) rows_[i].stamp = stamps[i];
  const Status rows = load_rows(source, sizes);
  if (!rows.ok()) {
    clear();
    return rows;
  }
  events_ = events;
  return ok_status();
}

Status Covisit::load_rows(Source& source, std::span<const std::uint32_t> sizes) {
  const auto read = [&source](auto* data, std::uint32_t n) {
    return source.read(reinterpret_cast<char*>(data), n * sizeof(*data));
  };
  for (std::size_t i = 0; i < sizes.size(); ++i) {
    if (sizes[i] == 0) continue;
    Row& row = rows_[i];
    const std::uint32_t first = std::min(sizes[i], segment_entries_);
    while (pools_[row.first_class].entries() < first) ++row.first_class;
    row.segment[0] = pools_[row.first_class].allocate();
    ++row.first_class;
    row.size = sizes[i];
    for (std::uint32_t s = 1; s < segments_of(row); ++s) row.segment[s] = pools_.back().allocate();
    for (std::uint32_t s = 0; s < segments_of(row); ++s) {
      const Entries e = entries(row, s);
      VITRINE_TRY(read(e.items, e.used));
      VITRINE_TRY(read(e.weights, e.used));
      for (std::uint32_t k = 0; k < e.used; ++k) {
        if (e.items[k] >= sizes.size()) return corrupt("a neighbour is no item");
        if (!(e.weights[k] > 0 && e.weights[k] <= 1e30f))
          return corrupt("a weight is out of range");
      }
    }
  }
  return ok_status();
}

}  // namespace vitrine::covisit
