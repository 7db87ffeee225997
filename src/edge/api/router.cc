#include "edge/api/router.h"

#include <algorithm>

#include "base/check.h"
#include "platform/net/url.h"

namespace vitrine::api {
namespace {

constexpr std::size_t kSegmentsMax = 8;

// "/a/b/" has the segments "a", "b", "": a trailing slash is another path.
bool split(std::string_view path, std::vector<std::string_view>& out) {
  out.clear();
  if (path.empty() || path.front() != '/') return false;
  path.remove_prefix(1);
  while (true) {
    const std::size_t slash = path.find('/');
    out.push_back(path.substr(0, slash));
    if (slash == std::string_view::npos) return true;
    if (out.size() == kSegmentsMax) return false;
    path.remove_prefix(slash + 1);
  }
}

bool is_name(std::string_view segment) { return !segment.empty() && segment.front() == '{'; }

}  // namespace

RouteIndex::RouteIndex(std::vector<Pattern> patterns) {
  std::vector<std::string_view> parts;
  for (const Pattern& pattern : patterns) {
    Compiled route{pattern.method, {}, {}};
    std::string_view text = pattern.text;
    const std::size_t brace = text.rfind('}');
    const std::size_t colon = text.rfind(':');
    if (colon != std::string_view::npos && (brace == std::string_view::npos || colon > brace)) {
      route.verb = text.substr(colon);
      text = text.substr(0, colon);
    }
    VITRINE_CHECK_MSG(split(text, parts), std::string(pattern.text));
    std::size_t names = 0;
    for (std::string_view part : parts) {
      names += is_name(part) ? 1 : 0;
      route.segments.emplace_back(is_name(part) ? "{" : part);
    }
    VITRINE_CHECK_MSG(names <= 2, std::string(pattern.text));
    routes_.push_back(std::move(route));
  }
  for (const Pattern& pattern : patterns) {
    Miss miss;
    const auto match = search(pattern.method, pattern.text, miss);
    if (match && match->arguments.count == 0) {
      fixed_[pattern.text].push_back({pattern.method, match->route});
    }
  }
}

std::optional<RouteIndex::Match> RouteIndex::find(net::Method method, std::string_view path,
                                                  Miss& miss) const {
  if (const auto fixed = fixed_.find(path); fixed != fixed_.end()) {
    for (const Fixed& one : fixed->second) {
      if (one.method == method) return Match{one.route, {}};
    }
  }
  return search(method, path, miss);
}

std::optional<RouteIndex::Match> RouteIndex::search(net::Method method, std::string_view path,
                                                    Miss& miss) const {
  thread_local std::vector<std::string_view> parts;
  if (!split(path, parts)) return std::nullopt;
  const Compiled* best = nullptr;
  for (const Compiled& route : routes_) {
    if (route.segments.size() != parts.size()) continue;
    std::string_view last = parts.back();
    if (!route.verb.empty()) {
      if (!last.ends_with(route.verb)) continue;
      last.remove_suffix(route.verb.size());
    }
    bool fits = true;
    for (std::size_t i = 0; fits && i < parts.size(); ++i) {
      const std::string_view part = i + 1 == parts.size() ? last : parts[i];
      fits = is_name(route.segments[i]) ? !part.empty() : route.segments[i] == part;
    }
    if (!fits) continue;
    if (route.method != method) {
      miss.allowed.push_back(route.method);
    } else if (best == nullptr || (best->verb.empty() && !route.verb.empty())) {
      best = &route;
    }
  }
  if (best == nullptr) return std::nullopt;
  Match match{static_cast<std::size_t>(best - routes_.data()), {}};
  for (std::size_t i = 0; i < parts.size(); ++i) {
    if (!is_name(best->segments[i])) continue;
    std::string_view part = parts[i];
    if (i + 1 == parts.size()) part.remove_suffix(best->verb.size());
    auto decoded = net::percent_decode(part);
    if (!decoded || decoded->find('\0') != std::string::npos) {
      miss.bad_escape = true;
      return std::nullopt;
    }
    match.arguments.values[match.arguments.count++] = std::move(*decoded);
  }
  return match;
}

}  // namespace vitrine::api
