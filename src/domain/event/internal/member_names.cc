#include "domain/event/internal/member_names.h"

#include <algorithm>
#include <optional>
#include <span>
#include <vector>

#include <simdjson.h>

#include "domain/event/internal/json_walker.h"
#include "domain/event/internal/rejecting.h"

namespace vitrine::event::internal {
namespace {

// By length first: most names differ in it, which spares a look at their bytes.
bool before(std::string_view a, std::string_view b) {
  return a.size() != b.size() ? a.size() < b.size() : a < b;
}

// One that is there twice. Sorts `names`.
std::optional<std::string_view> find_twice(std::span<std::string_view> names) {
  std::ranges::sort(names, before);
  const auto twice = std::ranges::adjacent_find(names);
  if (twice == names.end()) return std::nullopt;
  return *twice;
}

}  // namespace

bool check_names(Field field, const simdjson::dom::object& object, Rejection& why) {
  std::vector<std::string_view> names;
  names.reserve(object.size());
  for (const auto member : object) names.push_back(member.key);
  const auto twice = find_twice(names);
  return !twice || reject(RejectCode::kDuplicateField,
                          "an object in " + std::string(kFieldNames[field]) + " has " +
                              shown(*twice) + " twice: give each name once",
                          why);
}

bool check_merged_names(Field field, std::string_view json, Rejection& why) {
  std::vector<std::string_view> names;
  JsonWalker walker(json);
  walker.each_member([&](std::string_view name) {
    names.push_back(name);
    return walker.skip_value();
  });
  const auto twice = find_twice(names);
  return !twice || reject(RejectCode::kDuplicateField,
                          std::string(kFieldNames[field]) + " has " + shown(*twice) +
                              " twice, with what GA4's parameters become: give each name once",
                          why);
}

}  // namespace vitrine::event::internal
