#include "service/learn/served_model.h"

#include <algorithm>

namespace vitrine::learn {

ServedModel::ServedModel(std::string id, double weight, StoredModel stored,
                         const ItemNumbers& numbers)
    : id_(std::move(id)), weight_(weight), stored_(std::move(stored)) {
  const std::span<const std::string> ids = stored_.items;
  to_catalog_.resize(ids.size(), kNoItem);
  listed_.resize(ids.size());
  std::vector<CatalogItem> items;
  for (std::size_t at = 0; at < ids.size(); at += kNumbersAtOnce) {
    items.assign(std::min(kNumbersAtOnce, ids.size() - at), {});
    numbers(ids.subspan(at, items.size()), items);
    for (std::size_t i = 0; i < items.size(); ++i) {
      to_catalog_[at + i] = items[i].number;
      listed_[at + i] = items[i].listed;
    }
  }
  for (std::uint32_t i = 0; i < to_catalog_.size(); ++i) {
    const ItemIndex item = to_catalog_[i];
    if (item == kNoItem) continue;
    if (item.value >= from_catalog_.size()) from_catalog_.resize(item.value + 1, kNoItem.value);
    from_catalog_[item.value] = i;
  }
  stored_.items = {};
}

void ServedModel::to_model(std::span<const ItemIndex> history,
                           std::vector<std::uint32_t>& out) const {
  out.clear();
  for (const ItemIndex item : history) {
    if (item.value >= from_catalog_.size()) continue;
    const std::uint32_t number = from_catalog_[item.value];
    if (number != kNoItem.value) out.push_back(number);
  }
}

void ServedModel::top(std::span<const ItemIndex> history,
                      std::unique_ptr<recommend::TrainedModelScratch>& scratch,
                      std::vector<ItemIndex>& out) const {
  ServedScratch& s = ServedScratch::of(scratch);
  to_model(history, s.history);
  stored_.model->top(s.history, kTopMost, s.model, s.scored);
  out.clear();
  for (const Scored& one : s.scored) out.push_back(to_catalog_[one.item]);
}

std::uint64_t ServedModel::memory_bytes() const {
  return stored_.model->memory_bytes() + to_catalog_.capacity() * sizeof(ItemIndex) +
         from_catalog_.capacity() * sizeof(std::uint32_t);
}

}  // namespace vitrine::learn
