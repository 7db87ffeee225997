// What an Index keeps, and the steps of its changes.
#pragma once

#include <boost/unordered/unordered_flat_map.hpp>
#include <condition_variable>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "engine/text/index.h"
#include "engine/text/segment_builder.h"

namespace vitrine::text {

namespace internal {

// A segment of the index with what was removed from it since it was made.
struct Member {
  std::shared_ptr<const Segment> segment;
  std::vector<std::uint64_t> removed;
  std::uint32_t removed_count = 0;
  std::shared_ptr<const std::vector<std::uint64_t>> published;  // null where removed has changed
  std::uint64_t file = 0;  // number of its file, 0 where it has none yet
  bool merging = false;

  bool remove(std::uint32_t local) {
    if (removed.empty()) removed.resize((std::size_t{segment->documents()} + 127) / 128 * 2);
    std::uint64_t& word = removed[local / 64];
    const std::uint64_t bit = 1ull << (local % 64);
    if ((word & bit) != 0) return false;
    word |= bit;
    ++removed_count;
    published.reset();
    return true;
  }
  Snapshot::Part part() {
    if (removed_count > 0 && !published)
      published = std::make_shared<const std::vector<std::uint64_t>>(removed);
    return {segment, published, removed_count};
  }
  std::uint32_t live() const { return segment->documents() - removed_count; }
};

}  // namespace internal

using namespace internal;  // NOLINT: the parts of this module

struct Index::State {
  State(Schema s, IndexOptions o) : schema(std::move(s)), options(o), builder(schema) {}

  const Schema schema;
  const IndexOptions options;
  io::FileSystem* files = nullptr;
  std::string directory;
  std::unique_ptr<io::FileLock> lock_file;

  mutable std::mutex mutex;  // everything below
  std::condition_variable changed;
  SegmentBuilder builder;
  boost::unordered_flat_map<DocumentId, std::uint32_t> buffered;  // id -> number in the builder
  std::vector<std::uint32_t> buffered_removed;
  std::vector<std::shared_ptr<Member>> members;
  std::shared_ptr<const Snapshot> current;
  bool dirty = false;
  std::uint64_t next_file = 1;
  std::string note;  // of the last flush
  std::uint64_t merges = 0;
  bool stopping = false;

  std::mutex merge_mutex;  // one large merge at a time; taken before `mutex`
  std::mutex flush_mutex;  // one flush at a time; taken before both
  std::unique_ptr<Task> merger;

  bool remove_from_members(DocumentId id);
  void build_buffer();
  void publish();
  std::vector<float> reference_average(const std::vector<std::shared_ptr<Member>>& without) const;
  std::vector<std::shared_ptr<Member>> choose(bool small) const;
  std::shared_ptr<Member> merge(const std::vector<std::shared_ptr<Member>>& chosen,
                                std::span<const Snapshot::Part> parts,
                                std::span<const float> average, Progress& progress) const;
  void replace(const std::vector<std::shared_ptr<Member>>& chosen,
               std::span<const Snapshot::Part> parts, std::shared_ptr<Member> merged);
  void merge_small();
  bool merge_chosen(std::unique_lock<std::mutex>& held, std::vector<std::shared_ptr<Member>> chosen,
                    Progress& progress);
};

}  // namespace vitrine::text
