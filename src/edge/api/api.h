// The HTTP API: every route of the process, with its right, in one table.
//
// A request is matched to its route, its key to a tenant and a right, its cost to the quotas;
// then the route's function answers, at once or later. The tenant comes from the key and from
// nothing else, so no route can name another one.
#pragma once

#include <optional>
#include <span>
#include <string_view>

#include "domain/tenant/scope.h"
#include "edge/api/platform.h"
#include "edge/api/router.h"
#include "platform/net/handler.h"

namespace vitrine::api {

// A request on its way through a route. Lives until the route's function is back.
struct Call {
  Platform& platform;
  const net::Request& request;
  PathArguments arguments;
  gateway::Caller caller;  // without tenant for admin keys and open routes
  TimeUs now = 0;
  std::string events{};  // of a body with a key in it (browser.h): stands for the body

  std::string_view body() const { return events.empty() ? request.body() : events; }
};

using RouteFunction = void (*)(Call& call, net::Responder responder);

// Where a route takes a key from beside the headers Authorization and X-API-Key (browser.h).
enum KeyPlaces : std::uint8_t {
  kInHeaders = 0,
  kInQuery = 1,  // ?key=
  kInBody = 2,   // "key" or "writeKey" of the object that the body is
  kInBasic = 4,  // the user of Basic authentication
};

struct Route {
  net::Method method;
  std::string_view pattern;
  std::string_view name;               // label of metrics, operationId of the OpenAPI document
  std::optional<tenant::Right> right;  // absent: open to everyone
  RouteFunction function;
  std::uint8_t keys = kInHeaders;  // of KeyPlaces
};

// Every route, in a fixed order. The OpenAPI test and the cross-tenant matrix are made from it.
std::span<const Route> routes();

class Api final : public net::Handler {
 public:
  explicit Api(Platform& platform);
  void handle(const net::Request& request, net::Responder responder) override;
  // Refuses who may not send before the body is read.
  std::optional<net::Response> before_body(const net::Request& head) override;
  void round_ended() override { platform_.round_ended(); }
  net::Response refuse(int status, std::string_view code, std::string_view detail) override;

 private:
  struct RouteMetrics {
    obs::Histogram* seconds;
    obs::Counter* by_class[6];  // answers by status / 100
  };
  class Measured;

  // The route and the caller, or the answer that says why not.
  struct Admitted {
    std::size_t route;
    PathArguments arguments;
    gateway::Caller caller;
    std::string events;    // Call::events
    std::string audience;  // who may read the answer in a browser: "*", an origin or empty
  };
  // `has_body`: all of the request is here, so its cost is taken from the quota.
  std::optional<net::Response> admit(const net::Request& request, bool has_body, Admitted& out);
  Result<gateway::Caller> find_caller(const net::Request& request, bool has_body,
                                      Admitted& out) const;
  std::optional<net::Response> refuse_address(const net::Request& request, bool has_body);
  std::optional<net::Response> refuse_caller(const net::Request& request, const Error& error,
                                             const Route& route) const;
  net::Response options(const net::Request& request) const;

  Platform& platform_;
  RouteIndex index_;
  std::vector<RouteMetrics> metrics_;
};

}  // namespace vitrine::api
