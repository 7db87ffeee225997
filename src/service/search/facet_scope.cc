#include "service/search/facet_scope.h"

#include <algorithm>
#include <map>

#include "domain/catalog/item.h"

namespace vitrine::search {

namespace {

using filter::Node;
using filter::NodePtr;

// The attribute that all comparisons below name; empty if they name several.
std::string_view only_attribute(const Node& node) {
  if (node.kind == Node::Kind::kComparison) return node.comparison.field;
  std::string_view name;
  for (const NodePtr& child : node.children) {
    const std::string_view below = only_attribute(*child);
    if (below.empty() || (!name.empty() && below != name)) return {};
    name = below;
  }
  return name;
}

filter::ParsedFilter all_of(std::vector<NodePtr> conditions) {
  if (conditions.size() == 1) return filter::ParsedFilter(std::move(conditions.front()));
  auto node = std::make_shared<Node>();
  node->kind = Node::Kind::kAnd;
  node->children = std::move(conditions);
  return filter::ParsedFilter(std::move(node));
}

}  // namespace

std::size_t FacetScopes::find(const FacetRequest& facet) const {
  if (facet.whole_filter) return own.size();
  const std::string_view name = catalog::canonical_name(facet.attribute);
  const auto found =
      std::find_if(own.begin(), own.end(), [&](const Own& o) { return o.attribute == name; });
  return static_cast<std::size_t>(found - own.begin());
}

FacetScopes split_filter(const filter::ParsedFilter& filter, std::span<const FacetRequest> facets) {
  const NodePtr& root = filter.root_ptr();
  const bool joined = root->kind == Node::Kind::kAnd;
  std::map<std::string, std::vector<NodePtr>, std::less<>> own;
  std::vector<NodePtr> rest;
  const auto sort_in = [&](const NodePtr& condition) {
    const std::string_view name = only_attribute(*condition);
    const bool wanted =
        !name.empty() && std::any_of(facets.begin(), facets.end(), [&](const FacetRequest& facet) {
          return !facet.whole_filter && catalog::canonical_name(facet.attribute) == name;
        });
    if (wanted) {
      own[std::string(name)].push_back(condition);
    } else {
      rest.push_back(condition);
    }
  };
  if (joined) {
    for (const NodePtr& condition : root->children) sort_in(condition);
  } else {
    sort_in(root);
  }
  FacetScopes out;
  for (auto& [name, conditions] : own) out.own.push_back({name, all_of(std::move(conditions))});
  if (!rest.empty()) out.rest.emplace(all_of(std::move(rest)));
  return out;
}

}  // namespace vitrine::search
