// Who did what when, as offline evaluation sees it: from a data set file or from a tenant's log.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/ids.h"

namespace vitrine::evaluate {

struct Interaction {
  UserIndex user;
  ItemIndex item;
  // Items of one purchase (one event) share a number, which rises along the log.
  std::uint32_t event;
  TimeUs time;  // 0 in data sets without times
  // What the live counters add for it: 1 in data set files; in a tenant's log 1 for a view, 3 for
  // a cart, 5 for a purchase (domain/profile/interaction.h), below 0 for a refund or a dislike.
  float weight = 1;

  // Says that the user turned to the item; the others only correct counts.
  bool positive() const { return weight > 0; }
};

struct Dataset {
  std::string name;
  std::vector<std::string> items;         // entry i is the id of ItemIndex i
  std::vector<std::string> users;         // entry i is the id of UserIndex i
  std::vector<Interaction> interactions;  // in the order of the log: by time where there are times
  bool has_times = false;
  // From a tenant's log: visitors look at the same item several times, so learning and asking are
  // as the live state does them, and targets are items that the visitor had not met before.
  bool live = false;
  std::uint64_t skipped = 0;  // rows left out by the reader's rules (cancellations, no customer)
};

}  // namespace vitrine::evaluate
