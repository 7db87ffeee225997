#include "edge/api/api.h"

#include <array>

#include "edge/api/problem.h"
#include "edge/api/routes.h"
#include "platform/obs/log.h"

namespace vitrine::api {
namespace {

using net::Method;
using tenant::Right;

constexpr std::array kRoutes{
    Route{Method::kPost, "/v1/events", "postEvents", Right::kWriteEvents, post_events},
    Route{Method::kPost, "/v1/events:import", "importEvents", Right::kWriteCatalog, import_events},
    Route{Method::kPut, "/v1/items/{item_id}", "putItem", Right::kWriteCatalog, put_item},
    Route{Method::kPatch, "/v1/items/{item_id}", "patchItem", Right::kWriteCatalog, patch_item},
    Route{Method::kGet, "/v1/items/{item_id}", "getItem", Right::kReadCatalog, get_item},
    Route{Method::kDelete, "/v1/items/{item_id}", "deleteItem", Right::kWriteCatalog, delete_item},
    Route{Method::kPost, "/v1/items/{item_id}:inventory", "postInventory", Right::kWriteCatalog,
          post_inventory},
    Route{Method::kGet, "/v1/items", "listItems", Right::kReadCatalog, list_items},
    Route{Method::kPost, "/v1/items:import", "importItems", Right::kWriteCatalog, import_items},
    Route{Method::kGet, "/v1/attributes", "listAttributes", Right::kReadCatalog, list_attributes},
    Route{Method::kPut, "/v1/users/{user_id}", "putUser", Right::kManageUsers, put_user},
    Route{Method::kPatch, "/v1/users/{user_id}", "patchUser", Right::kManageUsers, patch_user},
    Route{Method::kGet, "/v1/users/{user_id}", "getUser", Right::kManageUsers, get_user},
    Route{Method::kDelete, "/v1/users/{user_id}", "deleteUser", Right::kManageUsers, delete_user},
    Route{Method::kPost, "/v1/users/{user_id}:merge", "mergeUser", Right::kManageUsers, merge_user},
    Route{Method::kGet, "/v1/users/{user_id}:export", "exportUser", Right::kManageUsers,
          export_user},
    Route{Method::kPost, "/v1/users/{user_id}:erase", "eraseUser", Right::kManageUsers, erase_user},
    Route{Method::kGet, "/v1/users/{user_id}/consents", "getConsents", Right::kManageUsers,
          get_consents},
    Route{Method::kPatch, "/v1/users/{user_id}/consents", "patchConsents", Right::kManageUsers,
          patch_consents},
    Route{Method::kGet, "/v1/users", "listUsers", Right::kManageUsers, list_users},
    Route{Method::kPost, "/v1/users:import", "importUsers", Right::kManageUsers, import_users},
    Route{Method::kPost, "/v1/recommend/{placement}", "recommend", Right::kReadWindows,
          post_recommend},
    Route{Method::kPost, "/v1/admin/tenants", "createTenant", Right::kManageTenants, create_tenant},
    Route{Method::kGet, "/v1/admin/tenants", "listTenants", Right::kManageTenants, list_tenants},
    Route{Method::kGet, "/v1/admin/tenants/{tenant}", "getTenant", Right::kManageTenants,
          get_tenant},
    Route{Method::kPatch, "/v1/admin/tenants/{tenant}", "patchTenant", Right::kManageTenants,
          patch_tenant},
    Route{Method::kPost, "/v1/admin/tenants/{tenant}/keys", "createKey", Right::kManageTenants,
          create_key},
    Route{Method::kGet, "/v1/admin/tenants/{tenant}/keys", "listKeys", Right::kManageTenants,
          list_keys},
    Route{Method::kPost, "/v1/admin/keys/{key}:rotate", "rotateKey", Right::kManageTenants,
          rotate_key},
    Route{Method::kPost, "/v1/admin/keys/{key}:revoke", "revokeKey", Right::kManageTenants,
          revoke_key},
    Route{Method::kGet, "/metrics", "getMetrics", std::nullopt, get_metrics},
    Route{Method::kGet, "/healthz", "getHealth", std::nullopt, get_healthz},
    Route{Method::kGet, "/readyz", "getReadiness", std::nullopt, get_readyz},
    Route{Method::kGet, "/openapi.json", "getOpenapi", std::nullopt, get_openapi},
    Route{Method::kGet, "/docs/errors", "getErrorCodes", std::nullopt, get_error_codes},
    Route{Method::kGet, "/", "getRoot", std::nullopt, get_root},
};

std::vector<RouteIndex::Pattern> patterns() {
  std::vector<RouteIndex::Pattern> out;
  for (const Route& route : kRoutes) out.push_back({route.method, route.pattern});
  return out;
}

net::Response not_routed(const net::Request& request, const RouteIndex::Miss& miss) {
  if (miss.bad_escape) {
    return problem_response(400, "invalid_path",
                            "a percent escape of the path is broken or NUL; write % itself as %25");
  }
  if (miss.allowed.empty()) {
    return problem_response(404, "no_such_route",
                            std::string(request.method_name()) + " " +
                                std::string(request.path().substr(0, 200)) +
                                " is no route of this API; GET /openapi.json lists them");
  }
  std::string allowed;
  for (net::Method method : miss.allowed) {
    if (!allowed.empty()) allowed += ", ";
    allowed += net::method_name(method);
  }
  net::Response response =
      problem_response(405, "method_not_allowed", "this path takes " + allowed);
  response.headers.push_back({"Allow", allowed});
  return response;
}

}  // namespace

std::span<const Route> routes() { return kRoutes; }

// Counts and times an answer on its way to the connection, from whichever thread it comes.
class Api::Measured final : public net::ResponseSink {
 public:
  Measured(net::Responder responder, const RouteMetrics& metrics, const Clock& clock,
           std::int64_t began_ns)
      : responder_(std::move(responder)), metrics_(metrics), clock_(clock), began_ns_(began_ns) {}
  void complete(net::Response response) override {
    metrics_.seconds->observe(std::chrono::nanoseconds(clock_.steady_ns() - began_ns_));
    metrics_.by_class[std::min(response.status / 100, 5)]->add();
    responder_.respond(std::move(response));
    delete this;
  }

 private:
  net::Responder responder_;
  const RouteMetrics& metrics_;
  const Clock& clock_;
  std::int64_t began_ns_;
};

Api::Api(Platform& platform) : platform_(platform), index_(patterns()) {
  auto& registry = platform.metrics();
  for (const Route& route : kRoutes) {
    RouteMetrics metrics{};
    metrics.seconds = &registry.histogram("vitrine_http_request_seconds",
                                          "From the first byte of a request to its answer.",
                                          {{"route", std::string(route.name)}});
    for (int status_class = 0; status_class < 6; ++status_class) {
      metrics.by_class[status_class] = &registry.counter(
          "vitrine_http_requests_total", "Answers by route and class of status.",
          {{"route", std::string(route.name)}, {"status", std::to_string(status_class) + "xx"}});
    }
    metrics_.push_back(metrics);
  }
}

std::optional<net::Response> Api::admit(const net::Request& request, bool take_quota,
                                        Admitted& out) {
  const net::Method method =
      request.method() == net::Method::kHead ? net::Method::kGet : request.method();
  RouteIndex::Miss miss;
  auto match = index_.find(method, request.path(), miss);
  if (!match) return not_routed(request, miss);
  out.route = match->route;
  out.arguments = std::move(match->arguments);
  const Route& route = kRoutes[out.route];
  if (!route.right) return std::nullopt;
  const Clock& clock = platform_.clock();
  auto caller = platform_.gateway().authorise(
      request.header("authorization"), request.header("x-api-key"), *route.right, clock.wall_us());
  if (!caller.ok()) return problem_response(caller.error());
  out.caller = std::move(caller).value();
  if (take_quota) {
    auto admitted =
        platform_.gateway().admit(out.caller, {.requests = 1, .events = 0}, clock.steady_ns());
    if (!admitted.ok()) return problem_response(admitted.error());
  }
  return std::nullopt;
}

void Api::handle(const net::Request& request, net::Responder responder) {
  Admitted admitted;
  if (auto refusal = admit(request, true, admitted)) {
    responder.respond(std::move(*refusal));
    return;
  }
  auto* measured = new Measured(std::move(responder), metrics_[admitted.route], platform_.clock(),
                                request.received_ns());
  Call call{platform_, request, std::move(admitted.arguments), std::move(admitted.caller),
            platform_.clock().wall_us()};
  kRoutes[admitted.route].function(call, net::Responder(*measured));
}

std::optional<net::Response> Api::before_body(const net::Request& head) {
  Admitted admitted;
  return admit(head, false, admitted);
}

net::Response Api::refuse(int status, std::string_view code, std::string_view detail) {
  return status == 503 ? passing_problem_response(status, code, detail, 1)
                       : problem_response(status, code, detail);
}

}  // namespace vitrine::api
