#include "application_archive.h"

#include "commands.h"
#include "platform/obs/log.h"
#include "service/archive/archiver.h"

namespace vitrine::app {

Result<std::unique_ptr<Application::Archiver>> Application::Archiver::start(
    const Settings& settings, apply::PartitionSet& partitions, obs::Registry& registry) {
  auto store = blob::DirectoryStore::create(io::system_files(), settings.archive_directory);
  if (!store.ok()) return std::move(store).error().context("archive.directory");
  std::unique_ptr<Archiver> self(
      new Archiver(settings, partitions, registry, std::move(store).value()));
  Archiver* archiver = self.get();
  self->thread_ = background_executor().run_thread("archive", [archiver] { archiver->run(); });
  return self;
}

Application::Archiver::Archiver(const Settings& settings, apply::PartitionSet& partitions,
                                obs::Registry& registry,
                                std::unique_ptr<blob::DirectoryStore> store)
    : interval_(settings.archive_interval),
      partitions_(partitions),
      store_(std::move(store)),
      records_(registry.counter("vitrine_archive_records_total",
                                "Records of the event log written to the archive.")),
      failures_(registry.counter("vitrine_archive_failures_total",
                                 "Runs of the archive that ended with an error.")) {}

Application::Archiver::~Archiver() {
  {
    std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  changed_.notify_all();
  thread_->wait();
}

void Application::Archiver::run() {
  do {
    archive_all();
  } while (wait_for_next());
}

bool Application::Archiver::wait_for_next() {
  std::unique_lock lock(mutex_);
  changed_.wait_for(lock, std::chrono::microseconds(interval_),
                    [this] { return stopping_.load(); });
  return !stopping_;
}

void Application::Archiver::archive_all() {
  const auto lock = store_->lock();
  if (!lock.ok()) {
    // `vitrine archive run` beside the server does the work meanwhile.
    obs::log_warn("archive_busy", {{"error", lock.error()}});
    return;
  }
  for (const auto& [number, partition] : partitions_.all()) {
    if (stopping_) return;
    archive::ArchiveOptions options;
    options.store = store_.get();
    options.files = &io::system_files();
    options.log = "partition-" + std::to_string(number);
    options.log_directory = partition->log_directory();
    options.print = write_record_payload;
    options.stop = &stopping_;
    const auto report = archive::archive_log(options, no_progress());
    if (!report.ok()) {
      // Nothing is lost: the log keeps what is not archived, and the next run goes on.
      failures_.add();
      obs::log_error("archive_failed", {{"partition", number}, {"error", report.error()}});
      continue;
    }
    records_.add(report.value().records);
    partition->set_archived(report.value().archived);
    if (report.value().records > 0) {
      obs::log_info("archived", {{"partition", number},
                                 {"position", report.value().archived},
                                 {"records", report.value().records},
                                 {"objects", report.value().objects}});
    }
  }
}

}  // namespace vitrine::app
