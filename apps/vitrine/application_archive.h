// The archive as part of the server: every archive.interval all partitions, on a thread of its own.
#pragma once

#include <atomic>
#include <condition_variable>
#include <map>
#include <memory>
#include <mutex>

#include "application.h"
#include "base/executor.h"
#include "engine/blob/directory_store.h"

namespace vitrine::app {

class Application::Archiver {
 public:
  // `partitions` and `registry` must outlive it.
  static Result<std::unique_ptr<Archiver>> start(const Settings& settings,
                                                 apply::PartitionSet& partitions,
                                                 obs::Registry& registry);
  // Waits for the batch that is being written.
  ~Archiver();

 private:
  Archiver(const Settings& settings, apply::PartitionSet& partitions, obs::Registry& registry,
           std::unique_ptr<blob::DirectoryStore> store);
  void run();
  void archive_all();
  // False when it should end.
  bool wait_for_next();

  const TimeUs interval_;
  apply::PartitionSet& partitions_;
  std::unique_ptr<blob::DirectoryStore> store_;
  obs::Counter& records_;
  obs::Counter& failures_;
  std::atomic<bool> stopping_{false};
  std::mutex mutex_;
  std::condition_variable changed_;
  std::unique_ptr<Task> thread_;
};

}  // namespace vitrine::app
