// The fast search against scoring every document, for every kind of query, with ties, filters,
// removals, several segments and fields, at each instruction level.
#include "engine/text/search.h"

#include <random>

#include <gtest/gtest.h>

#include "engine/text/exhaustive.h"
#include "engine/text/index.h"

namespace vitrine::text {
namespace {

struct Random {
  std::mt19937_64 engine;
  std::uint32_t below(std::uint32_t n) { return static_cast<std::uint32_t>(engine() % n); }
};

std::string word(std::uint32_t i) { return "w" + std::to_string(i); }

// Few words with steep frequencies: lists of every density, many equal scores.
std::uint32_t some_word(Random& random, std::uint32_t words) {
  const std::uint32_t r = random.below(1000);
  return r < 500 ? random.below(6) : r < 900 ? random.below(60) : random.below(words);
}

struct Corpus {
  std::unique_ptr<Index> index;
  std::uint32_t documents = 0;
};

void add_document(Index& index, DocumentId id, Random& random, std::uint32_t words) {
  std::vector<std::vector<std::string>> texts(index.schema().fields.size());
  std::vector<std::vector<Token>> tokens(texts.size());
  std::vector<FieldTokens> fields;
  for (std::uint8_t f = 0; f < texts.size(); ++f) {
    const std::uint32_t length = random.below(f == 0 ? 9 : 40) + (random.below(8) == 0 ? 60 : 0);
    for (std::uint32_t i = 0; i < length; ++i) texts[f].push_back(word(some_word(random, words)));
    for (std::uint32_t i = 0; i < length; ++i) tokens[f].push_back({texts[f][i], i});
    fields.push_back({f, tokens[f]});
  }
  const Status added = index.add(id, fields);
  ASSERT_TRUE(added.ok()) << added.error().message();
}

Query random_query(Random& random, std::uint32_t words, std::uint32_t fields, bool phrases,
                   int depth = 0) {
  const auto leaf = [&] {
    const std::uint32_t kind = random.below(20);
    const float boost = random.below(4) == 0 ? 0.5f * static_cast<float>(random.below(5)) : 1.0f;
    if (fields > 1 && kind > 15) {
      const std::string field = "f" + std::to_string(random.below(fields));
      if (kind == 16) return in_field(field, prefix("w" + std::to_string(random.below(9)), boost));
      if (kind == 17 && phrases) {
        return in_field(field, phrase({word(some_word(random, words)), word(random.below(6))}));
      }
      return in_field(field, term(word(some_word(random, words + 3)), boost));
    }
    if (kind == 0) return prefix("w" + std::to_string(random.below(9)), boost);
    if (kind <= 3 && phrases) {
      std::vector<std::string> terms;
      for (std::uint32_t n = 1 + random.below(3); terms.size() < n;)
        terms.push_back(word(some_word(random, words)));
      return phrase(terms, boost);
    }
    return term(word(some_word(random, words + 3)), boost);
  };
  if (depth > 2 || random.below(5) == 0) return leaf();
  std::vector<Query> children;
  for (std::uint32_t n = 1 + random.below(4); children.size() < n;)
    children.push_back(
        random.below(3) == 0 ? random_query(random, words, fields, phrases, depth + 1) : leaf());
  const std::uint32_t kind = random.below(10);
  if (kind < 4) return any_of(std::move(children));
  if (kind < 7) {
    if (random.below(3) == 0) children.push_back(none_of(leaf()));
    if (random.below(5) == 0) children.push_back(filter_by(leaf()));
    return all_of(std::move(children));
  }
  if (kind < 9) return any_of(std::move(children), 1 + random.below(3));
  return all_of({leaf(), any_of(std::move(children))});
}

// `all` is what search_exhaustively() gives.
void expect_same(const Snapshot& snapshot, const Query& query, const SearchOptions& options,
                 const std::vector<Hit>& all, Searcher& searcher) {
  SearchResult result;
  const Status searched = searcher.search(snapshot, query, options, result);
  ASSERT_TRUE(searched.ok()) << searched.error().message();
  if (options.exact_count) {
    EXPECT_EQ(result.count, all.size());
  }
  const std::size_t k = std::min<std::size_t>(options.k, all.size());
  ASSERT_EQ(result.hits.size(), k) << to_string(query);
  for (std::size_t i = 0; i < k; ++i) {
    ASSERT_EQ(result.hits[i].id, all[i].id) << "place " << i << " of " << to_string(query);
    ASSERT_EQ(result.hits[i].score, all[i].score) << "place " << i << " of " << to_string(query);
  }
  if (options.matches == nullptr) return;
  IdSet wanted;
  for (const Hit& hit : all) wanted.add(hit.id);
  EXPECT_EQ(result.count, all.size());
  ASSERT_EQ(options.matches->count(), all.size()) << to_string(query);
  for (const Hit& hit : all) ASSERT_TRUE(options.matches->contains(hit.id)) << to_string(query);
}

// Asked one by one, documents score as in a search; those that do not match say so.
void expect_same_scores(const Snapshot& snapshot, const Query& query, Random& random,
                        const std::vector<Hit>& all, Searcher& searcher) {
  std::vector<DocumentId> ids;
  std::vector<float> wanted;
  for (int i = 0; i < 40; ++i) {
    const bool found = !all.empty() && random.below(2) == 0;
    ids.push_back(found ? all[random.below(static_cast<std::uint32_t>(all.size()))].id
                        : random.below(7000));
    const auto hit =
        std::find_if(all.begin(), all.end(), [&](const Hit& h) { return h.id == ids.back(); });
    wanted.push_back(hit == all.end() ? Searcher::kNoScore : hit->score);
  }
  std::vector<float> scores;
  const Status scored = searcher.score_each(snapshot, query, ids, scores);
  ASSERT_TRUE(scored.ok()) << scored.error().message();
  EXPECT_EQ(scores, wanted) << to_string(query);
}

void check_many(const Snapshot& snapshot, Random& random, std::uint32_t words, int queries) {
  Searcher searcher;
  IdSet filter;
  for (std::uint32_t i = 0; i < 3000; ++i)
    if (random.below(3) == 0) filter.add(i * 2);
  for (int q = 0; q < queries; ++q) {
    const auto fields = static_cast<std::uint32_t>(snapshot.schema().fields.size());
    const Query query = random_query(random, words, fields, snapshot.schema().positions);
    SCOPED_TRACE(to_string(query));
    SearchOptions options;
    options.k = random.below(3) == 0 ? 1 + random.below(200) : 10;
    options.exact_count = random.below(3) == 0;
    if (random.below(3) == 0) options.filter = &filter;
    const bool gather = random.below(3) == 0;
    const std::vector<Hit> all = search_exhaustively(snapshot, query, options.filter);
    for (const simd::Level level : {simd::Level::kScalar, simd::active_level()}) {
      options.level = level;
      IdSet matches;
      options.matches = gather ? &matches : nullptr;
      expect_same(snapshot, query, options, all, searcher);
      if (testing::Test::HasFatalFailure()) return;
    }
    options.matches = nullptr;
    if (options.filter != nullptr) continue;
    expect_same_scores(snapshot, query, random, all, searcher);
    if (testing::Test::HasFatalFailure()) return;
  }
}

Schema schema_of(int fields, bool positions) {
  Schema schema;
  schema.positions = positions;
  schema.fields.clear();
  for (int f = 0; f < fields; ++f)
    schema.fields.push_back({"f" + std::to_string(f), f == 0 ? 1.0f : 0.4f, f == 1 ? 0.3f : 0.75f});
  return schema;
}

TEST(Search, AgreesWithScoringEveryDocument) {
  for (std::uint64_t seed = 0; seed < 6; ++seed) {
    SCOPED_TRACE(seed);
    Random random{std::mt19937_64(seed)};
    const int fields = seed % 3 == 2 ? 3 : 1;
    auto index = std::move(Index::create(schema_of(fields, seed % 2 == 0))).value();
    const std::uint32_t documents = 300 + random.below(4000);
    for (std::uint32_t d = 0; d < documents; ++d) add_document(*index, d, random, 800);
    check_many(*index->snapshot(), random, 800, 80);
    if (HasFatalFailure()) return;
  }
}

TEST(Search, AgreesAfterUpdatesRemovalsAndMerges) {
  for (std::uint64_t seed = 10; seed < 14; ++seed) {
    SCOPED_TRACE(seed);
    Random random{std::mt19937_64(seed)};
    IndexOptions options;
    options.merge_width = 3;
    options.merge_inline_documents = 200;
    options.reorder = seed == 13;
    options.reorder_documents_min = 500;
    auto index = std::move(Index::create(schema_of(2, true), options)).value();
    for (int round = 0; round < 8; ++round) {
      for (int i = 0; i < 250; ++i) add_document(*index, random.below(6000), random, 500);
      for (int i = 0; i < 120; ++i) index->remove(random.below(6000));
      index->snapshot();
      if (round % 3 == 2) {
        ASSERT_TRUE(index->merge_step().ok());
      }
    }
    check_many(*index->snapshot(), random, 500, 60);
    if (HasFatalFailure()) return;
    ASSERT_TRUE(index->compact().ok());
    EXPECT_EQ(index->info().segments, 1u);
    EXPECT_EQ(index->info().removed, 0u);
    check_many(*index->snapshot(), random, 500, 60);
    if (HasFatalFailure()) return;
  }
}

TEST(Search, ADocumentReplacedBeforeASnapshotIsFoundAsItsLatestFormOnly) {
  auto index = std::move(Index::create(schema_of(1, false))).value();
  const auto put = [&](DocumentId id, std::string_view text) {
    const Token token{text, 0};
    const FieldTokens field{0, std::span(&token, 1)};
    ASSERT_TRUE(index->add(id, std::span(&field, 1)).ok());
  };
  put(1, "old");
  put(1, "new");
  put(7, "old");
  index->remove(7);
  put(7, "other");
  EXPECT_TRUE(index->snapshot()->contains(1));
  put(1, "newest");
  const auto snapshot = index->snapshot();
  Searcher searcher;
  SearchResult result;
  for (const auto& [text, found] : {std::pair{"old", 0}, {"new", 0}, {"newest", 1}, {"other", 1}}) {
    ASSERT_TRUE(searcher.search(*snapshot, term(text), {}, result).ok());
    EXPECT_EQ(result.hits.size(), static_cast<std::size_t>(found)) << text;
  }
  EXPECT_EQ(snapshot->documents(), 2u);
}

// Lists that are too sparse for windows: conjunctions and, where nothing is removed, unions are
// driven by them, in every mixture with dense ones.
TEST(Search, AgreesOnManyDocumentsWithSparseLists) {
  Random random{std::mt19937_64(20)};
  auto index = std::move(Index::create(schema_of(1, true))).value();
  const std::uint32_t documents = 60'000;
  for (std::uint32_t d = 0; d < documents; ++d) {
    // Few words each: w0 to w2 are dense, the next ones have some hundreds, the rest a few.
    std::vector<std::string> words;
    if (random.below(3) == 0) words.push_back(word(random.below(3)));
    words.push_back(word(3 + random.below(120)));
    if (random.below(2) == 0) words.push_back(word(3 + random.below(60)));
    if (random.below(4) == 0) words.push_back(word(123 + random.below(2000)));
    if (random.below(50) == 0) words.insert(words.end(), random.below(30), words.back());
    std::vector<Token> tokens;
    for (std::uint32_t i = 0; i < words.size(); ++i) tokens.push_back({words[i], i});
    const FieldTokens field{0, tokens};
    ASSERT_TRUE(index->add(d, std::span(&field, 1)).ok());
  }
  check_many(*index->snapshot(), random, 400, 10);
  if (HasFatalFailure()) return;
  check_many(*index->snapshot(), random, 2500, 6);
  if (HasFatalFailure()) return;
  for (DocumentId id = 0; id < 300; ++id) index->remove(id * 13);
  const auto snapshot = index->snapshot();
  const SegmentInfo info = snapshot->parts()[0].segment->info();
  EXPECT_GT(info.packed.lists, 50u);
  EXPECT_GT(info.windowed.lists, 1u);
  check_many(*snapshot, random, 200, 10);
  if (HasFatalFailure()) return;
  check_many(*snapshot, random, 2500, 6);
  if (HasFatalFailure()) return;
}

// Phrases by themselves, of words of every frequency: driven by a short list, or by windows.
TEST(Search, PhrasesOfRareAndFrequentWordsAgree) {
  Random random{std::mt19937_64(21)};
  auto index = std::move(Index::create(schema_of(1, true))).value();
  for (std::uint32_t d = 0; d < 20'000; ++d) {
    std::vector<std::string> words;
    for (std::uint32_t n = 1 + random.below(8); words.size() < n;)
      words.push_back(word(random.below(2) == 0 ? random.below(4) : random.below(300)));
    std::vector<Token> tokens;
    for (std::uint32_t i = 0; i < words.size(); ++i) tokens.push_back({words[i], i});
    const FieldTokens field{0, tokens};
    ASSERT_TRUE(index->add(d, std::span(&field, 1)).ok());
  }
  const auto snapshot = index->snapshot();
  ASSERT_GT(snapshot->parts()[0].segment->info().packed.lists, 50u);
  ASSERT_GT(snapshot->parts()[0].segment->info().windowed.lists, 3u);
  Searcher searcher;
  std::uint64_t found = 0;
  for (int q = 0; q < 60; ++q) {
    std::vector<std::string> terms;
    for (std::uint32_t n = 2 + random.below(2); terms.size() < n;)
      terms.push_back(word(random.below(2) == 0 ? random.below(4) : random.below(300)));
    const Query query =
        q % 3 == 0 ? all_of({phrase(terms), term(word(random.below(8)))}) : phrase(terms);
    const std::vector<Hit> all = search_exhaustively(*snapshot, query, nullptr);
    found += all.size();
    SearchOptions options;
    options.exact_count = q % 4 == 0;
    for (const simd::Level level : {simd::Level::kScalar, simd::active_level()}) {
      options.level = level;
      expect_same(*snapshot, query, options, all, searcher);
      if (HasFatalFailure()) return;
    }
  }
  EXPECT_GT(found, 1000u);
}

}  // namespace
}  // namespace vitrine::text
