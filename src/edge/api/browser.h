// What pages in browsers need: to be asked before (CORS), and keys that can't stand in a header.
//
// Authority is in the key, never in a cookie, so any origin may be answered: an origin that
// a tenant does not list can't do more with a publishable key than a script that has no
// origin. The list keeps other sites from using a shop's key by accident.
//
// - OPTIONS on a route that a publishable key may call allows every origin: a preflight carries no
//   key, so the tenant is not known yet. On any other route it refuses.
// - The call itself is checked against the tenant's allowed_origins.
// - navigator.sendBeacon() sends no header of its own. So that a page may use it with the type
//   text/plain, which needs no preflight, POST /v1/events takes a publishable key as ?key= or as
//   {"key": ..., "events": [...]}. URLs and bodies are logged, kept and shared: a secret
//   or admin key in one is refused, whatever it may do.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"
#include "edge/api/api.h"
#include "platform/net/http.h"
#include "service/gateway/gateway.h"

namespace vitrine::api {

// A body with the key in it is read before its sender is known, so it is a small one: the most that
// browsers send in a beacon.
inline constexpr std::size_t kKeyedBodyBytesMax = 64 << 10;

// A publishable key may call it.
bool is_for_browsers(const Route& route);

// kPermissionDenied "secret_exposed" if the URL holds a key that is not publishable.
Status check_no_secret_in(const net::Request& request);

// The key as it came, where the route takes it there; empty where it is only in the usual headers
// or nowhere.
struct CarriedKey {
  std::string key;
  bool in_body_to_come = false;  // not known before the body is there
  bool from_basic = false;       // and the Authorization header is not a bearer token
  std::string events;            // of {"key": ..., "events": ...}: what stands for the body
};
// Errors are those of kUnauthenticated and "secret_exposed".
Result<CarriedKey> find_carried_key(const Route& route, const net::Request& request, bool has_body);

// Who may read the answer: "*", the origin, or empty for no header at all.
struct Audience {
  std::string origin;
};
// kPermissionDenied "origin_not_allowed".
Result<Audience> audience_of(const net::Request& request, const Route& route,
                             const gateway::Caller& caller);
void add_audience(const Audience& audience, net::Response& response);

// The answer to OPTIONS; `methods` are those the path has, `callable` those among them that
// browsers may call.
net::Response answer_options(const net::Request& request, std::string_view methods,
                             std::string_view callable);

}  // namespace vitrine::api
