#include "service/evaluate/split.h"

#include <algorithm>
#include <unordered_set>

namespace vitrine::evaluate {
namespace {

// What each user did, oldest first; without what only corrects counts.
std::vector<std::vector<Interaction>> by_user(const Dataset& data) {
  std::vector<std::vector<Interaction>> users(data.users.size());
  for (const Interaction& one : data.interactions) {
    if (one.positive()) users[one.user.value].push_back(one);
  }
  return users;
}

using At = std::vector<Interaction>::const_iterator;

bool holds(At begin, At end, ItemIndex item) {
  return std::any_of(begin, end, [item](const Interaction& one) { return one.item == item; });
}

// Where in a user's history something that may be asked for stands.
std::vector<std::size_t> askable(const std::vector<Interaction>& user, bool new_items_only) {
  std::vector<std::size_t> places;
  std::unordered_set<ItemIndex> met;
  for (std::size_t i = 0; i < user.size(); ++i) {
    if (!new_items_only || met.insert(user[i].item).second) places.push_back(i);
  }
  return places;
}

// The different items of the event that `at` begins, as far as they may be targets.
std::vector<ItemIndex> targets_of_event(const std::vector<Interaction>& user, At at, At cut,
                                        bool new_items_only) {
  std::vector<ItemIndex> targets;
  for (At next = at; next != user.end() && next->event == at->event; ++next) {
    if (new_items_only && holds(user.begin(), cut, next->item)) continue;
    if (std::find(targets.begin(), targets.end(), next->item) == targets.end())
      targets.push_back(next->item);
  }
  return targets;
}

}  // namespace

Split leave_one_out(const Dataset& data, const LeaveOneOutOptions& options) {
  Split split;
  const auto users = by_user(data);
  std::vector<std::size_t> left(users.size());  // events of a user that may be learned from
  for (std::size_t u = 0; u < users.size(); ++u) {
    const auto places = askable(users[u], options.new_items_only);
    left[u] = users[u].size();
    if (places.size() < 3) continue;
    left[u] = places[places.size() - 2];
    const std::size_t target = places[places.size() - (options.stage == Stage::kTest ? 1 : 2)];
    split.cases.push_back(
        {UserIndex{static_cast<std::uint32_t>(u)},
         {users[u].begin(), users[u].begin() + static_cast<std::ptrdiff_t>(target)},
         {users[u][target].item}});
  }
  for (const Interaction& one : data.interactions) {
    if (left[one.user.value] == 0) continue;
    if (one.positive()) --left[one.user.value];
    split.train.push_back(one);
  }
  return split;
}

Split temporal(const Dataset& data, const TemporalOptions& options) {
  Split split;
  for (const Interaction& one : data.interactions) {
    if (one.time < options.cut) split.train.push_back(one);
  }
  for (const auto& user : by_user(data)) {
    const auto later = std::find_if(
        user.begin(), user.end(), [&](const Interaction& one) { return one.time >= options.cut; });
    if (later == user.begin() || later == user.end()) continue;
    Case one{later->user, {user.begin(), later}, {}};
    for (At at = later; at != user.end(); ++at) {
      one.targets = targets_of_event(user, at, later, options.new_items_only);
      if (!one.targets.empty() || !options.first_with_target) break;
    }
    if (!one.targets.empty()) split.cases.push_back(std::move(one));
  }
  return split;
}

std::vector<CaseGroup> new_visitors(const Dataset& data, TimeUs cut, std::size_t cases_most) {
  std::vector<CaseGroup> groups;
  const auto users = by_user(data);
  for (const std::size_t known : {0, 1, 2, 3, 5}) {
    CaseGroup group{std::to_string(known), {}};
    for (const auto& user : users) {
      if (user.empty() || user.front().time < cut) continue;
      At from = user.begin();
      for (std::size_t n = 0; n < known && from != user.end(); ++n) {
        const std::uint32_t event = from->event;
        while (from != user.end() && from->event == event) ++from;
      }
      Case one{user.front().user, {user.begin(), from}, {}};
      for (At at = from; at != user.end() && one.targets.empty(); ++at) {
        one.targets = targets_of_event(user, at, from, true);
      }
      if (!one.targets.empty()) group.cases.push_back(std::move(one));
    }
    if (group.cases.empty()) continue;
    if (group.cases.size() > cases_most) {
      std::vector<Case> kept;
      for (std::size_t i = 0; i < cases_most; ++i) {
        kept.push_back(std::move(group.cases[i * group.cases.size() / cases_most]));
      }
      group.cases = std::move(kept);
    }
    groups.push_back(std::move(group));
  }
  return groups;
}

}  // namespace vitrine::evaluate
