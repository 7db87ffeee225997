// Data set files.
#pragma once

#include <string>

#include "base/progress.h"
#include "base/result.h"
#include "service/evaluate/dataset.h"

namespace vitrine::evaluate {

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
