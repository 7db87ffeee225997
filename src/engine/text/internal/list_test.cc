// Every codec: what is written is read again, at every instruction level, and passes its check.
#include <map>
#include <random>

#include <gtest/gtest.h>

#include "engine/text/internal/eval.h"
#include "engine/text/internal/leaf_data.h"
#include "engine/text/internal/list_encoder.h"
#include "engine/text/internal/list_view.h"

namespace vitrine::text::internal {
namespace {

// A segment of `documents` with lengths that differ, without any list.
struct Documents {
  explicit Documents(std::uint32_t n) : lengths(n) {
    for (std::uint32_t d = 0; d < n; ++d) lengths[d] = static_cast<std::uint8_t>(1 + d * 7 % 40);
    Schema schema;
    const float average[1] = {17.0f};
    inverse = make_inverse_norms(schema, average);
    classes = make_classes(n, 1, lengths, inverse);
    scoring.documents = n;
    scoring.inverse = inverse.data();
    scoring.lengths = lengths.data();
    scoring.classes = classes.of_document.data();
    scoring.class_inverse = classes.inverse.data();
    scoring.combination_count = kOccurrencesMax;
  }
  std::vector<std::uint8_t> lengths;
  std::vector<float> inverse;
  Classes classes;
  Scoring scoring;
};

std::vector<RawPosting> random_list(std::mt19937_64& random, std::uint32_t documents,
                                    std::uint32_t wanted, std::uint32_t clusters) {
  std::map<std::uint32_t, std::uint32_t> list;
  while (list.size() < wanted) {
    // Some lists lie in a few places, as those of ordered documents do.
    const auto at = static_cast<std::uint32_t>(
        clusters == 0 ? random() % documents
                      : (random() % clusters) * (documents / clusters) + random() % (wanted + 1));
    const std::uint64_t r = random() % 100;
    list[at % documents] = static_cast<std::uint32_t>(r < 70   ? 0
                                                      : r < 98 ? random() % 4
                                                               : random() % 254);
  }
  std::vector<RawPosting> postings;
  for (const auto& [document, combination] : list) postings.push_back({document, combination});
  return postings;
}

TEST(Lists, ReadAsTheyWereWritten) {
  std::mt19937_64 random(1);
  std::uint32_t packed = 0, windowed = 0;
  for (const std::uint32_t documents : {200u, 3000u, 100'000u, 300'000u}) {
    const Documents all(documents);
    for (const std::uint32_t wanted :
         {1u, 2u, 3u, 17u, 127u, 128u, 129u, 150u, 255u, 700u, 2500u, 20'000u}) {
      for (const std::uint32_t clusters : {0u, 1u, 3u}) {
        if (wanted > documents / 2) continue;
        SCOPED_TRACE(std::to_string(documents) + " " + std::to_string(wanted));
        const auto postings = random_list(random, documents, wanted, clusters);
        const auto n = static_cast<std::uint32_t>(postings.size());
        ListEncoder encoder(all.scoring, nullptr);
        std::string bytes = "before";
        encoder.encode(postings, bytes);
        const std::string padded = bytes + std::string(kImagePadding, '\0');
        const auto list = std::string_view(padded).substr(6, bytes.size() - 6);
        const Status good = check_list(list, n, all.scoring);
        ASSERT_TRUE(good.ok()) << good.error().message();
        std::vector<RawPosting> read;
        decode_list(list, n, documents, read);
        ASSERT_EQ(read.size(), n);
        for (std::uint32_t i = 0; i < n; ++i) {
          ASSERT_EQ(read[i].document, postings[i].document);
          ASSERT_EQ(read[i].combination, postings[i].combination);
        }
        ListView view;
        if (n <= kTinyMax || !view_list(list, n, documents, view)) continue;
        (view.windowed() ? windowed : packed) += 1;
      }
    }
  }
  EXPECT_GT(packed, 10u);
  EXPECT_GT(windowed, 10u);
}

TEST(Lists, ShortenedOrChangedListsAreRefusedOrSound) {
  const Documents all(50'000);
  std::mt19937_64 random(2);
  for (const std::uint32_t wanted : {1u, 5u, 90u, 200u, 3000u}) {
    const auto postings = random_list(random, 50'000, wanted, wanted % 2 * 2);
    ListEncoder encoder(all.scoring, nullptr);
    std::string bytes;
    encoder.encode(postings, bytes);
    const auto n = static_cast<std::uint32_t>(postings.size());
    for (int i = 0; i < 300; ++i) {
      std::string changed = bytes;
      if (i % 3 == 0) changed.resize(random() % changed.size());
      for (int j = 0; j <= i % 2 && !changed.empty(); ++j)
        changed[random() % changed.size()] ^= static_cast<char>(1u << (random() % 8));
      const std::size_t size = changed.size();
      changed.resize(size + kImagePadding);
      const auto list = std::string_view(changed).substr(0, size);
      if (!check_list(list, n, all.scoring).ok()) continue;
      std::vector<RawPosting> read;
      decode_list(list, n, 50'000, read);
      ASSERT_EQ(read.size(), n);
      for (const RawPosting& p : read) ASSERT_LT(p.document, 50'000u);
    }
  }
}

TEST(Lists, KernelsOfEveryLevelAgree) {
  if (!avx512_usable()) GTEST_SKIP() << "one level only";
  std::mt19937_64 random(3);
  for (int round = 0; round < 400; ++round) {
    const auto n = static_cast<std::uint32_t>(1 + random() % 128);
    const auto low = static_cast<std::uint32_t>(random() % 27);
    // Lows and gaps at random: any unary part is a good one.
    std::string bits(1 + random() % 3, '\0');
    const std::uint64_t begin = random() % (8 * bits.size());
    std::vector<bool> stream(begin);
    for (std::uint32_t i = 0; i < n * low; ++i) stream.push_back(random() % 2 == 0);
    for (std::uint32_t i = 0; i < n; ++i) {
      for (std::uint64_t zeros = random() % (random() % 10 == 0 ? 90 : 3); zeros > 0; --zeros)
        stream.push_back(false);
      stream.push_back(true);
    }
    bits.assign(stream.size() / 8 + 1 + kImagePadding, '\0');
    for (std::size_t i = 0; i < stream.size(); ++i)
      if (stream[i]) bits[i / 8] = static_cast<char>(bits[i / 8] | 1 << (i % 8));
    const auto* base = reinterpret_cast<const std::uint8_t*>(bits.data());
    std::vector<std::uint32_t> plain(n), scalar(n + 64), wide(n + 64);
    const std::uint64_t end = decode_run(base, begin, n, low, 7, plain.data());
    EXPECT_EQ(end, stream.size());
    EXPECT_EQ(kEvalScalar.run_of(base, begin, n, low, 7, scalar.data()), end);
    EXPECT_EQ(kEvalAvx512.run_of(base, begin, n, low, 7, wide.data()), end);
    scalar.resize(n);
    wide.resize(n);
    ASSERT_EQ(scalar, plain);
    ASSERT_EQ(wide, plain);
    for (std::uint32_t width = 0; width <= 4; ++width) {
      std::vector<std::uint8_t> a(n + 16), b(n + 16);
      kEvalScalar.spread(base, n, width, a.data());
      kEvalAvx512.spread(base, n, width, b.data());
      a.resize(n);
      b.resize(n);
      ASSERT_EQ(a, b);
    }
    alignas(64) std::uint8_t table[256];
    for (std::uint8_t& t : table) t = static_cast<std::uint8_t>(random());
    std::vector<std::uint8_t> a(128), b(128);
    kEvalScalar.expand(base, 128, table, a.data());
    kEvalAvx512.expand(base, 128, table, b.data());
    ASSERT_EQ(a, b);
    std::vector<std::uint8_t> classes(500 + 64), codes(n + 16);
    for (std::uint8_t& c : classes) c = static_cast<std::uint8_t>(random() % kClasses);
    const auto code_bits = static_cast<std::uint32_t>(random() % 5);
    for (std::uint8_t& c : codes) c = static_cast<std::uint8_t>(random() % (1u << code_bits));
    std::vector<std::uint32_t> documents(n + 16);
    for (std::uint32_t& d : documents) d = static_cast<std::uint32_t>(random() % 500);
    a.assign(n + 16, 0);
    b.assign(n + 16, 0);
    kEvalScalar.bounds_of(documents.data(), codes.data(), n, classes.data(), code_bits, table,
                          a.data());
    kEvalAvx512.bounds_of(documents.data(), codes.data(), n, classes.data(), code_bits, table,
                          b.data());
    a.resize(n);
    b.resize(n);
    ASSERT_EQ(a, b);
  }
}

// What searches driven by short lists do with their candidates.
TEST(Lists, KernelsOfEveryLevelAgreeOnCandidates) {
  if (!avx512_usable()) GTEST_SKIP() << "one level only";
  std::mt19937_64 random(4);
  for (int round = 0; round < 300; ++round) {
    SCOPED_TRACE(round);
    const auto rising = [&](std::uint32_t n, std::uint32_t behind) {
      std::vector<std::uint32_t> v;
      for (std::uint32_t i = 0, d = 0; i < n; ++i)
        v.push_back(d += 1 + static_cast<std::uint32_t>(random() % (random() % 9 == 0 ? 3000 : 9)));
      v.resize(n + std::size_t{behind}, 0xFFFFFFFFu);
      return v;
    };
    const auto n = static_cast<std::uint32_t>(random() % 200);
    const std::vector<std::uint32_t> run = rising(static_cast<std::uint32_t>(random() % 300), 32);
    const std::vector<std::uint32_t> wanted = rising(n, 64);
    std::vector<std::uint32_t> places(n), other_places(n);
    kEvalScalar.find_each(run.data(), wanted.data(), n, places.data());
    kEvalAvx512.find_each(run.data(), wanted.data(), n, other_places.data());
    ASSERT_EQ(places, other_places);
    std::vector<std::uint32_t> found[2][2];
    for (int at = 0; const auto* kernels : {&kEvalScalar, &kEvalAvx512}) {
      for (auto& v : found[at]) v.resize(n + std::size_t{16});
      const std::uint32_t some =
          kernels->found_among(places.data(), n, 5, found[at][0].data(), found[at][1].data());
      for (auto& v : found[at]) v.resize(some);
      ++at;
    }
    ASSERT_EQ(found[0][0], found[1][0]);
    ASSERT_EQ(found[0][1], found[1][1]);

    Leaf leaf;
    leaf.first_window = 64 * static_cast<std::uint32_t>(random() % 2);
    std::vector<std::uint8_t> maxima(512 + 4);
    for (std::uint8_t& m : maxima) m = static_cast<std::uint8_t>(random() % 3 == 0 ? 0 : random());
    leaf.windows = static_cast<std::uint32_t>(random() % 512);
    leaf.maxima = maxima.data();
    const auto weight = static_cast<std::uint32_t>(random() % 65536);
    struct Arrays {
      std::vector<std::uint32_t> documents, origins;
      std::vector<std::uint16_t> bounds;
      std::vector<std::uint8_t> marks;
      bool operator==(const Arrays&) const = default;
    };
    Arrays a{wanted, rising(n, 64), std::vector<std::uint16_t>(n + 64),
             std::vector<std::uint8_t>(n + 64)};
    for (std::uint16_t& b : a.bounds) b = static_cast<std::uint16_t>(random() % 300);
    for (std::uint8_t& m : a.marks) m = static_cast<std::uint8_t>(random() % 2);
    Arrays b = a;
    const bool smaller = random() % 2 == 0, marked = random() % 2 == 0;
    const auto limit = static_cast<std::uint32_t>(random() % 300);
    std::uint32_t kept[2];
    int level = 0;
    std::vector<std::uint32_t> collected[2];
    for (auto [kernels, arrays] : {std::pair{&kEvalScalar, &a}, {&kEvalAvx512, &b}}) {
      kernels->add_maxima(arrays->documents.data(), n, leaf, weight, smaller, arrays->bounds.data(),
                          arrays->marks.data());
      collected[level].resize(n + std::size_t{64});
      collected[level].resize(kernels->collect(arrays->bounds.data(), n, limit / 2, limit + 1,
                                               collected[level].data()));
      kept[level++] = kernels->keep(arrays->documents.data(), arrays->bounds.data(),
                                    arrays->origins.data(), arrays->marks.data(), n, marked, limit);
      arrays->documents.resize(kept[level - 1]);
      arrays->origins.resize(kept[level - 1]);
      arrays->bounds.resize(kept[level - 1]);
      arrays->marks.resize(n);
    }
    ASSERT_EQ(kept[0], kept[1]);
    ASSERT_EQ(a, b);
    ASSERT_EQ(collected[0], collected[1]);
    for (const std::uint32_t c : collected[0]) ASSERT_LT(c, n);

    alignas(64) std::uint8_t scaled[2][256];
    float bounds[256];
    for (float& f : bounds) f = static_cast<float>(random() % 1000) / 1000.0f;
    const float highest = static_cast<float>(random() % 1000) / 1000.0f;
    const float scale = static_cast<float>(random() % 400);
    kEvalScalar.scale(bounds, 256, highest, scale, scaled[0]);
    kEvalAvx512.scale(bounds, 256, highest, scale, scaled[1]);
    ASSERT_EQ(std::string_view(reinterpret_cast<char*>(scaled[0]), 256),
              std::string_view(reinterpret_cast<char*>(scaled[1]), 256));

    std::vector<std::uint8_t> counts(512);
    leaf.nibble_counts = random() % 2 == 0;
    for (std::uint32_t w = 0; w < leaf.windows; ++w)
      counts[leaf.nibble_counts ? w / 2 : w] |= static_cast<std::uint8_t>(
          leaf.nibble_counts ? (random() % 16) << (w % 2 * 4) : random() % 129);
    leaf.counts = counts.data();
    std::vector<std::uint32_t> groups(16), other_groups(16);
    kEvalScalar.count_groups(leaf, groups.data());
    kEvalAvx512.count_groups(leaf, other_groups.data());
    ASSERT_EQ(groups, other_groups);
    for (std::uint32_t w = 0; w < leaf.windows; ++w)
      ASSERT_EQ(kEvalScalar.count_before(leaf, w), kEvalAvx512.count_before(leaf, w));
  }
}

}  // namespace
}  // namespace vitrine::text::internal
