// For tests and benchmarks: a log in memory whose syncs happen when told, and a state that
// remembers ids.
#pragma once

#include <deque>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include "base/bytes.h"
#include "base/check.h"
#include "domain/event/event_codec.h"
#include "domain/record/record.h"
#include "service/collect/ports.h"

namespace vitrine::collect {

class FakeLog final : public RecordAppender, public IdDirectory {
 public:
  struct Record {
    std::uint16_t kind;
    std::string payload;
  };

  Result<eventlog::PositionRange> append(std::span<const eventlog::RecordRef> records,
                                         eventlog::OnDurable done) override {
    std::unique_lock lock(mutex_);
    if (refuse) return *refuse;
    VITRINE_CHECK(!records.empty());
    const eventlog::Position first = records_.size() + 1;
    for (const auto& record : records) {
      records_.push_back({record.kind, std::string(record.payload)});
    }
    const eventlog::PositionRange range{first, records_.size()};
    if (sync_at_once) {
      lock.unlock();  // as a committer that is faster than append() returns
      done(ok_status());
    } else {
      waiting_.push_back(std::move(done));
    }
    return range;
  }

  // What the committer does after a sync, or after one that failed.
  void sync(const Status& status = ok_status()) {
    std::deque<eventlog::OnDurable> due;
    {
      std::lock_guard lock(mutex_);
      due.swap(waiting_);
    }
    for (auto& done : due) done(status);
  }

  // What the applier does with the next records.
  void apply(std::size_t most = ~std::size_t{0}) {
    std::lock_guard lock(mutex_);
    while (applied_ < records_.size() && most-- > 0) {
      const std::string& payload = records_[applied_++].payload;
      ByteReader in(payload);
      const TenantId tenant = record::read_tenant(in);
      const std::string_view body = std::string_view(payload).substr(record::kTenantBytes);
      event::Event event;
      VITRINE_CHECK(event::decode_event(body, event).ok());
      const auto id = event::event_id_hash(event.event_id);
      const auto [known, is_new] =
          ids_.try_emplace({tenant.value, id.low, id.high}, event::body_hash(body));
      // The collector must have kept every duplicate out.
      if (!is_new) ++applied_twice;
    }
  }

  eventlog::Position applied() const override {
    std::lock_guard lock(mutex_);
    return applied_;
  }

  Status find(TenantId tenant, std::span<const IdQuery> queries,
              std::span<IdVerdict> verdicts) override {
    std::lock_guard lock(mutex_);
    for (std::size_t i = 0; i < queries.size(); ++i) {
      const auto found = ids_.find({tenant.value, queries[i].id.low, queries[i].id.high});
      verdicts[i] = found == ids_.end()                     ? IdVerdict::kNew
                    : found->second == queries[i].body_hash ? IdVerdict::kDuplicate
                                                            : IdVerdict::kConflict;
    }
    return ok_status();
  }

  std::size_t size() const {
    std::lock_guard lock(mutex_);
    return records_.size();
  }
  const Record& record(eventlog::Position position) const { return records_[position - 1]; }

  bool sync_at_once = false;
  std::optional<Error> refuse;
  int applied_twice = 0;

 private:
  using Id = std::tuple<std::uint32_t, std::uint64_t, std::uint64_t>;
  mutable std::mutex mutex_;
  std::deque<Record> records_;
  std::deque<eventlog::OnDurable> waiting_;
  std::map<Id, std::uint64_t> ids_;
  std::size_t applied_ = 0;
};

}  // namespace vitrine::collect
