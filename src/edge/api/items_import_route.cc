#include "domain/catalog/item_codec.h"
#include "domain/catalog/item_json.h"
#include "domain/record/profile_version.h"
#include "domain/record/record.h"
#include "edge/api/problem.h"
#include "edge/api/routes.h"
#include "edge/facade/table.h"
#include "platform/codec/csv.h"
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

void take_line(const Call& call, std::string_view line, std::size_t index, Import& import) {
  const auto item = catalog::parse_item(line);
  if (!item.ok()) {
    import.bad.push_back({index, "invalid_item", catalog::to_string(item.errors)});
    return;
  }
  std::string& payload = import.payloads.emplace_back();
  ByteWriter writer(payload);
  record::write_tenant(writer, call.caller.tenant);
  catalog::encode_upsert(item.value, writer);
  import.lines.push_back(index);
  import.ids.push_back(item.value.id);
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

net::Response too_many_items() {
  return problem_response(413, "too_many_items",
                          "a request may hold 1000 items; send the rest in further requests");
}

// One JSON object a line; false after answering.
bool take_lines(const Call& call, std::string_view rest, std::size_t& index, Import& import,
                net::Responder& responder) {
  while (!rest.empty()) {
    const std::size_t end = rest.find('\n');
    std::string_view line = rest.substr(0, end);
    rest.remove_prefix(end == std::string_view::npos ? rest.size() : end + 1);
    if (line.ends_with('\r')) line.remove_suffix(1);
    if (line.find_first_not_of(" \t") == std::string_view::npos) continue;
    if (index == kLinesMax) {
      responder.respond(too_many_items());
      return false;
    }
    take_line(call, line, index++, import);
  }
  return true;
}

// The item of a row as JSON; false with what is wrong with it.
bool row_json(const std::vector<facade::ItemField>& columns,
              const std::vector<std::string_view>& cells, std::string& out, std::string& why) {
  if (cells.size() != columns.size()) {
    why = "the row has " + std::to_string(cells.size()) + " cells, the head has " +
          std::to_string(columns.size());
    return false;
  }
  out.clear();
  codec::JsonWriter json(out);
  json.begin_object();
  for (std::size_t i = 0; i < cells.size(); ++i) {
    if (cells[i].empty()) continue;
    json.escaped_key(columns[i].name);
    if (facade::append_cell(columns[i].type, {cells[i]}, json, why)) continue;
    why = columns[i].name + ": " + why;
    return false;
  }
  json.end_object();
  json.finish();
  return true;
}

// A head of attribute names, then one item a row; false after answering.
bool take_csv(const Call& call, std::string_view text, std::size_t& index, Import& import,
              net::Responder& responder) {
  codec::CsvReader reader(codec::memory_input(text));
  std::vector<facade::ItemField> columns;
  std::vector<std::string_view> cells;
  std::string json, why;
  for (;;) {
    const auto read = reader.next(cells);
    if (!read.ok()) {
      responder.respond(problem_response(read.error()));
      return false;
    }
    if (*read == codec::CsvRead::kEnd) return true;
    if (columns.empty()) {
      if (*read == codec::CsvRead::kBadRow) {
        responder.respond(problem_response(400, "invalid_item", "the head: " + reader.problem()));
        return false;
      }
      for (const std::string_view heading : cells) {
        auto field = facade::item_field(heading);
        if (!field.ok()) {
          responder.respond(problem_response(field.error()));
          return false;
        }
        columns.push_back(std::move(field).value());
      }
      continue;
    }
    if (index == kLinesMax) {
      responder.respond(too_many_items());
      return false;
    }
    if (*read == codec::CsvRead::kBadRow) {
      import.bad.push_back({index++, "invalid_item", reader.problem()});
    } else if (row_json(columns, cells, json, why)) {
      take_line(call, json, index++, import);
    } else {
      import.bad.push_back({index++, "invalid_item", why});
    }
  }
}

}  // namespace

void import_items(Call& call, net::Responder responder) {
  auto services = tenant_services(call, responder);
  if (!services) return;
  auto import = std::make_shared<Import>();
  std::string storage;
  const auto body = plain_body(call, responder, storage);
  if (!body) return;
  std::size_t index = 0;
  const bool is_csv = call.request.header("content-type").starts_with("text/csv");
  const bool taken = is_csv ? take_csv(call, body->bytes, index, *import, responder)
                            : take_lines(call, body->bytes, index, *import, responder);
  if (!taken) return;
  if (index == 0) {
    return responder.respond(problem_response(
        400, "invalid_argument",
        "the body holds no item; send one JSON object per line, or CSV with a head"));
  }
  const std::uint32_t epoch = call.caller.view->tenant.epoch;
  if (import->payloads.empty()) {
    const auto position = services->partition.applied();
    return answer(*import, *services, {position, position}, epoch, responder);
  }
  const std::vector<std::string_view> ids(import->ids.begin(), import->ids.end());
  const Status room = check_items_quota(call, *services, ids);
  if (!room.ok()) return responder.respond(problem_response(room.error()));
  std::vector<eventlog::RecordRef> refs;
  for (const auto& payload : import->payloads) {
    refs.push_back({static_cast<std::uint16_t>(record::RecordKind::kItemUpsert), 0, payload});
  }
  auto owed = std::make_shared<net::Responder>(std::move(responder));
  append_and_apply(services, refs,
                   [owed, services, import, epoch](Result<eventlog::PositionRange> applied) {
                     if (!applied.ok()) return owed->respond(problem_response(applied.error()));
                     answer(*import, *services, *applied, epoch, *owed);
                   });
}

}  // namespace vitrine::api
