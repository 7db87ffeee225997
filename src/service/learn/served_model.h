// A stored model in the numbers of a tenant's catalog: what the Recommender asks.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "service/learn/model_store.h"
#include "service/recommend/trained_model.h"

namespace vitrine::learn {

// What a catalog says about an id.
struct CatalogItem {
  ItemIndex number = kNoItem;  // kNoItem: it never heard of it
  bool listed = false;         // now
};
// Fills in what the catalog says about each of the ids, under the tenant's lock, with at most
// kNumbersAtOnce ids at a time.
using ItemNumbers =
    std::function<void(std::span<const std::string> ids, std::span<CatalogItem> items)>;
inline constexpr std::size_t kNumbersAtOnce = 256;

// Working memory of one thread that asks served models: the only kind of TrainedModelScratch.
struct ServedScratch final : recommend::TrainedModelScratch {
  // The scratch in `holder`, made where there is none.
  static ServedScratch& of(std::unique_ptr<recommend::TrainedModelScratch>& holder) {
    if (holder == nullptr) holder = std::make_unique<ServedScratch>();
    return static_cast<ServedScratch&>(*holder);
  }
  ModelScratch model;
  std::vector<ItemIndex> known;
  std::vector<std::uint32_t> history;
  std::vector<Scored> scored;
};

class ServedModel final : public recommend::TrainedModel {
 public:
  // `numbers` of a state that has applied everything the model was trained on: then each item of
  // the model has one, and later states give the same.
  ServedModel(std::string id, double weight, StoredModel stored, const ItemNumbers& numbers);

  std::string_view id() const override { return id_; }
  double weight() const override { return weight_; }
  void top(std::span<const ItemIndex> history,
           std::unique_ptr<recommend::TrainedModelScratch>& scratch,
           std::vector<ItemIndex>& out) const override;

  const FittedModel& fitted() const { return *stored_.model; }
  // By the model's number; kNoItem where the catalog never heard of it.
  std::span<const ItemIndex> to_catalog() const { return to_catalog_; }
  // By the model's number: whether the catalog listed it when the model was loaded.
  const std::vector<bool>& listed() const { return listed_; }
  // The model's numbers of a history, unknown items left out.
  void to_model(std::span<const ItemIndex> history, std::vector<std::uint32_t>& out) const;
  std::uint64_t memory_bytes() const;

 private:
  std::string id_;
  double weight_;
  StoredModel stored_;  // without the ids
  std::vector<ItemIndex> to_catalog_;
  std::vector<bool> listed_;
  std::vector<std::uint32_t> from_catalog_;  // kNoItem.value: not of the model
};

}  // namespace vitrine::learn
