#include <algorithm>
#include <deque>
#include <vector>

#include "engine/graph/bulk_io.h"
#include "engine/graph/internal/ring.h"

namespace vitrine::graph {
namespace {

Error ends_early(const std::string& path, std::uint64_t offset) {
  return {ErrorCode::kCorrupt, path + ": the file ends at or before offset " +
                                   std::to_string(offset) + ", where more was expected"};
}

class PlainReader final : public BulkReader {
 public:
  PlainReader(std::unique_ptr<io::File> file, std::string path, std::uint32_t bytes_max)
      : file_(std::move(file)), path_(std::move(path)), buffer_(bytes_max) {}

  Status read(std::span<const Piece> pieces, Delivery, const TakePiece& take,
              const OtherWork&) override {
    for (std::size_t i = 0; i < pieces.size(); ++i) {
      const Piece piece = pieces[i];
      VITRINE_CHECK(piece.bytes <= buffer_.size());
      VITRINE_TRY(const std::size_t got,
                  file_->read_at(piece.offset, {buffer_.data(), piece.bytes}));
      if (got < piece.bytes) return ends_early(path_, piece.offset + got);
      stats_.requests += 1;
      stats_.bytes += piece.bytes;
      VITRINE_TRY(take(i, {buffer_.data(), piece.bytes}));
    }
    return ok_status();
  }
  std::string describe() const override { return "plain reads"; }

 private:
  std::unique_ptr<io::File> file_;
  std::string path_;
  AlignedBuffer buffer_;
};

// A slot is a buffer with at most one request in flight. In order: piece i uses slot i % depth and
// is given out when all before it were, so a slot is free again when piece i + depth needs it.
class UringReader final : public BulkReader {
 public:
  UringReader(std::unique_ptr<Ring> ring, DirectFd fd, std::string path, const BulkOptions& options)
      : ring_(std::move(ring)),
        fd_(std::move(fd)),
        path_(std::move(path)),
        options_(options),
        buffers_(std::size_t{options.depth} * options.piece_bytes_max),
        slots_(options.depth) {}

  Status read(std::span<const Piece> pieces, Delivery delivery, const TakePiece& take,
              const OtherWork& meanwhile) override {
    pieces_ = pieces;
    take_ = &take;
    in_order_ = delivery == Delivery::kInOrder;
    next_ = delivered_ = 0;
    free_.clear();
    for (std::size_t s = slots_.size(); s > 0; --s) free_.push_back(s - 1);
    Status status = run(meanwhile);
    while (in_flight_ > 0) {  // an error: let the rest end before buffers are touched again
      io_uring_cqe* done = nullptr;
      if (::io_uring_wait_cqe(ring_->get(), &done) == 0) {
        ::io_uring_cqe_seen(ring_->get(), done);
        --in_flight_;
      }
    }
    return status;
  }

  std::string describe() const override {
    return fd_.direct() ? "io_uring, direct" : "io_uring, page cache";
  }

 private:
  struct Slot {
    std::size_t piece = 0;
    std::uint32_t done_bytes = 0;
    bool complete = false;
  };

  char* buffer(std::size_t slot) { return buffers_.data() + slot * options_.piece_bytes_max; }

  Status run(const OtherWork& meanwhile) {
    bool busy = static_cast<bool>(meanwhile);
    while (delivered_ < pieces_.size()) {
      fill_queue();
      const int submitted =
          busy ? ::io_uring_submit(ring_->get()) : ::io_uring_submit_and_wait(ring_->get(), 1);
      if (busy) busy = meanwhile();
      if (submitted < 0 && submitted != -EINTR) return io_error("io_uring", path_, -submitted);
      VITRINE_TRY(reap());
    }
    return ok_status();
  }

  // Once started, requests go out in groups: a system call for each would cost a third of the rate.
  void fill_queue() {
    while (next_ < pieces_.size()) {
      std::size_t slot = 0;
      if (in_order_) {
        if (next_ >= delivered_ + slots_.size()) return;
        slot = next_ % slots_.size();
      } else {
        if (free_.empty()) return;
        slot = free_.back();
        free_.pop_back();
      }
      VITRINE_CHECK(pieces_[next_].bytes <= options_.piece_bytes_max);
      slots_[slot] = {next_++, 0, false};
      submit(slot);
    }
  }

  void submit(std::size_t slot) {
    const Piece piece = pieces_[slots_[slot].piece];
    const std::uint32_t done = slots_[slot].done_bytes;
    io_uring_sqe* entry = ::io_uring_get_sqe(ring_->get());
    VITRINE_CHECK(entry != nullptr);
    ::io_uring_prep_read(entry, fd_.get(), buffer(slot) + done, piece.bytes - done,
                         piece.offset + done);
    ::io_uring_sqe_set_data64(entry, slot);
    ++in_flight_;
    ++stats_.requests;
  }

  Status reap() {
    constexpr unsigned kGroup = 64;
    io_uring_cqe* done[kGroup];
    const unsigned count = ::io_uring_peek_batch_cqe(ring_->get(), done, kGroup);
    Status status;
    for (unsigned i = 0; i < count; ++i) {
      const auto slot = static_cast<std::size_t>(::io_uring_cqe_get_data64(done[i]));
      const int result = done[i]->res;
      --in_flight_;
      if (status.ok()) status = completed(slot, result);
    }
    ::io_uring_cq_advance(ring_->get(), count);
    return status;
  }

  Status completed(std::size_t slot, int result) {
    Slot& state = slots_[slot];
    const Piece piece = pieces_[state.piece];
    const std::uint64_t at = piece.offset + state.done_bytes;
    if (options_.tamper) result = options_.tamper(at, result);
    if (result == -EINTR || result == -EAGAIN) {
      submit(slot);
      return ok_status();
    }
    if (result < 0) {
      return io_error("read", path_ + " at offset " + std::to_string(at), -result);
    }
    if (result == 0) return ends_early(path_, at);
    // A short read goes on at a page, where a direct read may begin.
    const std::uint32_t reached = state.done_bytes + static_cast<std::uint32_t>(result);
    if (reached < piece.bytes) {
      const std::uint32_t resume = reached / kPage * kPage;
      if (resume == state.done_bytes && ++stalled_ > kStalledMax) return ends_early(path_, at);
      state.done_bytes = resume;
      submit(slot);
      return ok_status();
    }
    stalled_ = 0;
    stats_.bytes += piece.bytes;
    state.complete = true;
    return in_order_ ? deliver_in_order() : deliver(slot);
  }

  Status deliver(std::size_t slot) {
    const std::size_t piece = slots_[slot].piece;
    ++delivered_;
    Status status = (*take_)(piece, {buffer(slot), pieces_[piece].bytes});
    free_.push_back(slot);
    return status;
  }

  Status deliver_in_order() {
    for (;;) {
      if (delivered_ >= next_) return ok_status();
      const std::size_t slot = delivered_ % slots_.size();
      if (!slots_[slot].complete || slots_[slot].piece != delivered_) return ok_status();
      slots_[slot].complete = false;
      ++delivered_;
      const std::size_t piece = slots_[slot].piece;
      VITRINE_TRY((*take_)(piece, {buffer(slot), pieces_[piece].bytes}));
    }
  }

  static constexpr int kStalledMax = 100;
  std::unique_ptr<Ring> ring_;
  DirectFd fd_;
  std::string path_;
  BulkOptions options_;
  AlignedBuffer buffers_;
  std::vector<Slot> slots_;
  std::vector<std::size_t> free_;
  std::span<const Piece> pieces_;
  const TakePiece* take_ = nullptr;
  bool in_order_ = false;
  std::size_t next_ = 0;
  std::size_t delivered_ = 0;
  std::size_t in_flight_ = 0;
  int stalled_ = 0;
};

}  // namespace

Result<std::unique_ptr<BulkReader>> BulkReader::open(const std::string& path,
                                                     const BulkOptions& options) {
  VITRINE_CHECK(options.files != nullptr);
  VITRINE_CHECK(options.depth >= 1);
  VITRINE_CHECK(options.depth <= 1024);
  if (options.files == &io::system_files()) {
    auto ring = Ring::open(options.depth);
    DirectFd fd(path, O_RDONLY);
    if (ring != nullptr && fd.get() >= 0) {
      return std::unique_ptr<BulkReader>(
          std::make_unique<UringReader>(std::move(ring), std::move(fd), path, options));
    }
  }
  VITRINE_TRY(auto file, options.files->open(path, io::OpenMode::kRead));
  return std::unique_ptr<BulkReader>(
      std::make_unique<PlainReader>(std::move(file), path, options.piece_bytes_max));
}

}  // namespace vitrine::graph
