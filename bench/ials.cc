// How fast does implicit ALS learn, and what does it cost when users do not fit into memory?
//
// A made-up shop with power laws in both directions, items in random order. An event counts once an
// epoch, though both halves work on it; CPU seconds of one thread, the median of the epochs after
// the first. Then the same training with histories and user vectors in files, in a process whose
// memory (page cache included) the kernel limits: wall time, both in turns.
//
//   bench_ials [folder for files]     default build/bench-data/ials
//   ITEMS, USERS: size of the shop; default 50000 and 250000
// Ends with one line of JSON; capped_over_in_memory is null where no memory cgroup can be made.
#include "engine/factor/ials.h"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <iostream>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "bench/support/memory_cgroup.h"
#include "engine/vec/random.h"

namespace {

using namespace vitrine;

constexpr std::uint64_t kProcessBytes = std::uint64_t{24} << 20;  // beside tables and a block
constexpr int kTurns = 3;

struct Times {
  double cpu_s = 0;
  double wall_s = 0;
};

double now(clockid_t clock) {
  timespec t{};
  clock_gettime(clock, &t);
  return static_cast<double>(t.tv_sec) + static_cast<double>(t.tv_nsec) * 1e-9;
}

double median(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  return values[values.size() / 2];
}

spectral::Interactions make_shop(std::uint32_t users, std::uint32_t items) {
  vec::Random random(1);
  // Which item has which rank: without order in memory.
  std::vector<std::uint32_t> item_of(items);
  for (std::uint32_t i = 0; i < items; ++i) item_of[i] = i;
  for (std::uint32_t i = items; i > 1; --i) std::swap(item_of[i - 1], item_of[random.below(i)]);
  std::vector<std::pair<std::uint32_t, std::uint32_t>> pairs;
  for (std::uint32_t u = 0; u < users; ++u) {
    const double count = 8 / std::sqrt(random.uniform() + 1e-4);  // mean 16, up to 800
    for (double k = 0; k < count; ++k) {
      const double skew = random.uniform();
      pairs.emplace_back(u, item_of[static_cast<std::uint32_t>(skew * skew * skew * items)]);
    }
  }
  return spectral::Interactions::build(users, items, std::move(pairs));
}

// Times of each epoch.
Result<std::vector<Times>> train_epochs(factor::UserStore& store, std::uint32_t dimensions,
                                        int epochs) {
  factor::IalsOptions options;
  options.dimensions = dimensions;
  VITRINE_TRY(factor::Ials model,
              factor::Ials::create(options, static_cast<std::uint32_t>(store.item_counts().size()),
                                   store.users()));
  graph::Workers workers(thread_executor(), 1);
  std::vector<Times> out;
  for (int epoch = 0; epoch < epochs; ++epoch) {
    const double cpu = now(CLOCK_THREAD_CPUTIME_ID);
    const double wall = now(CLOCK_MONOTONIC);
    VITRINE_TRY(model.epoch(store, workers));
    out.push_back({now(CLOCK_THREAD_CPUTIME_ID) - cpu, now(CLOCK_MONOTONIC) - wall});
  }
  return out;
}

double events_per_cpu_s(const std::vector<Times>& epochs, std::uint64_t events) {
  std::vector<double> rates;
  for (std::size_t e = 1; e < epochs.size(); ++e) {
    rates.push_back(static_cast<double>(events) / epochs[e].cpu_s);
  }
  return median(rates);
}

// Trains from files in a process of its own, in `group`; the wall time of its second epoch.
std::optional<double> capped_wall_s(const std::string& folder, std::uint32_t dimensions,
                                    const bench::MemoryCgroup& group) {
  int ends[2];
  if (pipe(ends) != 0) return std::nullopt;
  const pid_t child = fork();
  if (child < 0) return std::nullopt;
  if (child == 0) {
    if (!group.enter()) _exit(2);
    auto store = factor::open_users(io::system_files(), folder, &thread_executor());
    if (!store.ok()) _exit(3);
    const auto times = train_epochs(**store, dimensions, 2);
    if (!times.ok()) _exit(4);
    const double wall = times->back().wall_s;
    _exit(write(ends[1], &wall, sizeof(wall)) == sizeof(wall) ? 0 : 5);
  }
  close(ends[1]);
  double wall = 0;
  const bool got = read(ends[0], &wall, sizeof(wall)) == sizeof(wall);
  close(ends[0]);
  int status = 0;
  waitpid(child, &status, 0);
  if (!got || status != 0) {
    std::cerr << "bench_ials: the limited process ended with " << status << "\n";
    return std::nullopt;
  }
  return wall;
}

// Wall time with limited memory over that without, the median of turns. Absent without a cgroup.
std::optional<double> capped_over_in_memory(const spectral::Interactions& shop,
                                            const std::string& folder, std::uint32_t dimensions) {
  const std::uint64_t table = std::uint64_t{shop.items()} * dimensions * sizeof(float);
  const std::uint64_t limit = 4 * table + 4096 * dimensions * sizeof(float) * 5 + kProcessBytes;
  const std::uint64_t whole = limit + std::uint64_t{shop.users()} * dimensions * sizeof(float) +
                              shop.size() * 8 + std::uint64_t{shop.users()} * 8;
  auto group = bench::MemoryCgroup::create(limit);
  if (!group.ok()) {
    std::cout << "limited memory: not measured, " << group.error().message() << "\n";
    return std::nullopt;
  }
  const auto memory = factor::memory_users(shop);
  std::filesystem::remove_all(folder);
  const Status written = factor::write_users(*memory, io::system_files(), folder);
  if (!written.ok()) {
    std::cout << "limited memory: not measured, " << written.error().to_string() << "\n";
    return std::nullopt;
  }
  std::vector<double> ratios;
  for (int turn = 0; turn < kTurns; ++turn) {
    const auto plain = train_epochs(*memory, dimensions, 2);
    const auto capped = capped_wall_s(folder, dimensions, **group);
    if (!plain.ok() || !capped.has_value()) return std::nullopt;
    ratios.push_back(*capped / plain->back().wall_s);
    std::printf("turn %d: an epoch in %.2f s with %.0f MB (%s), %.2f s in memory (%.0f MB)\n",
                turn + 1, *capped, static_cast<double>(limit) / 1e6, (*group)->version().c_str(),
                plain->back().wall_s, static_cast<double>(whole) / 1e6);
  }
  std::filesystem::remove_all(folder);
  return median(ratios);
}

std::uint32_t from_environment(const char* name, std::uint32_t otherwise) {
  const char* text = std::getenv(name);
  return text == nullptr ? otherwise : static_cast<std::uint32_t>(std::strtoul(text, nullptr, 10));
}

}  // namespace

int main(int argc, char** argv) {
  std::setvbuf(stdout, nullptr, _IOLBF, 0);  // what was measured stays if the rest is stopped
  const std::string folder = argc > 1 ? argv[1] : "build/bench-data/ials";
  const auto shop =
      make_shop(from_environment("USERS", 250'000), from_environment("ITEMS", 50'000));
  std::printf("%u users, %u items, %zu events; %s\n", shop.users(), shop.items(), shop.size(),
              std::string(simd::name(simd::active_level())).c_str());
  const auto memory = factor::memory_users(shop);
  double rate[2] = {};
  const std::uint32_t dimensions[2] = {64, 256};
  for (int n = 0; n < 2; ++n) {
    const auto epochs = train_epochs(*memory, dimensions[n], n == 0 ? 4 : 3);
    if (!epochs.ok()) {
      std::cerr << "bench_ials: " << epochs.error().to_string() << "\n";
      return 1;
    }
    rate[n] = events_per_cpu_s(*epochs, shop.size());
    std::printf("%3u dimensions: %.2f M events/s and core\n", dimensions[n], rate[n] / 1e6);
  }
  const auto ratio = capped_over_in_memory(shop, folder, 64);
  std::printf("{\"events\":%zu,\"events_per_s_core_d64\":%.0f,\"events_per_s_core_d256\":%.0f,",
              shop.size(), rate[0], rate[1]);
  if (ratio.has_value()) {
    std::printf("\"capped_over_in_memory\":%.3f}\n", *ratio);
  } else {
    std::printf("\"capped_over_in_memory\":null}\n");
  }
  return 0;
}
