// One good request for each route of the API.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "edge/api/api.h"
#include "tests/integration/test_server.h"

namespace vitrine::integration {

// What a request is about: put into the path and the body.
struct Subject {
  std::string item_id;
  std::string user_id;
  std::string event_id;     // not used before
  std::string tenant_name;  // of a tenant that exists
  std::string new_name;     // of one that doesn't
  std::string key_id;       // of a key that nothing else needs
};

struct RouteCall {
  Call call;  // without key
  int status = 200;
  // Without a right of the tenant it asks for: the status when the subject's item isn't there.
  int status_without_item = 200;
};

// Nothing for a route that is not known here: the test that asks for it must fail.
std::optional<RouteCall> route_call(const api::Route& route, const Subject& subject);

// Works on a tenant's data (the tenant of the key), not on the installation's.
bool is_tenant_route(const api::Route& route);

}  // namespace vitrine::integration
