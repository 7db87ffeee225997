#include "service/learn/model_store.h"

#include <fstream>

#include <gmock/gmock.h>

#include "service/learn/live_models.h"
#include "service/learn/testing_shop_log.h"

namespace vitrine::learn {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using testing::SizeIs;

constexpr TenantId kTenant{7};

class Storing : public testing::Test {
 protected:
  model::Manifest put(const std::string& id, std::vector<float> scores, TenantId tenant = kTenant) {
    return put(id, *make_popularity(std::move(scores)), tenant);
  }
  model::Manifest put(const std::string& id, const FittedModel& model, TenantId tenant = kTenant) {
    model::Manifest manifest;
    manifest.id = id;
    manifest.tenant = tenant;
    manifest.kind = kind_name(model.kind());
    manifest.weight = 1;
    std::vector<std::string> items;
    for (std::uint32_t i = 0; i < model.items(); ++i) items.push_back("item-" + std::to_string(i));
    EXPECT_TRUE(log_.store->put(manifest, encode_model(items, model)).ok());
    return manifest;
  }
  // With vectors of 16 dimensions for as many items as anybody turned to.
  static std::unique_ptr<FittedModel> with_vectors(std::uint32_t items, std::uint64_t seed = 1) {
    factor::IalsOptions options;
    options.dimensions = 16;
    options.seed = seed;
    const std::vector<float> visitors(items, 9);
    return make_ials(factor::Ials::create(options, items, 100).value(), visitors).value();
  }
  std::string path(const std::string& id, std::string_view file) {
    return log_.folder + "/objects/" + model::model_key(kTenant, id, file);
  }
  ShopLog log_;
};

TEST_F(Storing, AModelIsThereWithItsManifestAndForItsTenantOnly) {
  const auto manifest = put("m-1", {1, 2});
  EXPECT_EQ(log_.store->manifest(kTenant, "m-1").value(), manifest);
  EXPECT_EQ(log_.store->load(manifest)->items.size(), 2u);
  EXPECT_THAT(*log_.store->list(kTenant), SizeIs(1));
  const TenantId other{8};
  EXPECT_THAT(*log_.store->list(other), IsEmpty());
  EXPECT_EQ(log_.store->manifest(other, "m-1").error().reason(), "model_not_found");
  for (const char* id : {"../7/m-1", "", "M", "m-2"}) {
    EXPECT_EQ(log_.store->manifest(kTenant, id).error().reason(), "model_not_found") << id;
  }
}

TEST_F(Storing, ASecondModelOfTheSameIdIsRefused) {
  auto manifest = put("m-1", {1, 2});
  EXPECT_EQ(log_.store->put(manifest, "other").error().code(), ErrorCode::kConflict);
}

TEST_F(Storing, BytesWithoutAManifestAreNoModelAndAreReplaced) {
  ASSERT_TRUE(log_.objects->put(model::model_key(kTenant, "m-1", model::kModelFile), "torn").ok());
  EXPECT_THAT(*log_.store->list(kTenant), IsEmpty());
  EXPECT_TRUE(log_.store->load(put("m-1", {1, 2})).ok());
}

TEST_F(Storing, DamageIsToldAndHidesNoOtherModel) {
  const auto manifest = put("m-1", {1, 2});
  put("m-2", {1, 2});
  std::ofstream(path("m-1", model::kModelFile), std::ios::app) << "x";
  EXPECT_EQ(log_.store->load(manifest).error().code(), ErrorCode::kCorrupt);
  std::ofstream(path("m-1", model::kManifestFile)) << "{";
  std::vector<std::string> problems;
  EXPECT_THAT(*log_.store->list(kTenant, &problems), SizeIs(1));
  EXPECT_THAT(problems, SizeIs(1));
}

TEST_F(Storing, ARemovedModelIsGone) {
  const auto manifest = put("m-1", {1, 2});
  ASSERT_TRUE(log_.store->remove(kTenant, "m-1").ok());
  EXPECT_THAT(*log_.store->list(kTenant), IsEmpty());
  EXPECT_FALSE(log_.store->load(manifest).ok());
  EXPECT_TRUE(log_.store->remove(kTenant, "m-1").ok());
}

// --- Bringing models to who serves --------------------------------------------------------------

class FakeUser final : public ModelUser {
 public:
  Wanted wanted() const override { return wants; }
  ItemNumbers item_numbers() const override {
    return [](std::span<const std::string> ids, std::span<CatalogItem> items) {
      EXPECT_LE(ids.size(), kNumbersAtOnce);
      // The catalog knows all but item-1, in numbers of its own.
      for (std::size_t i = 0; i < ids.size(); ++i) {
        if (ids[i] == "item-1") continue;
        const auto number = static_cast<std::uint32_t>(100 + std::stoi(ids[i].substr(5)));
        items[i] = {ItemIndex{number}, true};
      }
    };
  }
  void set_live(std::shared_ptr<const ServedModel> model,
                std::shared_ptr<const ModelVectors> model_vectors) override {
    live = std::move(model);
    vectors = std::move(model_vectors);
    ++sets;
  }
  void set_shadow(std::shared_ptr<const ServedModel> model) override { shadow = std::move(model); }
  std::string live_id() const { return live == nullptr ? "" : std::string(live->id()); }

  Wanted wants;
  std::shared_ptr<const ServedModel> live, shadow;
  std::shared_ptr<const ModelVectors> vectors;
  int sets = 0;
};

class Bringing : public Storing {
 protected:
  Bringing() {
    LoaderEvents events;
    events.failed = [this](TenantId, const std::string& id, const Error&) { failed.push_back(id); };
    events.without_vectors = [this](TenantId, const std::string& id, const Error&) {
      without_vectors.push_back(id);
    };
    loader =
        std::make_unique<LiveModels>(thread_executor(), *log_.store, log_.clock, events, kBytes);
    loader->close();  // looks only when told to
    loader->watch(kTenant, user);
  }
  static constexpr std::uint64_t kBytes = 100'000;
  std::vector<std::string> failed, without_vectors;
  std::shared_ptr<FakeUser> user = std::make_shared<FakeUser>();
  std::unique_ptr<LiveModels> loader;
};

TEST_F(Bringing, TheLiveModelServesInTheCatalogsNumbers) {
  put("m-1", {1, 3, 2});
  loader->look();
  EXPECT_EQ(user->sets, 0);
  user->wants.live = "m-1";
  loader->look();
  loader->look();
  ASSERT_EQ(user->live_id(), "m-1");
  EXPECT_EQ(user->sets, 1);
  std::unique_ptr<recommend::TrainedModelScratch> scratch;
  std::vector<ItemIndex> out;
  const ItemIndex history[] = {ItemIndex{100}, ItemIndex{5}, ItemIndex{4'000'000}};
  user->live->top(history, scratch, out);
  EXPECT_THAT(out, ElementsAre(kNoItem, ItemIndex{102}, ItemIndex{100}));
  std::vector<std::uint32_t> in_model;
  user->live->to_model(history, in_model);
  EXPECT_THAT(in_model, ElementsAre(0u));
}

TEST_F(Bringing, ABrokenModelLeavesTheOneThatServes) {
  put("m-1", {1, 2});
  put("m-2", {2, 1});
  std::ofstream(path("m-2", model::kModelFile)) << "broken";
  user->wants.live = "m-1";
  loader->look();
  user->wants.live = "m-2";
  loader->look();
  loader->look();  // not tried at once again
  EXPECT_EQ(user->live_id(), "m-1");
  EXPECT_THAT(failed, ElementsAre("m-2"));
  log_.clock.advance_us(LiveModels::kRetryAfter + kSecondUs);
  loader->look();
  EXPECT_THAT(failed, ElementsAre("m-2", "m-2"));
  user->wants.live = "m-3";
  loader->look();
  EXPECT_THAT(failed, ElementsAre("m-2", "m-2", "m-3"));
  user->wants.live = "m-1";
  loader->look();
  EXPECT_EQ(user->live_id(), "m-1");
  EXPECT_EQ(user->sets, 1);
}

TEST_F(Bringing, ARollbackToNothingTakesTheModelAway) {
  put("m-1", {1, 2});
  user->wants = {"m-1", "m-1"};
  loader->look();
  EXPECT_NE(user->shadow, nullptr);
  user->wants = {};
  loader->look();
  EXPECT_EQ(user->live, nullptr);
  EXPECT_EQ(user->shadow, nullptr);
}

TEST_F(Bringing, NobodyIsLookedAfterBeyondItsLife) {
  put("m-1", {1, 2});
  user->wants.live = "m-1";
  user.reset();
  loader->look();
  EXPECT_THAT(failed, IsEmpty());
}

TEST_F(Bringing, VectorsComeGoAndAreCountedWithTheirModel) {
  put("m-1", *with_vectors(40));
  put("m-2", *with_vectors(60));
  put("m-3", {1, 2});
  user->wants = {"m-1", "m-2"};
  loader->look();
  ASSERT_NE(user->vectors, nullptr);
  EXPECT_EQ(user->vectors->stats().items, 39u) << "the catalog does not know item-1";
  EXPECT_EQ(loader->stats().vectors, 39u);
  EXPECT_EQ(loader->stats().vector_bytes, user->vectors->stats().bytes);
  EXPECT_EQ(loader->stats().model_bytes, user->live->memory_bytes() + user->shadow->memory_bytes());
  user->wants = {"m-2", ""};
  loader->look();
  EXPECT_EQ(user->vectors->stats().items, 59u);
  EXPECT_EQ(loader->stats().vectors, 59u);
  user->wants = {"m-1", ""};  // back again
  loader->look();
  EXPECT_EQ(user->vectors->stats().items, 39u);
  user->wants = {"m-3", ""};
  loader->look();
  EXPECT_EQ(user->live_id(), "m-3");
  EXPECT_EQ(user->vectors, nullptr);
  user->wants = {};
  loader->look();
  EXPECT_EQ(loader->stats().model_bytes, 0u);
  EXPECT_EQ(loader->stats().vector_bytes, 0u);
}

TEST_F(Bringing, ABrokenModelLeavesTheVectorsThatServe) {
  put("m-1", *with_vectors(40));
  put("m-2", *with_vectors(60));
  user->wants.live = "m-1";
  loader->look();
  const auto before = user->vectors;
  ASSERT_NE(before, nullptr);
  std::fstream(path("m-2", model::kModelFile), std::ios::in | std::ios::out).seekp(500) << "damage";
  user->wants.live = "m-2";
  loader->look();
  EXPECT_THAT(failed, ElementsAre("m-2"));
  EXPECT_EQ(user->vectors, before);
  EXPECT_EQ(user->live_id(), "m-1");
  EXPECT_EQ(loader->stats().vectors, 39u);
}

TEST_F(Bringing, AnotherTenantsVectorsAreNeverUsed) {
  const TenantId other_tenant{8};
  put("m-1", *with_vectors(40));
  put("m-1", *with_vectors(60, 2), other_tenant);
  put("m-2", *with_vectors(60, 2), other_tenant);
  const auto other = std::make_shared<FakeUser>();
  loader->watch(other_tenant, other);
  user->wants.live = other->wants.live = "m-1";
  loader->look();
  EXPECT_EQ(user->vectors->stats().items, 39u);
  EXPECT_EQ(other->vectors->stats().items, 59u);
  EXPECT_EQ(loader->stats().vectors, 98u);
  user->wants.live = "m-2";
  loader->look();
  EXPECT_THAT(failed, ElementsAre("m-2"));
  EXPECT_EQ(user->vectors->stats().items, 39u);
}

TEST_F(Bringing, VectorsThatWouldTakeTooMuchMemoryAreLeftOutAndTheModelServes) {
  put("m-1", *with_vectors(2000));
  put("m-2", *with_vectors(40));
  user->wants.live = "m-1";
  loader->look();
  EXPECT_EQ(user->live_id(), "m-1");
  EXPECT_EQ(user->vectors, nullptr);
  EXPECT_THAT(without_vectors, ElementsAre("m-1"));
  EXPECT_THAT(failed, IsEmpty());
  user->wants.live = "m-2";
  loader->look();
  EXPECT_NE(user->vectors, nullptr);
  // What another tenant has leaves less.
  const TenantId other_tenant{8};
  put("m-3", *with_vectors(1200), other_tenant);
  const auto other = std::make_shared<FakeUser>();
  other->wants.live = "m-3";
  loader->watch(other_tenant, other);
  loader->look();
  EXPECT_EQ(other->live_id(), "m-3");
  EXPECT_EQ(other->vectors, nullptr);
  EXPECT_THAT(without_vectors, ElementsAre("m-1", "m-3"));
}

}  // namespace
}  // namespace vitrine::learn
