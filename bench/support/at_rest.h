// A server that has nothing left to do in the background.
#pragma once

#include <string>

#include "bench/support/server_process.h"

namespace vitrine::bench {

struct RestReport {
  double index_s = 0;  // until the search index held the whole catalog
  double rest_s = 0;   // until no thread of the server had anything to do, that included
};

// After a start or an import, indexes are made and merged by threads of the server, which would be
// counted as its work: waits until the search index of `key`'s tenant is complete and the server
// has been at rest for three seconds. Ends the program after 30 minutes.
RestReport wait_for_rest(const ServerProcess& server, const std::string& key);

}  // namespace vitrine::bench
