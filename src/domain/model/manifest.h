// What is written down about a trained model beside its bytes: where its data was cut, how it was
// made, how it did, and checksums of its files.
//
// The object store has, for each tenant,
//   models/TENANT/MODEL_ID/manifest.json     put last: without it there is no model
//   models/TENANT/MODEL_ID/model.bin
// A model's id follows from what it is made of, so that making it again finds it there.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/clock.h"
#include "base/hash.h"
#include "base/ids.h"
#include "base/result.h"

namespace vitrine::model {

// A value with its 95 % bootstrap interval.
struct Figure {
  double value = 0, low = 0, high = 0;
  friend bool operator==(const Figure&, const Figure&) = default;
};

// One scorer of the table: a model, the mix of it and the live state, or a baseline.
struct Judged {
  std::string name;
  Figure hr, ndcg, recall, mrr;
  double coverage = 0, novelty = 0, popularity = 0;
  double fit_cpu_s = 0, rank_cpu_s = 0;
  friend bool operator==(const Judged&, const Judged&) = default;
};

// A row of a breakdown: the measure of each of Judgement::table, in their order.
struct Breakdown {
  std::string name;
  std::uint64_t size = 0;
  std::vector<Figure> values;
  friend bool operator==(const Breakdown&, const Breakdown&) = default;
};

// The candidate, as it would be served, against another: paired differences of NDCG, visitor by
// visitor. It is better where even the low end of the interval is above 0.
struct Comparison {
  std::string with;  // "item-item", or a model id
  std::string how;   // "as it serves", "stored model", "its settings on the same data"
  Figure difference;
  bool better = false;
  friend bool operator==(const Comparison&, const Comparison&) = default;
};

struct Judgement {
  bool judged = false;
  std::string why;          // a sentence: why it is to be promoted, or why not
  bool promote = false;     // better than item-item and than the live model
  TimeUs cut = 0;           // events from here on were asked about, those before learned from
  std::uint64_t cases = 0;  // visitors asked about
  std::uint64_t k = 0;      // length of the answers
  std::vector<Judged> table;
  std::vector<Comparison> comparisons;
  // new_visitors: those of whom nothing was learned, by how many of their events were known.
  std::vector<Breakdown> activity, popularity, new_visitors, learning;
  friend bool operator==(const Judgement&, const Judgement&) = default;
};

// One recipe that a search tried.
struct Trial {
  std::vector<std::pair<std::string, double>> parameters;  // all of them
  double measure = 0;                                      // NDCG on validation
  double seconds = 0;
  std::uint64_t epochs = 0;  // best of its training; 0 for kinds without
  std::string failed;        // why it has no measure; else empty
  friend bool operator==(const Trial&, const Trial&) = default;
};

// How settings were searched for. What was found is judged like any other model.
struct Search {
  bool searched = false;
  double seconds_most = -1;       // of time; below 0: not bounded by it
  std::uint64_t trials_most = 0;  // bound of their number
  std::string ended;              // by "trials", "time" or "space": nothing is left to try
  std::uint64_t chosen = 0;       // of the trials
  std::vector<Trial> trials;      // as they were tried; the first is what was asked for
  friend bool operator==(const Search&, const Search&) = default;
};

// Where the data ends, and what of it was left out.
struct DataCut {
  std::uint64_t position = 0;  // of the log: the last record that was read
  TimeUs append_time = 0;      // of that record
  std::uint64_t users = 0, items = 0, interactions = 0;
  std::uint64_t without_consent = 0;  // interactions
  std::uint64_t erased = 0;           // interactions of erased or deleted users
  std::uint64_t flagged = 0;          // interactions of visitors that are no people
  friend bool operator==(const DataCut&, const DataCut&) = default;
};

struct File {
  std::string name;
  std::uint64_t bytes = 0;
  Hash128 hash;
  friend bool operator==(const File&, const File&) = default;
};

struct Manifest {
  std::string id;
  TenantId tenant;
  std::string kind;  // "ials", ...
  TimeUs created = 0;
  std::string code_version;
  std::string parent;  // the model it was warmed up with; empty: none
  // In a fixed order; the seed is one of them.
  std::vector<std::pair<std::string, double>> parameters;
  double weight = 0;  // of its evidence beside that of item-item; chosen on validation
  DataCut data;
  Search search;
  Judgement judgement;
  std::vector<double> losses;  // by epoch
  double train_cpu_s = 0, train_s = 0;
  std::uint64_t memory_bytes = 0;  // estimated for training
  std::vector<File> files;
  friend bool operator==(const Manifest&, const Manifest&) = default;
};

inline constexpr std::uint64_t kManifestBytesMax = 4u << 20;
inline constexpr std::string_view kManifestFile = "manifest.json";
inline constexpr std::string_view kModelFile = "model.bin";

// KIND-POSITION-HASH, for example "ials-00000000000000012345-9f3a2b1c04d5e6f7".
std::string make_model_id(std::string_view kind, TenantId tenant, std::uint64_t position,
                          const std::vector<std::pair<std::string, double>>& parameters,
                          std::string_view parent);

// "models/7/" and "models/7/ials-.../model.bin".
std::string models_prefix(TenantId tenant);
std::string model_key(TenantId tenant, std::string_view model_id, std::string_view file);

std::string print_manifest(const Manifest& manifest);
// Only the judgement, as one JSON object.
std::string print_judgement(const Judgement& judgement);
std::string print_search(const Search& search);
// kCorrupt with the field for what print_manifest() can't have written.
Result<Manifest> parse_manifest(std::string_view json);

}  // namespace vitrine::model
