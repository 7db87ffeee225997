#include "edge/api/api.h"

#include <algorithm>
#include <array>

#include "edge/api/browser.h"
#include "edge/api/problem.h"
#include "edge/api/request_log.h"
#include "edge/api/routes.h"
#include "platform/obs/log.h"

namespace vitrine::api {
namespace {

using net::Method;
using tenant::Right;

// As Segment's libraries send their write key.
constexpr std::uint8_t kSegmentKeys = kInBasic | kInBody;

constexpr std::array kRoutes{
    Route{Method::kPost, "/v1/events", "postEvents", Right::kWriteEvents, post_events,
          kInQuery | kInBody},
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
    Route{Method::kGet, "/v1/visitors:flagged", "listFlaggedVisitors", Right::kManageUsers,
          list_flagged_visitors},
    Route{Method::kPost, "/v1/visitors:standing", "setVisitorStanding", Right::kManageUsers,
          set_visitor_standing},
    Route{Method::kPut, "/v1/abuse-settings", "putAbuseSettings", Right::kManageUsers,
          put_abuse_settings},
    Route{Method::kGet, "/v1/abuse-settings", "getAbuseSettings", Right::kManageUsers,
          get_abuse_settings},
    Route{Method::kPost, "/v1/recommend/{placement}", "recommend", Right::kReadWindows,
          post_recommend},
    Route{Method::kPost, "/v1/recommend:batch", "recommendBatch", Right::kReadWindows, post_batch},
    Route{Method::kPost, "/v1/rank/{placement}", "rank", Right::kReadWindows, post_rank},
    Route{Method::kGet, "/v1/decisions/{request_id}", "getDecision", Right::kReadDecisions,
          get_decision},
    Route{Method::kPost, "/v1/decisions/{request_id}:replay", "replayDecision",
          Right::kReadDecisions, replay_decision},
    Route{Method::kGet, "/v1/jobs/{job_id}", "getJob", Right::kReadDecisions, get_job},
    Route{Method::kPost, "/v1/search/{placement}", "search", Right::kReadWindows, post_search},
    Route{Method::kGet, "/v1/suggest", "suggest", Right::kReadWindows, get_suggest},
    Route{Method::kPut, "/v1/search-settings", "putSearchSettings", Right::kWriteCatalog,
          put_search_settings},
    Route{Method::kGet, "/v1/search-settings", "getSearchSettings", Right::kReadCatalog,
          get_search_settings},
    Route{Method::kGet, "/v1/models", "listModels", Right::kManageModels, list_models},
    Route{Method::kGet, "/v1/models/{model_id}", "getModel", Right::kManageModels, get_model},
    Route{Method::kPost, "/v1/models:train", "trainModel", Right::kManageModels, train_model},
    Route{Method::kPost, "/v1/models/{model_id}:promote", "promoteModel", Right::kManageModels,
          promote_model},
    Route{Method::kPost, "/v1/models/{model_id}:shadow", "shadowModel", Right::kManageModels,
          shadow_model},
    Route{Method::kPost, "/v1/models/{model_id}:retire", "retireModel", Right::kManageModels,
          retire_model},
    Route{Method::kPost, "/v1/models:rollback", "rollbackModels", Right::kManageModels,
          rollback_models},
    Route{Method::kGet, "/v1/evaluations", "listEvaluations", Right::kManageModels,
          list_evaluations},
    Route{Method::kGet, "/v1/model-jobs", "listModelJobs", Right::kManageModels, list_model_jobs},
    Route{Method::kGet, "/v1/model-jobs/{job_id}", "getModelJob", Right::kManageModels,
          get_model_job},
    Route{Method::kPost, "/v1/model-jobs/{job_id}:stop", "stopModelJob", Right::kManageModels,
          stop_model_job},
    Route{Method::kPost, "/v1/track", "segmentTrack", Right::kWriteEvents, segment_track,
          kSegmentKeys},
    Route{Method::kPost, "/v1/page", "segmentPage", Right::kWriteEvents, segment_page,
          kSegmentKeys},
    Route{Method::kPost, "/v1/screen", "segmentScreen", Right::kWriteEvents, segment_screen,
          kSegmentKeys},
    Route{Method::kPost, "/v1/identify", "segmentIdentify", Right::kWriteEvents, segment_identify,
          kSegmentKeys},
    Route{Method::kPost, "/v1/group", "segmentGroup", Right::kWriteEvents, segment_group,
          kSegmentKeys},
    Route{Method::kPost, "/v1/alias", "segmentAlias", Right::kWriteEvents, segment_alias,
          kSegmentKeys},
    Route{Method::kPost, "/v1/batch", "segmentBatch", Right::kWriteEvents, segment_batch,
          kSegmentKeys},
    Route{Method::kPost, "/api/feedback", "gorseInsertFeedback", Right::kWriteEvents,
          gorse_feedback},
    Route{Method::kPut, "/api/feedback", "gorseUpsertFeedback", Right::kWriteEvents,
          gorse_feedback},
    Route{Method::kGet, "/api/recommend/{user_id}", "gorseRecommend", Right::kReadWindows,
          gorse_recommend},
    Route{Method::kGet, "/api/recommend/{user_id}/{category}", "gorseRecommendCategory",
          Right::kReadWindows, gorse_recommend},
    Route{Method::kGet, "/api/popular", "gorsePopular", Right::kReadWindows, gorse_popular},
    Route{Method::kGet, "/api/popular/{category}", "gorsePopularCategory", Right::kReadWindows,
          gorse_popular},
    Route{Method::kGet, "/api/latest", "gorseLatest", Right::kReadWindows, gorse_latest},
    Route{Method::kGet, "/api/latest/{category}", "gorseLatestCategory", Right::kReadWindows,
          gorse_latest},
    Route{Method::kGet, "/api/item/{item_id}/neighbors", "gorseNeighbors", Right::kReadWindows,
          gorse_neighbors},
    Route{Method::kGet, "/api/item/{item_id}/neighbors/{category}", "gorseNeighborsCategory",
          Right::kReadWindows, gorse_neighbors},
    Route{Method::kPost, "/api/item", "gorsePutItem", Right::kWriteCatalog, gorse_put_items},
    Route{Method::kPost, "/api/items", "gorsePutItems", Right::kWriteCatalog, gorse_put_items},
    Route{Method::kGet, "/api/items", "gorseListItems", Right::kReadCatalog, gorse_list_items},
    Route{Method::kGet, "/api/item/{item_id}", "gorseGetItem", Right::kReadCatalog, gorse_get_item},
    Route{Method::kPatch, "/api/item/{item_id}", "gorsePatchItem", Right::kWriteCatalog,
          gorse_patch_item},
    Route{Method::kDelete, "/api/item/{item_id}", "gorseDeleteItem", Right::kWriteCatalog,
          gorse_delete_item},
    Route{Method::kPost, "/api/user", "gorsePutUser", Right::kManageUsers, gorse_put_users},
    Route{Method::kPost, "/api/users", "gorsePutUsers", Right::kManageUsers, gorse_put_users},
    Route{Method::kGet, "/api/users", "gorseListUsers", Right::kManageUsers, gorse_list_users},
    Route{Method::kGet, "/api/user/{user_id}", "gorseGetUser", Right::kManageUsers, gorse_get_user},
    Route{Method::kPatch, "/api/user/{user_id}", "gorsePatchUser", Right::kManageUsers,
          gorse_patch_user},
    Route{Method::kDelete, "/api/user/{user_id}", "gorseDeleteUser", Right::kManageUsers,
          gorse_delete_user},
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

// Gorse's clients end paths with a slash where an optional part is left out.
std::string_view path_of(const net::Request& request) {
  std::string_view path = request.path();
  if (path.starts_with("/api/") && path.size() > 5 && path.ends_with('/')) path.remove_suffix(1);
  return path;
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

// Whether the route takes a packed body. Where bodies are small it is refused, instead of being
// read as broken JSON.
bool unpacks(const Route& route) {
  static constexpr RouteFunction kUnpacking[] = {
      post_events,      import_events,    put_item,        patch_item,      post_inventory,
      import_items,     import_users,     segment_track,   segment_page,    segment_screen,
      segment_identify, segment_group,    segment_alias,   segment_batch,   gorse_feedback,
      gorse_put_items,  gorse_patch_item, gorse_put_users, gorse_patch_user};
  return std::find(std::begin(kUnpacking), std::end(kUnpacking), route.function) !=
         std::end(kUnpacking);
}

std::optional<net::Response> refuse_encoding(const net::Request& request, const Route& route) {
  const std::string_view encoding = request.header("content-encoding");
  if (encoding.empty() || encoding == "identity" || unpacks(route)) return std::nullopt;
  return problem_response(415, "unsupported_encoding",
                          "Content-Encoding '" + std::string(encoding.substr(0, 40)) +
                              "': this route takes bodies as they are; send it without");
}

// With what lets a browser's page read it.
net::Response readable(const net::Request& request, net::Response response, const Route& route) {
  const auto audience = audience_of(request, route, {});
  if (audience.ok()) add_audience(*audience, response);
  return response;
}

struct Named {
  std::string name;
  bool by_client;
};
Named name_of(const net::Request& request) {
  const std::string_view sent = request.header("x-request-id");
  std::string name = request_name(sent);
  const bool by_client = name == sent;
  return {std::move(name), by_client};
}

std::string_view tenant_name(const gateway::TenantView* view) {
  return view == nullptr ? std::string_view() : view->tenant.name;
}

}  // namespace

std::span<const Route> routes() { return kRoutes; }

// Counts and times an answer on its way to the connection, from whichever thread it comes.
class Api::Measured final : public net::ResponseSink, public net::AnswerMaker {
 public:
  Measured(net::Responder responder, const RouteMetrics& metrics, const Clock& clock,
           std::int64_t began_ns, Named named, Admitted& admitted)
      : responder_(std::move(responder)),
        metrics_(metrics),
        clock_(clock),
        began_ns_(began_ns),
        named_(std::move(named)),
        route_(kRoutes[admitted.route].name),
        tenant_(admitted.caller.view),
        audience_{std::move(admitted.audience)} {}
  void complete(net::Response response) override {
    const std::unique_ptr<Measured> mine(this);
    measure(response);
    responder_.respond(std::move(response));
  }
  void complete_with(std::unique_ptr<net::AnswerMaker> inner) override {
    inner_ = std::move(inner);
    net::Responder responder = std::move(responder_);
    responder.respond_with(std::unique_ptr<net::AnswerMaker>(this));
  }
  net::Response make() override {
    net::Response response = inner_->make();
    measure(response);
    return response;
  }

 private:
  void measure(net::Response& response) {
    const std::int64_t took_ns = clock_.steady_ns() - began_ns_;
    metrics_.seconds->observe(std::chrono::nanoseconds(took_ns));
    metrics_.by_class[std::min(response.status / 100, 5)]->add();
    add_audience(audience_, response);
    finish_answer({named_.name, named_.by_client, tenant_name(tenant_.get()), route_, took_ns},
                  response);
  }

  net::Responder responder_;
  std::unique_ptr<net::AnswerMaker> inner_;
  const RouteMetrics& metrics_;
  const Clock& clock_;
  std::int64_t began_ns_;
  Named named_;
  std::string_view route_;
  std::shared_ptr<const gateway::TenantView> tenant_;
  Audience audience_;
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

Result<gateway::Caller> Api::find_caller(const net::Request& request, bool has_body,
                                         Admitted& out) const {
  const Route& route = kRoutes[out.route];
  const TimeUs now = platform_.clock().wall_us();
  std::string_view authorization = request.header("authorization");
  std::string_view api_key = request.header("x-api-key");
  if (route.keys == kInHeaders) {
    return platform_.gateway().authorise(authorization, api_key, *route.right, now);
  }
  VITRINE_TRY(auto carried, find_carried_key(route, request, has_body));
  if (carried.in_body_to_come) return gateway::Caller{};
  out.events = std::move(carried.events);
  if (carried.from_basic) authorization = {};
  if (!carried.key.empty()) {
    if (!api_key.empty() && carried.key != api_key) {
      return Error(ErrorCode::kUnauthenticated,
                   "two different keys came with this request; send only one")
          .with_reason("credential_ambiguous");
    }
    api_key = carried.key;
  }
  return platform_.gateway().authorise(authorization, api_key, *route.right, now);
}

std::optional<net::Response> Api::refuse_caller(const net::Request& request, const Error& error,
                                                const Route& route) const {
  return readable(request, problem_response(error), route);
}

// A request that is too much for its address: 429 before anything else is looked at. Its route is
// found only to let a browser's page read the refusal.
std::optional<net::Response> Api::refuse_address(const net::Request& request, bool has_body) {
  auto& limits = platform_.address_limits();
  if (!limits.active()) return std::nullopt;
  const net::IpAddress client = client_address(request, platform_.proxies());
  const std::int64_t now = platform_.clock().steady_ns();
  const std::uint32_t wait_s = has_body ? limits.take(client, now) : limits.wait_s(client, now);
  if (wait_s == 0) return std::nullopt;
  const Error error = Error(ErrorCode::kExhausted, "this address sends more requests than one may")
                          .with_reason("too_many_requests")
                          .with_retry_after(wait_s);
  RouteIndex::Miss miss;
  const auto match = index_.find(request.method(), path_of(request), miss);
  return match ? refuse_caller(request, error, kRoutes[match->route]) : problem_response(error);
}

std::optional<net::Response> Api::admit(const net::Request& request, bool has_body, Admitted& out) {
  if (auto refusal = refuse_address(request, has_body)) return refusal;
  const net::Method method =
      request.method() == net::Method::kHead ? net::Method::kGet : request.method();
  if (method == net::Method::kOptions) return options(request);
  RouteIndex::Miss miss;
  auto match = index_.find(method, path_of(request), miss);
  if (!match) return not_routed(request, miss);
  out.route = match->route;
  out.arguments = std::move(match->arguments);
  const Route& route = kRoutes[out.route];
  if (const Status good = check_no_secret_in(request); !good.ok()) {
    return refuse_caller(request, good.error(), route);
  }
  if (auto refusal = refuse_encoding(request, route)) {
    return readable(request, std::move(*refusal), route);
  }
  if (!route.right) return std::nullopt;
  auto caller = find_caller(request, has_body, out);
  if (!caller.ok()) return refuse_caller(request, caller.error(), route);
  out.caller = std::move(caller).value();
  auto audience = audience_of(request, route, out.caller);
  if (!audience.ok()) return refuse_caller(request, audience.error(), route);
  out.audience = std::move(audience->origin);
  if (has_body) {
    auto admitted = platform_.gateway().admit(out.caller, {.requests = 1, .events = 0},
                                              platform_.clock().steady_ns());
    if (!admitted.ok()) return refuse_caller(request, admitted.error(), route);
  }
  return std::nullopt;
}

net::Response Api::options(const net::Request& request) const {
  RouteIndex::Miss miss;
  index_.find(net::Method::kOptions, path_of(request), miss);
  if (miss.bad_escape || miss.allowed.empty()) return not_routed(request, miss);
  std::string methods, callable;
  for (const net::Method method : miss.allowed) {
    methods += (methods.empty() ? "" : ", ") + std::string(net::method_name(method));
    RouteIndex::Miss none;
    const auto match = index_.find(method, path_of(request), none);
    if (!match || !is_for_browsers(kRoutes[match->route])) continue;
    callable += (callable.empty() ? "" : ", ") + std::string(net::method_name(method));
  }
  return answer_options(request, methods, callable);
}

void Api::handle(const net::Request& request, net::Responder responder) {
  Named named = name_of(request);
  Admitted admitted;
  if (auto refusal = admit(request, true, admitted)) {
    finish_answer({named.name, named.by_client, {}, {}, 0}, *refusal);
    responder.respond(std::move(*refusal));
    return;
  }
  // The handler may answer, and end the named, before it returns.
  const std::string name = named.name;
  const auto tenant = admitted.caller.view;
  const obs::LogContext context(name, tenant_name(tenant.get()));
  auto* measured = new Measured(std::move(responder), metrics_[admitted.route], platform_.clock(),
                                request.received_ns(), std::move(named), admitted);
  Call call{platform_,
            request,
            std::move(admitted.arguments),
            std::move(admitted.caller),
            platform_.clock().wall_us(),
            std::move(admitted.events)};
  kRoutes[admitted.route].function(call, net::Responder(*measured));
}

std::optional<net::Response> Api::before_body(const net::Request& head) {
  Admitted admitted;
  auto refusal = admit(head, false, admitted);
  if (refusal) {
    const Named named = name_of(head);
    finish_answer({named.name, named.by_client, {}, {}, 0}, *refusal);
  }
  return refusal;
}

net::Response Api::refuse(int status, std::string_view code, std::string_view detail) {
  return status == 503 || status == 429 ? passing_problem_response(status, code, detail, 1)
                                        : problem_response(status, code, detail);
}

}  // namespace vitrine::api
