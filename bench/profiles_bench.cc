// What do user histories cost: an append by the applier, a copy for a recommendation, a restart?
//
// 1 M users get 50 entries each in random order, so that every append misses the caches as it
// does in a shop with that many visitors, and every row grows from 4 to 56 entries on the way.
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <string>
#include <vector>

#include <time.h>

#include "domain/profile/profiles.h"

namespace {

using vitrine::Hash128;
using vitrine::ItemIndex;
using vitrine::UserIndex;
using vitrine::profile::HistoryEntry;
using vitrine::profile::Profiles;

constexpr std::uint32_t kUsers = 1'000'000;
constexpr std::uint32_t kEach = 50;
constexpr std::uint32_t kBatch = 64;

std::uint64_t mix(std::uint64_t x) {
  x += 0x9E3779B97F4A7C15ull;
  x = (x ^ x >> 30) * 0xBF58476D1CE4E5B9ull;
  x = (x ^ x >> 27) * 0x94D049BB133111EBull;
  return x ^ x >> 31;
}
Hash128 key_of(std::uint64_t user) { return {mix(user), mix(~user)}; }

// CPU time of this thread: what the applier pays, also on a machine that has other work.
double now_s() {
  timespec now{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  return static_cast<double>(now.tv_sec) + static_cast<double>(now.tv_nsec) * 1e-9;
}

// One random order of all users per round, from a multiplier without common factor.
std::uint32_t user_at(std::uint64_t round, std::uint64_t i) {
  return static_cast<std::uint32_t>((i * 766'937ull + mix(round)) % kUsers);
}

HistoryEntry entry_of(std::uint64_t n) {
  return HistoryEntry::make(
      ItemIndex{static_cast<std::uint32_t>(n)}, static_cast<std::int64_t>(n) * 1000,
      vitrine::event::EventType::kDetailPageView, vitrine::profile::kPositive);
}

// `known`: users by number, as a loop that already looked them up. Otherwise by key.
double append_round(Profiles& profiles, std::uint64_t round, bool by_key, bool prefetch) {
  const double start = now_s();
  for (std::uint64_t n = 0; n < kUsers; n += kBatch) {
    UserIndex users[kBatch];
    if (prefetch && by_key) {
      for (std::uint32_t i = 0; i < kBatch; ++i)
        profiles.prefetch_key(key_of(user_at(round, n + i)));
    }
    for (std::uint32_t i = 0; i < kBatch; ++i) {
      const std::uint32_t user = user_at(round, n + i);
      users[i] = by_key ? profiles.intern_user(key_of(user)) : UserIndex{user};
      if (prefetch && !by_key) profiles.prefetch_user(users[i]);
    }
    if (prefetch) {
      for (const UserIndex user : users) profiles.prefetch_row(user);
    }
    for (std::uint32_t i = 0; i < kBatch; ++i) {
      if (!profiles.append(users[i], entry_of(round * kUsers + n + i)).ok()) std::abort();
    }
  }
  return (now_s() - start) * 1e6 / kUsers;
}

double read_all(const Profiles& profiles) {
  std::vector<HistoryEntry> out;
  std::uint64_t sum = 0;
  const double start = now_s();
  for (std::uint64_t n = 0; n < kUsers; ++n) {
    if (!profiles.history(UserIndex{user_at(99, n)}, out).ok()) std::abort();
    sum += out.back().item.value;
  }
  const double us = (now_s() - start) * 1e6 / kUsers;
  if (sum == 0) std::abort();
  return us;
}

}  // namespace

int main() {
  std::string pattern = (std::filesystem::temp_directory_path() / "profiles_XXXXXX").string();
  const std::filesystem::path folder = mkdtemp(pattern.data());
  Profiles profiles({});
  for (std::uint32_t user = 0; user < kUsers; ++user) profiles.intern_user(key_of(user));
  double plain = 0;
  double fetched = 0;
  double by_key = 0;
  for (std::uint64_t round = 0; round < 48; round += 3) {
    plain += append_round(profiles, round, false, false) / 16;
    fetched += append_round(profiles, round + 1, false, true) / 16;
    by_key += append_round(profiles, round + 2, true, true) / 16;
  }
  append_round(profiles, 48, true, true);
  append_round(profiles, 49, true, true);
  const double history = read_all(profiles);
  const double bytes = static_cast<double>(profiles.memory_bytes());
  std::printf("append, random user, growth included           %7.3f us\n", plain);
  std::printf("append, the same with prefetch in batches      %7.3f us\n", fetched);
  std::printf("intern by key and append, prefetch in batches  %7.3f us\n", by_key);
  std::printf("history copy, 50 entries, random user          %7.3f us\n", history);
  std::printf("memory for 1 M users x 50                      %7.1f MB\n", bytes / 1e6);

  vitrine::StringSink sink;
  double start = now_s();
  profiles.save(sink);
  const double save_s = now_s() - start;
  double load_s = 0;
  {
    Profiles again({});
    vitrine::StringSource source(sink.bytes());
    start = now_s();
    if (!again.load(source).ok()) std::abort();
    load_s = now_s() - start;
  }
  std::printf("save to memory / load from memory              %7.3f s / %.3f s\n", save_s, load_s);

  auto cold = vitrine::kv::ColdRows::create({.directory = folder / "cold"});
  if (!cold.ok()) std::abort();
  Profiles bounded({.row_budget_bytes = 64 << 20, .cold = cold.value().get()});
  {
    vitrine::StringSource source(sink.bytes());
    if (!bounded.load(source).ok()) std::abort();
  }
  start = now_s();
  if (!bounded.evict_to(64 << 20).ok()) std::abort();
  const double evict_us = (now_s() - start) * 1e6 / static_cast<double>(bounded.cold_users());
  const double cold_read = read_all(bounded);
  const double cold_append = append_round(bounded, 60, false, false);
  std::filesystem::remove_all(folder);
  std::printf("9 of 10 users cold: evict %.2f us, history %.2f us, append %.2f us\n", evict_us,
              cold_read, cold_append);
  std::printf(
      "{\"append_us\": %.3f, \"append_prefetched_us\": %.3f, \"history_us\": %.3f, \"memory_mb\": "
      "%.1f, "
      "\"load_s\": %.3f, \"cold_history_us\": %.2f}\n",
      plain, fetched, history, bytes / 1e6, load_s, cold_read);
  return 0;
}
