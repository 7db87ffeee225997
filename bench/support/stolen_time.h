// What the host of a virtual machine keeps for others while a benchmark runs.
#pragma once

#include <cstdint>

namespace vitrine::bench {

// The share, in [0, 1], of the processor time that this machine asked for since construction and
// that its host gave to others (steal of /proc/stat). Processor times count it as the program's
// own and tail latencies wait for it: where it is not near 0, both are too high. 0 on bare metal.
class StolenTime {
 public:
  StolenTime() : begin_(read()) {}
  double share() const;

 private:
  struct Ticks {
    std::uint64_t busy = 0, stolen = 0;
  };
  static Ticks read();
  Ticks begin_;
};

}  // namespace vitrine::bench
