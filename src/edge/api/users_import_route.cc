#include "domain/person/person_codec.h"
#include "domain/person/person_json.h"
#include "domain/record/profile_version.h"
#include "domain/record/record.h"
#include "edge/api/problem.h"
#include "edge/api/routes.h"
#include "platform/codec/json_writer.h"

namespace vitrine::api {
namespace {

constexpr std::size_t kLinesMax = 1000;

struct BadLine {
  std::size_t index;  // of the line, from 0, empty lines not counted
  std::string code;
  std::string detail;
};

struct Import {
  std::vector<std::string> payloads;
  std::vector<std::string> ids;
  std::vector<std::size_t> lines;  // of each payload
  std::vector<BadLine> bad;
};

std::string to_text(const std::vector<person::FieldError>& errors) {
  std::string out;
  for (const auto& [field, reason] : errors) {
    if (!out.empty()) out += "; ";
    out += (field.empty() ? std::string("the line") : field + ":") + " " + reason;
  }
  return out;
}

void take_line(const Call& call, std::string_view line, std::size_t index, Import& import) {
  const auto user = person::parse_user(line);
  if (!user.ok()) {
    import.bad.push_back({index, "invalid_user", to_text(user.errors)});
    return;
  }
  std::string& payload = import.payloads.emplace_back();
  ByteWriter writer(payload);
  record::write_tenant(writer, call.caller.tenant);
  person::encode_user(user.value, writer);
  import.lines.push_back(index);
  import.ids.push_back(user.value.id);
}

void answer(Import& import, const TenantServices& services, eventlog::PositionRange applied,
            std::uint32_t epoch, net::Responder& responder) {
  std::size_t accepted = import.payloads.size();
  for (std::size_t i = 0; i < import.payloads.size(); ++i) {
    const Error refused = outcome_error(services.partition.outcome(applied.first + i));
    if (!refused) continue;
    --accepted;
    import.bad.push_back({import.lines[i], std::string(refused.reason()), refused.message()});
  }
  std::string body;
  codec::JsonWriter json(body);
  json.begin_object();
  json.key("accepted").number(accepted);
  json.key("rejected").begin_array();
  for (const BadLine& bad : import.bad) write_rejection(json, bad.index, bad.code, bad.detail);
  json.end_array();
  json.key("profile_version").string(record::format_profile_version({epoch, applied.last}));
  json.end_object();
  json.finish();
  responder.respond(json_response(std::move(body)));
}

// Each line that holds something, up to kLinesMax; how many there were, one more if too many.
std::size_t take_lines(const Call& call, Import& import) {
  std::string_view rest = call.request.body();
  std::size_t count = 0;
  while (!rest.empty()) {
    const std::size_t end = rest.find('\n');
    std::string_view line = rest.substr(0, end);
    rest.remove_prefix(end == std::string_view::npos ? rest.size() : end + 1);
    if (line.ends_with('\r')) line.remove_suffix(1);
    if (line.find_first_not_of(" \t") == std::string_view::npos) continue;
    if (count == kLinesMax) return count + 1;
    take_line(call, line, count++, import);
  }
  return count;
}

}  // namespace

void import_users(Call& call, net::Responder responder) {
  auto services = tenant_services(call, responder);
  if (!services) return;
  auto import = std::make_shared<Import>();
  const std::size_t lines = take_lines(call, *import);
  if (lines > kLinesMax) {
    return responder.respond(problem_response(
        413, "too_many_users", "a request may hold 1000 users; send the rest in further requests"));
  }
  if (lines == 0) {
    return responder.respond(problem_response(
        400, "invalid_argument", "the body holds no user; send one JSON object per line"));
  }
  const std::uint32_t epoch = call.caller.view->tenant.epoch;
  if (import->payloads.empty()) {
    const auto position = services->partition.applied();
    return answer(*import, *services, {position, position}, epoch, responder);
  }
  const std::vector<std::string_view> ids(import->ids.begin(), import->ids.end());
  const Status room = check_users_quota(call, *services, ids);
  if (!room.ok()) return responder.respond(problem_response(room.error()));
  std::vector<eventlog::RecordRef> refs;
  for (const auto& payload : import->payloads) {
    refs.push_back({static_cast<std::uint16_t>(record::RecordKind::kUserUpsert), 0, payload});
  }
  auto owed = std::make_shared<net::Responder>(std::move(responder));
  append_and_apply(services, refs,
                   [owed, services, import, epoch](Result<eventlog::PositionRange> applied) {
                     if (!applied.ok()) return owed->respond(problem_response(applied.error()));
                     answer(*import, *services, *applied, epoch, *owed);
                   });
}

}  // namespace vitrine::api
