#include <vector>

#include "engine/graph/bulk_io.h"
#include "engine/graph/internal/ring.h"

namespace vitrine::graph {
namespace {

Status check_disk(io::FileSystem& files, const std::string& path, std::uint64_t size) {
  VITRINE_TRY(const std::uint64_t free, files.free_bytes(io::parent_path(path)));
  if (free >= size) return ok_status();
  return Error(ErrorCode::kExhausted, path + " needs " + std::to_string(size) +
                                          " bytes of disk, but only " + std::to_string(free) +
                                          " are free");
}

class PlainWriter final : public BulkWriter {
 public:
  explicit PlainWriter(std::unique_ptr<io::File> file) : file_(std::move(file)) {}
  Status write(std::uint64_t offset, AlignedBuffer& buffer, std::uint32_t bytes) override {
    stats_.requests += 1;
    stats_.bytes += bytes;
    return file_->write_at(offset, {buffer.data(), bytes});
  }
  Status flush() override { return ok_status(); }

 private:
  std::unique_ptr<io::File> file_;
};

class UringWriter final : public BulkWriter {
 public:
  UringWriter(std::unique_ptr<Ring> ring, DirectFd fd, std::string path, const BulkOptions& options)
      : ring_(std::move(ring)), fd_(std::move(fd)), path_(std::move(path)), options_(options) {
    slots_.resize(options.depth);
    for (std::size_t s = 0; s < slots_.size(); ++s) {
      slots_[s].buffer = AlignedBuffer(options.piece_bytes_max);
      free_.push_back(s);
    }
  }
  ~UringWriter() override {
    const Status ignored = flush();
    (void)ignored;
  }

  Status write(std::uint64_t offset, AlignedBuffer& buffer, std::uint32_t bytes) override {
    while (free_.empty()) VITRINE_TRY(reap());
    const std::size_t s = free_.back();
    free_.pop_back();
    std::swap(slots_[s].buffer, buffer);
    slots_[s].offset = offset;
    slots_[s].bytes = bytes;
    slots_[s].done = 0;
    stats_.bytes += bytes;
    return submit(s);
  }

  Status flush() override {
    Status first;
    while (free_.size() < slots_.size()) {
      Status status = reap();
      if (first.ok()) first = std::move(status);
    }
    return first;
  }

 private:
  struct Slot {
    AlignedBuffer buffer;
    std::uint64_t offset = 0;
    std::uint32_t bytes = 0;
    std::uint32_t done = 0;
  };

  Status submit(std::size_t s) {
    io_uring_sqe* entry = ::io_uring_get_sqe(ring_->get());
    VITRINE_CHECK(entry != nullptr);
    Slot& slot = slots_[s];
    ::io_uring_prep_write(entry, fd_.get(), slot.buffer.data() + slot.done, slot.bytes - slot.done,
                          slot.offset + slot.done);
    ::io_uring_sqe_set_data64(entry, s);
    stats_.requests += 1;
    const int submitted = ::io_uring_submit(ring_->get());
    if (submitted < 0) return io_error("io_uring", path_, -submitted);
    return ok_status();
  }

  Status reap() {
    io_uring_cqe* done = nullptr;
    const int waited = ::io_uring_wait_cqe(ring_->get(), &done);
    if (waited == -EINTR) return ok_status();
    if (waited < 0) return io_error("io_uring", path_, -waited);
    const auto s = static_cast<std::size_t>(::io_uring_cqe_get_data64(done));
    int result = done->res;
    ::io_uring_cqe_seen(ring_->get(), done);
    Slot& slot = slots_[s];
    if (options_.tamper) result = options_.tamper(slot.offset, result);
    if (result == -EINTR || result == -EAGAIN) return submit(s);
    if (result > 0 && slot.done + static_cast<std::uint32_t>(result) < slot.bytes) {
      slot.done = (slot.done + static_cast<std::uint32_t>(result)) / kPage * kPage;
      return submit(s);
    }
    free_.push_back(s);
    if (result <= 0) {
      return io_error("write", path_ + " at offset " + std::to_string(slot.offset),
                      result == 0 ? EIO : -result);
    }
    return ok_status();
  }

  std::unique_ptr<Ring> ring_;
  DirectFd fd_;
  std::string path_;
  BulkOptions options_;
  std::vector<Slot> slots_;
  std::vector<std::size_t> free_;
};

}  // namespace

Result<std::unique_ptr<BulkWriter>> BulkWriter::create(const std::string& path, std::uint64_t size,
                                                       const BulkOptions& options) {
  VITRINE_CHECK(options.files != nullptr);
  VITRINE_TRY(const bool exists, options.files->exists(path));
  if (!exists) VITRINE_TRY(check_disk(*options.files, path, size));
  if (options.files == &io::system_files()) {
    auto ring = Ring::open(options.depth);
    DirectFd fd(path, O_RDWR | O_CREAT);
    if (fd.get() < 0) return io_error("create", path, errno);
    const int refused = size == 0 ? 0 : ::posix_fallocate(fd.get(), 0, static_cast<off_t>(size));
    if (refused == ENOSPC) return io_error("allocate", path, refused);
    if (ring != nullptr) {
      return std::unique_ptr<BulkWriter>(
          std::make_unique<UringWriter>(std::move(ring), std::move(fd), path, options));
    }
  }
  VITRINE_TRY(auto file, options.files->open(path, io::OpenMode::kCreate));
  return std::unique_ptr<BulkWriter>(std::make_unique<PlainWriter>(std::move(file)));
}

}  // namespace vitrine::graph
