// The OpenAPI document of this build: docs/openapi.json, compiled in.
#pragma once

#include <string_view>

namespace vitrine::api {

std::string_view openapi_document();

}  // namespace vitrine::api
