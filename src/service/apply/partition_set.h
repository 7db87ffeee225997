// All partitions of this process, opened as tenants need them.
//
// Thread-safe.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <vector>

#include "service/apply/partition.h"

namespace vitrine::apply {

class PartitionSet {
 public:
  // `options.directory` is the folder that holds partition-0, partition-1, ...
  PartitionSet(PartitionOptions options, io::FileSystem& files, const Clock& clock,
               Executor& executor, Progress& progress, std::function<void(const Error&)> on_fatal);

  // Opens the partition if it isn't open: blocks for as long as its start-up takes.
  Result<Partition*> ensure(std::uint32_t number);
  // Null if it isn't open.
  Partition* find(std::uint32_t number) const;
  std::vector<std::pair<std::uint32_t, Partition*>> all() const;

  // Stops every partition; the first error.
  Status stop();

  static std::string directory_of(const std::string& root, std::uint32_t number);

 private:
  const PartitionOptions options_;
  io::FileSystem& files_;
  const Clock& clock_;
  Executor& executor_;
  Progress& progress_;
  const std::function<void(const Error&)> on_fatal_;
  mutable std::mutex mutex_;
  // Partitions are never closed before the set is destroyed, so pointers to them stay good.
  std::map<std::uint32_t, std::unique_ptr<Partition>> partitions_;  // guarded by mutex_
};

}  // namespace vitrine::apply
