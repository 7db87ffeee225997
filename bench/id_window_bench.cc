// What does remembering an event id cost the applier?
//
// Every record pays find(), and every accepted one insert(). New ids are the worst case, a
// random place of the table each; so 10 M of them go in, as the applier does it: a batch of 64
// records is decoded and its ids prefetched, then each is found and inserted. Beside it the
// same without prefetch, retries (all found), and a window that keeps a fifth in memory.
#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <string>

#include <time.h>

#include "engine/kv/id_window.h"

namespace {

using vitrine::Hash128;
using vitrine::kv::IdVerdict;
using vitrine::kv::IdWindow;

constexpr std::uint64_t kIds = 10'000'000;
constexpr std::uint64_t kBatch = 64;

// SplitMix64: as uniform as the XXH3 of a text, and cheap beside what is measured.
std::uint64_t mix(std::uint64_t x) {
  x += 0x9E3779B97F4A7C15ull;
  x = (x ^ x >> 30) * 0xBF58476D1CE4E5B9ull;
  x = (x ^ x >> 27) * 0x94D049BB133111EBull;
  return x ^ x >> 31;
}
Hash128 id_of(std::uint64_t n) { return {mix(n), mix(~n)}; }

// CPU time of this thread: what the applier pays, also on a machine that has other work.
double now_s() {
  timespec now{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  return static_cast<double>(now.tv_sec) + static_cast<double>(now.tv_nsec) * 1e-9;
}

struct Cost {
  double mean_us;
  double worst_batch_ms;
};

Cost run(IdWindow& window, bool prefetch, IdVerdict expected) {
  double worst = 0;
  const double start = now_s();
  for (std::uint64_t n = 0; n < kIds; n += kBatch) {
    const double batch_start = now_s();
    if (prefetch) {
      for (std::uint64_t i = n; i < n + kBatch; ++i) window.prefetch(id_of(i));
    }
    for (std::uint64_t i = n; i < n + kBatch; ++i) {
      const Hash128 id = id_of(i);
      const auto time = static_cast<vitrine::TimeUs>(i * 10'000);  // 100 events/s: 28 hours
      window.expire(time);
      const auto verdict = window.find(id, i);
      if (!verdict.ok() || *verdict != expected) std::abort();
      if (expected == IdVerdict::kNew && !window.insert(id, i, time).ok()) std::abort();
    }
    worst = std::max(worst, now_s() - batch_start);
  }
  return {(now_s() - start) * 1e6 / kIds, worst * 1e3};
}

void print(const char* what, Cost cost, const IdWindow& window) {
  std::printf("%-44s %8.3f us   worst batch %8.2f ms   %7.1f MiB   %zu runs\n", what, cost.mean_us,
              cost.worst_batch_ms, static_cast<double>(window.memory_bytes()) / (1 << 20),
              window.run_count());
}

}  // namespace

int main() {
  std::string pattern = (std::filesystem::temp_directory_path() / "id_window_XXXXXX").string();
  const std::filesystem::path folder = mkdtemp(pattern.data());

  IdWindow plain({.memory_ids = 2 * kIds});
  print("10 M new, all in memory, no prefetch", run(plain, false, IdVerdict::kNew), plain);
  IdWindow memory({.memory_ids = 2 * kIds});
  const Cost in_memory = run(memory, true, IdVerdict::kNew);
  print("10 M new, all in memory", in_memory, memory);
  const Cost retries = run(memory, true, IdVerdict::kDuplicate);
  print("10 M retries, all in memory", retries, memory);
  IdWindow spilling(
      {.files = &vitrine::io::system_files(), .directory = folder / "ids", .memory_ids = kIds / 5});
  const Cost spilled = run(spilling, true, IdVerdict::kNew);
  print("10 M new, at most 2 M in memory", spilled, spilling);
  print("10 M retries, at most 2 M in memory", run(spilling, true, IdVerdict::kDuplicate),
        spilling);
  std::filesystem::remove_all(folder);
  std::printf(
      "{\"new_us\": %.3f, \"retry_us\": %.3f, \"new_spilling_us\": %.3f, \"bytes_per_id\": %.1f}\n",
      in_memory.mean_us, retries.mean_us, spilled.mean_us,
      static_cast<double>(memory.memory_bytes()) / kIds);
  return 0;
}
