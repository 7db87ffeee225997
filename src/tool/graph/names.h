// Ids of users and items to dense numbers, in the order of their first appearance, and back.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "engine/graph/memory_budget.h"
#include "platform/io/file_system.h"

namespace vitrine::graphtool {

// Holds every id in memory and takes it from the budget; kExhausted where it does not fit.
class Names {
 public:
  explicit Names(graph::MemoryBudget& budget) : budget_(budget) {}
  Result<std::uint32_t> number_of(std::string_view id);
  std::size_t size() const { return ids_.size(); }
  const std::string& id(std::uint32_t number) const { return *ids_[number]; }

 private:
  graph::MemoryBudget& budget_;
  std::vector<graph::Reservation> held_;
  std::uint64_t free_ = 0;  // reserved and not used yet
  std::map<std::string, std::uint32_t, std::less<>> numbers_;
  std::vector<const std::string*> ids_;  // keys of numbers_, which never move
};

// As a checked file: count (u64), then each id as length (u64) and bytes.
Status save_names(io::FileSystem& files, const std::string& path, const Names& names);
Result<std::vector<std::string>> load_names(io::FileSystem& files, const std::string& path);

}  // namespace vitrine::graphtool
