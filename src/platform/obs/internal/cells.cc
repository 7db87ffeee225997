#include "platform/obs/internal/cells.h"

#include <map>
#include <mutex>
#include <vector>

#include "base/check.h"

namespace vitrine::obs::internal {

thread_local constinit Slab* own_slab = nullptr;

namespace {

struct Store {
  std::mutex mutex;
  std::atomic<Slab*> slabs{nullptr};  // pushed under mutex, read without
  std::size_t used = 0;               // cells handed out so far; guarded by mutex
  std::map<std::size_t, std::vector<std::size_t>> free;  // size -> first cells; guarded by mutex
};

// Never destroyed: threads may still count while the program ends.
Store& store() {
  static Store* const instance = new Store;
  return *instance;
}

struct Detach {
  ~Detach() {
    if (own_slab == nullptr) return;
    std::lock_guard lock(store().mutex);
    own_slab->in_use = false;
    own_slab = nullptr;
  }
};

}  // namespace

Slab* attach_slab() {
  thread_local Detach at_thread_end;
  static_cast<void>(at_thread_end);
  std::lock_guard lock(store().mutex);
  Slab* slab = store().slabs.load(std::memory_order_relaxed);
  while (slab != nullptr && slab->in_use) slab = slab->next;
  if (slab == nullptr) {
    slab = new Slab;
    slab->next = store().slabs.load(std::memory_order_relaxed);
    // Release: readers that find the slab see its empty chunk table.
    store().slabs.store(slab, std::memory_order_release);
  }
  slab->in_use = true;
  own_slab = slab;
  return slab;
}

Cell* Slab::add_chunk(std::size_t chunk) {
  Cell* const cells = new Cell[kChunkCells]();
  // Release: readers that find the chunk see its zeros.
  chunks[chunk].store(cells, std::memory_order_release);
  return cells;
}

CellRange::CellRange(std::size_t size) : first_(0), size_(size) {
  Store& s = store();
  std::lock_guard lock(s.mutex);
  std::vector<std::size_t>& free = s.free[size];
  if (free.empty()) {
    VITRINE_CHECK_MSG(s.used + size <= kChunks * kChunkCells, "more metrics than cells");
    first_ = s.used;
    s.used += size;
    return;
  }
  first_ = free.back();
  free.pop_back();
  // Used before: its last owner is gone, so nobody adds to it now.
  for (Slab* slab = s.slabs.load(); slab != nullptr; slab = slab->next) {
    for (std::size_t i = first_; i < first_ + size; ++i) {
      Cell* const chunk = slab->chunks[i / kChunkCells].load(std::memory_order_acquire);
      if (chunk != nullptr) chunk[i % kChunkCells].store(0, std::memory_order_relaxed);
    }
  }
}

CellRange::~CellRange() {
  std::lock_guard lock(store().mutex);
  store().free[size_].push_back(first_);
}

std::uint64_t CellRange::sum(std::size_t i) const {
  const std::size_t index = first_ + i;
  std::uint64_t total = 0;
  for (Slab* slab = store().slabs.load(std::memory_order_acquire); slab != nullptr;
       slab = slab->next) {
    const Cell* const chunk = slab->chunks[index / kChunkCells].load(std::memory_order_acquire);
    if (chunk != nullptr) total += chunk[index % kChunkCells].load(std::memory_order_relaxed);
  }
  return total;
}

}  // namespace vitrine::obs::internal
