#include "bench/rivals/xapian_rival.h"

namespace vitrine::bench {

bool xapian_present() { return false; }

double xapian_seconds(const std::string&, const std::string&,
                      const std::vector<std::vector<std::string>>&, std::size_t, bool) {
  return 0;
}

}  // namespace vitrine::bench
