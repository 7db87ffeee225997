#pragma once
// Work for several threads at once, without starting any here: they come from the Executor.

#include <cstddef>
#include <functional>

#include "base/executor.h"

namespace vitrine::vec {

/// `count` threads at most work at a time, the caller among them.
struct Workers {
  Executor* executor = nullptr;  ///< may be null when count is 1
  unsigned count = 1;
};

/// Calls work(i, worker) once for each i in 0..count-1, in no particular order, worker in
/// 0..workers.count-1 and never two calls with the same worker at a time. Back when all are done.
void parallel_for(const Workers& workers, std::size_t count,
                  const std::function<void(std::size_t, unsigned)>& work);

}  // namespace vitrine::vec
