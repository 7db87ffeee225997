// The measurements of bench_train, each run in a process of its own so that a memory cgroup can
// hold exactly it.
#pragma once

#include <cstdint>
#include <map>
#include <string>

#include "base/result.h"
#include "engine/graph/row_store.h"
#include "engine/train/trainer.h"

namespace vitrine::bench {

// What a part found, by name; doubles, so that one pipe format does for all.
using Figures = std::map<std::string, double>;

struct Setup {
  std::string folder;
  std::uint32_t users = 5'000'000;
  std::uint32_t items = 1'000'000;
  std::uint64_t events = 100'000'000;
  std::uint32_t dimension = 128;
  std::uint32_t superbatch = 128;
  std::uint32_t hidden = 256;
  std::uint64_t memory_bytes = 0;  // of the cgroup; 0: no limit
  double stop_s = 30;
  unsigned depth = 256;

  std::uint64_t nodes() const { return std::uint64_t{users} + items; }
  std::string path(const std::string& name) const { return folder + "/" + name; }
};

// Graph by external sort, under the limit.
Result<Figures> part_build(const Setup& setup);
// Rows in both types and in random order, the trace of a superbatch in both orders.
Result<Figures> part_data(const Setup& setup);
// Gathers the superbatch of `trace` from `rows` with one store; mmap and belady stop after stop_s.
Result<Figures> part_gather(const Setup& setup, graph::StoreKind kind, const std::string& rows,
                            const std::string& trace);
// Two superbatches of training, each while the next one is prepared.
Result<Figures> part_epoch(const Setup& setup, graph::StoreKind kind);
// Plain random reads of a page by io_uring.
Result<Figures> part_disk(const Setup& setup, const std::string& rows);
// The planner on one core, against MIN said plainly.
Result<Figures> part_plan(const Setup& setup);
// A small shop trained with every store: are the weights the same?
Result<Figures> part_same(const Setup& setup);

}  // namespace vitrine::bench
