// The life of an index: files, crashes, hostile bytes, determinism.
#include "engine/text/segment.h"

#include <map>
#include <random>
#include <set>

#include <gtest/gtest.h>

#include "engine/text/exhaustive.h"
#include "engine/text/index.h"
#include "engine/text/search.h"
#include "platform/io/simulated_files.h"

namespace vitrine::text {
namespace {

Schema with_positions() {
  Schema schema;
  schema.positions = true;
  return schema;
}

void add(Index& index, DocumentId id, const std::vector<std::string>& words) {
  std::vector<Token> tokens;
  for (std::uint32_t i = 0; i < words.size(); ++i) tokens.push_back({words[i], i});
  const FieldTokens field{0, tokens};
  const Status added = index.add(id, std::span(&field, 1));
  ASSERT_TRUE(added.ok()) << added.error().message();
}

void fill(Index& index, std::uint32_t documents, std::uint64_t seed) {
  std::mt19937_64 random(seed);
  for (std::uint32_t d = 0; d < documents; ++d) {
    std::vector<std::string> words;
    for (std::uint64_t n = random() % 20; n > 0; --n)
      words.push_back("w" + std::to_string(random() % (1 + random() % 300)));
    add(index, d, words);
  }
}

std::vector<Hit> all_hits(const Snapshot& snapshot, const std::string& word) {
  Searcher searcher;
  SearchResult result;
  SearchOptions options;
  options.k = 100000;
  EXPECT_TRUE(searcher.search(snapshot, term(word), options, result).ok());
  return result.hits;
}

TEST(Index, FindsAtOnceWhatWasAddedAndNotWhatWasRemoved) {
  auto index = std::move(Index::create(Schema{})).value();
  add(*index, 7, {"red", "shoe"});
  EXPECT_EQ(all_hits(*index->snapshot(), "shoe").size(), 1u);
  const auto before = index->snapshot();
  add(*index, 7, {"blue", "hat"});
  EXPECT_EQ(all_hits(*index->snapshot(), "shoe").size(), 0u);
  EXPECT_EQ(all_hits(*index->snapshot(), "hat").size(), 1u);
  EXPECT_EQ(all_hits(*before, "shoe").size(), 1u) << "a snapshot does not change";
  EXPECT_TRUE(index->remove(7));
  EXPECT_FALSE(index->remove(7));
  EXPECT_EQ(index->snapshot()->documents(), 0u);
}

TEST(Index, TheSameCallsGiveTheSameBytes) {
  std::string images[2];
  for (std::string& image : images) {
    auto index = std::move(Index::create(with_positions())).value();
    fill(*index, 2000, 5);
    for (DocumentId id = 0; id < 2000; id += 7) index->remove(id);
    ASSERT_TRUE(index->compact().ok());
    image = index->snapshot()->parts()[0].segment->bytes();
  }
  EXPECT_EQ(images[0], images[1]);
}

TEST(Index, OpensAsOfTheLastFlush) {
  io::SimulatedFiles files;
  std::vector<Hit> expected;
  {
    auto index = std::move(Index::open(files, "shop", with_positions())).value();
    fill(*index, 500, 1);
    index->remove(3);
    ASSERT_TRUE(index->flush().ok());
    expected = all_hits(*index->snapshot(), "w1");
    add(*index, 9999, {"w1"});
    EXPECT_FALSE(Index::open(files, "shop", with_positions()).ok()) << "two writers";
  }
  files.crash(1);
  auto index = std::move(Index::open(files, "shop", with_positions())).value();
  EXPECT_EQ(all_hits(*index->snapshot(), "w1"), expected);
  index.reset();
  const auto other = Index::open(files, "shop", Schema{});
  ASSERT_FALSE(other.ok());
  EXPECT_EQ(other.error().code(), ErrorCode::kConflict);
}

TEST(Index, AFlushKeepsTheNoteOfWhatItFollows) {
  io::SimulatedFiles files;
  {
    auto index = std::move(Index::open(files, "shop", Schema{})).value();
    EXPECT_EQ(index->note(), "");
    add(*index, 1, {"first"});
    ASSERT_TRUE(index->flush("position 17").ok());
    add(*index, 2, {"second"});
    ASSERT_TRUE(index->flush().ok());
    EXPECT_FALSE(index->flush(std::string(Index::kNoteBytesMax + 1, 'x')).ok());
    files.cut_power_at(files.operations() + 3);
    add(*index, 3, {"third"});
    EXPECT_FALSE(index->flush("position 18").ok());
  }
  files.crash(1);
  auto index = std::move(Index::open(files, "shop", Schema{})).value();
  EXPECT_EQ(index->note(), "position 17");
  EXPECT_EQ(all_hits(*index->snapshot(), "second").size(), 1u);
  EXPECT_EQ(all_hits(*index->snapshot(), "third").size(), 0u);
}

TEST(Index, APowerCutAnywhereLosesNothingThatWasFlushed) {
  for (std::uint64_t cut = 0; cut < 40; ++cut) {
    SCOPED_TRACE(cut);
    io::SimulatedFiles files;
    bool second = false;
    {
      auto index = std::move(Index::open(files, "shop", Schema{})).value();
      add(*index, 1, {"first"});
      ASSERT_TRUE(index->flush().ok());
      files.cut_power_at(files.operations() + cut);
      add(*index, 2, {"second"});
      second = index->flush().ok();
    }
    files.crash(cut);
    auto index = Index::open(files, "shop", Schema{});
    ASSERT_TRUE(index.ok()) << index.error().message();
    EXPECT_EQ(all_hits(*(*index)->snapshot(), "first").size(), 1u);
    if (second) {
      EXPECT_EQ(all_hits(*(*index)->snapshot(), "second").size(), 1u);
    }
  }
}

TEST(Segment, RefusesEveryChangedByteOrStaysSound) {
  auto index = std::move(Index::create(with_positions())).value();
  fill(*index, 400, 2);
  const std::string image(index->snapshot()->parts()[0].segment->bytes());
  ASSERT_TRUE(Segment::from_bytes(image, Verify::kAll).ok());
  std::mt19937_64 random(3);
  for (int i = 0; i < 400; ++i) {
    std::string changed = image;
    changed[random() % changed.size()] ^= static_cast<char>(1u << (random() % 8));
    const auto opened = Segment::from_bytes(std::move(changed), Verify::kAll);
    if (opened.ok()) continue;  // a padding byte
    EXPECT_TRUE(opened.error().code() == ErrorCode::kCorrupt ||
                opened.error().code() == ErrorCode::kUnsupported);
    EXPECT_NE(opened.error().message().find("text segment"), std::string::npos);
  }
  for (const std::size_t size :
       {std::size_t{0}, std::size_t{31}, std::size_t{100}, image.size() - 1})
    EXPECT_FALSE(Segment::from_bytes(image.substr(0, size), Verify::kAll).ok());
}

TEST(Segment, InfoAddsUpToItsLists) {
  auto index = std::move(Index::create(Schema{})).value();
  fill(*index, 3000, 4);
  const SegmentInfo info = index->snapshot()->parts()[0].segment->info();
  EXPECT_EQ(info.varints.postings + info.elias_fano.postings + info.packed.postings +
                info.windowed.postings,
            info.postings);
  EXPECT_EQ(info.varints.bytes + info.elias_fano.bytes + info.packed.bytes + info.windowed.bytes,
            info.postings_bytes);
  EXPECT_EQ(info.varints.lists + info.elias_fano.lists + info.packed.lists + info.windowed.lists,
            info.terms);
  EXPECT_EQ(info.window_bytes.postings + info.window_bitmap.postings, info.windowed.postings);
  // And list by list.
  std::uint64_t bytes = 0, windowed = 0;
  const auto snapshot = index->snapshot();
  snapshot->for_each_term("", [&](std::string_view term, std::uint64_t frequency) {
    const ListInfo list = snapshot->parts()[0].segment->list_info(term);
    EXPECT_EQ(list.postings, frequency);
    EXPECT_EQ(list.window_bytes.postings + list.window_bitmap.postings,
              list.codec == "windowed" ? frequency : 0);
    bytes += list.bytes;
    windowed += list.codec == "windowed" ? 1 : 0;
    return true;
  });
  EXPECT_EQ(bytes, info.postings_bytes);
  EXPECT_EQ(windowed, info.windowed.lists);
  EXPECT_EQ(snapshot->parts()[0].segment->list_info("absent").postings, 0u);
}

TEST(Segment, FindsEveryTermOfTheDictionaryAndNoOther) {
  for (const bool positions : {false, true}) {
    for (const std::uint32_t most : {1u, 31u, 32u, 33u, 64u, 5000u}) {
      std::mt19937_64 random(most);
      std::set<std::string> words;
      while (words.size() < most) {
        // Short ones, long ones, and hundreds that share their first 8 bytes.
        std::string word = random() % 3 == 0 ? "documentation" : "";
        for (std::uint64_t n = 1 + random() % (random() % 50 == 0 ? 200 : 6); n > 0; --n)
          word += static_cast<char>(random() % 20 == 0 ? 255 : 'a' + random() % 4);
        words.insert(std::move(word));
      }
      Schema schema;
      schema.positions = positions;
      auto index = std::move(Index::create(schema)).value();
      DocumentId id = 0;
      for (const std::string& word : words) {
        for (std::uint64_t n = random() % 3 == 0 ? 1 + random() % 20 : 1; n > 0; --n)
          add(*index, id++, {word});
      }
      const auto snapshot = index->snapshot();
      std::map<std::string, std::uint64_t> frequencies;
      snapshot->for_each_term("", [&](std::string_view term, std::uint64_t frequency) {
        frequencies[std::string(term)] = frequency;
        return true;
      });
      ASSERT_EQ(frequencies.size(), words.size());
      for (const std::string& word : words) {
        ASSERT_EQ(snapshot->document_frequency(word), frequencies[word]) << word;
        for (const std::string& other :
             {word + "a", word + '\xff', word.substr(0, word.size() - 1), "a" + word})
          ASSERT_EQ(snapshot->document_frequency(other) > 0, words.contains(other)) << other;
      }
      for (const char* other : {"", "a", "zzz", "\xff\xff\xff"})
        ASSERT_EQ(snapshot->document_frequency(other) > 0, words.contains(other)) << other;
    }
  }
}

}  // namespace
}  // namespace vitrine::text
