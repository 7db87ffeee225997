#include "edge/api/openapi.h"
#include "edge/api/problem.h"
#include "edge/api/routes.h"

namespace vitrine::api {

void get_metrics(Call& call, net::Responder responder) {
  net::Response response;
  response.content_type = obs::Registry::kContentType;
  call.platform.metrics().write_prometheus(response.body);
  responder.respond(std::move(response));
}

void get_healthz(Call&, net::Responder responder) {
  responder.respond(json_response("{\"status\":\"ok\"}"));
}

void get_readyz(Call& call, net::Responder responder) {
  const Status ready = call.platform.ready();
  if (!ready.ok())
    return responder.respond(
        passing_problem_response(503, "not_ready", ready.error().message(), 1));
  responder.respond(json_response("{\"status\":\"ready\"}"));
}

void get_openapi(Call&, net::Responder responder) {
  responder.respond(json_response(std::string(openapi_document())));
}

void get_error_codes(Call&, net::Responder responder) {
  net::Response response;
  response.content_type = "text/markdown; charset=utf-8";
  response.body = error_codes_document();
  responder.respond(std::move(response));
}

void get_root(Call&, net::Responder responder) {
  responder.respond(json_response(
      "{\"name\":\"vitrine\",\"version\":\"" VITRINE_VERSION
      "\",\"openapi\":\"/openapi.json\",\"metrics\":\"/metrics\",\"ready\":\"/readyz\"}"));
}

}  // namespace vitrine::api
