// How a model is made: its kind and the parameters of it, with defaults and bounds in one table.
//
//   popularity    what is turned to most; the same for everyone
//   item-item     co-visitation, counted as the live state counts
//   item-filter   a spectral filter on the graph of items (engine/spectral/item_filter.h)
//   ease          engine/spectral/ease.h
//   ials          implicit ALS with exact fold-in (engine/factor/ials.h)
//   session       what comes next (engine/session/session_model.h)
//   embedding     vectors by a sampled softmax, with a step of propagation
//                 (engine/embed/embedding.h)
//   blend         several of these, weighted as validation says (blend_model.h)
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.h"

namespace vitrine::learn {

// Values are in model files: add, never renumber.
enum class Kind : std::uint8_t {
  kPopularity = 1,
  kItemItem = 2,
  kItemFilter = 3,
  kEase = 4,
  kIals = 5,
  kSession = 6,
  kEmbedding = 7,
  kBlend = 8,
};
inline constexpr Kind kKinds[] = {Kind::kPopularity, Kind::kItemItem, Kind::kItemFilter,
                                  Kind::kEase,       Kind::kIals,     Kind::kSession,
                                  Kind::kEmbedding,  Kind::kBlend};
// What a blend may be made of, in the order in which it has them.
inline constexpr Kind kBlendParts[] = {Kind::kItemItem, Kind::kItemFilter, Kind::kEase,
                                       Kind::kIals,     Kind::kSession,    Kind::kEmbedding};
std::string_view kind_name(Kind kind);
std::optional<Kind> find_kind(std::string_view name);
// "popularity, item-item, ..."
std::string kind_names();
// Trained in epochs, of which validation chooses how many.
bool has_epochs(Kind kind);
// Can go on from the tables of an earlier model of its kind.
bool can_warm_up(Kind kind);

struct ParameterRow {
  std::string_view name;
  double value, min, max;
  bool whole;  // no fractions
  std::string_view help;
};
// Of a kind, the seed last.
std::span<const ParameterRow> parameter_rows(Kind kind);

struct Recipe {
  Kind kind = Kind::kIals;
  // Every parameter of the kind, in the order of its rows.
  std::vector<std::pair<std::string, double>> parameters;

  double get(std::string_view name) const;        // must be there
  void set(std::string_view name, double value);  // likewise
  std::uint32_t whole(std::string_view name) const { return static_cast<std::uint32_t>(get(name)); }
  std::uint64_t seed() const { return static_cast<std::uint64_t>(get("seed")); }
  friend bool operator==(const Recipe&, const Recipe&) = default;
};

// Defaults with `wanted` laid over them. kInvalidArgument with the name, the bounds and what was
// given, for a parameter that the kind doesn't have or a value it can't take.
Result<Recipe> make_recipe(Kind kind, const std::map<std::string, double>& wanted = {});

// Of a blend: the name of a part's parameter, such as "ials_dimensions", and of its weight,
// "weight_ials".
std::string part_parameter(Kind part, std::string_view name);
std::string part_weight(Kind part);
// The part's own recipe: what the blend gives of it, its seed, and defaults.
Recipe part_recipe(const Recipe& blend, Kind part);

// Bytes that training takes at most: tables, data and scratch.
std::uint64_t training_bytes(const Recipe& recipe, std::uint64_t users, std::uint64_t items,
                             std::uint64_t interactions);

}  // namespace vitrine::learn
