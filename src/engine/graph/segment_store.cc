#include "engine/graph/segment_store.h"

#include <algorithm>
#include <cstring>
#include <vector>

namespace vitrine::graph {
namespace {

class MemorySegments final : public SegmentStore {
 public:
  explicit MemorySegments(MemoryBudget& budget) : budget_(budget) {}

  Status begin(std::uint32_t segments) override {
    held_.release();
    segments_.assign(segments, {});
    return ok_status();
  }
  Status append(std::uint32_t segment, std::span<const char> bytes) override {
    segments_[segment].append(bytes.data(), bytes.size());
    written_ += bytes.size();
    return ok_status();
  }
  Status seal() override {
    std::uint64_t total = 0;
    for (auto& segment : segments_) {
      segment.shrink_to_fit();
      total += segment.size();
    }
    VITRINE_TRY(held_, budget_.reserve("segments in memory", total));
    return ok_status();
  }
  std::uint64_t size(std::uint32_t segment) const override { return segments_[segment].size(); }
  Status read(std::uint32_t segment, const TakeBytes& take) override {
    return take({segments_[segment].data(), segments_[segment].size()});
  }
  std::uint64_t capacity() const override { return ~std::uint64_t{0}; }
  std::uint64_t bytes_written() const override { return written_; }
  std::uint64_t bytes_read() const override { return 0; }

 private:
  MemoryBudget& budget_;
  Reservation held_;
  std::vector<std::string> segments_;
  std::uint64_t written_ = 0;
};

class DiskSegments final : public SegmentStore {
 public:
  DiskSegments(SegmentOptions options, MemoryBudget& budget)
      : options_(std::move(options)), budget_(budget) {}
  ~DiskSegments() override {
    reader_.reset();
    writer_.reset();
    const Status ignored = options_.files->remove(options_.path);
    (void)ignored;
  }

  Status open() {
    extents_max_ = options_.disk_bytes_max / options_.extent_bytes;
    const std::uint64_t buffers =
        std::uint64_t{options_.write_depth + options_.read_depth} * options_.extent_bytes;
    VITRINE_TRY(io_buffers_, budget_.reserve("segment I/O", buffers));
    BulkOptions bulk{options_.files, options_.write_depth, options_.extent_bytes, options_.tamper};
    VITRINE_TRY(writer_,
                BulkWriter::create(options_.path, extents_max_ * options_.extent_bytes, bulk));
    bulk.depth = options_.read_depth;
    VITRINE_TRY(reader_, BulkReader::open(options_.path, bulk));
    return ok_status();
  }

  Status begin(std::uint32_t segments) override {
    VITRINE_TRY(append_buffers_, budget_.reserve("segment buffers",
                                                 std::uint64_t{segments} * options_.extent_bytes));
    chains_.clear();
    chains_.resize(segments);
    for (Chain& chain : chains_) chain.buffer = AlignedBuffer(options_.extent_bytes);
    extents_used_ = 0;
    return ok_status();
  }

  Status append(std::uint32_t segment, std::span<const char> bytes) override {
    Chain& chain = chains_[segment];
    while (!bytes.empty()) {
      const std::size_t room = options_.extent_bytes - chain.filled;
      const std::size_t part = std::min(room, bytes.size());
      std::memcpy(chain.buffer.data() + chain.filled, bytes.data(), part);
      chain.filled += static_cast<std::uint32_t>(part);
      chain.size += part;
      bytes = bytes.subspan(part);
      if (chain.filled == options_.extent_bytes) VITRINE_TRY(write_extent(chain));
    }
    return ok_status();
  }

  Status seal() override {
    for (Chain& chain : chains_) {
      if (chain.filled > 0) VITRINE_TRY(write_extent(chain));
      chain.buffer = AlignedBuffer();
    }
    VITRINE_TRY(writer_->flush());
    append_buffers_.release();
    return ok_status();
  }

  std::uint64_t size(std::uint32_t segment) const override { return chains_[segment].size; }

  Status read(std::uint32_t segment, const TakeBytes& take) override {
    const Chain& chain = chains_[segment];
    pieces_.clear();
    std::uint64_t left = chain.size;
    for (const std::uint32_t extent : chain.extents) {
      const std::uint64_t used = std::min<std::uint64_t>(left, options_.extent_bytes);
      pieces_.push_back({std::uint64_t{extent} * options_.extent_bytes,
                         static_cast<std::uint32_t>(round_up(used, kPage))});
      left -= used;
    }
    left = chain.size;
    return reader_->read(pieces_, Delivery::kInOrder,
                         [&](std::size_t, std::span<const char> bytes) -> Status {
                           const std::size_t used = std::min<std::uint64_t>(left, bytes.size());
                           left -= used;
                           return take(bytes.first(used));
                         });
  }
  std::uint64_t capacity() const override { return extents_max_ * options_.extent_bytes; }
  std::uint64_t bytes_written() const override { return writer_->stats().bytes; }
  std::uint64_t bytes_read() const override { return reader_->stats().bytes; }

 private:
  struct Chain {
    AlignedBuffer buffer;
    std::uint32_t filled = 0;
    std::uint64_t size = 0;
    std::vector<std::uint32_t> extents;
  };

  Status write_extent(Chain& chain) {
    if (extents_used_ == extents_max_) {
      return Error(ErrorCode::kExhausted,
                   options_.path + ": the " + std::to_string(options_.disk_bytes_max) +
                       " bytes of disk it may take are used up; allow more, or take fewer batches "
                       "in a superbatch");
    }
    const auto bytes = static_cast<std::uint32_t>(round_up(chain.filled, kPage));
    std::memset(chain.buffer.data() + chain.filled, 0, bytes - chain.filled);
    chain.extents.push_back(static_cast<std::uint32_t>(extents_used_));
    chain.filled = 0;
    return writer_->write(extents_used_++ * options_.extent_bytes, chain.buffer, bytes);
  }

  SegmentOptions options_;
  MemoryBudget& budget_;
  Reservation io_buffers_;
  Reservation append_buffers_;
  std::unique_ptr<BulkWriter> writer_;
  std::unique_ptr<BulkReader> reader_;
  std::vector<Chain> chains_;
  std::vector<Piece> pieces_;
  std::uint64_t extents_used_ = 0;
  std::uint64_t extents_max_ = 0;
};

}  // namespace

Result<std::unique_ptr<SegmentStore>> SegmentStore::create(const SegmentOptions& options,
                                                           MemoryBudget& budget) {
  if (options.files == nullptr) {
    return std::unique_ptr<SegmentStore>(std::make_unique<MemorySegments>(budget));
  }
  VITRINE_CHECK(options.extent_bytes % kPage == 0);
  auto segments = std::make_unique<DiskSegments>(options, budget);
  VITRINE_TRY(segments->open());
  return std::unique_ptr<SegmentStore>(std::move(segments));
}

Status read_segment(SegmentStore& store, std::uint32_t segment, std::string& out) {
  out.clear();
  out.reserve(store.size(segment));
  return store.read(segment, [&](std::span<const char> bytes) {
    out.append(bytes.data(), bytes.size());
    return ok_status();
  });
}

}  // namespace vitrine::graph
