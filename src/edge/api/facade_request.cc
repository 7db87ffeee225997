#include "edge/api/facade_request.h"

#include <algorithm>
#include <set>

#include "domain/person/person_codec.h"
#include "edge/api/changes.h"
#include "edge/api/problem.h"

namespace vitrine::api {

FacadeRequest::FacadeRequest(std::shared_ptr<TenantServices> services, net::Responder responder,
                             facade::Translation translation, RenderTaken render)
    : services_(std::move(services)),
      responder_(std::move(responder)),
      translation_(std::move(translation)),
      render_(std::move(render)) {
  line_starts_.push_back(0);
  for (std::size_t at = 0; at < translation_.events.size();) {
    at = translation_.events.find('\n', at) + 1;
    line_starts_.push_back(at);
  }
  VITRINE_CHECK(line_starts_.size() == translation_.origin.size() + 1);
}

void FacadeRequest::run(Call& call) {
  for (const auto& [index, error] : translation_.refused) reject(index, Error(error));
  Status admitted = admit_all(call);
  if (admitted.ok()) append_pieces(call);
  end_piece(admitted.ok() ? Error() : std::move(admitted).error());
}

// Several pieces are one request of the quota, refused before any of it is appended. A single piece
// of events is admitted by the collector, which knows how many of them are good.
Status FacadeRequest::admit_all(Call& call) const {
  if (translation_.people.empty()) return ok_status();
  const std::size_t messages = translation_.messages - translation_.refused.size();
  return call.platform.gateway().admit(call.caller,
                                       {.requests = 0, .events = static_cast<double>(messages)},
                                       call.platform.clock().steady_ns());
}

void FacadeRequest::append_pieces(Call& call) {
  const std::size_t line_count = translation_.origin.size();
  const auto& people = translation_.people;
  std::size_t line = 0;
  std::size_t person = 0;
  while (line < line_count || person < people.size()) {
    {
      std::lock_guard lock(mutex_);
      if (failure_) return;
    }
    std::size_t last = person;
    while (last < people.size() && people[last].line <= line) ++last;
    if (last > person) {
      append_changes(call, person, last);
      person = last;
      continue;
    }
    const std::size_t end = person < people.size() ? people[person].line : line_count;
    Status appended = append_events(call, line, end);
    if (!appended.ok()) return end_piece(std::move(appended).error());
    line = end;
  }
}

std::string_view FacadeRequest::lines(std::size_t from, std::size_t to) const {
  return std::string_view(translation_.events)
      .substr(line_starts_[from], line_starts_[to] - line_starts_[from]);
}

// After an error its piece is still to be ended.
Status FacadeRequest::append_events(Call& call, std::size_t from, std::size_t to) {
  const auto& tenant = call.caller.view->tenant;
  const event::TypeNames custom_types(tenant.event_types.begin(), tenant.event_types.end());
  collect::CollectRequest request;
  request.tenant = tenant.id;
  request.custom_types = custom_types.empty() ? nullptr : &custom_types;
  request.body.bytes = lines(from, to);
  request.body.format = collect::BodyFormat::kNdjson;
  request.now = call.now;
  request.users_max = tenant.quotas.users_max;
  request.source = call.caller.scope == tenant::Scope::kSecret ? collect::EventSource::kImported
                                                               : collect::EventSource::kLive;
  if (translation_.people.empty()) {
    request.admit = [&call](std::size_t events) {
      return call.platform.gateway().admit(call.caller,
                                           {.requests = 0, .events = static_cast<double>(events)},
                                           call.platform.clock().steady_ns());
    };
  }
  begin_piece();
  VITRINE_TRY(services_->collector.collect(
      request, [self = shared_from_this(), from](Result<collect::CollectResult> result) {
        self->take_events(from, std::move(result));
      }));
  call.platform.flush_at_round_end(services_->partition);
  return ok_status();
}

std::string FacadeRequest::payload_of(const Call& call, const facade::PersonChange& change,
                                      record::RecordKind& kind) const {
  return payload_for(call, [&](ByteWriter& out) {
    if (const auto* merge = std::get_if<person::Merge>(&change.what)) {
      kind = record::RecordKind::kUserMerge;
      person::encode_merge(*merge, out);
    } else if (const auto* consent = std::get_if<person::ConsentChange>(&change.what)) {
      kind = record::RecordKind::kUserConsent;
      person::encode_consent(*consent, out);
    } else {
      kind = record::RecordKind::kUserPatch;
      person::encode_describing_patch(std::get<person::UserPatch>(change.what), out);
    }
  });
}

void FacadeRequest::append_changes(Call& call, std::size_t from, std::size_t to) {
  const auto user_of = [](const facade::PersonChange& change) -> std::string_view {
    if (const auto* patch = std::get_if<person::UserPatch>(&change.what)) return patch->id;
    if (const auto* merge = std::get_if<person::Merge>(&change.what)) return merge->user_id;
    return std::get<person::ConsentChange>(change.what).user_id;
  };
  std::vector<eventlog::RecordRef> refs;
  std::vector<std::size_t> changes;
  for (std::size_t i = from; i < to; ++i) {
    const auto& change = translation_.people[i];
    const std::string_view id = user_of(change);
    Status room = check_users_quota(call, *services_, std::span(&id, 1));
    if (!room.ok()) {
      std::lock_guard lock(mutex_);
      reject(change.index, std::move(room).error());
      continue;
    }
    record::RecordKind kind{};
    payloads_.push_back(payload_of(call, change, kind));
    refs.push_back({static_cast<std::uint16_t>(kind), 0, payloads_.back()});
    changes.push_back(i);
  }
  if (refs.empty()) return;
  begin_piece();
  append_and_apply(services_, refs,
                   [self = shared_from_this(), changes](Result<eventlog::PositionRange> applied) {
                     self->take_changes(changes, std::move(applied));
                   });
}

void FacadeRequest::begin_piece() {
  std::lock_guard lock(mutex_);
  ++missing_;
}

void FacadeRequest::end_piece(Error failure) {
  {
    std::lock_guard lock(mutex_);
    if (failure && !failure_) failure_ = std::move(failure);
    if (--missing_ > 0) return;
  }
  answer();
}

void FacadeRequest::take_events(std::size_t from, Result<collect::CollectResult> result) {
  if (!result.ok()) {
    return end_piece(Error(ErrorCode::kUnavailable,
                           "the events could not be made durable: " + result.error().message()));
  }
  {
    std::lock_guard lock(mutex_);
    taken_.accepted += result->accepted;
    taken_.duplicates += result->duplicates;
    for (auto& [index, code, detail] : result->rejected) {
      reject(translation_.origin[from + index],
             Error(ErrorCode::kInvalidArgument, std::move(detail))
                 .with_reason(event::reject_code_name(code)));
    }
  }
  end_piece();
}

void FacadeRequest::take_changes(const std::vector<std::size_t>& changes,
                                 Result<eventlog::PositionRange> applied) {
  if (!applied.ok()) return end_piece(std::move(applied).error());
  {
    std::lock_guard lock(mutex_);
    for (std::size_t i = 0; i < changes.size(); ++i) {
      const auto& change = translation_.people[changes[i]];
      const auto outcome = services_->partition.outcome(applied->first + i);
      if (outcome.code == apply::ApplyCode::kMergedElsewhere && change.may_be_elsewhere) continue;
      Error refused = outcome_error(outcome);
      if (refused) reject(change.index, std::move(refused));
    }
  }
  end_piece();
}

void FacadeRequest::reject(std::uint32_t message, Error error) {
  taken_.rejected.push_back({message, std::move(error)});
}

void FacadeRequest::answer() {
  if (failure_) return responder_.respond(problem_response(failure_));
  // The first thing that is wrong with a message stands for it.
  std::ranges::stable_sort(taken_.rejected, {}, &Taken::Rejected::index);
  const auto last = std::unique(taken_.rejected.begin(), taken_.rejected.end(),
                                [](const auto& a, const auto& b) { return a.index == b.index; });
  taken_.rejected.erase(last, taken_.rejected.end());
  std::set<std::uint32_t> changed;
  for (const auto& change : translation_.people) changed.insert(change.index);
  for (const auto& rejected : taken_.rejected) changed.erase(rejected.index);
  taken_.accepted += static_cast<std::uint32_t>(changed.size());
  responder_.respond(render_(translation_, taken_));
}

}  // namespace vitrine::api
