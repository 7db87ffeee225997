// Who did what when, as offline evaluation sees it: from a data set file or from a tenant's log.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/ids.h"
#include "base/progress.h"
#include "base/result.h"

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

// Each reader takes plain or gzip files. Errors name the file and the line.

// One user a line: user id, then item ids in the order of time, separated by blanks.
Result<Dataset> read_sequences(const std::string& path, Progress& progress);

// The UCI Online Retail CSV. Cancellations, returns (quantity <= 0) and rows without a customer are
// skipped and counted; an invoice is one event.
Result<Dataset> read_online_retail(const std::string& path, Progress& progress);

// Tab-separated user, item, time; time in seconds since 1970 (fractions allowed). A first line that
// does not end in a number is taken for a header. Rows of one user at one time are one event.
Result<Dataset> read_events(const std::string& path, Progress& progress);

}  // namespace vitrine::evaluate
