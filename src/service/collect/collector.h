// The Collector: events in, durable before the answer.
//
// collect() reads a request's events, checks each, drops those that were sent before, appends the
// rest to the log in one piece and answers when they are durable. One bad event of a thousand
// is rejected alone.
//
// Idempotency. What an event id did is decided by the applier, which sees all records in order; the
// collector answers ahead of it from what was applied (IdDirectory) and what is in the log but not
// yet applied (PendingIds):
//   same id, same body      counted as duplicate; the answer waits until the original is durable
//   same id, another body   rejected with event_id_conflict
// Looking up and appending happen under one lock, so that of two requests with the same id, also
// at the same moment, one finds the other.
//
// One Collector per partition, and only it appends events there. It may take requests once
// the state is level with the log. Thread-safe. Outlives its appends.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <vector>

#include "base/clock.h"
#include "base/ids.h"
#include "base/result.h"
#include "service/collect/collect_metrics.h"
#include "service/collect/durable_waiters.h"
#include "service/collect/event_batch.h"
#include "service/collect/pending_ids.h"
#include "service/collect/ports.h"

namespace vitrine::collect {

struct CollectorOptions {
  BodyLimits limits{};
  // Above so many events in the log but not in the state, requests are refused with kExhausted:
  // the applier can't keep up. 40 bytes each.
  std::size_t pending_ids_max = 4'000'000;
};

enum class EventSource {
  kLive,      // event_time within 72 h back and 10 min ahead
  kImported,  // history: any time of 1900..2200, its own record kind
};

struct CollectRequest {
  TenantId tenant{};
  const event::TypeNames* custom_types = nullptr;  // of this tenant; only used during the call
  Body body{};
  TimeUs now = 0;
  EventSource source = EventSource::kLive;
  // As many users and visitors may be told apart (a quota); events of further ones are rejected.
  // 0: any number. Soft: those on their way to the state are not counted yet.
  std::uint64_t users_max = 0;
  // Asked once, with the number of good events, before anything is looked up or appended; an error
  // refuses the request (a quota). Only used during the call.
  std::function<Status(std::size_t events)> admit{};
};

struct CollectResult {
  std::uint32_t accepted = 0;
  std::uint32_t duplicates = 0;
  std::vector<RejectedEvent> rejected;  // in order of index
  // Where a state must be to show all of this request: the last event appended, or the original
  // of the last duplicate.
  eventlog::Position position = 0;
  // The body was one event by itself: if it was rejected, the request is to be refused (400).
  bool is_single = false;
};

// Called once with the result, or with the error that kept the log from becoming durable.
using CollectDone = std::function<void(Result<CollectResult>)>;

class Collector {
 public:
  Collector(RecordAppender& log, IdDirectory& ids, CollectorOptions options = {});
  ~Collector();
  Collector(const Collector&) = delete;
  Collector& operator=(const Collector&) = delete;

  // An error refuses the whole request, nothing of it was taken, and `done` is never called:
  // kInvalidArgument (structure, gzip, no event), kTooLarge (bytes, number of events), kExhausted
  // (log full or applier behind: retry), or what the log or the directory reported.
  // Otherwise `done` is called exactly once, on this thread (if nothing has to become durable, or
  // it was so at once) or on the log's committer thread; so it must be short and not wait for
  // either.
  Status collect(const CollectRequest& request, CollectDone done);

  const CollectMetrics& metrics() const { return metrics_; }

 private:
  struct Scratch;
  struct Completion;

  static Scratch& scratch();
  Status look_up(TenantId tenant, Scratch& work);
  Status decide(TenantId tenant, Scratch& work, eventlog::Position looked_up_at);
  void find_strangers(const CollectRequest& request, Scratch& work);
  static void sort_out(Scratch& work, CollectResult& result);
  Status append_fresh(const CollectRequest& request, Scratch& work, CollectResult result,
                      CollectDone done);
  void answer(const Status& durable, CollectResult result, const CollectDone& done);
  Status refused(Status status);
  Completion* take_completion();
  void give_back(Completion* completion);

  RecordAppender& log_;
  IdDirectory& ids_;
  const CollectorOptions options_;
  CollectMetrics metrics_;
  DurableWaiters waiters_;
  std::mutex mutex_;
  PendingIds pending_;  // guarded by mutex_, which is also held over append()
  // Completions to use again: they are taken by server threads and given back by the committer, and
  // memory that is freed by another thread than took it costs more than all else about them.
  Completion* spare_ = nullptr;  // guarded by mutex_
  std::atomic<Completion*> given_back_{nullptr};
};

}  // namespace vitrine::collect
