// Visitors who are no customers: kept out of what is counted for all, and how that is undone.
#include <algorithm>

#include "service/apply/tenant_state.h"

namespace vitrine::apply {

using conduct::Contribution;
using conduct::Standing;

namespace {

bool is_out(Standing standing) {
  return standing == Standing::kFlagged || standing == Standing::kWaiting;
}

}  // namespace

bool TenantState::keep_out(UserIndex who, bool fresh, bool imported) {
  using Decision = conduct::Conduct::Decision;
  // History that a shop brings in is its own word: times in it say nothing about pace.
  if (imported) {
    const bool out = is_out(conduct_.standing(who));
    if (out) conduct_.kept_out(who);
    return out;
  }
  const conduct::Act act{.type = event_.type,
                         .at = std::min(event_.event_time, last_append_time_),
                         .arrived = last_append_time_,
                         .items = items_};
  const Decision decision = conduct_.note(who, fresh, act);
  for (const UserIndex suspect : conduct_.suspects()) {
    take_back(suspect);
    conduct_.set_standing(suspect, Standing::kWaiting);
  }
  if (decision == Decision::kCount) return false;
  if (decision == Decision::kRelease) {
    count_again(who);
    conduct_.set_standing(who, Standing::kCounted);
    return false;
  }
  if (decision == Decision::kFlag) {
    const conduct::Verdict& verdict = conduct_.verdict();
    conduct::Flag flag{.reason = verdict.reason,
                       .found = verdict.found,
                       .bound = verdict.bound,
                       .position = position_,
                       .since = last_append_time_};
    flag.anonymous = event_.user_id.empty();
    flag.id = std::string(flag.anonymous ? event_.anonymous_id : event_.user_id);
    change_standing(who, Standing::kFlagged, std::move(flag));
  }
  conduct_.kept_out(who);
  return true;
}

void TenantState::change_standing(UserIndex who, Standing to, conduct::Flag flag) {
  const bool was_out = is_out(conduct_.standing(who));
  if (was_out && !is_out(to)) count_again(who);
  if (!was_out && is_out(to)) take_back(who);
  if (to == Standing::kCounted) return conduct_.set_standing(who, to);
  conduct_.flag(who, to, std::move(flag));
}

// The items that came before are those of the contributions: what the visitor did before its row
// began is not paired again, nor is it taken back.
void TenantState::recount(UserIndex who, bool back) {
  const auto contributions = conduct_.contributions(who);
  const bool personal = profiles_.consents(who).allows(event::Purpose::kPersonalization);
  std::string_view searched;
  TimeUs searched_at = 0;
  recent_.clear();
  recent_bought_.clear();
  for (std::size_t n = 0; n < contributions.size(); ++n) {
    const Contribution& c = contributions[n];
    const std::string_view named = conduct_.query(who, c);
    if (c.item == kNoItem) {
      const bool counted = (c.bits & Contribution::kNewSearch) != 0;
      if (back && counted) queries_.retract_search(named, who, c.at);
      const bool counts = !back && queries_.note_search(named, personal ? who : kNoUser, c.at);
      conduct_.set_new_search(who, n, counts);
      searched = personal ? named : std::string_view{};
      searched_at = c.at;
      continue;
    }
    const bool in_session = c.at >= searched_at && c.at - searched_at <= queries_.options().session;
    const std::string_view query = named.empty() && in_session ? searched : named;
    const auto weight = static_cast<double>(c.change);
    if (!query.empty() && back) queries_.retract_interest(query, c.item, weight, c.at);
    if (!query.empty() && !back) queries_.note_interest(query, who, c.item, weight, c.at);
    recount_item(c, back);
  }
  // What follows is tied to no query of before.
  if (back) queries_.forget(who);
  (back ? conduct_.counts().taken_back : conduct_.counts().counted_again) += contributions.size();
}

void TenantState::recount_item(const Contribution& c, bool back) {
  const auto observe = [&](covisit::Covisit& pairs, std::vector<ItemIndex>& recent) {
    std::erase(recent, c.item);
    if (back) {
      pairs.retract(recent, c.item, c.at);
    } else {
      pairs.observe(recent, c.item, c.at);
    }
    recent.insert(recent.begin(), c.item);
    if (recent.size() > pairs.options().window + 1) recent.pop_back();
  };
  if (c.positive()) observe(covisit_, recent_);
  if (c.bought()) observe(baskets_, recent_bought_);
  if (c.repeat == Contribution::kFirstPurchase) {
    back ? repeats_.retract_first(c.item) : repeats_.first_purchase(c.item);
  } else if (c.repeat >= Contribution::kAgain) {
    const auto bucket = static_cast<std::size_t>(c.repeat - Contribution::kAgain);
    if (back) {
      repeats_.retract_again(c.item, bucket);
    } else {
      repeats_.again(c.item, repeat::bucket_begin(std::min(bucket, repeat::kBuckets)));
    }
  }
  const double change = back ? -static_cast<double>(c.change) : static_cast<double>(c.change);
  trending_.add(c.item, change, c.at);
  popular_.add(c.item, change, c.at);
}

// Whoever is one from now on stands as one: flagged if either was, unless the user is trusted.
void TenantState::merge_visitor(const Hash128& from, UserIndex into) {
  ++people_counts_.merges;
  const UserIndex before = profiles_.own_number(from);
  showings_.merge(before, into);
  const Standing own = conduct_.standing(into);
  const Standing theirs = conduct_.standing(before);
  if (own != theirs) {
    const bool user_decides = own == Standing::kTrusted || own == Standing::kFlagged;
    const bool visitor_decides = !user_decides && theirs != Standing::kWaiting;
    const UserIndex decides = visitor_decides ? before : into;
    // A visitor that waits has signed in: it does something else.
    const Standing to = user_decides ? own : (visitor_decides ? theirs : Standing::kCounted);
    const conduct::Flag* found = conduct_.flag(decides);
    const conduct::Flag flag = found != nullptr ? *found : conduct::Flag{};
    const bool is_new = to == Standing::kCounted && !conduct_.watches(into);
    if (own != to && !is_new) change_standing(into, to, flag);
    if (theirs != to && conduct_.watches(before)) change_standing(before, to, flag);
  }
  conduct_.merge(before, into);
}

// The sender was told what is wrong before this became a record.
Result<ApplyOutcome> TenantState::apply_abuse_settings(std::string_view body) {
  VITRINE_TRY(const auto settings, conduct::parse_settings(body));
  conduct_.set_settings(settings);
  return ApplyOutcome{};
}

Result<ApplyOutcome> TenantState::apply_standing(const eventlog::RecordView& record,
                                                 std::string_view body) {
  VITRINE_TRY(auto change, conduct::decode_change(body));
  const UserIndex who = profiles_.intern_user(change.anonymous ? profile::anonymous_key(change.id)
                                                               : profile::user_key(change.id));
  if (who == kNoUser) {
    return ApplyOutcome{ApplyCode::kUserLimit, "as many users are known as one tenant may have"};
  }
  conduct::Flag flag{.reason = conduct::Reason::kOperator,
                     .position = record.position,
                     .since = record.append_time_us};
  flag.anonymous = change.anonymous;
  flag.id = std::move(change.id);
  flag.note = std::move(change.note);
  change_standing(who, change.standing, std::move(flag));
  return ApplyOutcome{};
}

}  // namespace vitrine::apply
