#include "service/apply/partition_set.h"

namespace vitrine::apply {

PartitionSet::PartitionSet(PartitionOptions options, io::FileSystem& files, const Clock& clock,
                           Executor& executor, Progress& progress,
                           std::function<void(const Error&)> on_fatal)
    : options_(std::move(options)),
      files_(files),
      clock_(clock),
      executor_(executor),
      progress_(progress),
      on_fatal_(std::move(on_fatal)) {}

std::string PartitionSet::directory_of(const std::string& root, std::uint32_t number) {
  return io::join_path(root, "partition-" + std::to_string(number));
}

Result<Partition*> PartitionSet::ensure(std::uint32_t number) {
  std::lock_guard lock(mutex_);
  auto& partition = partitions_[number];
  if (!partition) {
    PartitionOptions options = options_;
    options.directory = directory_of(options_.directory, number);
    auto opened =
        Partition::open(std::move(options), files_, clock_, executor_, progress_, on_fatal_);
    if (!opened.ok()) {
      partitions_.erase(number);
      return std::move(opened).error().context("partition " + std::to_string(number));
    }
    partition = std::move(opened).value();
  }
  return partition.get();
}

Partition* PartitionSet::find(std::uint32_t number) const {
  std::lock_guard lock(mutex_);
  const auto it = partitions_.find(number);
  return it == partitions_.end() ? nullptr : it->second.get();
}

std::vector<std::pair<std::uint32_t, Partition*>> PartitionSet::all() const {
  std::lock_guard lock(mutex_);
  std::vector<std::pair<std::uint32_t, Partition*>> out;
  for (const auto& [number, partition] : partitions_) out.emplace_back(number, partition.get());
  return out;
}

Status PartitionSet::stop() {
  Status first;
  for (const auto& [number, partition] : all()) {
    auto stopped = partition->stop();
    if (!stopped.ok() && first.ok()) {
      first = std::move(stopped).error().context("partition " + std::to_string(number));
    }
  }
  return first;
}

}  // namespace vitrine::apply
