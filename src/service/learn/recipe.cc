#include "service/learn/recipe.h"

#include <algorithm>
#include <cmath>

#include "base/check.h"
#include "service/learn/item_scores.h"

namespace vitrine::learn {
namespace {

constexpr ParameterRow kSeed{"seed", 1, 0, 9007199254740992.0, true, "of everything random"};

constexpr ParameterRow kPopularity[] = {{"half_life_days", 30, 0, 36500, false,
                                         "what was wanted so long ago counts half; 0: all of it"},
                                        kSeed};
constexpr ParameterRow kItemItem[] = {{"neighbours", 64, 4, 1000, true, "of an item that are kept"},
                                      kSeed};
constexpr ParameterRow kItemFilter[] = {
    {"order", 8, 1, 32, true, "of the polynomial"},
    {"flatness", 1.5, 0.1, 10, false, "of its step: 1 a straight line, more a plateau"},
    {"rank", 256, 0, 2048, true, "smoothest directions that pass once more"},
    {"rank_weight", 0.3, 0, 10, false, "of these"},
    {"degree_power", 0.4, -1, 1, false, "above 0 popular items gain"},
    {"neighbours", 128, 4, 1000, true, "of an item that are kept"},
    kSeed};
constexpr ParameterRow kEase[] = {
    {"ridge", 200, 0.001, 1e6, false, "more: nearer to plain co-occurrence"},
    {"degree_power", 0, -1, 1, false, "above 0 popular items gain"},
    {"neighbours", 128, 4, 1000, true, "of an item that are kept"},
    kSeed};
constexpr ParameterRow kIals[] = {
    {"dimensions", 64, 16, 512, true, "of a vector, a multiple of 16"},
    {"epochs", 10, 1, 200, true, "at most; the best on validation counts"},
    {"unobserved", 0.05, 1e-6, 10, false, "weight of a pair that did not happen"},
    {"ridge", 0.005, 1e-9, 10, false, "what vectors are held back by"},
    {"frequency_power", 1, 0, 2, false, "how the ridge grows with the number of events"},
    {"warm_epochs", 3, 1, 200, true, "at most, where training starts from an earlier model"},
    kSeed};
constexpr ParameterRow kSession[] = {
    {"width", 64, 16, 256, true, "of a vector, a multiple of 16"},
    {"inner", 256, 32, 1024, true, "of the feed-forward part, a multiple of 32"},
    {"layers", 2, 1, 6, true, ""},
    {"length", 50, 2, 200, true, "newest events of a history that count"},
    {"epochs", 60, 1, 500, true, "at most; the best on validation counts"},
    {"patience", 5, 1, 100, true, "epochs without a better one before training ends"},
    {"batch", 512, 16, 8192, true, "targets of a step, about"},
    {"negatives", 1024, 0, 100000, true, "sampled items of the softmax; 0: all items"},
    {"dropout", 0.5, 0, 0.95, false, ""},
    {"rate", 0.001, 1e-6, 1, false, "of Adam"},
    kSeed};

constexpr ParameterRow kEmbedding[] = {
    {"dimensions", 128, 16, 512, true, "of a vector, a multiple of 16; at most as many as items"},
    {"epochs", 30, 0, 500, true, "at most; the best on validation counts; 0: the start alone"},
    {"patience", 4, 1, 100, true, "epochs without a better one before training ends"},
    {"batch", 512, 16, 8192, true, "visitors of a step"},
    {"negatives", 1024, 16, 100000, true, "sampled items of the softmax"},
    {"known", 0.5, 0.05, 0.95, false, "share of a history that the rest is guessed from"},
    {"rate", 0.0003, 1e-6, 0.1, false, "of Adam"},
    {"smoothness", 0.5, 0, 4, false, "of the start: more, and only the smoothest directions count"},
    {"degree_power", 0.4, -1, 1, false, "of the start: above 0 popular items gain"},
    {"sharpness", 2, 0.01, 100, false, "of the start: how decided the softmax is"},
    {"hop", 0.5, 0, 10, false, "share that an item takes over from its neighbours at the end"},
    kSeed};
constexpr const char* kWeightHelp = "of its ranks; below 0: learned on validation, 0: no part";
constexpr ParameterRow kBlend[] = {
    {"weight_item_item", -1, -1, 10, false, kWeightHelp},
    {"weight_item_filter", 0, -1, 10, false, kWeightHelp},
    {"weight_ease", 0, -1, 10, false, kWeightHelp},
    {"weight_ials", -1, -1, 10, false, kWeightHelp},
    {"weight_session", -1, -1, 10, false, kWeightHelp},
    {"weight_embedding", 0, -1, 10, false, kWeightHelp},
    {"ease_ridge", 200, 0.001, 1e6, false, "as those of the kinds themselves"},
    {"ials_dimensions", 64, 16, 512, true, ""},
    {"ials_epochs", 10, 1, 200, true, ""},
    {"ials_unobserved", 0.05, 1e-6, 10, false, ""},
    {"ials_ridge", 0.005, 1e-9, 10, false, ""},
    {"session_width", 64, 16, 256, true, ""},
    {"session_epochs", 60, 1, 500, true, ""},
    {"session_dropout", 0.5, 0, 0.95, false, ""},
    {"session_rate", 0.001, 1e-6, 1, false, ""},
    {"embedding_dimensions", 128, 16, 512, true, ""},
    {"embedding_epochs", 30, 0, 500, true, ""},
    kSeed};

std::string text_of(double value) {
  std::string text = std::to_string(value);
  while (text.ends_with('0')) text.pop_back();
  if (text.ends_with('.')) text.pop_back();
  return text;
}

Error wrong(Kind kind, std::string_view name, const std::string& what) {
  return Error(ErrorCode::kInvalidArgument, "parameter '" + std::string(name.substr(0, 64)) +
                                                "' of " + std::string(kind_name(kind)) + ": " +
                                                what)
      .with_reason("invalid_request");
}

Status check_value(Kind kind, const ParameterRow& row, double value) {
  if (!(value >= row.min) || !(value <= row.max) || (row.whole && value != std::floor(value))) {
    return wrong(kind, row.name,
                 "must be " + std::string(row.whole ? "a whole number" : "a number") + " from " +
                     text_of(row.min) + " to " + text_of(row.max) + ", got " + text_of(value));
  }
  const bool vector = row.name.ends_with("dimensions") || row.name.ends_with("width");
  const double multiple = row.name == "inner" ? 32 : vector ? 16 : 1;
  if (row.whole && std::fmod(value, multiple) != 0) {
    return wrong(kind, row.name, "must be a multiple of " + text_of(multiple));
  }
  return ok_status();
}

}  // namespace

std::string_view kind_name(Kind kind) {
  switch (kind) {
    case Kind::kPopularity: return "popularity";
    case Kind::kItemItem: return "item-item";
    case Kind::kItemFilter: return "item-filter";
    case Kind::kEase: return "ease";
    case Kind::kIals: return "ials";
    case Kind::kSession: return "session";
    case Kind::kEmbedding: return "embedding";
    case Kind::kBlend: return "blend";
  }
  return "unknown";
}

std::optional<Kind> find_kind(std::string_view name) {
  for (const Kind kind : kKinds) {
    if (kind_name(kind) == name) return kind;
  }
  return std::nullopt;
}

std::string kind_names() {
  std::string names;
  for (const Kind kind : kKinds) {
    names += (names.empty() ? "" : ", ") + std::string(kind_name(kind));
  }
  return names;
}

bool has_epochs(Kind kind) {
  return kind == Kind::kIals || kind == Kind::kSession || kind == Kind::kEmbedding;
}

bool can_warm_up(Kind kind) { return kind == Kind::kIals || kind == Kind::kSession; }

std::span<const ParameterRow> parameter_rows(Kind kind) {
  switch (kind) {
    case Kind::kPopularity: return kPopularity;
    case Kind::kItemItem: return kItemItem;
    case Kind::kItemFilter: return kItemFilter;
    case Kind::kEase: return kEase;
    case Kind::kIals: return kIals;
    case Kind::kSession: return kSession;
    case Kind::kEmbedding: return kEmbedding;
    case Kind::kBlend: return kBlend;
  }
  return {};
}

double Recipe::get(std::string_view name) const {
  for (const auto& [key, value] : parameters) {
    if (key == name) return value;
  }
  VITRINE_CHECK_MSG(false, std::string(name));
  return 0;
}

void Recipe::set(std::string_view name, double value) {
  for (auto& [key, held] : parameters) {
    if (key != name) continue;
    held = value;
    return;
  }
  VITRINE_CHECK_MSG(false, std::string(name));
}

std::string part_parameter(Kind part, std::string_view name) {
  std::string text(kind_name(part));
  std::replace(text.begin(), text.end(), '-', '_');
  return text + "_" + std::string(name);
}

std::string part_weight(Kind part) {
  const std::string name = part_parameter(part, "");
  return "weight_" + name.substr(0, name.size() - 1);
}

Recipe part_recipe(const Recipe& blend, Kind part) {
  std::map<std::string, double> wanted{{"seed", blend.get("seed")}};
  const std::string prefix = part_parameter(part, "");
  for (const auto& [name, value] : blend.parameters) {
    if (name.starts_with(prefix)) wanted[name.substr(prefix.size())] = value;
  }
  auto recipe = make_recipe(part, wanted);
  VITRINE_CHECK_MSG(recipe.ok(), recipe.error().message());  // the rows have the same bounds
  return std::move(*recipe);
}

Result<Recipe> make_recipe(Kind kind, const std::map<std::string, double>& wanted) {
  Recipe recipe;
  recipe.kind = kind;
  const auto rows = parameter_rows(kind);
  for (const auto& [name, value] : wanted) {
    if (std::ranges::find(rows, name, &ParameterRow::name) != rows.end()) continue;
    std::string known;
    for (const ParameterRow& row : rows)
      known += (known.empty() ? "" : ", ") + std::string(row.name);
    return wrong(kind, name, "there is none; there are " + known);
  }
  for (const ParameterRow& row : rows) {
    const auto given = wanted.find(std::string(row.name));
    const double value = given == wanted.end() ? row.value : given->second;
    VITRINE_TRY(check_value(kind, row, value));
    recipe.parameters.emplace_back(row.name, value);
  }
  const bool empty = std::all_of(std::begin(kBlendParts), std::end(kBlendParts), [&](Kind part) {
    return kind == Kind::kBlend && recipe.get(part_weight(part)) == 0;
  });
  if (empty) return wrong(kind, "weight_...", "all are 0: a blend needs a part");
  return recipe;
}

std::uint64_t training_bytes(const Recipe& recipe, std::uint64_t users, std::uint64_t items,
                             std::uint64_t interactions) {
  const std::uint64_t data = 24 * interactions + 16 * (users + items);
  const auto table = [&](std::string_view name) {
    return items * static_cast<std::uint64_t>(recipe.get(name)) * sizeof(float);
  };
  switch (recipe.kind) {
    case Kind::kPopularity: return data + 16 * items;
    case Kind::kItemItem: return data + 12 * table("neighbours") / sizeof(float);
    case Kind::kItemFilter:
      // Basis, three panels of subspace iteration, one between users and items, the rows.
      return data + 4 * table("rank") + 4 * 3 * 64 * items + 4 * 64 * users +
             2 * table("neighbours");
    case Kind::kEase: return data + 4 * items * items + 2 * table("neighbours");
    case Kind::kIals:
      // Four tables of items, what an epoch is judged with, and the vectors of users in memory.
      return data + 4 * table("dimensions") +
             ItemScores::making_bytes(items, recipe.whole("dimensions")) +
             users * static_cast<std::uint64_t>(recipe.get("dimensions")) * sizeof(float);
    case Kind::kSession: {
      const auto width = static_cast<std::uint64_t>(recipe.get("width"));
      const auto parameters =
          items * width + static_cast<std::uint64_t>(recipe.get("layers")) *
                              (2 * width * static_cast<std::uint64_t>(recipe.get("inner")) +
                               width * static_cast<std::uint64_t>(recipe.get("length")));
      const auto sampled = static_cast<std::uint64_t>(recipe.get("negatives"));
      const auto batch = static_cast<std::uint64_t>(recipe.get("batch"));
      return data + 6 * 4 * parameters + ItemScores::making_bytes(items, width) +
             2 * 4 * batch * ((sampled == 0 ? items : sampled) + batch);
    }
    case Kind::kEmbedding: {
      const auto d = static_cast<std::uint64_t>(recipe.get("dimensions"));
      const auto batch = static_cast<std::uint64_t>(recipe.get("batch"));
      // The guessed items of a step are some tens a visitor, and never more than there are.
      const auto candidates =
          std::min(items, static_cast<std::uint64_t>(recipe.get("negatives")) + 32 * batch);
      return data + 4 * users + std::max(12 * table("dimensions"), 3 * 4 * items * (d + 64)) +
             4 * 64 * users + ItemScores::making_bytes(items, d) +
             4 * (3 * d * candidates + 2 * d * batch + batch * candidates);
    }
    case Kind::kBlend: {
      // Those that are done stay while the others are made: no more than all together.
      std::uint64_t sum = 0;
      for (const Kind part : kBlendParts) {
        if (recipe.get(part_weight(part)) == 0) continue;
        sum += training_bytes(part_recipe(recipe, part), users, items, interactions);
      }
      return sum;
    }
  }
  return data;
}

}  // namespace vitrine::learn
