#include "service/search/index_store.h"

#include <filesystem>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include "base/bytes.h"
#include "service/search/testing_search.h"
#include "service/search/vectors_state.h"

namespace vitrine::search {
namespace {

using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;

class IndexStoreTest : public testing::Test {
 protected:
  IndexStoreTest() {
    std::filesystem::remove_all(directory_);
    put(*first_);
  }
  ~IndexStoreTest() override { std::filesystem::remove_all(directory_); }

  SearchBoxOptions options() const {
    SearchBoxOptions options;
    options.index.store = {&io::system_files(), directory_};
    options.content.store = options.index.store;
    options.content.exhaustive_max = 20;  // so that there is an index to store
    return options;
  }
  static void put(SearchShop& shop) {
    for (int i = 0; i < 40; ++i) {
      const std::string kind = i % 2 == 0 ? "chair" : "table";
      shop.put(
          "item-" + std::to_string(i),
          {"Wooden " + kind + " number " + std::to_string(i), "For your home", "Ikon", {kind}});
    }
  }
  // The same shop after a start: a catalog of its own, equal to what it was.
  std::unique_ptr<SearchShop> again(bool with_items = true) {
    auto shop = std::make_unique<SearchShop>(options());
    if (with_items) put(*shop);
    return shop;
  }
  static ContentIndex::Stats vectors(const SearchShop& shop) { return shop.box.content()->stats(); }
  void save_first() {
    first_->refresh();
    ASSERT_TRUE(first_->box.save().ok());
    EXPECT_EQ(vectors(*first_).indexed, 40u);
    found_ = first_->ids({.text = "wooden table", .limit = 50});
    ASSERT_EQ(found_.size(), 20u);
    first_.reset();
  }
  std::vector<std::string> files() const {
    std::vector<std::string> out;
    for (const auto& file : std::filesystem::recursive_directory_iterator(directory_)) {
      if (file.is_regular_file() && file.file_size() > 0) out.push_back(file.path().string());
    }
    std::sort(out.begin(), out.end());
    return out;
  }

  const std::string directory_ = testing::TempDir() + "index-store-" + std::to_string(::getpid());
  std::unique_ptr<SearchShop> first_ = std::make_unique<SearchShop>(options());
  std::vector<std::string> found_;
};

TEST_F(IndexStoreTest, AfterAStartNothingIsIndexedThatWasAlready) {
  save_first();
  const auto shop = again();
  shop->refresh();
  EXPECT_EQ(shop->box.stats().loaded, 40u);
  EXPECT_EQ(shop->box.stats().taken_over, 0u);
  EXPECT_EQ(vectors(*shop).loaded, 40u);
  EXPECT_EQ(vectors(*shop).made, 0u);
  EXPECT_EQ(vectors(*shop).indexed, 40u);
  EXPECT_EQ(vectors(*shop).built, 0u);
  EXPECT_EQ(shop->ids({.text = "wooden table", .limit = 50}), found_);
  EXPECT_THAT(shop->suggested("numb"), Contains("number")) << "the words are back";
  const auto typo = shop->ask({.text = "woden char"});
  EXPECT_EQ(typo->match, Match::kTypos);
}

TEST_F(IndexStoreTest, WhatChangedWhileItWasDownIsTakenOver) {
  save_first();
  const auto shop = again();
  shop->put("item-3", {"Green bench"});
  shop->remove("item-5");
  shop->put("new", {"Wooden table of oak"});
  shop->refresh();
  EXPECT_EQ(shop->box.stats().loaded, 40u);
  EXPECT_EQ(shop->box.stats().taken_over, 2u);
  EXPECT_EQ(vectors(*shop).made, 3u);
  const auto found = shop->ids({.text = "wooden table", .limit = 50});
  EXPECT_THAT(found, Contains("new"));
  EXPECT_THAT(found, Not(Contains("item-3")));
  EXPECT_THAT(found, Not(Contains("item-5")));
  EXPECT_THAT(shop->ids({.text = "bench"}), ElementsAre("item-3"));
}

TEST_F(IndexStoreTest, AnIndexOfOtherItemsIsCorrectedItemByItem) {
  save_first();
  const auto shop = again(false);
  shop->put("other-0", {"Stone lion"});
  shop->put("other-1", {"Stone table"});
  shop->refresh();
  EXPECT_THAT(shop->ids({.text = "stone"}), testing::UnorderedElementsAre("other-0", "other-1"));
  EXPECT_EQ(shop->box.stats().documents, 2u);
  EXPECT_EQ(vectors(*shop).vectors, 2u);
}

TEST_F(IndexStoreTest, AnotherLanguageNeedsAnotherIndex) {
  save_first();
  const auto shop = again();
  shop->settings.language = "english";
  shop->refresh();
  EXPECT_EQ(shop->box.stats().loaded, 0u);
  EXPECT_EQ(shop->box.stats().taken_over, 40u);
  EXPECT_THAT(shop->ids({.text = "tables", .limit = 50}), testing::SizeIs(20));
}

TEST_F(IndexStoreTest, WhatIsDamagedOrCutOffIsMadeAnewAndAnswersAreTheSame) {
  save_first();
  const std::string good = directory_ + ".good";
  std::filesystem::remove_all(good);
  std::filesystem::copy(directory_, good, std::filesystem::copy_options::recursive);
  const auto restore = [&] {
    std::filesystem::remove_all(directory_);
    std::filesystem::copy(good, directory_, std::filesystem::copy_options::recursive);
  };
  const auto names = files();
  ASSERT_GE(names.size(), 5u);
  std::uint64_t discarded = 0;
  for (const std::string& name : names) {
    restore();
    const std::string whole = io::read_file(io::system_files(), name, 1 << 24).value();
    for (const double part : {0.0, 0.4, 0.99}) {
      const auto at = static_cast<std::size_t>(part * static_cast<double>(whole.size()));
      for (const bool cut : {false, true}) {
        restore();
        std::string bad = whole;
        if (cut) {
          bad.resize(at);
        } else {
          bad[at] = static_cast<char>(bad[at] ^ 0x55);
        }
        {
          const auto file = io::system_files().open(name, io::OpenMode::kReadWrite).value();
          ASSERT_TRUE(file->truncate(0).ok());
          ASSERT_TRUE(file->write_at(0, bad).ok());
        }
        const auto shop = again();
        shop->refresh();
        EXPECT_EQ(shop->ids({.text = "wooden table", .limit = 50}), found_)
            << name << " at " << at << (cut ? ", cut off" : ", changed");
        EXPECT_EQ(vectors(*shop).vectors, 40u);
        EXPECT_EQ(vectors(*shop).indexed, 40u);
        EXPECT_EQ(shop->box.stats().documents, 40u);
        discarded +=
            shop->box.stats().loaded == 0 || vectors(*shop).loaded == 0 || vectors(*shop).built > 0;
      }
    }
  }
  EXPECT_GT(discarded, names.size() * 3) << "damage in a file's padding may go unnoticed";
  std::filesystem::remove_all(good);
}

TEST_F(IndexStoreTest, AStateWithoutItsIndexIsNotBelieved) {
  save_first();
  std::filesystem::remove_all(directory_ + "/text");
  {
    const auto shop = again();
    shop->refresh();
    EXPECT_EQ(shop->box.stats().loaded, 0u);
    EXPECT_EQ(shop->box.stats().taken_over, 40u);
  }  // not saved: as if it had been killed
  const auto shop = again();
  shop->refresh();
  EXPECT_EQ(shop->ids({.text = "wooden table", .limit = 50}), found_);
}

TEST_F(IndexStoreTest, AnIndexAheadOfTheCatalogIsNotTrusted) {
  save_first();
  SearchShop other(options());
  put(other);
  // The state that reads it says that it is of an earlier position.
  class Earlier final : public StateSource {
   public:
    explicit Earlier(const SearchShop& shop) : shop_(shop) {}
    bool read(const std::function<void(const SearchState&)>& work) const override {
      SearchState state = shop_.state();
      state.shop.position = 3;
      work(state);
      return true;
    }
    const SearchShop& shop_;
  };
  SearchBox box(options(), std::make_shared<Earlier>(other));
  ASSERT_TRUE(box.refresh().ok());
  EXPECT_EQ(box.stats().loaded, 0u);
  EXPECT_EQ(box.stats().documents, 40u);
  EXPECT_EQ(box.content()->stats().loaded, 0u);
}

TEST_F(IndexStoreTest, ItIsSavedByItselfOnceEnoughHasChanged) {
  SearchBoxOptions eager = options();
  eager.index.save_pause_ns = eager.content.save_pause_ns = 0;
  SearchShop shop(eager);
  put(shop);
  shop.refresh();
  shop.refresh();  // the one that begins to save
  shop.put("late", {"Late lamp"});
  shop.refresh();
  EXPECT_GE(shop.box.stats().saves, 1u);
  EXPECT_TRUE(std::filesystem::exists(directory_ + "/texts.state"));
  EXPECT_TRUE(std::filesystem::exists(directory_ + "/vectors.state"));
}

TEST_F(IndexStoreTest, AStoreThatCanNotBeWrittenLeavesTheIndexInMemory) {
  SearchBoxOptions nowhere;
  nowhere.index.store = {&io::system_files(), "/proc/nothing/here"};
  nowhere.content.store = nowhere.index.store;
  SearchShop shop(nowhere);
  put(shop);
  shop.refresh();
  EXPECT_EQ(shop.ids({.text = "wooden table", .limit = 50}).size(), 20u);
  EXPECT_FALSE(shop.box.save().ok());
  EXPECT_EQ(shop.ids({.text = "wooden table", .limit = 50}).size(), 20u);
}

TEST_F(IndexStoreTest, AStateSaysWhatIsWrongWithIt) {
  const IndexStore store{&io::system_files(), directory_};
  ASSERT_TRUE(io::system_files().create_directories(directory_).ok());
  EXPECT_EQ(read_state(store, "x.state").error().code(), ErrorCode::kNotFound);
  ASSERT_TRUE(write_state(store, "x.state", "payload").ok());
  EXPECT_EQ(read_state(store, "x.state").value(), "payload");
  ASSERT_TRUE(io::system_files().rename(directory_ + "/x.state", directory_ + "/y.state").ok());
  EXPECT_EQ(read_state(store, "y.state").error().code(), ErrorCode::kCorrupt)
      << "a file of another name";
  recommend::VectorRows rows(4);
  const float row[] = {1, 2, 3, 4};
  rows.put(ItemIndex{1}, row);
  VectorsState state(std::move(rows));
  state.hashes = {0, 7};
  const std::string bytes = encode_vectors_state(state);
  ASSERT_TRUE(decode_vectors_state(bytes, 4).ok());
  EXPECT_EQ(decode_vectors_state(bytes, 8).error().code(), ErrorCode::kUnsupported);
  state.hashes.resize(1);  // a row that no item has
  EXPECT_EQ(decode_vectors_state(encode_vectors_state(state), 4).error().code(),
            ErrorCode::kCorrupt);
}

}  // namespace
}  // namespace vitrine::search
