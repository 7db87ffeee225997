#include "engine/graph/memory_budget.h"

#include <algorithm>
#include <vector>

#include "base/progress.h"

namespace vitrine::graph {
namespace {

std::string mib(std::uint64_t bytes) { return human_bytes(static_cast<double>(bytes)); }

}  // namespace

Reservation& Reservation::operator=(Reservation&& other) noexcept {
  if (this != &other) {
    release();
    budget_ = std::exchange(other.budget_, nullptr);
    name_ = std::move(other.name_);
    bytes_ = std::exchange(other.bytes_, 0);
  }
  return *this;
}

void Reservation::release() {
  if (budget_ != nullptr) std::exchange(budget_, nullptr)->give_back(name_, bytes_);
  bytes_ = 0;
}

Result<Reservation> MemoryBudget::reserve(std::string name, std::uint64_t bytes) {
  std::uint64_t used = 0;
  const bool fits = state_.with([&](State& state) {
    used = state.used;
    if (bytes > limit_ - std::min(limit_, state.used)) return false;
    state.used += bytes;
    state.peak = std::max(state.peak, state.used);
    state.by_name[name] += bytes;
    return true;
  });
  if (!fits) {
    return Error(ErrorCode::kExhausted,
                 name + " needs " + std::to_string(bytes) + " bytes (" + mib(bytes) + "), but " +
                     mib(limit_ - std::min(limit_, used)) + " of the memory budget of " +
                     mib(limit_) + " are free (" + describe() + "); a budget of " +
                     std::to_string(used + bytes) + " bytes would do");
  }
  return Reservation(*this, std::move(name), bytes);
}

void MemoryBudget::give_back(const std::string& name, std::uint64_t bytes) {
  state_.with([&](State& state) {
    state.used -= bytes;
    const auto at = state.by_name.find(name);
    at->second -= bytes;
    if (at->second == 0) state.by_name.erase(at);
  });
}

std::uint64_t MemoryBudget::used() const {
  return state_.with([](State& state) { return state.used; });
}

std::uint64_t MemoryBudget::peak() const {
  return state_.with([](State& state) { return state.peak; });
}

std::uint64_t MemoryBudget::free() const { return limit_ - std::min(limit_, used()); }

std::string MemoryBudget::describe() const {
  std::vector<std::pair<std::uint64_t, std::string>> parts;
  state_.with([&](State& state) {
    for (const auto& [name, bytes] : state.by_name) parts.emplace_back(bytes, name);
  });
  std::sort(parts.rbegin(), parts.rend());
  std::string text;
  for (const auto& [bytes, name] : parts) {
    text += (text.empty() ? "" : ", ") + name + " " + mib(bytes);
  }
  return text.empty() ? "nothing held" : text;
}

}  // namespace vitrine::graph
