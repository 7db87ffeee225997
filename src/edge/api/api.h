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

// A request on its way through a route. Lives until its Responder is used.
struct Call {
  Platform& platform;
  const net::Request& request;
  PathArguments arguments;
  gateway::Caller caller;  // without tenant for admin keys and open routes
  TimeUs now = 0;
};

using RouteFunction = void (*)(Call& call, net::Responder responder);

struct Route {
  net::Method method;
  std::string_view pattern;
  std::string_view name;               // label of metrics, operationId of the OpenAPI document
  std::optional<tenant::Right> right;  // absent: open to everyone
  RouteFunction function;
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
  };
  std::optional<net::Response> admit(const net::Request& request, bool take_quota, Admitted& out);

  Platform& platform_;
  RouteIndex index_;
  std::vector<RouteMetrics> metrics_;
};

}  // namespace vitrine::api
