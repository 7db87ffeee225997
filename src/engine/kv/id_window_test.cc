#include "engine/kv/id_window.h"

#include <cerrno>
#include <map>
#include <random>

#include <gtest/gtest.h>

#include "platform/io/simulated_files.h"

namespace vitrine::kv {
namespace {

Hash128 id_of(std::uint64_t n) { return hash128("id " + std::to_string(n)); }

IdWindowOptions options(io::FileSystem* files, std::uint64_t memory_ids) {
  return {.files = files,
          .directory = "ids",
          .memory_ids = memory_ids,
          .keep = 1000,
          .generation_span = 50,
          .generation_ids = 40};
}

IdVerdict verdict(const IdWindow& window, std::uint64_t n, std::uint64_t body) {
  auto result = window.find(id_of(n), body);
  EXPECT_TRUE(result.ok()) << (result.ok() ? "" : result.error().to_string());
  return result.value();
}

Hash128 digest_of(const IdWindow& window) {
  HashSink sink;
  const Status status = window.digest(sink);
  EXPECT_TRUE(status.ok()) << (status.ok() ? "" : status.error().to_string());
  return sink.finish();
}

std::string saved(const IdWindow& window) {
  StringSink sink;
  window.save(sink);
  return sink.bytes();
}

// Applies a record as the applier does.
IdVerdict offer(IdWindow& window, std::uint64_t n, std::uint64_t body, TimeUs now) {
  window.expire(now);
  const IdVerdict got = verdict(window, n, body);
  if (got == IdVerdict::kNew) {
    EXPECT_TRUE(window.insert(id_of(n), body, now).ok());
  }
  return got;
}

struct Offer {
  std::uint64_t n;
  std::uint64_t body;
  TimeUs now;
};

// Mostly new ids; retries, some of them late, some with another body; now and then a pause.
std::vector<Offer> random_offers(std::uint64_t seed, std::size_t count) {
  std::mt19937_64 random(seed);
  std::vector<Offer> out;
  std::uint64_t next = 0;
  TimeUs now = 0;
  for (std::size_t i = 0; i < count; ++i) {
    now += static_cast<TimeUs>(random() % 3);
    if (random() % 2000 == 0) now += static_cast<TimeUs>(random() % 1500);
    const bool retry = next > 0 && random() % 3 == 0;
    const std::uint64_t back = random() % (random() % 2 == 0 ? 50 : 3000);
    const std::uint64_t n = retry ? next - 1 - std::min(next - 1, back) : next++;
    out.push_back({n, random() % 10 == 0 ? n + 1 : n, now});
  }
  return out;
}

// The obviously right thing, in the words of the header: generations end by count or span and
// are forgotten as a whole.
class NaiveWindow {
 public:
  explicit NaiveWindow(const IdWindowOptions& options) : options_(options) {}
  IdVerdict offer(const Offer& offer) {
    while (!generations_.empty() && offer.now > generations_.front().newest + options_.keep) {
      generations_.erase(generations_.begin());
    }
    for (const Generation& generation : generations_) {
      const auto known = generation.bodies.find(offer.n);
      if (known == generation.bodies.end()) continue;
      return known->second == offer.body ? IdVerdict::kDuplicate : IdVerdict::kConflict;
    }
    if (generations_.empty() || generations_.back().bodies.size() == options_.generation_ids ||
        offer.now - generations_.back().first >= options_.generation_span) {
      generations_.push_back({offer.now, offer.now, {}});
    }
    generations_.back().newest = offer.now;
    generations_.back().bodies[offer.n] = offer.body;
    return IdVerdict::kNew;
  }
  std::uint64_t size() const {
    std::uint64_t ids = 0;
    for (const Generation& generation : generations_) ids += generation.bodies.size();
    return ids;
  }

 private:
  struct Generation {
    TimeUs first;
    TimeUs newest;
    std::map<std::uint64_t, std::uint64_t> bodies;
  };
  IdWindowOptions options_;
  std::vector<Generation> generations_;
};

TEST(IdWindow, ARetryIsADuplicateAndAnotherBodyAConflict) {
  IdWindow window({});
  EXPECT_EQ(verdict(window, 1, 10), IdVerdict::kNew);
  ASSERT_TRUE(window.insert(id_of(1), 10, 5).ok());
  EXPECT_EQ(verdict(window, 1, 10), IdVerdict::kDuplicate);
  EXPECT_EQ(verdict(window, 1, 11), IdVerdict::kConflict);
  EXPECT_EQ(verdict(window, 2, 10), IdVerdict::kNew);
}

TEST(IdWindow, RemembersForSeventyThreeHoursAtLeastAndAnHourMoreAtMost) {
  IdWindow window({});
  ASSERT_TRUE(window.insert(id_of(1), 1, 0).ok());
  ASSERT_TRUE(window.insert(id_of(2), 2, kHourUs - 1).ok());  // the same generation
  ASSERT_TRUE(window.insert(id_of(3), 3, kHourUs).ok());
  window.expire(74 * kHourUs - 1);
  EXPECT_EQ(verdict(window, 1, 1), IdVerdict::kDuplicate);
  window.expire(74 * kHourUs);
  EXPECT_EQ(verdict(window, 1, 1), IdVerdict::kNew);
  EXPECT_EQ(verdict(window, 2, 2), IdVerdict::kNew);
  EXPECT_EQ(verdict(window, 3, 3), IdVerdict::kDuplicate);
  window.expire(1000 * kHourUs);
  EXPECT_EQ(window.size(), 0u);
}

// Goal: every answer and the digest are the same wherever ids lie. Method: the same random
// offers through windows that keep all, some or almost nothing in memory, against the naive
// twin at every step.
TEST(IdWindow, AgreesWithTheNaiveWindowWhateverStaysInMemory) {
  for (std::uint64_t seed : {1, 2, 3}) {
    io::SimulatedFiles files[3];
    IdWindow all(options(nullptr, 0));
    IdWindow some(options(&files[0], 300));
    IdWindow few(options(&files[1], 1));
    IdWindow most(options(&files[2], 600));
    NaiveWindow naive(options(nullptr, 0));
    std::size_t runs = 0;
    for (const Offer& o : random_offers(seed, 30000)) {
      const IdVerdict expected = naive.offer(o);
      for (IdWindow* window : {&all, &some, &few, &most}) {
        ASSERT_EQ(offer(*window, o.n, o.body, o.now), expected) << seed << ": id " << o.n;
      }
      ASSERT_EQ(all.size(), naive.size());
      ASSERT_LE(some.memory_ids(), 300u + 40u);
      runs = std::max(runs, few.run_count());
      if (o.n % 1000 == 0) {
        for (IdWindow* window : {&some, &few, &most}) ASSERT_EQ(digest_of(*window), digest_of(all));
      }
    }
    EXPECT_GT(runs, 3u);
  }
}

TEST(IdWindow, ARestartAtAnyPointGoesOnAsIfNothingHappened) {
  const auto offers = random_offers(7, 3000);
  for (std::uint64_t memory : {1u, 200u, 100000u}) {
    SCOPED_TRACE(memory);
    io::SimulatedFiles files;
    auto window = std::make_unique<IdWindow>(options(&files, memory));
    IdWindow twin(options(nullptr, 0));
    std::size_t i = 0;
    for (const Offer& o : offers) {
      ASSERT_EQ(offer(*window, o.n, o.body, o.now), offer(twin, o.n, o.body, o.now));
      if (++i % 97 != 0) continue;
      ASSERT_TRUE(window->sync_runs().ok());
      const std::string snapshot = saved(*window);
      files.crash(i);
      window = std::make_unique<IdWindow>(options(&files, i % 2 == 0 ? memory : memory * 2));
      StringSource source(snapshot);
      const Status loaded = window->load(source);
      ASSERT_TRUE(loaded.ok()) << loaded.error().to_string();
      ASSERT_EQ(source.remaining(), 0u);
      ASSERT_EQ(saved(*window), snapshot);
      ASSERT_EQ(digest_of(*window), digest_of(twin));
      ASSERT_TRUE(window->remove_unused_files({}).ok());
    }
  }
}

TEST(IdWindow, KeepsTheFilesOfSnapshotsAndRemovesTheOthers) {
  io::SimulatedFiles files;
  IdWindow window(options(&files, 1));
  for (std::uint64_t n = 0; n < 400; ++n) offer(window, n, n, 0);
  const std::vector<std::string> first = window.live_files();
  ASSERT_FALSE(first.empty());
  window.expire(5000);
  EXPECT_TRUE(window.live_files().empty());
  ASSERT_TRUE(window.remove_unused_files(first).ok());
  EXPECT_EQ(files.list("ids").value().size(), first.size());
  ASSERT_TRUE(window.remove_unused_files({first[0]}).ok());
  EXPECT_EQ(files.list("ids").value(), std::vector<std::string>{first[0]});
}

// Wherever the disk fails, an insert that failed has remembered nothing, the same insert works
// when the disk does again, and nothing that was remembered is forgotten.
TEST(IdWindow, AFailingDiskLosesNoIdAndTheInsertMayBeTriedAgain) {
  int failed_inserts = 0;
  for (std::uint64_t operation = 0; operation < 60; ++operation) {
    SCOPED_TRACE(operation);
    io::SimulatedFiles files;
    IdWindow window(options(&files, 100));
    files.fail_operation(operation, operation % 2 == 0 ? ENOSPC : EIO);
    for (std::uint64_t n = 0; n < 1000; ++n) {
      auto status = window.insert(id_of(n), n, 0);
      if (!status.ok()) {
        ++failed_inserts;
        ASSERT_EQ(status.error().code(),
                  operation % 2 == 0 ? ErrorCode::kExhausted : ErrorCode::kIo);
        ASSERT_EQ(window.size(), n);
        ASSERT_EQ(verdict(window, n, n), IdVerdict::kNew);
        ASSERT_TRUE(window.insert(id_of(n), n, 0).ok());
      }
    }
    for (std::uint64_t n = 0; n < 1000; ++n)
      ASSERT_EQ(verdict(window, n, n), IdVerdict::kDuplicate);
  }
  EXPECT_GT(failed_inserts, 20);
}

// Goal: a damaged run never makes an old id look new. Method: flip each byte of a run in turn
// (every 7th, to be quick); opening it or asking for its ids must fail or answer right.
TEST(IdWindow, AFlippedByteInARunIsNeverTakenForANewId) {
  io::SimulatedFiles files;
  IdWindowOptions small = options(&files, 1);
  small.generation_ids = 400;
  IdWindow window(small);
  for (std::uint64_t n = 0; n < 401; ++n) offer(window, n, n, 0);
  for (std::uint64_t n = 401; n < 403; ++n) offer(window, n, n, 0);
  ASSERT_EQ(window.run_count(), 1u);
  const std::string snapshot = saved(window);
  const std::string path = "ids/" + window.live_files()[0];
  const std::string bytes = files.contents(path).value();
  int refused_open = 0;
  int refused_find = 0;
  for (std::size_t at = 0; at < bytes.size(); at += 7) {
    files.overwrite(path, at, std::string(1, static_cast<char>(bytes[at] ^ 0x10)));
    IdWindow again(small);
    StringSource source(snapshot);
    auto loaded = again.load(source);
    if (!loaded.ok()) {
      ++refused_open;
      ASSERT_EQ(loaded.error().code(), ErrorCode::kCorrupt);
      ASSERT_NE(loaded.error().message().find(path), std::string::npos);
    } else {
      for (std::uint64_t n : {std::uint64_t{at % 400}, std::uint64_t{at / 7 % 400}}) {
        auto found = again.find(id_of(n), n);
        if (found.ok()) {
          ASSERT_EQ(*found, IdVerdict::kDuplicate);
        } else {
          ++refused_find;
          ASSERT_EQ(found.error().code(), ErrorCode::kCorrupt);
        }
      }
    }
    files.overwrite(path, at, std::string(1, bytes[at]));
  }
  EXPECT_GT(refused_open, 50);
  EXPECT_GT(refused_find, 50);
}

TEST(IdWindow, AMissingOrExchangedRunIsCorrupt) {
  io::SimulatedFiles files;
  IdWindow window(options(&files, 1));
  for (std::uint64_t n = 0; n < 200; ++n) offer(window, n, n, 0);
  ASSERT_GE(window.run_count(), 2u);
  const std::string snapshot = saved(window);
  const auto names = window.live_files();
  const auto load_code = [&] {
    IdWindow again(options(&files, 1));
    StringSource source(snapshot);
    auto loaded = again.load(source);
    EXPECT_FALSE(loaded.ok());
    EXPECT_EQ(again.size(), 0u);
    return loaded.error().code();
  };
  ASSERT_TRUE(files.rename("ids/" + names[0], "ids/" + names[1]).ok());
  EXPECT_EQ(load_code(), ErrorCode::kCorrupt);
  ASSERT_TRUE(files.rename("ids/" + names[1], "ids/" + names[0]).ok());
  EXPECT_EQ(load_code(), ErrorCode::kCorrupt);
}

TEST(IdWindow, EveryTruncationOfASnapshotIsRefused) {
  IdWindow window(options(nullptr, 0));
  for (std::uint64_t n = 0; n < 100; ++n) offer(window, n, n, static_cast<TimeUs>(n));
  const std::string bytes = saved(window);
  for (std::size_t size = 0; size < bytes.size(); ++size) {
    IdWindow cut(options(nullptr, 0));
    StringSource source(std::string_view(bytes).substr(0, size));
    ASSERT_FALSE(cut.load(source).ok()) << size;
    ASSERT_EQ(cut.size(), 0u);
    ASSERT_EQ(verdict(cut, 0, 0), IdVerdict::kNew);
  }
}

// Ids that agree in all bits that choose a slot, a page and a filter block.
TEST(IdWindow, TellsIdsApartThatShareTheirLowHalf) {
  io::SimulatedFiles files;
  IdWindow window(options(&files, 100));
  for (std::uint64_t i = 0; i < 1000; ++i) {
    ASSERT_EQ(window.find({77, i}, i).value(), IdVerdict::kNew);
    ASSERT_TRUE(window.insert({77, i}, i, 0).ok());
  }
  ASSERT_GT(window.run_count(), 0u);
  for (std::uint64_t i = 0; i < 1000; ++i)
    ASSERT_EQ(window.find({77, i}, i).value(), IdVerdict::kDuplicate);
}

}  // namespace
}  // namespace vitrine::kv
