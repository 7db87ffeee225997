#include "engine/eventlog/internal/segment_supply.h"

#include <random>

#include "engine/eventlog/internal/format.h"

namespace vitrine::eventlog::internal {
namespace {

std::uint64_t random_salt() {
  std::random_device source;
  return (static_cast<std::uint64_t>(source()) << 32) | source();
}

}  // namespace

Status SegmentSupply::prepare() {
  if (ready()) return ok_status();
  // The generation in the name keeps a writer that was replaced away from the files of its
  // successor.
  const std::string name = std::to_string(generation_) + "-" + std::to_string(++made_);
  PreparedSegment made;
  made.path = io::join_path(directory_, name + std::string(kPreparedSuffix));
  made.size = segment_bytes_;
  made.salt = random_salt();
  const auto attempt = [&]() -> Status {
    VITRINE_TRY(const std::uint64_t free, files_.free_bytes(directory_));
    if (free < segment_bytes_) {
      return Error(ErrorCode::kExhausted, "the disk of " + directory_ + " has only " +
                                              std::to_string(free) + " bytes free");
    }
    VITRINE_TRY(made.file, files_.open(made.path, io::OpenMode::kCreate, permissions_));
    return made.file->preallocate_zeros(segment_bytes_);
  };
  Status status = attempt();
  if (!status.ok() && made.file != nullptr) {
    made.file.reset();
    const Status removed = files_.remove(made.path);  // else the next open() removes it
    (void)removed;
  }
  std::lock_guard lock(mutex_);
  full_ = !status.ok() && status.error().code() == ErrorCode::kExhausted;
  if (status.ok()) ready_ = std::move(made);
  return status;
}

std::optional<PreparedSegment> SegmentSupply::take() {
  std::lock_guard lock(mutex_);
  return std::exchange(ready_, std::nullopt);
}

void SegmentSupply::put_back(PreparedSegment segment) {
  std::lock_guard lock(mutex_);
  ready_ = std::move(segment);
}

bool SegmentSupply::ready() const {
  std::lock_guard lock(mutex_);
  return ready_.has_value();
}

bool SegmentSupply::disk_full() const {
  std::lock_guard lock(mutex_);
  return full_ && !ready_.has_value();
}

void SegmentSupply::discard() {
  if (auto left = take()) {
    left->file.reset();
    const Status removed = files_.remove(left->path);  // else the next open() removes it
    (void)removed;
  }
}

}  // namespace vitrine::eventlog::internal
