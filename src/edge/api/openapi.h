// The OpenAPI document of this build: docs/openapi.json, compiled in.
#pragma once

#include <string_view>

namespace vitrine::api {

std::string_view openapi_document();
// docs/api/errors.md, likewise: what the `type` of a problem document leads to.
std::string_view error_codes_document();

}  // namespace vitrine::api
