#include <algorithm>
#include <cmath>

#include <gtest/gtest.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/bytes.h"
#include "base/decay.h"
#include "base/edit_distance.h"
#include "base/executor.h"
#include "base/hash.h"
#include "base/ids.h"
#include "base/progress.h"
#include "base/result.h"

namespace vitrine {
namespace {

static_assert(!std::is_convertible_v<TenantId, ItemIndex>);
static_assert(!std::is_convertible_v<std::uint32_t, TenantId>);

Result<int> half(int value) {
  if (value % 2 != 0) return Error(ErrorCode::kInvalidArgument, "odd");
  return value / 2;
}

Result<int> quarter(int value) {
  VITRINE_TRY(auto once, half(value));
  VITRINE_TRY(auto twice, half(once));
  return twice;
}

TEST(Result, TryUnwrapsValuesAndLeavesWithTheFirstError) {
  EXPECT_EQ(quarter(8).value(), 2);
  EXPECT_EQ(quarter(6).error().code(), ErrorCode::kInvalidArgument);
}

TEST(Error, ContextIsPutInFrontOfTheMessage) {
  Error error(ErrorCode::kCorrupt, "checksum differs");
  EXPECT_EQ(std::move(error).context("block 3").context("file a").to_string(),
            "corrupt: file a: block 3: checksum differs");
}

TEST(Error, AReasonAndARetryTimeSurviveContextAndCopies) {
  EXPECT_EQ(Error(ErrorCode::kExhausted, "x").reason(), "exhausted");
  EXPECT_EQ(Error(ErrorCode::kExhausted, "x").retry_after_s(), 0u);
  const Error error = Error(ErrorCode::kExhausted, "events per second")
                          .with_reason("quota_exceeded")
                          .with_retry_after(3)
                          .context("tenant shoes");
  const Error copy = error;
  EXPECT_EQ(copy.reason(), "quota_exceeded");
  EXPECT_EQ(copy.retry_after_s(), 3u);
  EXPECT_EQ(copy.code(), ErrorCode::kExhausted);
}

TEST(Error, AFullDiskIsExhaustedAndOtherDiskErrorsAreIo) {
  EXPECT_EQ(io_error("write", "f", ENOSPC).code(), ErrorCode::kExhausted);
  EXPECT_EQ(io_error("write", "f", EIO).code(), ErrorCode::kIo);
}

TEST(Executor, BackgroundThreadsAndWhatTheyStartGiveWayAndOthersDoNot) {
  const auto niceness = [] { return ::getpriority(PRIO_PROCESS, static_cast<id_t>(::gettid())); };
  const int own = niceness();
  int background = -100, inherited = -100, plain = -100;
  background_executor()
      .run_thread(
          "background",
          [&] {
            background = niceness();
            thread_executor().run_thread("started", [&] { inherited = niceness(); })->wait();
          })
      ->wait();
  thread_executor().run_thread("plain", [&] { plain = niceness(); })->wait();
  EXPECT_EQ(background, std::max(own, 10));
  EXPECT_EQ(inherited, background);
  EXPECT_EQ(plain, own);
  EXPECT_EQ(niceness(), own);
}

TEST(EditDistance, CountsInsertionsDeletionsAndReplacements) {
  EXPECT_EQ(edit_distance("", ""), 0u);
  EXPECT_EQ(edit_distance("", "abc"), 3u);
  EXPECT_EQ(edit_distance("colour", "color"), 1u);
  EXPECT_EQ(edit_distance("kitten", "sitting"), 3u);
  EXPECT_EQ(edit_distance("sitting", "kitten"), 3u);
}

TEST(Bytes, WhatIsWrittenIsReadBack) {
  std::string out;
  ByteWriter w(out);
  const std::uint64_t values[] = {0, 1, 127, 128, 300, 1ull << 63, ~0ull};
  for (auto v : values) w.varint(v);
  w.i64(-5);
  w.f64(2.5);
  w.string("käse");
  ByteReader r(out);
  for (auto v : values) EXPECT_EQ(r.varint(), v);
  EXPECT_EQ(r.i64(), -5);
  EXPECT_EQ(r.f64(), 2.5);
  EXPECT_EQ(r.string(), "käse");
  EXPECT_TRUE(r.at_end());
}

TEST(Bytes, EveryTruncationIsNoticedAndReadsNothingOutside) {
  std::string out;
  ByteWriter w(out);
  w.u32(7);
  w.varint(1u << 20);
  w.string("abcdef");
  for (std::size_t size = 0; size < out.size(); ++size) {
    ByteReader r(std::string_view(out).substr(0, size));
    r.u32();
    r.varint();
    r.string();
    EXPECT_FALSE(r.ok()) << size;
  }
}

TEST(Bytes, AVarintOfMoreThan64BitsIsRefused) {
  const std::string eleven(11, '\xff');
  ByteReader r(eleven);
  r.varint();
  EXPECT_FALSE(r.ok());
}

TEST(Decay, FollowsPowersOfTwoWithinItsResolution) {
  for (int i = 0; i < 20000; i += 7) {
    const double exact = std::exp2(-i / 1000.0);
    EXPECT_NEAR(decay_factor(i, 1000) / exact, 1.0, 2e-4) << i;
  }
  EXPECT_EQ(decay_factor(0, 10), 1.0);
  EXPECT_EQ(decay_factor(-5, 10), 1.0);
  EXPECT_EQ(decay_factor(10, 10), 0.5);
  EXPECT_EQ(decay_factor(640, 10), 0.0);
}

TEST(Hash, ValuesAreStableBecauseTheyAreOnDisk) {
  EXPECT_EQ(hash64("vitrine"), hash64("vitrine"));
  EXPECT_EQ(hash64(""), 0x2d06800538d394c2ull);  // published test value of XXH3
  Hasher h;
  h.update("ab");
  h.update("c");
  EXPECT_EQ(h.finish(), hash128("abc"));
}

TEST(Progress, NumbersAreWrittenForPeople) {
  EXPECT_EQ(human_count(980), "980");
  EXPECT_EQ(human_count(12'300'000), "12.30 M");
  EXPECT_EQ(human_bytes(1536), "1.5 KiB");
  EXPECT_EQ(human_duration(0.13), "130 ms");
  EXPECT_EQ(human_duration(3723), "1:02:03");
}

}  // namespace
}  // namespace vitrine
