#include "tool/evaluate/split.h"

#include <algorithm>

namespace vitrine::evaluate {
namespace {

std::vector<std::vector<Interaction>> by_user(const Dataset& data) {
  std::vector<std::vector<Interaction>> users(data.users.size());
  for (const Interaction& one : data.interactions) users[one.user.value].push_back(one);
  return users;
}

bool holds(const std::vector<Interaction>& history, ItemIndex item) {
  return std::any_of(history.begin(), history.end(),
                     [item](const Interaction& one) { return one.item == item; });
}

}  // namespace

Split leave_one_out(const Dataset& data, Stage stage) {
  Split split;
  const auto users = by_user(data);
  std::vector<std::size_t> left(users.size());  // items of a user that may be learned from
  for (std::size_t u = 0; u < users.size(); ++u) {
    left[u] = users[u].size() < 3 ? users[u].size() : users[u].size() - 2;
    if (users[u].size() < 3) continue;
    const std::size_t target = users[u].size() - (stage == Stage::kTest ? 1 : 2);
    split.cases.push_back(
        {UserIndex{static_cast<std::uint32_t>(u)},
         {users[u].begin(), users[u].begin() + static_cast<std::ptrdiff_t>(target)},
         {users[u][target].item}});
  }
  for (const Interaction& one : data.interactions) {
    if (left[one.user.value] == 0) continue;
    --left[one.user.value];
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
    for (auto next = later; next != user.end(); ++next) {
      if (next->event != later->event) continue;
      if (options.new_items_only && holds(one.history, next->item)) continue;
      if (std::find(one.targets.begin(), one.targets.end(), next->item) != one.targets.end())
        continue;
      one.targets.push_back(next->item);
    }
    if (!one.targets.empty()) split.cases.push_back(std::move(one));
  }
  return split;
}

}  // namespace vitrine::evaluate
