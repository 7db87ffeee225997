#include "base/config.h"

#include <algorithm>
#include <charconv>
#include <fstream>
#include <iterator>
#include <limits>

#define TOML_EXCEPTIONS 0
#include <toml++/toml.h>

#include "base/edit_distance.h"

namespace vitrine {
namespace {

struct Unit {
  std::string_view name;
  double factor;
};

// The number in front of the unit; the rest of the text is the unit.
Result<std::pair<double, std::string_view>> split_number(std::string_view text) {
  double value = 0;
  const auto [end, code] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (code != std::errc{} || !(value >= 0)) {
    return Error(ErrorCode::kInvalidArgument,
                 "'" + std::string(text) + "' does not start with a number >= 0");
  }
  std::string_view rest = text.substr(static_cast<std::size_t>(end - text.data()));
  while (!rest.empty() && rest.front() == ' ') rest.remove_prefix(1);
  return std::pair{value, rest};
}

template <std::size_t N>
Result<double> scaled(std::string_view text, const Unit (&units)[N], std::string_view known) {
  VITRINE_TRY(auto parts, split_number(text));
  for (const Unit& unit : units) {
    if (unit.name == parts.second) return parts.first * unit.factor;
  }
  return Error(ErrorCode::kInvalidArgument,
               "'" + std::string(text) + "' has no known unit; write one of " + std::string(known));
}

std::string size_text(std::uint64_t value) {
  constexpr std::pair<std::uint64_t, const char*> kUnits[] = {
      {1ull << 30, "GiB"}, {1ull << 20, "MiB"}, {1ull << 10, "KiB"}};
  for (const auto& [factor, name] : kUnits) {
    if (value != 0 && value % factor == 0) return std::to_string(value / factor) + name;
  }
  return std::to_string(value);
}

std::string duration_text(std::int64_t us) {
  constexpr std::pair<std::int64_t, const char*> kUnits[] = {{86'400'000'000, "d"},
                                                             {3'600'000'000, "h"},
                                                             {60'000'000, "m"},
                                                             {1'000'000, "s"},
                                                             {1000, "ms"}};
  for (const auto& [factor, name] : kUnits) {
    if (us != 0 && us % factor == 0) return std::to_string(us / factor) + name;
  }
  return std::to_string(us) + "us";
}

Error out_of_range(std::string_view value, const std::string& range) {
  return {ErrorCode::kInvalidArgument, std::string(value) + " is outside " + range};
}

void flatten(const toml::table& table, const std::string& prefix,
             std::vector<std::pair<std::string, std::string>>& out, std::string& problem) {
  for (const auto& [name, node] : table) {
    const std::string key =
        prefix.empty() ? std::string(name.str()) : prefix + "." + std::string(name.str());
    if (const auto* inner = node.as_table()) {
      flatten(*inner, key, out, problem);
    } else if (const auto s = node.value_exact<std::string>()) {
      out.emplace_back(key, *s);
    } else if (const auto b = node.value_exact<bool>()) {
      out.emplace_back(key, *b ? "true" : "false");
    } else if (const auto i = node.value_exact<std::int64_t>()) {
      out.emplace_back(key, std::to_string(*i));
    } else {
      problem = key + " must be a string, a whole number or true/false";
    }
  }
}

}  // namespace

Result<std::uint64_t> parse_size(std::string_view text) {
  constexpr Unit kUnits[] = {{"", 1},
                             {"B", 1},
                             {"k", 1e3},
                             {"M", 1e6},
                             {"G", 1e9},
                             {"KiB", 1024},
                             {"MiB", 1048576},
                             {"GiB", 1073741824.0},
                             {"TiB", 1099511627776.0}};
  VITRINE_TRY(const double value, scaled(text, kUnits, "B, KiB, MiB, GiB, TiB, k, M, G"));
  if (value >= 9.2e18)
    return Error(ErrorCode::kInvalidArgument, "'" + std::string(text) + "' is too large");
  return static_cast<std::uint64_t>(value);
}

Result<std::int64_t> parse_duration_us(std::string_view text) {
  constexpr Unit kUnits[] = {{"us", 1},   {"ms", 1e3},   {"s", 1e6},
                             {"m", 60e6}, {"h", 3600e6}, {"d", 86400e6}};
  if (text == "0") return 0;
  VITRINE_TRY(const double value, scaled(text, kUnits, "us, ms, s, m, h, d"));
  if (value >= 9.2e18)
    return Error(ErrorCode::kInvalidArgument, "'" + std::string(text) + "' is too large");
  return static_cast<std::int64_t>(value);
}

void ConfigTable::add(Option option) {
  VITRINE_CHECK_MSG(!known(option.key), option.key);
  option.default_text = option.get();
  options_.push_back(std::move(option));
}

void ConfigTable::add_string(std::string key, std::string* target, std::string help) {
  add({std::move(key), "text", "", "", std::move(help),
       [target](std::string_view v) {
         *target = v;
         return ok_status();
       },
       [target] { return *target; }});
}

void ConfigTable::add_bool(std::string key, bool* target, std::string help) {
  add({std::move(key), "true/false", "", "", std::move(help),
       [target](std::string_view v) -> Status {
         if (v != "true" && v != "false")
           return Error(ErrorCode::kInvalidArgument,
                        "'" + std::string(v) + "' is neither true nor false");
         *target = v == "true";
         return ok_status();
       },
       [target] { return *target ? "true" : "false"; }});
}

void ConfigTable::add_integer(std::string key, std::int64_t* target, std::int64_t min,
                              std::int64_t max, std::string help) {
  const std::string range = std::to_string(min) + " .. " + std::to_string(max);
  add({std::move(key), "number", "", range, std::move(help),
       [=](std::string_view v) -> Status {
         std::int64_t value = 0;
         const auto [end, code] = std::from_chars(v.data(), v.data() + v.size(), value);
         if (code != std::errc{} || end != v.data() + v.size())
           return Error(ErrorCode::kInvalidArgument,
                        "'" + std::string(v) + "' is not a whole number");
         if (value < min || value > max) return out_of_range(v, range);
         *target = value;
         return ok_status();
       },
       [target] { return std::to_string(*target); }});
}

void ConfigTable::add_size(std::string key, std::uint64_t* target, std::uint64_t min,
                           std::uint64_t max, std::string help) {
  const std::string range = size_text(min) + " .. " + size_text(max);
  add({std::move(key), "size", "", range, std::move(help),
       [=](std::string_view v) -> Status {
         VITRINE_TRY(const auto value, parse_size(v));
         if (value < min || value > max) return out_of_range(v, range);
         *target = value;
         return ok_status();
       },
       [target] { return size_text(*target); }});
}

void ConfigTable::add_duration(std::string key, std::int64_t* target_us, std::int64_t min_us,
                               std::int64_t max_us, std::string help) {
  const std::string range = duration_text(min_us) + " .. " + duration_text(max_us);
  add({std::move(key), "duration", "", range, std::move(help),
       [=](std::string_view v) -> Status {
         VITRINE_TRY(const auto value, parse_duration_us(v));
         if (value < min_us || value > max_us) return out_of_range(v, range);
         *target_us = value;
         return ok_status();
       },
       [target_us] { return duration_text(*target_us); }});
}

bool ConfigTable::known(std::string_view key) const {
  return std::any_of(options_.begin(), options_.end(),
                     [&](const Option& o) { return o.key == key; });
}

std::string ConfigTable::nearest(std::string_view key) const {
  std::string best;
  std::size_t best_distance = std::numeric_limits<std::size_t>::max();
  for (const Option& option : options_) {
    const std::size_t distance = edit_distance(key, option.key);
    if (distance < best_distance) {
      best_distance = distance;
      best = option.key;
    }
  }
  return best;
}

Status ConfigTable::set(std::string_view key, std::string_view value, std::string_view where) {
  for (const Option& option : options_) {
    if (option.key != key) continue;
    auto status = option.set(value);
    if (!status.ok()) return std::move(status).error().context(key).context(where);
    return ok_status();
  }
  return Error(ErrorCode::kInvalidArgument, std::string(where) + ": unknown setting '" +
                                                std::string(key) + "'; did you mean '" +
                                                nearest(key) + "'?");
}

Status ConfigTable::apply_toml_file(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  if (!file) return Error(ErrorCode::kNotFound, "cannot read the configuration file " + path);
  const std::string text{std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
  return apply_toml(text, path);
}

Status ConfigTable::apply_toml(std::string_view text, std::string_view source_name) {
  const auto result = toml::parse(text, source_name);
  const std::string source(source_name);
  if (!result) {
    const auto& at = result.error().source().begin;
    return Error(ErrorCode::kInvalidArgument, source + ":" + std::to_string(at.line) + ":" +
                                                  std::to_string(at.column) + ": " +
                                                  std::string(result.error().description()));
  }
  std::vector<std::pair<std::string, std::string>> values;
  std::string problem;
  flatten(result.table(), "", values, problem);
  if (!problem.empty()) return Error(ErrorCode::kInvalidArgument, source + ": " + problem);
  for (const auto& [key, value] : values) VITRINE_TRY(set(key, value, source_name));
  return ok_status();
}

Status ConfigTable::apply_environment(const std::map<std::string, std::string>& environment) {
  for (const Row& row : rows()) {
    const auto it = environment.find(row.environment_name);
    if (it != environment.end()) VITRINE_TRY(set(row.key, it->second, row.environment_name));
  }
  return ok_status();
}

Status ConfigTable::apply_flag(std::string_view key, std::string_view value) {
  return set(key, value, "--" + std::string(key));
}

std::vector<ConfigTable::Row> ConfigTable::rows() const {
  std::vector<Row> rows;
  for (const Option& option : options_) {
    std::string name = "VITRINE_" + option.key;
    for (char& c : name) {
      if (c == '.') c = '_';
      if (c >= 'a' && c <= 'z') c = static_cast<char>(c - 'a' + 'A');
    }
    rows.push_back(
        {option.key, std::move(name), option.type, option.default_text, option.range, option.help});
  }
  return rows;
}

std::string ConfigTable::to_toml() const {
  // TOML wants each section once, so options of one section are gathered, sections in order of
  // first appearance; what is in none comes before all, else it would belong to the last one.
  std::vector<std::pair<std::string, std::string>> sections;
  for (const Option& option : options_) {
    const std::size_t dot = option.key.rfind('.');
    const std::string name = dot == std::string::npos ? "" : option.key.substr(0, dot);
    auto it = std::find_if(sections.begin(), sections.end(),
                           [&](const auto& s) { return s.first == name; });
    if (it == sections.end()) {
      it = sections.insert(name.empty() ? sections.begin() : sections.end(), {name, ""});
    }
    const bool bare = option.type == "number" || option.type == "true/false";
    const std::string value = bare ? option.get() : "\"" + option.get() + "\"";
    it->second += option.key.substr(dot == std::string::npos ? 0 : dot + 1) + " = " + value + "\n";
  }
  std::string out;
  for (const auto& [name, body] : sections) {
    if (!out.empty()) out += "\n";
    if (!name.empty()) out += "[" + name + "]\n";
    out += body;
  }
  return out;
}

}  // namespace vitrine
