// Writers, readers and the background merge at the same time; worth most under ThreadSanitizer.
#include <atomic>
#include <random>
#include <thread>

#include <gtest/gtest.h>

#include "base/executor.h"
#include "engine/text/exhaustive.h"
#include "engine/text/index.h"
#include "engine/text/search.h"

namespace vitrine::text {
namespace {

void add(Index& index, DocumentId id, const std::vector<std::string>& words) {
  std::vector<Token> tokens;
  for (std::uint32_t i = 0; i < words.size(); ++i) tokens.push_back({words[i], i});
  const FieldTokens field{0, tokens};
  const Status added = index.add(id, std::span(&field, 1));
  ASSERT_TRUE(added.ok()) << added.error().message();
}

IndexOptions merging_often() {
  IndexOptions options;
  options.merge_width = 2;
  options.merge_inline_documents = 20;
  return options;
}

std::uint64_t count(Searcher& searcher, const Snapshot& snapshot, const Query& query) {
  SearchOptions options;
  options.k = 3;
  options.exact_count = true;
  SearchResult result;
  EXPECT_TRUE(searcher.search(snapshot, query, options, result).ok());
  return result.count;
}

TEST(IndexThreads, SearchesSeeWholeUpdatesWhileTheBackgroundMerges) {
  auto index = std::move(Index::create(Schema{}, merging_often())).value();
  index->start_merging(thread_executor());
  constexpr DocumentId kDocuments = 60;
  constexpr int kRounds = 25;
  for (DocumentId id = 0; id < kDocuments; ++id) add(*index, id, {"all", "round0"});
  index->snapshot();
  std::atomic<bool> done{false};
  std::atomic<std::uint64_t> searches{0};
  std::vector<std::thread> readers;
  for (int r = 0; r < 2; ++r)
    readers.emplace_back([&] {
      Searcher searcher;
      while (!done.load()) {
        const auto snapshot = index->latest();
        // An update replaces: no snapshot lacks a document or has one twice.
        EXPECT_EQ(count(searcher, *snapshot, term("all")), kDocuments);
        std::uint64_t rounds = 0;
        for (int round = 0; round <= kRounds; ++round)
          rounds += count(searcher, *snapshot, term("round" + std::to_string(round)));
        EXPECT_EQ(rounds, kDocuments);
        ++searches;
      }
    });
  for (int round = 1; round <= kRounds; ++round) {
    for (DocumentId id = 0; id < kDocuments; ++id)
      add(*index, id, {"all", "round" + std::to_string(round)});
    index->snapshot();
  }
  while (searches.load() < 4) std::this_thread::yield();
  done = true;
  for (std::thread& reader : readers) reader.join();
  Searcher searcher;
  const auto last = index->snapshot();
  EXPECT_EQ(count(searcher, *last, term("round" + std::to_string(kRounds))), kDocuments);
  EXPECT_GT(index->info().merges, 0u);
}

TEST(IndexThreads, RemovalsDuringAMergeAreRemovedFromWhatItMakes) {
  auto index = std::move(Index::create(Schema{}, merging_often())).value();
  constexpr DocumentId kDocuments = 3000;
  for (DocumentId id = 0; id < kDocuments; ++id) {
    add(*index, id, {"all", "w" + std::to_string(id % 7)});
    if (id % 300 == 299) index->snapshot();
  }
  std::thread merger([&] {
    for (int i = 0; i < 20; ++i) EXPECT_TRUE(index->merge_step().ok());
  });
  for (DocumentId id = 0; id < kDocuments; id += 3) EXPECT_TRUE(index->remove(id));
  merger.join();
  Searcher searcher;
  const auto snapshot = index->snapshot();
  EXPECT_EQ(snapshot->documents(), kDocuments - kDocuments / 3);
  EXPECT_EQ(count(searcher, *snapshot, term("all")), kDocuments - kDocuments / 3);
  for (DocumentId id = 0; id < kDocuments; ++id)
    ASSERT_EQ(snapshot->contains(id), id % 3 != 0) << id;
}

TEST(IndexThreads, AnIndexIsDestroyedWhileItMerges) {
  for (int round = 0; round < 10; ++round) {
    auto index = std::move(Index::create(Schema{}, merging_often())).value();
    index->start_merging(thread_executor());
    for (DocumentId id = 0; id < 400; ++id) {
      add(*index, id, {"all", "w" + std::to_string(id)});
      if (id % 40 == 39) index->snapshot();
    }
  }
}

}  // namespace
}  // namespace vitrine::text
