#include "domain/policy/policy_json.h"

#include <algorithm>
#include <charconv>
#include <cmath>

#include <simdjson.h>

#include "base/edit_distance.h"

namespace vitrine::policy {
namespace {

namespace dom = simdjson::dom;

Error invalid(std::string message) { return {ErrorCode::kInvalidArgument, std::move(message)}; }

// What was sent, cut and made printable for a message.
std::string shown(std::string_view text) {
  std::string out;
  for (char c : text.substr(0, 40)) {
    const auto byte = static_cast<unsigned char>(c);
    out.push_back(byte < 0x20 || byte >= 0x7F ? '?' : c);
  }
  return text.size() > 40 ? out + "..." : out;
}

Error unknown_field(std::string_view where, std::string_view name,
                    const std::vector<std::string_view>& known) {
  const std::string_view cut = name.substr(0, 40);
  const auto nearest = std::min_element(known.begin(), known.end(), [&](auto a, auto b) {
    return edit_distance(cut, a) < edit_distance(cut, b);
  });
  return invalid("unknown field '" + std::string(where) + shown(name) + "'; did you mean '" +
                 std::string(where) + std::string(*nearest) + "'?");
}

std::vector<std::string_view> field_names() {
  std::vector<std::string_view> names = {"placement", "weights"};
  for (const auto& field : bool_fields()) names.push_back(field.name);
  for (const auto& field : number_fields()) names.push_back(field.name);
  return names;
}

std::vector<std::string_view> weight_names() {
  std::vector<std::string_view> names;
  for (std::size_t i = 0; i < kSourceCount; ++i) names.push_back(source_name(Source(i)));
  return names;
}

Status read_weight(std::string_view name, const dom::element& value, SourceWeights& out) {
  for (std::size_t i = 0; i < kSourceCount; ++i) {
    if (source_name(Source(i)) != name) continue;
    double weight = 0;
    if (value.get(weight) != simdjson::SUCCESS) {
      return invalid("weights." + std::string(name) + " must be a number from 0 to 100");
    }
    out.by_source[i] = weight;
    return ok_status();
  }
  return unknown_field("weights.", name, weight_names());
}

Status read_weights(const dom::element& value, SourceWeights& out) {
  dom::object object;
  if (value.get(object) != simdjson::SUCCESS) {
    return invalid("weights must be an object of source names and numbers");
  }
  for (const auto field : object) VITRINE_TRY(read_weight(field.key, field.value, out));
  return ok_status();
}

Status read_number(const NumberField& field, const dom::element& value, PlacementPolicy& out) {
  std::uint64_t number = 0;
  const bool whole = value.get(number) == simdjson::SUCCESS;
  if (!whole || number < field.min || number > field.max) {
    return invalid(std::string(field.name) + " must be a whole number from " +
                   std::to_string(field.min) + " to " + std::to_string(field.max));
  }
  out.*field.member = static_cast<std::uint32_t>(number);
  return ok_status();
}

Status read_placement(const dom::element& value, const PlacementPolicy& out) {
  std::string_view name;
  if (value.get(name) != simdjson::SUCCESS) return invalid("placement must be a string");
  if (name == out.placement) return ok_status();
  return invalid("placement is '" + shown(name) + "', expected '" + out.placement + "'");
}

Status read_field(std::string_view name, const dom::element& value, PlacementPolicy& out) {
  if (name == "placement") return read_placement(value, out);
  if (name == "weights") return read_weights(value, out.weights);
  for (const auto& field : bool_fields()) {
    if (field.name != name) continue;
    if (value.get(out.*field.member) == simdjson::SUCCESS) return ok_status();
    return invalid(std::string(name) + " must be true or false");
  }
  for (const auto& field : number_fields()) {
    if (field.name == name) return read_number(field, value, out);
  }
  return unknown_field("", name, field_names());
}

// Calls fn(object) while the parsed document lives.
template <class Fn>
auto with_object(std::string_view json, Fn&& fn) -> decltype(fn(dom::object())) {
  if (json.size() > kPolicyJsonBytesMax) {
    return Error(ErrorCode::kTooLarge, "a policy has at most 16 KiB of JSON, got " +
                                           std::to_string(json.size()) + " bytes");
  }
  dom::parser parser(kPolicyJsonBytesMax);
  const simdjson::padded_string padded(json);
  dom::element root;
  if (const auto failure = parser.parse(padded).get(root)) {
    return invalid("the policy is not valid JSON: " +
                   std::string(simdjson::error_message(failure)));
  }
  dom::object object;
  if (root.get(object) != simdjson::SUCCESS) return invalid("a policy must be a JSON object");
  return fn(object);
}

// The shortest text that reads back as the same double.
std::string number_text(double value) {
  char buffer[32];
  const auto end = std::to_chars(buffer, buffer + sizeof(buffer), value);
  return {buffer, end.ptr};
}

}  // namespace

std::string to_json(const PlacementPolicy& policy) {
  // Placement, field and source names are [a-z0-9_-]: nothing here needs escaping.
  std::string out = "{\"placement\":\"" + policy.placement + "\"";
  for (const auto& field : bool_fields()) {
    out.append(",\"").append(field.name).append(policy.*field.member ? "\":true" : "\":false");
  }
  for (const auto& field : number_fields()) {
    out.append(",\"").append(field.name).append("\":");
    out += std::to_string(policy.*field.member);
  }
  out += ",\"weights\":{";
  for (std::size_t i = 0; i < kSourceCount; ++i) {
    out.append(i == 0 ? "\"" : ",\"").append(source_name(Source(i))).append("\":");
    out += number_text(policy.weights.by_source[i]);
  }
  return out + "}}";
}

Result<PlacementPolicy> override_policy(const PlacementPolicy& base, std::string_view json) {
  return with_object(json, [&](dom::object object) -> Result<PlacementPolicy> {
    PlacementPolicy policy = base;
    for (const auto field : object) VITRINE_TRY(read_field(field.key, field.value, policy));
    VITRINE_TRY(validate(policy));
    return policy;
  });
}

Result<PlacementPolicy> parse_policy(std::string_view json) {
  auto name = with_object(json, [](dom::object object) -> Result<std::string> {
    std::string_view placement;
    if (object["placement"].get(placement) == simdjson::SUCCESS) return std::string(placement);
    return invalid("a policy must have a string field 'placement'");
  });
  if (!name.ok()) return std::move(name).error();
  const PlacementPolicy* builtin = find_builtin(*name);
  PlacementPolicy base = builtin != nullptr ? *builtin : *find_builtin("home");
  base.placement = *name;
  return override_policy(base, json);
}

}  // namespace vitrine::policy
