// kill -9 of the real server at random instants, and a client that never forgets.
//
// Several connections send batches of events with known ids; what was not acknowledged is sent
// again, unchanged, after each restart, and now and then something that was. Most kills hit a
// working server, one in five a starting one. In the end the server is stopped in peace and
// its data folder is read: each id must count exactly once, by the event id window, by the users'
// histories and by the number of events counted; and a replay of the whole log without any
// snapshot must give the same digest.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/progress.h"
#include "base/result.h"

namespace vitrine::bench {

struct KillOptions {
  std::string binary;
  std::string data;  // a folder that does not exist yet
  std::uint64_t kills = 1000;
  std::uint64_t seed = 1;
  int connections = 4;
  std::uint64_t events_per_batch = 20;
};

struct KillReport {
  std::uint64_t kills = 0;
  std::uint64_t kills_while_starting = 0;  // of those
  std::uint64_t events = 0;                // distinct ids sent, all acknowledged in the end
  std::uint64_t resent = 0;                // events sent again
  std::uint64_t duplicates_told = 0;       // of those, known to the server
  std::uint64_t snapshots_used = 0;        // restarts that began from one
  std::uint64_t replayed = 0;              // records, by all restarts
  std::uint64_t lost = 0;
  std::uint64_t duplicated = 0;
  std::vector<double> restart_s;  // from exec to /readyz 200
};

// An error is a fault that no kill explains: a refused event, a restart that fails, a digest that
// differs. Call from the main thread.
Result<KillReport> run_kills(const KillOptions& options, Progress& progress);

}  // namespace vitrine::bench
