#include "bench/support/stolen_time.h"

#include <fstream>
#include <string>

namespace vitrine::bench {

// proc(5): user nice system idle iowait irq softirq steal ..., all processors together.
StolenTime::Ticks StolenTime::read() {
  std::ifstream file("/proc/stat");
  std::string name;
  std::uint64_t user = 0, nice = 0, system = 0, idle = 0, wait = 0, irq = 0, soft = 0, steal = 0;
  if (!(file >> name >> user >> nice >> system >> idle >> wait >> irq >> soft >> steal)) return {};
  return {user + nice + system + irq + soft, steal};
}

double StolenTime::share() const {
  const Ticks now = read();
  const auto busy = static_cast<double>(now.busy - begin_.busy);
  const auto stolen = static_cast<double>(now.stolen - begin_.stolen);
  return busy + stolen > 0 ? stolen / (busy + stolen) : 0;
}

}  // namespace vitrine::bench
