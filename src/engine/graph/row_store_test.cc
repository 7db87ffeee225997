#include "engine/graph/row_store.h"

#include <cerrno>
#include <cmath>
#include <cstring>
#include <filesystem>
#include <map>
#include <random>
#include <set>

#include <gtest/gtest.h>
#include <unistd.h>

#include "base/progress.h"
#include "engine/graph/bulk_io.h"
#include "engine/graph/memory_plan.h"
#include "platform/io/simulated_files.h"

namespace vitrine::graph {
namespace {

constexpr StoreKind kAllKinds[] = {StoreKind::kMemory, StoreKind::kMmap,   StoreKind::kLru,
                                   StoreKind::kStatic, StoreKind::kBelady, StoreKind::kPacked,
                                   StoreKind::kAuto};

float value_of(std::uint64_t row, std::uint32_t column) {
  return static_cast<float>((row * 2654435761u + column * 40503u) % 10007) / 64.0f - 70.0f;
}

class RowStores : public testing::Test {
 protected:
  void SetUp() override {
    folder_ = (std::filesystem::temp_directory_path() /
               ("vitrine_row_store_test." + std::to_string(::getpid())))
                  .string();
    std::filesystem::create_directories(folder_);
  }
  void TearDown() override { std::filesystem::remove_all(folder_); }

  void write_rows(const RowFormat& format) {
    auto writer = RowFileWriter::create(*files_, path(), format).value();
    std::vector<float> row(format.dimension);
    for (std::uint64_t i = 0; i < format.count; ++i) {
      for (std::uint32_t c = 0; c < format.dimension; ++c) row[c] = value_of(i, c);
      ASSERT_TRUE(writer->append(row).ok());
    }
    ASSERT_TRUE(writer->finish().ok());
  }

  std::string path() const { return io::join_path(folder_, "rows"); }

  StoreOptions options(StoreKind kind, std::uint64_t cache_bytes) {
    StoreOptions made;
    made.kind = kind;
    made.files = files_;
    made.path = path();
    made.cache_bytes = cache_bytes;
    made.budget = &budget_;
    made.executor = &thread_executor();
    made.clock = &system_clock();
    made.mmap_threads = 3;
    made.depth = 8;
    made.pack_directory = folder_;
    return made;
  }

  // Superbatches of random batches with hot low ids.
  static std::vector<std::shared_ptr<const AccessTrace>> traces(std::uint64_t seed,
                                                                std::uint64_t rows,
                                                                std::size_t batches_max = 6) {
    std::mt19937_64 random(seed);
    std::vector<std::shared_ptr<const AccessTrace>> made;
    for (int s = 0; s < 4; ++s) {
      auto trace = std::make_shared<AccessTrace>();
      const std::size_t batches = batches_max / 2 + random() % batches_max;
      for (std::size_t b = 0; b < batches; ++b) {
        std::set<RowId> ids;
        const std::size_t wanted = random() % 150;
        while (ids.size() < wanted) {
          const double u = static_cast<double>(random() % 100000) / 100000;
          ids.insert(static_cast<RowId>(u * u * static_cast<double>(rows)));
        }
        trace->add_batch(std::vector<RowId>(ids.begin(), ids.end()));
      }
      made.push_back(trace);
    }
    return made;
  }

  // Everything gathered, with the next superbatch planned before the present one is gathered.
  static Result<std::string> gather_all(
      RowStore& store, const std::vector<std::shared_ptr<const AccessTrace>>& traces) {
    std::string all;
    VITRINE_TRY(store.plan(traces[0]));
    for (std::size_t s = 0; s < traces.size(); ++s) {
      VITRINE_TRY(store.advance());
      if (s + 1 < traces.size()) VITRINE_TRY(store.plan(traces[s + 1]));
      for (std::uint32_t b = 0; b < traces[s]->batches(); ++b) {
        std::string out(std::size_t{traces[s]->rows(b)} * store.format().stride(), 'x');
        VITRINE_TRY(store.gather(b, out));
        all += out;
      }
    }
    return all;
  }

  static std::string expected(const RowFormat& format,
                              const std::vector<std::shared_ptr<const AccessTrace>>& traces) {
    std::string all;
    std::vector<RowId> ids;
    for (const auto& trace : traces) {
      for (std::uint32_t b = 0; b < trace->batches(); ++b) {
        trace->decode(b, ids);
        for (const RowId id : ids) {
          std::string row(format.stride(), '\0');
          for (std::uint32_t c = 0; c < format.dimension; ++c) {
            const float value = value_of(id, c);
            const std::uint16_t half = to_bf16(value);
            if (format.type == RowType::kFp32) {
              std::memcpy(row.data() + c * 4, &value, 4);
            } else {
              std::memcpy(row.data() + c * 2, &half, 2);
            }
          }
          all += row;
        }
      }
    }
    return all;
  }

  io::FileSystem* files_ = &io::system_files();
  std::string folder_;
  MemoryBudget budget_;
};

TEST_F(RowStores, AllGiveTheSameBytesWhateverTheyKeep) {
  // 100 values: rows cross pages. 40 in bf16: padding behind each row.
  for (const RowFormat format :
       {RowFormat{3000, 128, RowType::kFp32}, RowFormat{2500, 100, RowType::kFp32},
        RowFormat{4000, 40, RowType::kBf16}}) {
    write_rows(format);
    for (const std::uint64_t seed : {1u, 2u}) {
      const auto wanted = traces(seed, format.count);
      const std::string bytes = expected(format, wanted);
      for (const StoreKind kind : kAllKinds) {
        for (const std::uint64_t cache : {0u, 5000u, 60000u, 10000000u}) {
          SCOPED_TRACE(std::string(store_kind_name(kind)) + " with " + std::to_string(cache));
          auto store = RowStore::open(options(kind, cache)).value();
          const auto gathered = gather_all(*store, wanted);
          ASSERT_TRUE(gathered.ok()) << gathered.error().to_string();
          EXPECT_TRUE(gathered.value() == bytes);
          EXPECT_EQ(store->stats().rows * format.stride(), bytes.size());
        }
        EXPECT_EQ(budget_.used(), 0u);
      }
    }
  }
}

TEST_F(RowStores, SimulatedFilesWorkLikeTheSystems) {
  io::SimulatedFiles simulated;
  files_ = &simulated;
  folder_ = "folder";
  ASSERT_TRUE(simulated.create_directories(folder_).ok());
  const RowFormat format{1000, 64, RowType::kFp32};
  write_rows(format);
  const auto wanted = traces(7, format.count);
  for (const StoreKind kind : {StoreKind::kMemory, StoreKind::kLru, StoreKind::kStatic,
                               StoreKind::kBelady, StoreKind::kPacked, StoreKind::kAuto}) {
    auto store = RowStore::open(options(kind, 20000)).value();
    EXPECT_TRUE(gather_all(*store, wanted).value() == expected(format, wanted));
  }
}

TEST_F(RowStores, BetterPoliciesHitMore) {
  const RowFormat format{4000, 64, RowType::kFp32};
  write_rows(format);
  std::map<StoreKind, std::uint64_t> hits;
  const auto wanted = traces(11, format.count, 60);
  for (const StoreKind kind : kAllKinds) {
    auto store = RowStore::open(options(kind, format.count * format.stride() / 8)).value();
    ASSERT_TRUE(gather_all(*store, wanted).ok());
    hits[kind] = store->stats().hits;
  }
  EXPECT_GT(hits[StoreKind::kBelady], hits[StoreKind::kLru]);
  EXPECT_GE(hits[StoreKind::kBelady], hits[StoreKind::kStatic]);
  EXPECT_EQ(hits[StoreKind::kBelady], hits[StoreKind::kPacked]);
}

TEST_F(RowStores, AColdCacheIsFilledByOneReadWhereThatIsCheaperThanItsMisses) {
  const RowFormat format{8000, 128, RowType::kFp32};
  write_rows(format);
  for (const StoreKind kind : {StoreKind::kBelady, StoreKind::kPacked}) {
    SCOPED_TRACE(store_kind_name(kind));
    for (const bool many : {true, false}) {
      auto trace = std::make_shared<AccessTrace>();
      std::vector<RowId> ids;
      for (RowId id = 0; id < (many ? 2500u : 20u); ++id) ids.push_back(id);
      trace->add_batch(ids);
      auto store = RowStore::open(options(kind, 2000 * format.stride())).value();
      const auto gathered = gather_all(*store, {trace});
      ASSERT_TRUE(gathered.ok()) << gathered.error().to_string();
      EXPECT_TRUE(*gathered == expected(format, {trace}));
      // 2,000 rows are a megabyte: as long as 61 pages take one by one.
      EXPECT_EQ(store->stats().hits, many ? 2000u : 0u);
    }
  }
}

TEST_F(RowStores, AFailingDiskIsAClearErrorAtEveryRequest) {
  const RowFormat format{3000, 128, RowType::kFp32};
  write_rows(format);
  const auto wanted = traces(3, format.count);
  for (const StoreKind kind : {StoreKind::kMemory, StoreKind::kLru, StoreKind::kStatic,
                               StoreKind::kBelady, StoreKind::kPacked, StoreKind::kAuto}) {
    SCOPED_TRACE(store_kind_name(kind));
    int failed = 0;
    for (int fail_at = 0;; fail_at += 1 + fail_at / 4) {
      int request = 0;
      StoreOptions faulty = options(kind, 60000);
      faulty.tamper = [&](std::uint64_t, int result) {
        return request++ == fail_at ? -EIO : result;
      };
      auto store = RowStore::open(faulty);
      Status status;
      if (!store.ok()) {
        status = store.error();
      } else {
        auto gathered = gather_all(*store.value(), wanted);
        if (gathered.ok()) {
          EXPECT_TRUE(gathered.value() == expected(format, wanted));
          // The store made fewer requests than that; or the ring is not used on this machine.
          break;
        }
        status = gathered.error();
      }
      EXPECT_EQ(status.error().code(), ErrorCode::kIo);
      EXPECT_NE(status.error().message().find(folder_), std::string::npos);
      ++failed;
    }
    auto reader = BulkReader::open(path(), {.files = files_}).value();
    if (reader->describe() != "plain reads") {
      EXPECT_GT(failed, 0);
    }
    EXPECT_EQ(budget_.used(), 0u);
  }
}

TEST_F(RowStores, ShortReadsAreContinued) {
  const RowFormat format{3000, 128, RowType::kFp32};
  write_rows(format);
  const auto wanted = traces(4, format.count);
  for (const StoreKind kind : {StoreKind::kMemory, StoreKind::kStatic, StoreKind::kBelady}) {
    std::mt19937_64 random(1);
    StoreOptions faulty = options(kind, 60000);
    faulty.tamper = [&](std::uint64_t, int result) {
      return random() % 3 == 0 && result > 1 ? result / 2 : result;
    };
    auto store = RowStore::open(faulty).value();
    const auto gathered = gather_all(*store, wanted);
    ASSERT_TRUE(gathered.ok()) << gathered.error().to_string();
    EXPECT_TRUE(gathered.value() == expected(format, wanted));
  }
}

TEST_F(RowStores, DamagedRowsAreFoundByEveryScan) {
  const RowFormat format{3000, 128, RowType::kFp32};
  write_rows(format);
  auto file = files_->open(path(), io::OpenMode::kReadWrite).value();
  ASSERT_TRUE(file->write_at(format.offset(2100) + 5, "!").ok());
  EXPECT_EQ(verify_row_file(*files_, path(), no_progress()).error().code(), ErrorCode::kCorrupt);
  EXPECT_EQ(RowStore::open(options(StoreKind::kMemory, 0)).error().code(), ErrorCode::kCorrupt);
  auto store = RowStore::open(options(StoreKind::kPacked, 1000)).value();
  EXPECT_EQ(store->plan(traces(1, format.count)[0]).error().code(), ErrorCode::kCorrupt);
}

TEST_F(RowStores, CutAndForeignFilesAreRefused) {
  const RowFormat format{3000, 128, RowType::kFp32};
  write_rows(format);
  auto file = files_->open(path(), io::OpenMode::kReadWrite).value();
  ASSERT_TRUE(file->truncate(format.file_bytes() - 1).ok());
  EXPECT_EQ(RowStore::open(options(StoreKind::kLru, 0)).error().code(), ErrorCode::kCorrupt);
  ASSERT_TRUE(file->write_at(0, "X").ok());
  EXPECT_EQ(RowStore::open(options(StoreKind::kLru, 0)).error().code(), ErrorCode::kCorrupt);
}

TEST_F(RowStores, WhatDoesNotFitTheBudgetIsRefusedWithTheNumberThatWould) {
  const RowFormat format{3000, 128, RowType::kFp32};
  write_rows(format);
  for (const StoreKind kind : {StoreKind::kMemory, StoreKind::kLru, StoreKind::kStatic,
                               StoreKind::kBelady, StoreKind::kPacked}) {
    MemoryBudget small(600'000);
    StoreOptions wanted = options(kind, 500'000);
    wanted.budget = &small;
    auto store = RowStore::open(wanted);
    Status status;
    if (store.ok()) {
      status = store.value()->plan(traces(1, format.count)[0]);
    } else {
      status = store.error();
    }
    ASSERT_FALSE(status.ok()) << store_kind_name(kind);
    EXPECT_EQ(status.error().code(), ErrorCode::kExhausted);
    EXPECT_NE(status.error().message().find("would do"), std::string::npos);
  }
}

TEST_F(RowStores, TakeNoMoreThanTheMemoryPlanSays) {
  const RowFormat format{30000, 128, RowType::kFp32};
  write_rows(format);
  const auto wanted = traces(5, format.count, 40);
  SuperbatchSize size;
  for (const auto& trace : wanted) {
    size.batches = std::max(size.batches, trace->batches());
    size.accesses = std::max(size.accesses, trace->accesses());
    size.rows_max = std::max(size.rows_max, trace->rows_max());
  }
  for (const StoreKind kind : {StoreKind::kLru, StoreKind::kStatic, StoreKind::kBelady,
                               StoreKind::kPacked, StoreKind::kAuto}) {
    SCOPED_TRACE(store_kind_name(kind));
    constexpr std::uint64_t kBytes = 24 << 20;
    MemoryBudget budget(kBytes);
    StoreOptions planned = options(kind, 0);
    planned.budget = &budget;
    planned.cache_bytes = largest_cache(kBytes, planned, format, size).value();
    EXPECT_GT(planned.cache_bytes, kBytes / 8);
    EXPECT_LE(store_bytes(planned, format, size), kBytes);
    auto store = RowStore::open(planned).value();
    const auto gathered = gather_all(*store, wanted);
    ASSERT_TRUE(gathered.ok()) << gathered.error().to_string();
  }
  EXPECT_EQ(largest_cache(1000, options(StoreKind::kPacked, 0), format, size).error().code(),
            ErrorCode::kExhausted);
}

TEST_F(RowStores, HoldTheListsOfTheLargestBatchFromTheBudget) {
  const RowFormat format{30000, 128, RowType::kFp32};
  write_rows(format);
  const auto batch_of = [](std::uint32_t rows) {
    std::vector<RowId> ids(rows);
    for (RowId i = 0; i < rows; ++i) ids[i] = i * 3;
    auto trace = std::make_shared<AccessTrace>();
    trace->add_batch(ids);
    return trace;
  };
  const std::pair<StoreKind, std::uint64_t> bytes_per_row[] = {{StoreKind::kMemory, 4},
                                                               {StoreKind::kMmap, 4},
                                                               {StoreKind::kStatic, 36},
                                                               {StoreKind::kLru, 36},
                                                               {StoreKind::kBelady, 44}};
  for (const auto& [kind, bytes] : bytes_per_row) {
    SCOPED_TRACE(store_kind_name(kind));
    MemoryBudget budget;
    StoreOptions wanted = options(kind, 1 << 20);
    wanted.budget = &budget;
    auto store = RowStore::open(wanted).value();
    for (const auto& [rows, largest] : {std::pair{100u, 100u}, {9000u, 9000u}, {100u, 9000u}}) {
      ASSERT_TRUE(gather_all(*store, {batch_of(rows)}).ok());
      const std::string lists = "batch lists " + human_bytes(static_cast<double>(bytes * largest));
      EXPECT_NE(budget.describe().find(lists), std::string::npos) << budget.describe();
    }
  }
}

TEST_F(RowStores, TheMeasuredCostsDecideForEachSuperbatch) {
  const RowFormat format{300'000, 16, RowType::kFp32};  // 19 MB
  write_rows(format);
  auto store = RowStore::open(options(StoreKind::kAuto, 100 * format.stride())).value();
  const auto few = std::make_shared<AccessTrace>();
  few->add_batch(std::vector<RowId>{7, 30'000});
  // Every 64th row, in 16 batches: 75,000 pages of 4 KiB, or a scan and 5 MB packed.
  const auto many = std::make_shared<AccessTrace>();
  for (RowId b = 0; b < 16; ++b) {
    std::vector<RowId> ids;
    for (RowId id = b * 4; id < format.count; id += 64) ids.push_back(id);
    many->add_batch(ids);
  }
  const std::vector<std::shared_ptr<const AccessTrace>> traces{few, many, few};
  const auto all = gather_all(*store, traces);
  ASSERT_TRUE(all.ok()) << all.error().to_string();
  EXPECT_TRUE(*all == expected(format, traces));
  EXPECT_EQ(store->stats().direct_superbatches, 2u);
  EXPECT_EQ(store->stats().packed_superbatches, 1u);
}

TEST_F(RowStores, PackingStopsAtTheDiskItMayTake) {
  const RowFormat format{3000, 128, RowType::kFp32};
  write_rows(format);
  StoreOptions wanted = options(StoreKind::kPacked, 0);
  wanted.pack_bytes_max = 100'000;
  auto store = RowStore::open(wanted).value();
  EXPECT_EQ(store->plan(traces(1, format.count)[0]).error().code(), ErrorCode::kExhausted);
}

TEST_F(RowStores, RowsBeyondTheFileAreRefused) {
  write_rows({100, 16, RowType::kFp32});
  auto trace = std::make_shared<AccessTrace>();
  trace->add_batch(std::vector<RowId>{3, 100});
  for (const StoreKind kind : kAllKinds) {
    auto store = RowStore::open(options(kind, 1000)).value();
    EXPECT_EQ(store->plan(trace).error().code(), ErrorCode::kInvalidArgument);
  }
}

TEST(Bf16, RoundsToNearestEvenAndKeepsWhatHasNoFraction) {
  EXPECT_EQ(from_bf16(to_bf16(1.0f)), 1.0f);
  EXPECT_EQ(from_bf16(to_bf16(-3.5f)), -3.5f);
  EXPECT_EQ(to_bf16(1.0f + 1.0f / 256), to_bf16(1.0f));               // half way: to even
  EXPECT_EQ(to_bf16(1.0f + 3.0f / 256), to_bf16(1.0f + 4.0f / 256));  // half way: to even
  EXPECT_TRUE(std::isnan(from_bf16(to_bf16(std::nanf("")))));
  EXPECT_TRUE(std::isinf(from_bf16(to_bf16(INFINITY))));
}

}  // namespace
}  // namespace vitrine::graph
