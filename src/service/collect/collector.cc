#include "service/collect/collector.h"

#include <algorithm>
#include <atomic>
#include <bit>
#include <utility>

#include "domain/event/event_codec.h"
#include "domain/profile/profiles.h"
#include "domain/record/record.h"

namespace vitrine::collect {
namespace {

constexpr std::uint16_t kNobody = 0xFFFF;

// Ids of one request, to find those given twice. Open addressing over at most 2^16 slots that hold
// numbers of events.
class BatchIds {
 public:
  void reset(std::size_t events) {
    const std::size_t slots = std::bit_ceil(events * 2 + 1);
    slots_.assign(slots, kNobody);
    mask_ = slots - 1;
  }
  // The event that took this id first, or kNobody; then `number` has it from now on.
  std::uint16_t find_or_take(const std::vector<EncodedEvent>& events, std::uint16_t number) {
    const Hash128& id = events[number].id;
    std::size_t at = id.low & mask_;
    while (slots_[at] != kNobody) {
      if (events[slots_[at]].id == id) return slots_[at];
      at = (at + 1) & mask_;
    }
    slots_[at] = number;
    return kNobody;
  }

 private:
  std::vector<std::uint16_t> slots_;
  std::size_t mask_ = 0;
};

}  // namespace

// What collect() works with; one per thread, shared by all collectors of the process.
struct Collector::Scratch {
  EventBatch batch;
  std::vector<IdQuery> queries;
  std::vector<IdVerdict> verdicts;   // entry i: of batch.events()[i]
  std::vector<std::uint16_t> fresh;  // numbers of the events to append
  std::vector<eventlog::RecordRef> records;
  std::vector<std::uint8_t> strangers;  // 1: who did it is one user too many; empty: nobody is
  BatchIds batch_ids;
  eventlog::Position original = 0;  // of the last duplicate that is in the log only; 0: none
};

// What is left of a request that had something to append. Two finish it: the thread that appended
// (it learns the position) and the committer (it learns that it is durable). Whoever comes second
// answers and gives it back.
struct Collector::Completion {
  Collector* owner = nullptr;
  CollectResult result;
  CollectDone done;
  Status durable;  // written before the committer arrives
  std::atomic<int> missing{2};
  Completion* next = nullptr;  // of those that are spare

  void arrive() {
    if (missing.fetch_sub(1, std::memory_order_acq_rel) > 1) return;
    owner->waiters_.settled(result.position, durable);
    owner->answer(durable, std::move(result), done);
    owner->give_back(this);
  }
};

Collector::Collector(RecordAppender& log, IdDirectory& ids, CollectorOptions options)
    : log_(log), ids_(ids), options_(options) {
  VITRINE_CHECK(options_.limits.events_max < kNobody);
}

Collector::~Collector() {
  for (Completion* list : {spare_, given_back_.load()}) {
    while (list != nullptr) delete std::exchange(list, list->next);
  }
}

// Requires mutex_.
Collector::Completion* Collector::take_completion() {
  if (spare_ == nullptr) spare_ = given_back_.exchange(nullptr, std::memory_order_acquire);
  if (spare_ == nullptr) return new Completion;
  return std::exchange(spare_, spare_->next);
}

// Any thread. Only whole lists are taken, so what is at the head can't have been away meanwhile.
void Collector::give_back(Completion* completion) {
  completion->result = {};
  completion->done = nullptr;
  completion->durable = ok_status();
  completion->missing.store(2, std::memory_order_relaxed);
  completion->next = given_back_.load(std::memory_order_relaxed);
  while (!given_back_.compare_exchange_weak(completion->next, completion, std::memory_order_release,
                                            std::memory_order_relaxed)) {
  }
}

Collector::Scratch& Collector::scratch() {
  thread_local Scratch scratch;
  return scratch;
}

Status Collector::refused(Status status) {
  CollectMetrics::add(metrics_.requests_refused, 1);
  return status;
}

void Collector::answer(const Status& durable, CollectResult result, const CollectDone& done) {
  if (!durable.ok()) {
    CollectMetrics::add(metrics_.requests_failed, 1);
    done(Error(durable.error()));
    return;
  }
  CollectMetrics::add(metrics_.events_accepted, result.accepted);
  CollectMetrics::add(metrics_.events_duplicate, result.duplicates);
  for (const auto& event : result.rejected) {
    CollectMetrics::add(metrics_.events_rejected[static_cast<std::size_t>(event.code)], 1);
  }
  done(std::move(result));
}

Status Collector::collect(const CollectRequest& request, CollectDone done) {
  CollectMetrics::add(metrics_.requests, 1);
  CollectMetrics::add(metrics_.body_bytes, request.body.bytes.size());
  Scratch& work = scratch();
  const auto rules = request.source == EventSource::kLive
                         ? event::EventRules::live(request.now, request.custom_types)
                         : event::EventRules::imported(request.now, request.custom_types);
  auto read = work.batch.read(request.body, options_.limits, request.tenant, rules);
  if (work.batch.was_split()) CollectMetrics::add(metrics_.requests_split, 1);
  if (!read.ok()) return refused(std::move(read));
  if (request.admit) {
    auto admitted = request.admit(work.batch.events().size());
    if (!admitted.ok()) return refused(std::move(admitted));
  }

  // The position comes before the look-up: what is applied by then is found by it.
  const eventlog::Position looked_up_at = log_.applied();
  if (auto found = look_up(request.tenant, work); !found.ok()) return refused(std::move(found));

  find_strangers(request, work);

  CollectResult result;
  result.is_single = work.batch.is_single();
  {
    std::lock_guard lock(mutex_);
    auto decided = decide(request.tenant, work, looked_up_at);
    if (!decided.ok()) return refused(std::move(decided));
    sort_out(work, result);
    if (!work.fresh.empty()) {
      auto appended = append_fresh(request, work, std::move(result), std::move(done));
      return appended.ok() ? ok_status() : refused(std::move(appended));
    }
  }
  if (work.original == 0) {
    result.position = log_.applied();
    answer(ok_status(), std::move(result), done);
    return ok_status();
  }
  // Nothing of it is new, but the answer vouches for originals that may not be durable yet.
  result.position = work.original;
  waiters_.add(work.original,
               [this, result = std::move(result), done = std::move(done)](
                   const Status& durable) mutable { answer(durable, std::move(result), done); });
  return ok_status();
}

Status Collector::look_up(TenantId tenant, Scratch& work) {
  work.queries.clear();
  for (const auto& event : work.batch.events()) work.queries.push_back({event.id, event.body_hash});
  work.verdicts.assign(work.queries.size(), IdVerdict::kNew);
  if (work.queries.empty()) return ok_status();
  return ids_.find(tenant, work.queries, work.verdicts);
}

// Below the quota, which is nearly always, this costs a look at a number.
void Collector::find_strangers(const CollectRequest& request, Scratch& work) {
  work.strangers.clear();
  if (request.users_max == 0 || ids_.user_count(request.tenant) < request.users_max) return;
  std::vector<Hash128> keys;
  event::Event event;
  for (const auto& encoded : work.batch.events()) {
    const std::string_view payload = work.batch.payload(encoded);
    VITRINE_CHECK(event::decode_event(payload.substr(record::kTenantBytes), event).ok());
    keys.push_back(event.user_id.empty() ? profile::anonymous_key(event.anonymous_id)
                                         : profile::user_key(event.user_id));
  }
  work.strangers.assign(keys.size(), 0);
  ids_.find_users(request.tenant, keys, work.strangers);
  for (auto& stranger : work.strangers) stranger = stranger == 0 ? 1 : 0;
}

// Settles the verdict of each event. Requires mutex_.
Status Collector::decide(TenantId tenant, Scratch& work, eventlog::Position looked_up_at) {
  pending_.expire(log_.applied());
  CollectMetrics::set(metrics_.ids_pending, pending_.size());
  // An id that was applied after the look-up may have been forgotten here since: look once more.
  if (pending_.forgotten() > looked_up_at) VITRINE_TRY(look_up(tenant, work));

  const auto& events = work.batch.events();
  work.fresh.clear();
  work.original = 0;
  work.batch_ids.reset(events.size());
  for (std::uint16_t i = 0; i < events.size(); ++i) {
    IdVerdict& verdict = work.verdicts[i];
    if (verdict != IdVerdict::kNew) continue;
    if (!work.strangers.empty() && work.strangers[i] != 0) continue;
    if (const auto entry = pending_.find(tenant, events[i].id)) {
      const bool is_same = entry->body_hash == events[i].body_hash;
      verdict = is_same ? IdVerdict::kDuplicate : IdVerdict::kConflict;
      if (is_same) work.original = std::max(work.original, entry->position);
      continue;
    }
    const std::uint16_t first = work.batch_ids.find_or_take(events, i);
    if (first == kNobody) {
      work.fresh.push_back(i);
    } else {
      const bool is_same = events[first].body_hash == events[i].body_hash;
      verdict = is_same ? IdVerdict::kDuplicate : IdVerdict::kConflict;
    }
  }
  if (pending_.size() + work.fresh.size() <= options_.pending_ids_max) return ok_status();
  return Error(ErrorCode::kExhausted,
               "too many events wait to be applied: send this request again in a second")
      .with_reason("applier_behind")
      .with_retry_after(1);
}

void Collector::sort_out(Scratch& work, CollectResult& result) {
  result.rejected = std::move(work.batch.rejected());
  const std::size_t rejected_before = result.rejected.size();
  const auto& events = work.batch.events();
  for (std::size_t i = 0; i < events.size(); ++i) {
    if (work.verdicts[i] == IdVerdict::kDuplicate) ++result.duplicates;
    if (work.verdicts[i] == IdVerdict::kNew && !work.strangers.empty() && work.strangers[i] != 0) {
      result.rejected.push_back({events[i].index, event::RejectCode::kUsersLimit,
                                 "as many users and visitors are known as the quota users_max "
                                 "allows, and this is another one"});
    }
    if (work.verdicts[i] != IdVerdict::kConflict) continue;
    result.rejected.push_back(
        {events[i].index, event::RejectCode::kEventIdConflict,
         "event_id was used for another event: give each event an id of its own, and repeat an "
         "event unchanged"});
  }
  result.accepted = static_cast<std::uint32_t>(work.fresh.size());
  if (result.rejected.size() > rejected_before) {
    std::ranges::sort(result.rejected, {}, &RejectedEvent::index);
  }
}

// Requires mutex_, so that nobody looks for an id between its append and its entry in pending_.
Status Collector::append_fresh(const CollectRequest& request, Scratch& work, CollectResult result,
                               CollectDone done) {
  const auto kind = static_cast<std::uint16_t>(request.source == EventSource::kLive
                                                   ? record::RecordKind::kEvent
                                                   : record::RecordKind::kImportedEvent);
  const auto& events = work.batch.events();
  work.records.clear();
  for (const auto i : work.fresh) work.records.push_back({kind, 0, work.batch.payload(events[i])});

  Completion* const shared = take_completion();  // given back by the second arrive()
  shared->owner = this;
  shared->result = std::move(result);
  shared->done = std::move(done);
  auto appended = log_.append(work.records, [shared](const Status& durable) {
    shared->durable = durable;
    shared->arrive();
  });
  if (!appended.ok()) {
    give_back(shared);
    return std::move(appended).error();
  }
  eventlog::Position position = appended->first;
  for (const auto i : work.fresh) {
    pending_.insert(request.tenant, events[i].id, {position++, events[i].body_hash});
  }
  shared->result.position = appended->last;
  shared->arrive();
  return ok_status();
}

}  // namespace vitrine::collect
