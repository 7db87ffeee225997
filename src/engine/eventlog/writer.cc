#include "engine/eventlog/writer.h"

#include "engine/eventlog/internal/writer_impl.h"

namespace vitrine::eventlog {
namespace {

Status check_options(const WriterOptions& options) {
  const auto refuse = [](std::string why) {
    return Error(ErrorCode::kInvalidArgument, "event log options: " + std::move(why));
  };
  if (options.directory.empty()) return refuse("no directory");
  if (options.files == nullptr || options.clock == nullptr || options.executor == nullptr) {
    return refuse("files, clock and executor are required");
  }
  if (options.segment_bytes % 4096 != 0 || options.segment_bytes < 4 * 4096) {
    return refuse("segment_bytes must be a multiple of 4096, at least 16384");
  }
  if (options.segment_bytes > std::uint64_t{1} << 32) return refuse("segment_bytes is above 4 GiB");
  if (options.group_bytes_max > options.segment_bytes / 4 || options.group_bytes_max < 256) {
    return refuse("group_bytes_max must be between 256 and a quarter of segment_bytes");
  }
  if (options.queue_bytes_max < options.group_bytes_max) {
    return refuse("queue_bytes_max is below group_bytes_max");
  }
  if (options.seal_after_us < 0 || options.retention_us < 0 || options.lock_wait_us < 0) {
    return refuse("a time is negative");
  }
  if (options.sync_mode == SyncMode::kInterval && options.sync_interval_us <= 0) {
    return refuse("sync_interval_us must be positive");
  }
  if (options.disk_probe_us <= 0) return refuse("disk_probe_us must be positive");
  return ok_status();
}

}  // namespace

Writer::Writer(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Writer::~Writer() = default;

Result<std::unique_ptr<Writer>> Writer::open(WriterOptions options) {
  VITRINE_TRY(check_options(options));
  auto impl = std::make_unique<Impl>(std::move(options));
  VITRINE_TRY(impl->start());
  return std::unique_ptr<Writer>(new Writer(std::move(impl)));
}

Result<PositionRange> Writer::append(std::span<const RecordRef> records, OnDurable done,
                                     Wake wake) {
  auto range = impl_->queue_.append(records, std::move(done), impl_->disk_room_);
  if (wake == Wake::kNow) flush();
  return range;
}

void Writer::flush() { impl_->queue_.flush(); }

Position Writer::durable() const { return impl_->durable_.load(std::memory_order_acquire); }
Position Writer::appended() const { return impl_->queue_.appended(); }

Result<bool> Writer::wait_durable(Position position, TimeUs timeout_us) const {
  if (impl_->head_->wait(position, timeout_us, &impl_->failed_)) return true;
  VITRINE_TRY(impl_->check_alive());
  return false;
}

void Writer::retain_from(Position position) { impl_->retention_.raise_floor(position); }
Position Writer::oldest() const { return impl_->retention_.oldest(); }
const OpenReport& Writer::open_report() const { return impl_->report_; }
Status Writer::close() { return impl_->close(); }

LogMetrics Writer::metrics() const {
  const Impl& impl = *impl_;
  constexpr auto kRelaxed = std::memory_order_relaxed;
  LogMetrics metrics;
  metrics.records = impl.counters_.records.load(kRelaxed);
  metrics.groups = impl.counters_.groups.load(kRelaxed);
  metrics.bytes = impl.counters_.bytes.load(kRelaxed);
  metrics.segment_wait_us = impl.counters_.segment_wait_us.load(kRelaxed);
  metrics.queue_bytes = impl.queue_.queue_bytes();
  metrics.refused_queue = impl.queue_.refused_queue();
  metrics.refused_disk = impl.queue_.refused_disk();
  metrics.segments = impl.retention_.segments();
  metrics.segments_removed = impl.retention_.removed();
  metrics.disk_full = impl.supply_.disk_full();
  metrics.failed = impl.failed_.load();
  for (std::size_t i = 0; i < LatencyHistogram::kBuckets; ++i) {
    metrics.sync_us.counts[i] = impl.counters_.sync_us[i].load(kRelaxed);
  }
  return metrics;
}

}  // namespace vitrine::eventlog
