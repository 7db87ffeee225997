#include "engine/graph/internal/packer.h"

#include <algorithm>
#include <cstring>

#include "engine/graph/internal/row_fetch.h"

namespace vitrine::graph {
namespace {

// A fixed sequence of numbers for probes: which pages it reads does not matter.
std::uint64_t mix(std::uint64_t x) {
  x = (x ^ (x >> 31)) * 0x9E3779B97F4A7C15ull;
  return x ^ (x >> 29);
}

constexpr std::uint64_t kScanProbeBytes = 64u << 20;
constexpr std::uint64_t kWriteProbeBytes = 32u << 20;
constexpr std::size_t kPageProbes = 4096;

}  // namespace

Status Packer::measure_rates() {
  const auto seconds_since = [&](std::int64_t before) {
    return std::max(1e-6, static_cast<double>(options_.clock->steady_ns() - before) / 1e9);
  };
  {
    VITRINE_TRY(auto fetch, RowFetch::open(options_, format_));
    std::vector<RowId> ids;
    for (std::uint64_t i = 0; i < kPageProbes; ++i) {
      ids.push_back(static_cast<RowId>(mix(i) % format_.count));
    }
    std::sort(ids.begin(), ids.end());
    ids.erase(std::unique(ids.begin(), ids.end()), ids.end());
    AlignedBuffer nowhere(format_.stride());
    const std::int64_t before = options_.clock->steady_ns();
    VITRINE_TRY(fetch->fetch(ids, [&](std::size_t, const char* row) {
      std::memcpy(nowhere.data(), row, format_.stride());
    }));
    page_reads_per_s_ = static_cast<double>(fetch->stats().requests) / seconds_since(before);
  }
  {
    BulkStats read;
    const std::uint64_t rows =
        std::min<std::uint64_t>(format_.count, kScanProbeBytes / format_.stride());
    const std::int64_t before = options_.clock->steady_ns();
    VITRINE_TRY(scan_rows(options_, format_, rows, read,
                          [](std::uint64_t, std::span<const char>) { return ok_status(); }));
    read_bytes_per_s_ = static_cast<double>(read.bytes) / seconds_since(before);
  }
  SegmentOptions probe{options_.files, io::join_path(options_.pack_directory, "probe.segments"),
                       kWriteProbeBytes};
  VITRINE_TRY(auto segments, SegmentStore::create(probe, *options_.budget));
  VITRINE_TRY(segments->begin(1));
  const std::string bytes(1u << 20, 'x');
  const std::int64_t before = options_.clock->steady_ns();
  for (std::uint64_t at = 0; at < kWriteProbeBytes; at += bytes.size()) {
    VITRINE_TRY(segments->append(0, bytes));
  }
  VITRINE_TRY(segments->seal());
  write_bytes_per_s_ = static_cast<double>(kWriteProbeBytes) / seconds_since(before);
  return ok_status();
}

bool Packer::is_cheaper(std::uint64_t misses) const {
  const double bytes = static_cast<double>(misses) * format_.stride();
  const double file = static_cast<double>(format_.count) * format_.stride();
  const double direct = static_cast<double>(misses) / page_reads_per_s_;
  const double packed = (file + bytes) / read_bytes_per_s_ + bytes / write_bytes_per_s_;
  return packed < direct;
}

bool Packer::filling_pays(std::uint64_t rows, std::uint64_t capacity) const {
  return static_cast<double>(capacity) * format_.stride() / read_bytes_per_s_ <
         static_cast<double>(rows) / page_reads_per_s_;
}

// Goes through the superbatch as gather() will, with one bit for each row: is it in the cache?
std::vector<IdList> Packer::list_misses(const AccessTrace& trace, std::span<const RowId> carried_in,
                                        const MinPlan& plan) const {
  std::vector<std::uint64_t> cached(format_.count / 64 + 1);
  for (std::size_t i = 0; i < carried_in.size(); ++i) {
    if (plan.keeps_carried(i)) cached[carried_in[i] / 64] |= 1ull << (carried_in[i] % 64);
  }
  std::vector<IdList> missing(trace.batches());
  std::vector<RowId> ids;
  std::vector<RowId> missed;
  for (std::uint32_t b = 0; b < trace.batches(); ++b) {
    trace.decode(b, ids);
    missed.clear();
    std::uint64_t access = plan.first_access[b];
    for (const RowId id : ids) {
      const std::uint64_t bit = 1ull << (id % 64);
      std::uint64_t& word = cached[id / 64];
      if ((word & bit) == 0) missed.push_back(id);
      word = plan.keeps(access++) ? word | bit : word & ~bit;
    }
    missing[b].assign(missed);
  }
  return missing;
}

// Every batch walks along its own sorted list while the scan goes on.
Status Packer::scan_into(const std::vector<IdList>& missing, SegmentStore& segments) {
  std::vector<IdList::Cursor> cursors(missing.begin(), missing.end());
  const std::size_t stride = format_.stride();
  return scan_rows(
      options_, format_, format_.count, scanned_,
      [&](std::uint64_t first, std::span<const char> bytes) -> Status {
        const std::uint64_t end = first + bytes.size() / stride;
        for (std::uint32_t b = 0; b < cursors.size(); ++b) {
          IdList::Cursor& cursor = cursors[b];
          for (; !cursor.done() && cursor.id() < end; cursor.next()) {
            VITRINE_TRY(segments.append(b, bytes.subspan((cursor.id() - first) * stride, stride)));
          }
        }
        return ok_status();
      });
}

Result<std::unique_ptr<SegmentStore>> Packer::pack(const AccessTrace& trace,
                                                   std::span<const RowId> carried_in,
                                                   const MinPlan& plan,
                                                   std::unique_ptr<SegmentStore> spare) {
  const std::int64_t before = options_.clock->steady_ns();
  const std::uint64_t needed = plan.misses * format_.stride() +
                               std::uint64_t{trace.batches()} * SegmentOptions{}.extent_bytes;
  if (needed > options_.pack_bytes_max) {
    return Error(ErrorCode::kExhausted, "packing this superbatch needs " + std::to_string(needed) +
                                            " bytes of disk, but it may take " +
                                            std::to_string(options_.pack_bytes_max));
  }
  std::unique_ptr<SegmentStore> segments = std::move(spare);
  if (segments != nullptr && segments->capacity() < needed) segments.reset();
  if (segments == nullptr) {
    SegmentOptions to;
    to.files = options_.files;
    to.path =
        io::join_path(options_.pack_directory, "rows" + std::to_string(made_++) + ".segments");
    // Superbatches differ a little in size.
    to.disk_bytes_max = std::min(options_.pack_bytes_max, needed + needed / 8);
    to.tamper = options_.tamper;
    VITRINE_TRY(segments, SegmentStore::create(to, *options_.budget));
  }
  VITRINE_TRY(const Reservation held,
              options_.budget->reserve("list of misses", plan.misses * 3 / 2 + format_.count / 8 +
                                                             std::uint64_t{trace.rows_max()} * 8));
  const std::uint64_t written_before = segments->bytes_written();
  const std::vector<IdList> missing = list_misses(trace, carried_in, plan);
  VITRINE_TRY(segments->begin(trace.batches()));
  VITRINE_TRY(scan_into(missing, *segments));
  VITRINE_TRY(segments->seal());
  const std::uint64_t written = segments->bytes_written() - written_before;
  written_ += written;
  // Reading and writing went on together: both rates follow the whole.
  const double seconds = static_cast<double>(options_.clock->steady_ns() - before) / 1e9;
  const double file = static_cast<double>(format_.count) * format_.stride();
  const double rate = (file + static_cast<double>(written)) / std::max(1e-6, seconds);
  read_bytes_per_s_ = (read_bytes_per_s_ + rate) / 2;
  write_bytes_per_s_ = (write_bytes_per_s_ + rate) / 2;
  return segments;
}

}  // namespace vitrine::graph
