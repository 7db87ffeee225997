#include "service/collect/partition_ports.h"

#include <algorithm>
#include <utility>

namespace vitrine::collect {

Result<eventlog::PositionRange> PartitionPorts::append(std::span<const eventlog::RecordRef> records,
                                                       eventlog::OnDurable done) {
  return partition_.append(records, std::move(done), wake_);
}

eventlog::Position PartitionPorts::applied() const { return partition_.applied(); }

Status PartitionPorts::find(TenantId tenant, std::span<const IdQuery> queries,
                            std::span<IdVerdict> verdicts) {
  const auto runtime = partition_.tenant(tenant);
  if (runtime == nullptr) {
    std::ranges::fill(verdicts, IdVerdict::kNew);
    return ok_status();
  }
  const auto state = runtime->read();
  for (std::size_t i = 0; i < queries.size(); ++i) {
    VITRINE_TRY(verdicts[i], state->event_ids().find(queries[i].id, queries[i].body_hash));
  }
  return ok_status();
}

std::uint64_t PartitionPorts::user_count(TenantId tenant) {
  const auto runtime = partition_.tenant(tenant);
  return runtime == nullptr ? 0 : runtime->user_count();
}

void PartitionPorts::find_users(TenantId tenant, std::span<const Hash128> keys,
                                std::span<std::uint8_t> known) {
  const auto runtime = partition_.tenant(tenant);
  if (runtime == nullptr) return;
  const auto state = runtime->read();
  for (std::size_t i = 0; i < keys.size(); ++i) {
    known[i] = state->profiles().find_user(keys[i]) != kNoUser ? 1 : 0;
  }
}

}  // namespace vitrine::collect
