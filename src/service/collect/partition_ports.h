// The collector's ports on a running partition.
#pragma once

#include "service/apply/partition.h"
#include "service/collect/ports.h"

namespace vitrine::collect {

// Thread-safe; the partition must outlive it.
class PartitionPorts final : public RecordAppender, public IdDirectory {
 public:
  explicit PartitionPorts(apply::Partition& partition) : partition_(partition) {}

  Result<eventlog::PositionRange> append(std::span<const eventlog::RecordRef> records,
                                         eventlog::OnDurable done) override;
  eventlog::Position applied() const override;
  // Holds the tenant's lock for reading while it looks.
  Status find(TenantId tenant, std::span<const IdQuery> queries,
              std::span<IdVerdict> verdicts) override;

 private:
  apply::Partition& partition_;
};

}  // namespace vitrine::collect
