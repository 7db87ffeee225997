#include "tests/integration/route_calls.h"

#include "platform/net/url.h"
#include "tests/integration/answers.h"

namespace vitrine::integration {
namespace {

std::string path_of(const api::Route& route, const Subject& subject) {
  std::string path(route.pattern);
  const auto put = [&](std::string_view name, std::string_view value) {
    const auto at = path.find(name);
    if (at != std::string::npos) path.replace(at, name.size(), net::percent_encode(value));
  };
  put("{item_id}", subject.item_id);
  put("{user_id}", subject.user_id);
  put("{placement}", route.name == "search" ? "search" : "recently-viewed");
  put("{model_id}", "ials-of-nobody");
  put("{job_id}", "job-of-nobody");
  put("{request_id}", "65f0a1b200000000000000000000abcd");
  put("{user_id}", subject.user_id);
  put("{job_id}", "00000000000000000000000000000000");
  put("{category}", "nothing is of this");
  put("{tenant}", subject.tenant_name);
  put("{key}", subject.key_id);
  return path;
}

}  // namespace

bool is_tenant_route(const api::Route& route) {
  return route.right && tenant::allows(tenant::Scope::kSecret, *route.right);
}

std::optional<RouteCall> route_call(const api::Route& route, const Subject& subject) {
  RouteCall out;
  out.call.method = net::method_name(route.method);
  out.call.target = path_of(route, subject);
  const auto with = [&](std::string body, int status = 200, int without_item = 0) {
    out.call.body = std::move(body);
    out.status = status;
    out.status_without_item = without_item == 0 ? status : without_item;
    return out;
  };
  const std::string_view name = route.name;
  const std::string viewed = view_event(subject.event_id, subject.user_id, subject.item_id);
  const std::string item = "{\"item_id\":" + json_text(subject.item_id) +
                           ",\"title\":\"From the route's call\",\"price\":7}";
  if (name == "postEvents" || name == "importEvents") return with(viewed, 202);
  if (name == "putItem") return with(item);
  if (name == "patchItem") return with(R"({"price":8})", 200, 404);
  if (name == "getItem" || name == "deleteItem") return with({}, 200, 404);
  if (name == "postInventory") return with(R"({"stock":3})", 200, 404);
  if (name == "listItems" || name == "listAttributes") return with({});
  if (name == "importItems") {
    with(item + "\n");
    out.call.content_type = "application/x-ndjson";
    return out;
  }
  if (name == "putUser") return with(R"({"attributes":{"probe":true}})");
  if (name == "patchUser") return with(R"({"attributes":{"probe":false}})");  // after putUser
  if (name == "exportUser") return with({});
  if (name == "eraseUser") return with({}, 202);
  if (name == "getUser" || name == "deleteUser") return with({});
  if (name == "mergeUser") {
    return with("{\"anonymous_id\":" + json_text("visitor-" + subject.user_id) + "}");
  }
  if (name == "getConsents" || name == "listUsers") return with({});
  if (name == "patchConsents") return with(R"({"marketing":true})");
  if (name == "importUsers") {
    with("{\"user_id\":" + json_text(subject.user_id) + "}\n");
    out.call.content_type = "application/x-ndjson";
    return out;
  }
  if (name == "recommend") {
    return with("{\"user\":{\"user_id\":" + json_text(subject.user_id) + "},\"item_ids\":[" +
                json_text(subject.item_id) + "],\"limit\":100}");
  }
  if (name == "recommendBatch") {
    return with("{\"requests\":[{\"placement\":\"recently-viewed\",\"user\":{\"user_id\":" +
                json_text(subject.user_id) + "},\"item_ids\":[" + json_text(subject.item_id) +
                "],\"limit\":100}]}");
  }
  if (name == "rank") {
    return with("{\"user\":{\"user_id\":" + json_text(subject.user_id) + "},\"items\":[" +
                json_text(subject.item_id) + "]}");
  }
  // An id that no answer has, of a time before this installation.
  if (name == "getDecision" || name == "replayDecision") return with({}, 410);
  if (name == "getJob") return with({}, 404);
  if (name == "search") {
    return with("{\"query\":\"title\",\"user\":{\"user_id\":" + json_text(subject.user_id) +
                "},\"limit\":100,\"facets\":[\"brand\",\"categories\"],\"explain\":true}");
  }
  if (name == "suggest") return with({});
  if (name == "listFlaggedVisitors" || name == "getAbuseSettings") return with({});
  if (name == "setVisitorStanding") {
    return with("{\"user_id\":" + json_text(subject.user_id) + ",\"standing\":\"trusted\"}");
  }
  if (name == "putAbuseSettings") return with(R"({"views_per_hour":900})");
  if (name == "putSearchSettings") return with(R"({"personal":0.5})");
  if (name == "getSearchSettings") return with({});
  if (name == "listModels" || name == "listEvaluations" || name == "listModelJobs") return with({});
  // No training, so that a second call finds the same.
  if (name == "trainModel") return with(R"({"kind":"none"})", 400);
  if (name == "rollbackModels") return with({}, 409);  // nothing is live
  if (name == "getModel" || name == "promoteModel" || name == "shadowModel" ||
      name == "retireModel" || name == "getModelJob" || name == "stopModelJob") {
    return with({}, 404);
  }
  const std::string segment = "{\"messageId\":" + json_text(subject.event_id) +
                              ",\"userId\":" + json_text(subject.user_id) +
                              ",\"event\":\"Product Viewed\",\"type\":\"track\",\"category\":\"c\","
                              "\"properties\":{\"product_id\":" +
                              json_text(subject.item_id) + "}}";
  if (name == "segmentBatch") return with("{\"batch\":[" + segment + "]}");
  const std::string visitor = json_text(subject.user_id + "-visitor");
  if (name == "segmentAlias") {
    return with("{\"userId\":" + json_text(subject.user_id) + ",\"previousId\":" + visitor + "}");
  }
  if (name == "segmentIdentify" || name == "segmentGroup") {
    return with("{\"userId\":" + json_text(subject.user_id) + ",\"anonymousId\":" + visitor +
                R"(,"groupId":"g","traits":{"plan":"gold"}})");
  }
  if (name.starts_with("segment")) return with(segment);
  const std::string gorse_item =
      "{\"ItemId\":" + json_text(subject.item_id) + ",\"Comment\":\"From the route's call\"}";
  if (name == "gorseInsertFeedback" || name == "gorseUpsertFeedback") {
    return with("[{\"FeedbackType\":\"read\",\"UserId\":" + json_text(subject.user_id) +
                ",\"ItemId\":" + json_text(subject.item_id) +
                ",\"Comment\":" + json_text(subject.event_id) + "}]");
  }
  if (name == "gorsePutItem") return with(gorse_item);
  if (name == "gorsePutItems") return with("[" + gorse_item + "]");
  if (name == "gorsePatchItem") return with(R"({"Comment":"Changed"})", 200, 404);
  if (name == "gorseGetItem" || name == "gorseDeleteItem") return with({}, 200, 404);
  if (name == "gorsePutUser") return with("{\"UserId\":" + json_text(subject.user_id) + "}");
  if (name == "gorsePutUsers") return with("[]");
  if (name == "gorsePatchUser") return with(R"({"Comment":"Changed"})");
  if (name.starts_with("gorse")) return with({});
  if (name == "createTenant") return with("{\"name\":" + json_text(subject.new_name) + "}", 201);
  if (name == "listTenants" || name == "getTenant" || name == "listKeys") return with({});
  if (name == "patchTenant") return with(R"({"status":"active"})");
  if (name == "createKey") return with(R"({"scope":"publishable"})", 201);
  if (name == "rotateKey") return with({}, 201);
  if (name == "revokeKey") return with({});
  if (!route.right) return with({});
  return std::nullopt;
}

}  // namespace vitrine::integration
