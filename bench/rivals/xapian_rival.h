// Xapian as a rival; its own file because its headers are costly and it may be absent.
#pragma once

#include <string>
#include <vector>

namespace vitrine::bench {

bool xapian_present();

// Indexes the first `most` lines of `corpus` in `folder`, unless it has an index of so many
// documents and not `anew`. Gives the mean CPU seconds of an OR query for 10 results, the best of 3
// passes each.
double xapian_seconds(const std::string& corpus, const std::string& folder,
                      const std::vector<std::vector<std::string>>& queries, std::size_t most,
                      bool anew);

}  // namespace vitrine::bench
