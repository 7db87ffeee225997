// Stores without a plan that read nothing while training, or leave it to the kernel.
#include <cstring>

#include <sys/mman.h>

#include "engine/graph/internal/row_fetch.h"
#include "engine/graph/internal/stores.h"
#include "engine/graph/workers.h"

namespace vitrine::graph {
namespace {

class MemoryStore final : public UnplannedStore {
 public:
  using UnplannedStore::UnplannedStore;

  Status load(const StoreOptions& options) {
    const std::uint64_t bytes = format_.count * format_.stride();
    VITRINE_TRY(held_, options.budget->reserve("rows", bytes));
    rows_ = AlignedBuffer(bytes);
    BulkStats read;
    const auto status =
        scan_rows(options, format_, format_.count, read,
                  [this](std::uint64_t first, std::span<const char> part) {
                    std::memcpy(rows_.data() + first * format_.stride(), part.data(), part.size());
                    return ok_status();
                  });
    stats_.requests = read.requests;
    stats_.bytes_read = read.bytes;
    return status;
  }

 protected:
  Status gather_ids(std::span<const RowId> ids, char* out) override {
    constexpr std::size_t kAhead = 16;
    const std::size_t stride = format_.stride();
    for (std::size_t i = 0; i < ids.size(); ++i) {
      if (i + kAhead < ids.size()) {
        __builtin_prefetch(rows_.data() + std::size_t{ids[i + kAhead]} * stride);
      }
      std::memcpy(out + i * stride, rows_.data() + std::size_t{ids[i]} * stride, stride);
    }
    stats_.hits += ids.size();
    return ok_status();
  }

 private:
  Reservation held_;
  AlignedBuffer rows_;
};

class MmapStore final : public UnplannedStore {
 public:
  MmapStore(const StoreOptions& options, const RowFormat& format)
      : UnplannedStore(options, format), workers_(*options.executor, options.mmap_threads) {}

  Status map(const StoreOptions& options) {
    VITRINE_TRY(file_, options.files->open(options.path, io::OpenMode::kRead));
    VITRINE_TRY(mapping_, file_->map_shared(format_.file_bytes()));
    // Without it each fault reads the whole read-ahead window, hundreds of times what is needed.
    ::madvise(mapping_->bytes().data(), mapping_->bytes().size(), MADV_RANDOM);
    return ok_status();
  }

 protected:
  Status gather_ids(std::span<const RowId> ids, char* out) override {
    constexpr std::size_t kPiece = 256;
    const std::size_t stride = format_.stride();
    const char* from = mapping_->bytes().data();
    workers_.run((ids.size() + kPiece - 1) / kPiece, [&](std::size_t piece) {
      const std::size_t end = std::min(ids.size(), (piece + 1) * kPiece);
      for (std::size_t i = piece * kPiece; i < end; ++i) {
        std::memcpy(out + i * stride, from + format_.offset(ids[i]), stride);
      }
    });
    return ok_status();
  }

 private:
  Workers workers_;
  std::unique_ptr<io::File> file_;
  std::unique_ptr<io::SharedMapping> mapping_;
};

}  // namespace

Result<std::unique_ptr<RowStore>> open_memory_store(const StoreOptions& options,
                                                    const RowFormat& format) {
  auto store = std::make_unique<MemoryStore>(options, format);
  VITRINE_TRY(store->load(options));
  return std::unique_ptr<RowStore>(std::move(store));
}

Result<std::unique_ptr<RowStore>> open_mmap_store(const StoreOptions& options,
                                                  const RowFormat& format) {
  VITRINE_CHECK(options.executor != nullptr);
  auto store = std::make_unique<MmapStore>(options, format);
  VITRINE_TRY(store->map(options));
  return std::unique_ptr<RowStore>(std::move(store));
}

}  // namespace vitrine::graph
