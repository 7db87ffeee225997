// Which handler a method and path mean, as data: the OpenAPI test, the cross-tenant test
// matrix and the metrics labels are all made from this table.
//
// A pattern is a path with {name} for one segment: "/v1/items/{item_id}". A pattern may end in
// a verb after the last segment, "/v1/items/{item_id}:inventory"; the verb binds before the
// segment, so an id that ends in ":inventory" must be percent-encoded by the sender (%3A).
// Segments are split before they are percent-decoded, so that ids may contain slashes.
#pragma once

#include <array>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "platform/net/http.h"

namespace vitrine::api {

// At most two {names} in a pattern; more would be a different design.
struct PathArguments {
  std::array<std::string, 2> values;
  std::size_t count = 0;
  const std::string& operator[](std::size_t i) const { return values[i]; }
};

class RouteIndex {
 public:
  struct Pattern {
    net::Method method;
    std::string_view text;
  };
  struct Match {
    std::size_t route;  // index in the list given to the constructor
    PathArguments arguments;
  };
  // What a path is when no route matches: the path is unknown, or known with other methods.
  struct Miss {
    std::vector<net::Method> allowed;  // empty: unknown path
    bool bad_escape = false;           // a segment could not be percent-decoded
  };

  explicit RouteIndex(std::vector<Pattern> patterns);

  // `path` as sent, still percent-encoded, without the query. One lookup for a path without names
  // (the events of a shop), else O(segments x routes of that length).
  std::optional<Match> find(net::Method method, std::string_view path, Miss& miss) const;

 private:
  struct Compiled {
    net::Method method;
    std::vector<std::string> segments;  // "{" alone stands for a name
    std::string verb;                   // ":inventory" or empty
  };
  struct Fixed {
    net::Method method;
    std::size_t route;
  };
  std::optional<Match> search(net::Method method, std::string_view path, Miss& miss) const;

  std::vector<Compiled> routes_;
  // Paths that are their own pattern, with the route that the search finds for them.
  std::unordered_map<std::string_view, std::vector<Fixed>> fixed_;
};

}  // namespace vitrine::api
