// Records about users, applied to a tenant's state.
#include "domain/person/person_codec.h"
#include "domain/record/record.h"
#include "service/apply/tenant_state.h"

namespace vitrine::apply {
namespace {

ApplyOutcome from_people(person::ApplyResult result) {
  using person::Outcome;
  switch (result.outcome) {
    case Outcome::kApplied: return {};
    case Outcome::kNotFound: return {ApplyCode::kUserNotFound, std::move(result.detail)};
    case Outcome::kTypeConflict: return {ApplyCode::kTypeConflict, std::move(result.detail)};
    case Outcome::kLimit: return {ApplyCode::kUserLimit, std::move(result.detail)};
  }
  return {ApplyCode::kUserLimit, std::move(result.detail)};
}

// Whom a patch describes who was not described before.
person::User user_of(const person::UserPatch& patch) {
  person::User user{patch.id, {}};
  for (const auto& [name, value] : patch.edits) {
    if (value) user.attributes.push_back({name, *value});
  }
  return user;
}

ApplyOutcome too_many_users() {
  return {ApplyCode::kUserLimit, "as many users are known as one tenant may have"};
}

}  // namespace

Result<ApplyOutcome> TenantState::apply_person(const eventlog::RecordView& record,
                                               std::string_view body) {
  using record::RecordKind;
  switch (static_cast<RecordKind>(record.kind)) {
    case RecordKind::kUserUpsert:
    case RecordKind::kUserPatch: return apply_description(record, body);
    case RecordKind::kUserDelete: return apply_delete(body);
    case RecordKind::kUserMerge: return apply_merge(body);
    case RecordKind::kUserConsent: return apply_consent(body);
    case RecordKind::kUserErase: return apply_erasure(body);
    default: return Error(ErrorCode::kInternal, "not a record about a user");
  }
}

Result<ApplyOutcome> TenantState::apply_description(const eventlog::RecordView& record,
                                                    std::string_view body) {
  const TimeUs at = record.append_time_us;
  if (static_cast<record::RecordKind>(record.kind) == record::RecordKind::kUserPatch) {
    VITRINE_TRY(const auto patch, person::decode_patch(body));
    const Hash128 key = profile::user_key(patch.id);
    const bool describes = person::describes_anybody(body);
    const UserIndex user = describes ? profiles_.intern_user(key) : profiles_.find_user(key);
    if (user == kNoUser) {
      return describes ? too_many_users() : ApplyOutcome{ApplyCode::kUserNotFound, "no such user"};
    }
    if (describes && !people_.known(user)) {
      VITRINE_TRY(auto result, people_.apply_user(user, user_of(patch), at));
      return from_people(std::move(result));
    }
    VITRINE_TRY(auto result, people_.apply_patch(user, patch, at));
    return from_people(std::move(result));
  }
  VITRINE_TRY(const auto given, person::decode_user(body));
  const UserIndex user = profiles_.intern_user(profile::user_key(given.id));
  if (user == kNoUser) return too_many_users();
  VITRINE_TRY(auto result, people_.apply_user(user, given, at));
  return from_people(std::move(result));
}

Result<ApplyOutcome> TenantState::apply_delete(std::string_view body) {
  VITRINE_TRY(const auto id, person::decode_delete(body));
  const UserIndex user = profiles_.find_user(profile::user_key(id));
  if (user == kNoUser) return ApplyOutcome{ApplyCode::kUserNotFound, "no such user"};
  people_.remove(user);
  profiles_.forget(user);
  showings_.forget(user);
  queries_.forget(user);
  conduct_.forget(user);
  return ApplyOutcome{};
}

Result<ApplyOutcome> TenantState::apply_merge(std::string_view body) {
  using Link = profile::Profiles::Link;
  VITRINE_TRY(const auto merge, person::decode_merge(body));
  const UserIndex user = profiles_.intern_user(profile::user_key(merge.user_id));
  if (user == kNoUser) return too_many_users();
  const Hash128 visitor = profile::anonymous_key(merge.anonymous_id);
  VITRINE_TRY(const auto link, profiles_.link(visitor, user));
  switch (link) {
    case Link::kMerged: merge_visitor(visitor, user); return ApplyOutcome{};
    case Link::kKnown: return ApplyOutcome{};
    case Link::kFull: return too_many_users();
    case Link::kElsewhere:
      return ApplyOutcome{ApplyCode::kMergedElsewhere,
                          "the anonymous visitor was merged into another user before, and stays "
                          "there"};
  }
  return ApplyOutcome{};
}

Result<ApplyOutcome> TenantState::apply_consent(std::string_view body) {
  VITRINE_TRY(const auto change, person::decode_consent(body));
  const UserIndex user = profiles_.intern_user(profile::user_key(change.user_id));
  if (user == kNoUser) return too_many_users();
  profiles_.update_consents(user, change.consents);
  return ApplyOutcome{};
}

// Each key by itself: a visitor that was merged has nothing of its own any more, one whose user
// is another one (a browser that several sign in on) must not take that user along. One that was
// merged later than a restored log reaches is still somebody of its own, and goes too.
Result<ApplyOutcome> TenantState::apply_erasure(std::string_view body) {
  VITRINE_TRY(const auto erasure, person::decode_erasure(body));
  const auto erase = [&](UserIndex user) {
    people_.remove(user);
    profiles_.erase(user);
    showings_.forget(user);
    queries_.forget(user);
    conduct_.forget(user);
  };
  const UserIndex user = profiles_.find_user(erasure.keys.front());
  bool known = user != kNoUser;
  if (known) erase(user);
  for (std::size_t i = 1; i < erasure.keys.size(); ++i) {
    const UserIndex own = profiles_.own_number(erasure.keys[i]);
    if (own == kNoUser || own == user || own != profiles_.find_user(erasure.keys[i])) continue;
    erase(own);
    known = true;
  }
  return known ? ApplyOutcome{} : ApplyOutcome{ApplyCode::kUserNotFound, "no such user"};
}

}  // namespace vitrine::apply
