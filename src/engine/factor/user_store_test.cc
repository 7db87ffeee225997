#include "engine/factor/user_store.h"

#include <gtest/gtest.h>

#include "engine/factor/ials.h"
#include "engine/vec/random.h"
#include "platform/io/simulated_files.h"

namespace vitrine::factor {
namespace {

spectral::Interactions some_data(std::uint32_t users) {
  vec::Random random(1);
  std::vector<std::pair<std::uint32_t, std::uint32_t>> pairs;
  for (std::uint32_t u = 0; u < users; ++u) {
    for (std::uint64_t k = random.below(5); k > 0; --k) {
      pairs.emplace_back(u, static_cast<std::uint32_t>(random.below(40)));
    }
  }
  return spectral::Interactions::build(users, 40, std::move(pairs));
}

TEST(FileUsers, ReadBackWhatMemoryHolds) {
  io::SimulatedFiles files;
  const auto data = some_data(5000);  // two blocks
  const auto memory = memory_users(data);
  ASSERT_TRUE(write_users(*memory, files, "store").ok());
  auto opened = open_users(files, "store");
  ASSERT_TRUE(opened.ok());
  UserStore& file = **opened;
  EXPECT_EQ(file.users(), 5000u);
  EXPECT_EQ(file.events(), data.size());
  ASSERT_EQ(file.blocks(), 2u);
  for (std::uint32_t b = 0; b < 2; ++b) {
    const auto block = file.read(b);
    ASSERT_TRUE(block.ok());
    for (std::uint32_t n = 0; n < block->users(); ++n) {
      const auto wanted = data.items_of(block->first_user + n);
      EXPECT_TRUE(std::equal(wanted.begin(), wanted.end(), block->history(n).begin(),
                             block->history(n).end()));
    }
    EXPECT_EQ(file.vectors(b).error().code(), ErrorCode::kNotFound);
  }
}

TEST(FileUsers, TrainToTheSameBitsAsMemory) {
  io::SimulatedFiles files;
  const auto data = some_data(9000);
  const auto memory = memory_users(data);
  ASSERT_TRUE(write_users(*memory, files, "store").ok());
  graph::Workers workers(thread_executor(), 1);
  IalsOptions options;
  options.dimensions = 16;
  auto a = Ials::create(options, 40, 9000);
  ASSERT_TRUE(a.ok());
  for (int epoch = 0; epoch < 2; ++epoch) ASSERT_TRUE(a->epoch(*memory, workers).ok());
  // Without and with reading ahead.
  for (Executor* executor : {static_cast<Executor*>(nullptr), &thread_executor()}) {
    auto file = open_users(files, "store", executor);
    ASSERT_TRUE(file.ok());
    auto b = Ials::create(options, 40, 9000);
    ASSERT_TRUE(b.ok());
    for (int epoch = 0; epoch < 2; ++epoch) ASSERT_TRUE(b->epoch(**file, workers).ok());
    EXPECT_TRUE(
        std::equal(a->item_vectors().begin(), a->item_vectors().end(), b->item_vectors().begin()));
  }
}

TEST(FileUsers, DamageIsFoundAlsoWhereItWasReadAhead) {
  io::SimulatedFiles files;
  const auto data = some_data(9000);
  ASSERT_TRUE(write_users(*memory_users(data), files, "store").ok());
  const auto bytes = io::read_file(files, "store/histories", 1 << 20);
  ASSERT_TRUE(bytes.ok());
  const char broken = static_cast<char>(bytes->back() ^ 1);
  files.overwrite("store/histories", bytes->size() - 1, {&broken, 1});
  const auto store = open_users(files, "store", &thread_executor());
  ASSERT_TRUE(store.ok());
  EXPECT_TRUE((*store)->read(0).ok());
  EXPECT_TRUE((*store)->read(1).ok());
  EXPECT_EQ((*store)->read(2).error().code(), ErrorCode::kCorrupt);
  EXPECT_TRUE((*store)->read(0).ok());
}

TEST(FileUsers, EveryDamagedByteIsFoundBeforeItIsUsed) {
  io::SimulatedFiles files;
  const auto data = some_data(50);
  const auto memory = memory_users(data);
  ASSERT_TRUE(write_users(*memory, files, "store").ok());
  const auto bytes = io::read_file(files, "store/histories", 1 << 20);
  ASSERT_TRUE(bytes.ok());
  for (std::size_t at = 0; at < bytes->size(); ++at) {
    const char broken = static_cast<char>((*bytes)[at] ^ 0x11);
    files.overwrite("store/histories", at, {&broken, 1});
    const auto store = open_users(files, "store");
    const bool found = !store.ok() || !(*store)->read(0).ok();
    files.overwrite("store/histories", at, {&(*bytes)[at], 1});
    EXPECT_TRUE(found) << "byte " << at;
  }
}

}  // namespace
}  // namespace vitrine::factor
