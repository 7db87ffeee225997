// One memory budget for everything a training run holds: rows, topology, plan, trace, buffers.
//
// Whoever is about to hold memory in proportion to data reserves it first, by name. A
// reservation that does not fit is refused with the number of bytes it would take, so that a
// run fails before it starts and not when the machine (or the memory cgroup around the process)
// runs out. What is not reserved is small and fixed: code, stacks, a few tables of kilobytes.
//
// Thread-safe. A budget must outlive its reservations.
#pragma once

#include <cstdint>
#include <map>
#include <string>

#include "base/guarded.h"
#include "base/result.h"

namespace vitrine::graph {

class MemoryBudget;

// Bytes held from a budget; gives them back on destruction.
class Reservation {
 public:
  Reservation() = default;
  Reservation(Reservation&& other) noexcept { *this = std::move(other); }
  Reservation& operator=(Reservation&& other) noexcept;
  ~Reservation() { release(); }

  std::uint64_t bytes() const { return bytes_; }
  void release();

 private:
  friend class MemoryBudget;
  Reservation(MemoryBudget& budget, std::string name, std::uint64_t bytes)
      : budget_(&budget), name_(std::move(name)), bytes_(bytes) {}
  MemoryBudget* budget_ = nullptr;
  std::string name_;
  std::uint64_t bytes_ = 0;
};

class MemoryBudget {
 public:
  static constexpr std::uint64_t kUnlimited = ~std::uint64_t{0};
  explicit MemoryBudget(std::uint64_t bytes = kUnlimited) : limit_(bytes) {}

  // kExhausted where it does not fit; the message says what asks for how much, what is free, and
  // the budget with which it would have fitted.
  Result<Reservation> reserve(std::string name, std::uint64_t bytes);

  std::uint64_t limit() const { return limit_; }
  std::uint64_t used() const;
  std::uint64_t peak() const;
  std::uint64_t free() const;
  // "rows 120.0 MiB, buffers 60.0 MiB": what is held now, largest first.
  std::string describe() const;

 private:
  friend class Reservation;
  struct State {
    std::uint64_t used = 0;
    std::uint64_t peak = 0;
    std::map<std::string, std::uint64_t> by_name;
  };
  void give_back(const std::string& name, std::uint64_t bytes);

  const std::uint64_t limit_;
  mutable Guarded<State> state_;
};

}  // namespace vitrine::graph
