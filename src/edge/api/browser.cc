#include "edge/api/browser.h"

#include <algorithm>

#include <sodium.h>

#include "domain/tenant/key.h"
#include "edge/api/problem.h"
#include "platform/codec/json_parse.h"
#include "platform/net/url.h"

namespace vitrine::api {
namespace {

constexpr std::string_view kSecretPrefixes[] = {"vt_sec_", "vt_adm_"};

Error exposed(std::string_view where) {
  return Error(ErrorCode::kPermissionDenied,
               "a secret key must never be in " + std::string(where) +
                   ", where others read it: rotate it, send it in the Authorization header, and "
                   "use a publishable key in browsers")
      .with_reason("secret_exposed");
}

bool holds_secret(std::string_view text) {
  return std::ranges::any_of(kSecretPrefixes, [&](std::string_view prefix) {
    return text.find(prefix) != std::string_view::npos;
  });
}

// "user:password" of Basic authentication: the key is the user, as write keys are sent.
std::optional<std::string> basic_user(std::string_view authorization) {
  constexpr std::string_view kScheme = "basic ";
  if (authorization.size() <= kScheme.size()) return std::nullopt;
  for (std::size_t i = 0; i < kScheme.size(); ++i) {
    const char c = authorization[i];
    if ((c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c) != kScheme[i]) return std::nullopt;
  }
  const std::string_view packed = authorization.substr(kScheme.size());
  std::string text(packed.size(), '\0');
  std::size_t size = 0;
  const char* end = nullptr;
  const int failed =
      sodium_base642bin(reinterpret_cast<unsigned char*>(text.data()), text.size(), packed.data(),
                        packed.size(), " ", &size, &end, sodium_base64_VARIANT_ORIGINAL);
  if (failed != 0 || end != packed.data() + packed.size()) return std::string();
  text.resize(size);
  const std::size_t colon = text.find(':');
  return colon == std::string::npos ? std::string() : text.substr(0, colon);
}

// Takes the key, and what stands behind "events", out of the body.
Status read_keyed_body(std::string_view body, CarriedKey& out) {
  if (body.size() > kKeyedBodyBytesMax) return ok_status();
  thread_local codec::JsonParser parser;
  simdjson::dom::element document;
  simdjson::dom::object object;
  if (!parser.try_parse(body, net::kBodyPadding, document) ||
      document.get(object) != simdjson::SUCCESS) {
    return ok_status();
  }
  std::string_view key;
  if (object.at_key("key").get(key) != simdjson::SUCCESS &&
      object.at_key("writeKey").get(key) != simdjson::SUCCESS) {
    return ok_status();
  }
  if (holds_secret(key)) return exposed("a body");
  out.key = key;
  simdjson::dom::element events;
  if (object.at_key("events").get(events) == simdjson::SUCCESS) {
    out.events = simdjson::minify(events);
    out.events.append(net::kBodyPadding, ' ');  // that a parser may read over
  }
  return ok_status();
}

}  // namespace

bool is_for_browsers(const Route& route) {
  return route.right && tenant::allows(tenant::Scope::kPublishable, *route.right);
}

Status check_no_secret_in(const net::Request& request) {
  if (request.query().empty()) return ok_status();
  const auto decoded = net::percent_decode(request.query());
  if (!holds_secret(decoded ? *decoded : request.query())) return ok_status();
  return exposed("a URL");
}

Result<CarriedKey> find_carried_key(const Route& route, const net::Request& request,
                                    bool has_body) {
  CarriedKey out;
  const std::string_view authorization = request.header("authorization");
  if ((route.keys & kInBasic) != 0) {
    if (auto user = basic_user(authorization)) {
      out.key = std::move(*user);
      out.from_basic = true;
      return out;
    }
  }
  if ((route.keys & kInQuery) != 0 && !request.query().empty()) {
    if (auto key = net::query_value(request.query(), "key")) {
      out.key = std::move(*key);
      return out;
    }
  }
  if ((route.keys & kInBody) == 0 || !authorization.empty() ||
      !request.header("x-api-key").empty()) {
    return out;
  }
  if (has_body) {
    VITRINE_TRY(read_keyed_body(request.body(), out));
  } else {
    const auto length = request.content_length();
    out.in_body_to_come = length && *length <= kKeyedBodyBytesMax;
  }
  return out;
}

Result<Audience> audience_of(const net::Request& request, const Route& route,
                             const gateway::Caller& caller) {
  const std::string_view origin = request.header("origin");
  if (origin.empty() || !is_for_browsers(route)) return Audience{};
  if (caller.view && caller.scope != tenant::Scope::kPublishable) return Audience{};
  if (!caller.view || caller.view->tenant.allowed_origins.empty()) return Audience{"*"};
  if (std::ranges::binary_search(caller.view->tenant.allowed_origins, origin)) {
    return Audience{std::string(origin)};
  }
  return Error(ErrorCode::kPermissionDenied,
               "pages of " + std::string(origin.substr(0, 200)) +
                   " may not use this key; the operator can add the origin to the tenant's "
                   "allowed_origins")
      .with_reason("origin_not_allowed");
}

void add_audience(const Audience& audience, net::Response& response) {
  if (audience.origin.empty()) return;
  response.headers.push_back({"Access-Control-Allow-Origin", audience.origin});
  response.headers.push_back({"Access-Control-Expose-Headers", "Retry-After"});
  if (audience.origin != "*") response.headers.push_back({"Vary", "Origin"});
}

net::Response answer_options(const net::Request& request, std::string_view methods,
                             std::string_view callable) {
  const std::string_view wanted = request.header("access-control-request-method");
  if (!wanted.empty() && callable.find(wanted) == std::string_view::npos) {
    net::Response refusal = problem_response(
        403, "not_for_browsers",
        "pages in browsers may not call this: it needs a secret key, which is for servers only");
    refusal.headers.push_back({"Allow", std::string(methods)});
    return refusal;
  }
  net::Response response;
  response.status = 204;
  response.headers.push_back({"Allow", std::string(methods)});
  if (wanted.empty()) return response;
  response.headers.push_back({"Access-Control-Allow-Origin", "*"});
  response.headers.push_back({"Access-Control-Allow-Methods", std::string(callable)});
  response.headers.push_back(
      {"Access-Control-Allow-Headers",
       "Authorization, X-API-Key, X-API-Version, Content-Type, Content-Encoding"});
  response.headers.push_back({"Access-Control-Max-Age", "7200"});
  return response;
}

}  // namespace vitrine::api
