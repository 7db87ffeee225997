// The collector's ports on a running partition.
#pragma once

#include "service/apply/partition.h"
#include "service/collect/ports.h"

namespace vitrine::collect {

// Thread-safe; the partition must outlive it.
class PartitionPorts final : public RecordAppender, public IdDirectory {
 public:
  // With Wake::kAtFlush somebody calls Partition::flush() soon after each request.
  explicit PartitionPorts(apply::Partition& partition, eventlog::Wake wake = eventlog::Wake::kNow)
      : partition_(partition), wake_(wake) {}

  Result<eventlog::PositionRange> append(std::span<const eventlog::RecordRef> records,
                                         eventlog::OnDurable done) override;
  eventlog::Position applied() const override;
  // Holds the tenant's lock for reading while it looks.
  Status find(TenantId tenant, std::span<const IdQuery> queries,
              std::span<IdVerdict> verdicts) override;
  std::uint64_t user_count(TenantId tenant) override;
  void find_users(TenantId tenant, std::span<const Hash128> keys,
                  std::span<std::uint8_t> known) override;

 private:
  apply::Partition& partition_;
  const eventlog::Wake wake_;
};

}  // namespace vitrine::collect
