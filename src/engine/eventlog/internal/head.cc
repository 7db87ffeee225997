#include "engine/eventlog/internal/head.h"

#include <algorithm>
#include <chrono>

#include "engine/eventlog/internal/format.h"
#include "platform/io/futex.h"

namespace vitrine::eventlog::internal {

Head::Head(std::unique_ptr<io::File> file, std::unique_ptr<io::SharedMapping> mapping)
    : file_(std::move(file)),
      mapping_(std::move(mapping)),
      page_(reinterpret_cast<HeadPage*>(mapping_->bytes().data())) {}

Result<std::unique_ptr<Head>> Head::open_writable(io::FileSystem& files,
                                                  const std::string& directory,
                                                  unsigned permissions) {
  const std::string path = io::join_path(directory, kHeadName);
  VITRINE_TRY(auto file, files.open(path, io::OpenMode::kCreate, permissions));
  VITRINE_TRY(const std::uint64_t size, file->size());
  // Never cut: readers have it mapped. Written, not only made longer: touching a page that a full
  // disk can't hold would kill the process.
  if (size < kHeadBytes) VITRINE_TRY(file->write_at(0, std::string(kHeadBytes, '\0')));
  VITRINE_TRY(auto mapping, file->map_shared(kHeadBytes));
  return std::unique_ptr<Head>(new Head(std::move(file), std::move(mapping)));
}

Result<std::unique_ptr<Head>> Head::open_readable(io::FileSystem& files,
                                                  const std::string& directory) {
  const auto unavailable = [&directory] {
    return Error(ErrorCode::kUnavailable,
                 "no writer has opened the log in " + directory + " since the machine started");
  };
  auto opened = files.open(io::join_path(directory, kHeadName), io::OpenMode::kRead);
  if (!opened.ok()) {
    if (opened.error().code() == ErrorCode::kNotFound) return unavailable();
    return std::move(opened).error();
  }
  std::unique_ptr<io::File> file = std::move(opened).value();
  VITRINE_TRY(const std::uint64_t size, file->size());
  if (size < kHeadBytes) return unavailable();
  VITRINE_TRY(auto mapping, file->map_shared(kHeadBytes));
  std::unique_ptr<Head> head(new Head(std::move(file), std::move(mapping)));
  if (!head->trustworthy()) return unavailable();
  return head;
}

bool Head::trustworthy() const {
  // The two words are stored one after the other, so a writer at work may look damaged for an
  // instant; a second look then finds the next state.
  for (int look = 0; look < 1000; ++look) {
    const std::uint64_t check = page_->check.load(std::memory_order_acquire);
    if (page_->durable.load(std::memory_order_acquire) == (check ^ kHeadCheck)) return true;
    if (check == 0) return false;
  }
  return false;
}

Position Head::durable() const { return page_->durable.load(std::memory_order_acquire); }

std::uint64_t Head::generation() const { return page_->generation.load(); }

std::uint64_t Head::end_offset_in(Position first) const {
  // Not one atomic pair: the hint may be wrong, so readers only size their reads by it.
  if (page_->segment_first.load(std::memory_order_acquire) != first) return 0;
  return page_->end_offset.load(std::memory_order_acquire);
}

void Head::set_generation(std::uint64_t generation) { page_->generation.store(generation); }

void Head::publish(Position durable, Position segment_first, std::uint64_t end_offset) {
  page_->segment_first.store(segment_first, std::memory_order_relaxed);
  page_->end_offset.store(end_offset, std::memory_order_relaxed);
  // Release: whoever sees the new position also finds the frame in the page cache.
  page_->durable.store(durable, std::memory_order_release);
  page_->check.store(durable ^ kHeadCheck, std::memory_order_release);
  wake_all();
}

void Head::wake_all() {
  page_->changes.fetch_add(1, std::memory_order_release);
  io::futex_wake_all(page_->changes);
}

bool Head::wait(Position position, TimeUs timeout_us, const std::atomic<bool>* stop) const {
  using std::chrono::microseconds;
  using std::chrono::steady_clock;
  const auto until = steady_clock::now() + microseconds(std::max<TimeUs>(timeout_us, 0));
  for (;;) {
    const std::uint32_t seen = page_->changes.load(std::memory_order_acquire);
    if (durable() >= position) return true;
    if (stop != nullptr && stop->load()) return false;
    const auto left = std::chrono::duration_cast<microseconds>(until - steady_clock::now()).count();
    if (left <= 0) return false;
    io::futex_wait(page_->changes, seen, microseconds(left));
  }
}

}  // namespace vitrine::eventlog::internal
