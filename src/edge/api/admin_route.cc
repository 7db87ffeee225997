
#include "edge/api/problem.h"
#include "edge/api/routes.h"
#include "platform/codec/json_parse.h"
#include "platform/codec/json_writer.h"
#include "platform/net/url.h"
#include "service/control/commands.h"

namespace vitrine::api {
namespace {

using simdjson::dom::element;

control::Actor actor_of(const Call& call) { return {call.caller.key}; }

Error wrong(std::string_view field, std::string_view must) {
  return Error(ErrorCode::kInvalidArgument, std::string(field) + ": must be " + std::string(must))
      .with_reason("invalid_request");
}

// The fields of a JSON object body, each given to `take`, which refuses what it does not know.
template <class Take>
Status for_each_field(const Call& call, Take&& take) {
  const std::string_view body = call.request.body();
  if (body.find_first_not_of(" \t\r\n") == std::string_view::npos) return ok_status();
  thread_local codec::JsonParser parser;
  auto document = parser.parse(body, net::kBodyPadding);
  if (!document.ok()) return std::move(document).error().with_reason("invalid_json");
  simdjson::dom::object object;
  if (document->get(object) != simdjson::SUCCESS) return wrong("the body", "a JSON object");
  for (const auto [key, value] : object) VITRINE_TRY(take(key, value));
  return ok_status();
}

template <class T>
Status take_as(const element& value, std::string_view field, std::string_view must, T& out) {
  if (value.get(out) != simdjson::SUCCESS) return wrong(field, must);
  return ok_status();
}

Status take_text(const element& value, std::string_view field, std::string& out) {
  std::string_view text;
  VITRINE_TRY(take_as(value, field, "a string", text));
  out = text;
  return ok_status();
}

Status take_quotas(const element& value, tenant::Quotas& out) {
  simdjson::dom::object object;
  VITRINE_TRY(take_as(value, "quotas", "an object", object));
  const auto take_number = [&](std::string_view key, const element& field) -> Status {
    const auto rate = [&](double& number) { return take_as(field, key, "a number", number); };
    const auto count = [&](std::uint64_t& number) {
      return take_as(field, key, "a whole number >= 0", number);
    };
    if (key == "events_per_s") return rate(out.events_per_s);
    if (key == "requests_per_s") return rate(out.requests_per_s);
    if (key == "events_burst_s") return rate(out.events_burst_s);
    if (key == "requests_burst_s") return rate(out.requests_burst_s);
    if (key == "items_max") return count(out.items_max);
    if (key == "users_max") return count(out.users_max);
    return wrong(
        "quotas." + std::string(key.substr(0, 64)),
        "absent: quotas are events_per_s, requests_per_s, events_burst_s, requests_burst_s, "
        "items_max and users_max");
  };
  for (const auto [key, field] : object) VITRINE_TRY(take_number(key, field));
  return ok_status();
}

Status take_strings(const element& value, std::string_view field, std::vector<std::string>& out) {
  simdjson::dom::array array;
  VITRINE_TRY(take_as(value, field, "an array of strings", array));
  out.clear();
  for (const element entry : array) VITRINE_TRY(take_text(entry, field, out.emplace_back()));
  return ok_status();
}

// Each as JSON.
Status take_objects(const element& value, std::string_view field, std::vector<std::string>& out) {
  simdjson::dom::array array;
  VITRINE_TRY(take_as(value, field, "an array of objects", array));
  out.clear();
  for (const element entry : array) {
    if (!entry.is_object()) return wrong(field, "an array of objects");
    out.push_back(simdjson::minify(entry));
  }
  return ok_status();
}

void respond_tenant(const Result<tenant::Tenant>& result, net::Responder& responder) {
  if (!result.ok()) return responder.respond(problem_response(result.error()));
  std::string body;
  codec::JsonWriter json(body);
  control::write_json(json, *result);
  json.finish();
  responder.respond(json_response(std::move(body)));
}

void respond_issued(const Result<control::IssuedKey>& result, TimeUs now, int status,
                    net::Responder& responder) {
  if (!result.ok()) return responder.respond(problem_response(result.error()));
  std::string body;
  codec::JsonWriter json(body);
  control::write_json(json, *result, now);
  json.finish();
  responder.respond(json_response(std::move(body), status));
}

}  // namespace

void create_tenant(Call& call, net::Responder responder) {
  control::NewTenant wanted;
  std::optional<element> quotas;
  Status read = for_each_field(call, [&](std::string_view key, const element& value) -> Status {
    if (key == "name") return take_text(value, key, wanted.name);
    if (key == "tier") {
      std::string name;
      VITRINE_TRY(take_text(value, key, name));
      const auto tier = tenant::find_tier(name);
      if (!tier) return wrong(key, "standard, premium or enterprise");
      wanted.tier = *tier;
      return ok_status();
    }
    if (key == "quotas") {
      quotas = value;  // laid over the tier's defaults once the tier is known
      return ok_status();
    }
    if (key == "event_types") return take_strings(value, key, wanted.event_types);
    if (key == "allowed_origins") return take_strings(value, key, wanted.allowed_origins);
    if (key == "with_keys") return take_as(value, key, "true or false", wanted.with_keys);
    if (key == "if_not_exists") return take_as(value, key, "true or false", wanted.if_not_exists);
    return wrong(
        key.substr(0, 64),
        "absent: the fields are name, tier, quotas, event_types, allowed_origins, with_keys and "
        "if_not_exists");
  });
  if (read.ok() && quotas) {
    read = take_quotas(*quotas, wanted.quotas.emplace(tenant::default_quotas(wanted.tier)));
  }
  if (!read.ok()) return responder.respond(problem_response(read.error()));
  const auto created = call.platform.control().create_tenant(actor_of(call), wanted);
  if (!created.ok()) return responder.respond(problem_response(created.error()));
  std::string body;
  codec::JsonWriter json(body);
  json.begin_object();
  json.key("tenant");
  control::write_json(json, created->tenant);
  json.key("created").boolean(created->created);
  json.key("keys").begin_array();
  for (const auto& key : created->keys) control::write_json(json, key, call.now);
  json.end_array();
  json.end_object();
  json.finish();
  responder.respond(json_response(std::move(body), created->created ? 201 : 200));
}

void list_tenants(Call& call, net::Responder responder) {
  const auto tenants = call.platform.control().list_tenants();
  if (!tenants.ok()) return responder.respond(problem_response(tenants.error()));
  std::string body;
  codec::JsonWriter json(body);
  json.begin_object();
  json.key("tenants").begin_array();
  for (const auto& tenant : *tenants) control::write_json(json, tenant);
  json.end_array();
  json.end_object();
  json.finish();
  responder.respond(json_response(std::move(body)));
}

void get_tenant(Call& call, net::Responder responder) {
  respond_tenant(call.platform.control().get_tenant(call.arguments[0]), responder);
}

void patch_tenant(Call& call, net::Responder responder) {
  auto& control = call.platform.control();
  const std::string& name = call.arguments[0];
  auto present = control.get_tenant(name);
  if (!present.ok()) return respond_tenant(present, responder);
  tenant::Quotas quotas = present->quotas;
  std::vector<std::string> event_types, origins;
  std::string status;
  bool with_quotas = false;
  bool with_types = false;
  bool with_origins = false;
  bool with_placements = false;
  std::vector<std::string> placements;
  const Status read =
      for_each_field(call, [&](std::string_view key, const element& value) -> Status {
        if (key == "quotas") {
          with_quotas = true;
          return take_quotas(value, quotas);
        }
        if (key == "event_types") {
          with_types = true;
          return take_strings(value, key, event_types);
        }
        if (key == "allowed_origins") {
          with_origins = true;
          return take_strings(value, key, origins);
        }
        if (key == "placements") {
          with_placements = true;
          return take_objects(value, key, placements);
        }
        if (key == "status") {
          VITRINE_TRY(take_text(value, key, status));
          if (status != "active" && status != "suspended") return wrong(key, "active or suspended");
          return ok_status();
        }
        return wrong(
            key.substr(0, 64),
            "absent: what can change is quotas, event_types, allowed_origins, placements and "
            "status");
      });
  if (!read.ok()) return responder.respond(problem_response(read.error()));
  const auto actor = actor_of(call);
  if (with_quotas && present.ok()) present = control.set_quotas(actor, name, quotas);
  if (with_types && present.ok()) present = control.set_event_types(actor, name, event_types);
  if (with_origins && present.ok()) present = control.set_allowed_origins(actor, name, origins);
  if (with_placements && present.ok()) {
    present = control.set_placements(actor, name, placements);
  }
  if (status == "suspended" && present.ok()) present = control.suspend_tenant(actor, name);
  if (status == "active" && present.ok()) present = control.resume_tenant(actor, name);
  respond_tenant(present, responder);
}

void create_key(Call& call, net::Responder responder) {
  control::NewKey wanted;
  wanted.tenant_name = call.arguments[0];
  const Status read =
      for_each_field(call, [&](std::string_view key, const element& value) -> Status {
        if (key == "label") return take_text(value, key, wanted.label);
        if (key == "scope") {
          std::string name;
          VITRINE_TRY(take_text(value, key, name));
          const auto scope = tenant::find_scope(name);
          if (!scope || *scope == tenant::Scope::kAdmin) return wrong(key, "publishable or secret");
          wanted.scope = *scope;
          return ok_status();
        }
        return wrong(key.substr(0, 64), "absent: the fields are scope and label");
      });
  if (!read.ok()) return responder.respond(problem_response(read.error()));
  respond_issued(call.platform.control().create_key(actor_of(call), wanted), call.now, 201,
                 responder);
}

void list_keys(Call& call, net::Responder responder) {
  const auto keys = call.platform.control().list_keys({call.arguments[0]});
  if (!keys.ok()) return responder.respond(problem_response(keys.error()));
  std::string body;
  codec::JsonWriter json(body);
  json.begin_object();
  json.key("keys").begin_array();
  for (const auto& key : *keys) control::write_json(json, key, call.now);
  json.end_array();
  json.end_object();
  json.finish();
  responder.respond(json_response(std::move(body)));
}

void rotate_key(Call& call, net::Responder responder) {
  const auto id = tenant::parse_key_id(call.arguments[0]);
  if (!id.ok()) return responder.respond(problem_response(id.error()));
  double grace_s = 0;
  const Status read =
      for_each_field(call, [&](std::string_view key, const element& value) -> Status {
        if (key != "grace_s") return wrong(key.substr(0, 64), "absent: the only field is grace_s");
        VITRINE_TRY(take_as(value, key, "a number of seconds", grace_s));
        if (!(grace_s >= 0) ||
            grace_s > static_cast<double>(control::kRotationGraceMaxUs / kSecondUs)) {
          return wrong(key, "0 to 7776000 seconds");
        }
        return ok_status();
      });
  if (!read.ok()) return responder.respond(problem_response(read.error()));
  respond_issued(
      call.platform.control().rotate_key(actor_of(call), *id, static_cast<TimeUs>(grace_s * 1e6)),
      call.now, 201, responder);
}

void revoke_key(Call& call, net::Responder responder) {
  const auto id = tenant::parse_key_id(call.arguments[0]);
  if (!id.ok()) return responder.respond(problem_response(id.error()));
  const auto revoked = call.platform.control().revoke_key(actor_of(call), *id);
  if (!revoked.ok()) return responder.respond(problem_response(revoked.error()));
  std::string body;
  codec::JsonWriter json(body);
  control::write_json(json, *revoked, call.now);
  json.finish();
  responder.respond(json_response(std::move(body)));
}

}  // namespace vitrine::api
