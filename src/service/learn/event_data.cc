#include "service/learn/event_data.h"

#include <algorithm>
#include <unordered_map>

#include "domain/event/consent.h"
#include "domain/event/event_codec.h"
#include "domain/person/person_codec.h"
#include "domain/profile/profiles.h"
#include "domain/record/record.h"
#include "engine/eventlog/info.h"
#include "engine/eventlog/reader.h"
#include "engine/kv/id_window.h"
#include "service/apply/tenant_state.h"
#include "service/evaluate/interner.h"

namespace vitrine::learn {
namespace {

using evaluate::Interaction;
using profile::Profiles;
using record::RecordKind;

bool allows_learning(event::Consents consents) {
  return consents.allows(event::Purpose::kPersonalization) &&
         consents.allows(event::Purpose::kAnalytics);
}

// Follows who is who as the state does (service/apply/tenant_people.cc), and collects what they
// did.
class Cutter {
 public:
  Cutter(TenantId tenant, const CutOptions& options)
      : tenant_(tenant),
        options_(options),
        items_(out_.data.items),
        people_({.max_entries = 4}),
        ids_({}) {}

  Status add(const eventlog::RecordView& record) {
    ByteReader in(record.payload);
    if (record::read_tenant(in) != tenant_ || !in.ok()) return ok_status();
    const std::string_view body = in.raw(in.remaining());
    if (static_cast<RecordKind>(record.kind) != RecordKind::kModelChange) {
      out_.cut.position = record.position;
      out_.cut.append_time = record.append_time_us;
    }
    switch (static_cast<RecordKind>(record.kind)) {
      case RecordKind::kEvent:
      case RecordKind::kImportedEvent: return add_event(body, record.append_time_us);
      case RecordKind::kUserUpsert: {
        VITRINE_TRY(const auto user, person::decode_user(body));
        people_.intern_user(profile::user_key(user.id));
        return ok_status();
      }
      case RecordKind::kUserDelete: {
        VITRINE_TRY(const auto id, person::decode_delete(body));
        forget(people_.find_user(profile::user_key(id)), false);
        return ok_status();
      }
      case RecordKind::kUserErase: {
        VITRINE_TRY(const auto erasure, person::decode_erasure(body));
        forget(people_.find_user(erasure.keys.front()), true);
        return ok_status();
      }
      case RecordKind::kUserMerge: {
        VITRINE_TRY(const auto merge, person::decode_merge(body));
        const UserIndex user = people_.intern_user(profile::user_key(merge.user_id));
        return link(profile::anonymous_key(merge.anonymous_id), user);
      }
      case RecordKind::kUserConsent: {
        VITRINE_TRY(const auto change, person::decode_consent(body));
        const UserIndex user = people_.intern_user(profile::user_key(change.user_id));
        if (user != kNoUser) people_.update_consents(user, change.consents);
        return ok_status();
      }
      case RecordKind::kModelChange: {
        VITRINE_TRY(const auto change, model::decode_change(body));
        out_.models.apply(change, record.position, record.append_time_us);
        return ok_status();
      }
      default: return ok_status();  // says nothing about who did what
    }
  }

  TenantData finish() {
    resolve();
    std::vector<Interaction>& all = out_.data.interactions;
    std::vector<std::string> names = std::move(out_.data.items);
    out_.data.items.clear();
    constexpr std::uint32_t kNew = 0xFFFFFFFFu;
    std::vector<std::uint32_t> item_number(names.size(), kNew);
    std::vector<std::uint32_t> user_number(people_.user_count(), kNew);
    std::uint32_t users = 0;
    std::size_t kept = 0;
    for (std::size_t i = 0; i < all.size(); ++i) {
      Interaction one = all[i];
      if (!counts(one, i)) continue;
      std::uint32_t& user = user_number[final_[one.user.value]];
      if (user == kNew) user = users++;
      std::uint32_t& item = item_number[one.item.value];
      if (item == kNew) {
        item = static_cast<std::uint32_t>(out_.data.items.size());
        out_.data.items.push_back(std::move(names[one.item.value]));
      }
      one.user = UserIndex{user};
      one.item = ItemIndex{item};
      all[kept++] = one;
    }
    all.resize(kept);
    std::stable_sort(all.begin(), all.end(),
                     [](const Interaction& a, const Interaction& b) { return a.time < b.time; });
    out_.data.users.resize(users);
    out_.data.has_times = true;
    out_.data.live = true;
    out_.cut.users = users;
    out_.cut.items = out_.data.items.size();
    out_.cut.interactions = kept;
    out_.data.skipped = out_.cut.without_consent + out_.cut.erased + out_.cut.flagged;
    return std::move(out_);
  }

 private:
  Status add_event(std::string_view body, TimeUs append_time) {
    VITRINE_TRY(event::decode_event(body, event_));
    const Hash128 id = event::event_id_hash(event_.event_id);
    const std::uint64_t body_hash = event::body_hash(body);
    ids_.expire(append_time);
    VITRINE_TRY(const auto verdict, ids_.find(id, body_hash));
    if (verdict != kv::IdVerdict::kNew) return ok_status();
    VITRINE_TRY(ids_.insert(id, body_hash, append_time));

    const bool signed_in = !event_.user_id.empty();
    const UserIndex user =
        people_.intern_user(signed_in ? profile::user_key(event_.user_id)
                                      : profile::anonymous_key(event_.anonymous_id));
    if (user == kNoUser) return ok_status();
    if (signed_in && !event_.anonymous_id.empty()) {
      VITRINE_TRY(link(profile::anonymous_key(event_.anonymous_id), user));
    }
    if (!event_.context.empty()) {
      const event::Consents said = event::read_consents(event_.context);
      if (said.any()) people_.update_consents(user, said);
    }
    const double weight = apply::counted_weight(event_.type, event_.value);
    if (weight == 0) return ok_status();
    if (!allows_learning(people_.consents(user))) {
      out_.cut.without_consent += event_.items.size();
      return ok_status();
    }
    for (const event::EventItem& item : event_.items) {
      out_.data.interactions.push_back({user, ItemIndex{items_(item.item_id)}, events_,
                                        event_.event_time, static_cast<float>(weight)});
    }
    ++events_;
    return ok_status();
  }

  Status link(const Hash128& visitor, UserIndex user) {
    if (user == kNoUser) return ok_status();
    const UserIndex before = people_.find_user(visitor);
    VITRINE_TRY(const auto linked, people_.link(visitor, user));
    if (linked != Profiles::Link::kMerged || before == kNoUser || before == user) {
      return ok_status();
    }
    std::vector<std::uint32_t> moved = std::move(merged_[before.value]);
    merged_.erase(before.value);
    moved.push_back(before.value);
    auto& into = merged_[user.value];
    into.insert(into.end(), moved.begin(), moved.end());
    return ok_status();
  }

  // What the user and whoever became it did so far does not count.
  void forget(UserIndex user, bool with_consents) {
    if (user == kNoUser) return;
    const std::size_t so_far = out_.data.interactions.size();
    erased_before_[user.value] = so_far;
    if (const auto at = merged_.find(user.value); at != merged_.end()) {
      for (const std::uint32_t one : at->second) erased_before_[one] = so_far;
    }
    with_consents ? people_.erase(user) : people_.forget(user);
  }

  // Who each number is in the end.
  void resolve() {
    final_.resize(people_.user_count());
    for (std::uint32_t u = 0; u < final_.size(); ++u) final_[u] = u;
    for (const auto& [user, others] : merged_) {
      for (const std::uint32_t one : others) final_[one] = user;
    }
    flagged_.assign(final_.size(), 0);
    for (std::uint32_t u = 0; options_.flagged && u < final_.size(); ++u) {
      if (final_[u] == u && options_.flagged(people_.info(UserIndex{u}).key)) flagged_[u] = 1;
    }
  }

  bool counts(const Interaction& one, std::size_t at) {
    const auto erased = erased_before_.find(one.user.value);
    if (erased != erased_before_.end() && at < erased->second) {
      ++out_.cut.erased;
      return false;
    }
    const std::uint32_t user = final_[one.user.value];
    if (!allows_learning(people_.consents(UserIndex{user}))) {
      ++out_.cut.without_consent;
      return false;
    }
    if (flagged_[user] != 0) {
      ++out_.cut.flagged;
      return false;
    }
    return true;
  }

  TenantId tenant_;
  const CutOptions& options_;
  TenantData out_;
  evaluate::Interner items_;
  Profiles people_;
  kv::IdWindow ids_;
  event::Event event_;
  std::uint32_t events_ = 0;
  // By user: the numbers that were merged into it.
  std::unordered_map<std::uint32_t, std::vector<std::uint32_t>> merged_;
  // By number: interactions before this one don't count.
  std::unordered_map<std::uint32_t, std::size_t> erased_before_;
  std::vector<std::uint32_t> final_;
  std::vector<std::uint8_t> flagged_;
};

// A running writer says what is durable; where none has run, every whole frame is.
Result<std::unique_ptr<eventlog::Reader>> open_log(io::FileSystem& files,
                                                   const std::string& directory) {
  auto reader = eventlog::Reader::open(files, directory, 0);
  if (!reader.ok() && reader.error().code() == ErrorCode::kUnavailable) {
    reader = eventlog::Reader::open(files, directory, 0, eventlog::ReadScope::kWholeFrames);
  }
  return reader;
}

}  // namespace

Result<TenantData> cut_tenant_data(io::FileSystem& files, const std::string& log_directory,
                                   TenantId tenant, const CutOptions& options, Progress& progress) {
  VITRINE_TRY(const auto info, eventlog::log_info(files, log_directory));
  VITRINE_TRY(const auto reader, open_log(files, log_directory));
  const eventlog::Position last = std::min(info.last, options.until);
  progress.start("reading the log", last < info.oldest ? 0 : last + 1 - info.oldest, "records");
  Cutter cutter(tenant, options);
  std::vector<eventlog::RecordView> batch;
  for (bool more = true; more;) {
    VITRINE_TRY(reader->next_batch(batch, 1024));
    more = !batch.empty();
    for (const eventlog::RecordView& record : batch) {
      if (record.position > options.until) {
        more = false;
        break;
      }
      if (Status added = cutter.add(record); !added.ok()) {
        return std::move(added).error().context("record " + std::to_string(record.position));
      }
    }
    if (more) progress.update(batch.back().position + 1 - info.oldest);
    if (options.stop != nullptr && *options.stop) {
      return Error(ErrorCode::kUnavailable, "stopped").with_reason("training_stopped");
    }
  }
  progress.finish();
  return cutter.finish();
}

}  // namespace vitrine::learn
