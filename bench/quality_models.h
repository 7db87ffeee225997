// The trained models of bench_quality. Their settings were chosen on validation parts
// (docs/models.md says how); here each is fitted once and measured on the test part once.
#pragma once

#include <filesystem>
#include <string>
#include <utility>
#include <vector>

#include "service/evaluate/dataset.h"
#include "tool/evaluate/report.h"
#include "tool/train/embedding_scorer.h"

namespace vitrine::bench {

// Keys of the last line, in order, with their values as JSON; null where data is absent.
using Keys = std::vector<std::pair<std::string, std::string>>;

// Gowalla (gowalla/train.txt.gz, test.txt.gz): recall and NDCG at 20 over all unseen items.
Result<Keys> gowalla_models(const std::filesystem::path& folder, Progress& progress);
// How Gowalla's settings were chosen: each attempt ("ials dimensions=256 ridge=0.01": a model and
// what differs from its chosen settings), or the neighbours of the chosen ones, on a fifth of every
// user's training items, for every 20th user. Reads the training file only; prints a line each.
Status gowalla_search(const std::filesystem::path& folder, const std::vector<std::string>& attempts,
                      Progress& progress);
// Beauty, leave one out: session model and its blend with item-item.
Result<Keys> beauty_models(const evaluate::Dataset& beauty, Progress& progress);
// Beauty, cold items: the events of a tenth of the items are hidden, and each is to be found among
// the hidden ones from a visitor's history before it and from its content
// (amazon-beauty/item_attributes.json.gz). The rival, popularity, is told how many events each
// hidden item has, which no shop would know.
Result<Keys> cold_models(const std::filesystem::path& folder, const evaluate::Dataset& beauty,
                         Progress& progress);
// How its settings were chosen: on another tenth of the items, with the first left out. Prints
// tables.
Status cold_search(const std::filesystem::path& folder, const evaluate::Dataset& beauty,
                   Progress& progress);
// Online Retail, temporal: models on new items, and repeat purchases by themselves.
Result<Keys> retail_models(const evaluate::Dataset& retail, const evaluate::Split& split,
                           TimeUs cut, Progress& progress);

// The chosen settings.
spectral::FilterOptions gowalla_filter();
train_tool::IalsSettings gowalla_ials();
train_tool::EmbeddingSettings gowalla_embedding();

// What the data sets have in common.
void add_interval(Keys& keys, const std::string& name, const evaluate::Interval& interval);
double cpu_s(const evaluate::Report& report);

}  // namespace vitrine::bench
