#include "domain/person/person_codec.h"
#include "domain/person/person_json.h"
#include "edge/api/line_import.h"
#include "edge/api/problem.h"

namespace vitrine::api {
namespace {

std::string to_text(const std::vector<person::FieldError>& errors) {
  std::string out;
  for (const auto& [field, reason] : errors) {
    if (!out.empty()) out += "; ";
    out += (field.empty() ? std::string("the line") : field + ":") + " " + reason;
  }
  return out;
}

void take_line(const Call& call, std::string_view line, std::size_t index, LineImport& import) {
  const auto user = person::parse_user(line);
  if (!user.ok()) {
    import.bad.push_back({index, "invalid_user", to_text(user.errors)});
    return;
  }
  import.add(call, user.value.id, index,
             [&](ByteWriter& out) { person::encode_user(user.value, out);
});
}  // namespace

}  // namespace vitrine::api

void import_users(Call& call, net::Responder responder) {
  auto services = tenant_services(call, responder);
  if (!services) return;
  auto import = std::make_shared<LineImport>();
  std::string storage;
  const auto body = plain_body(call, responder, storage);
  if (!body) return;
  const std::size_t lines = for_each_line(
      body->bytes,
      [&](std::string_view line, std::size_t index) { take_line(call, line, index, *import); });
  if (lines > kImportLinesMax) {
    return responder.respond(problem_response(
        413, "too_many_users", "a request may hold 1000 users; send the rest in further requests"));
  }
  if (lines == 0) {
    return responder.respond(problem_response(
        400, "invalid_argument", "the body holds no user; send one JSON object per line"));
  }
  finish_import(call, std::move(services), std::move(import), record::RecordKind::kUserUpsert,
                check_users_quota, std::move(responder));
}

}  // namespace vitrine::api
