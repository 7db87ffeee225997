#include "domain/catalog/item_codec.h"
#include "domain/catalog/item_json.h"
#include "edge/api/line_import.h"
#include "edge/api/problem.h"
#include "edge/facade/table.h"
#include "platform/codec/csv.h"
#include "platform/codec/json_writer.h"

namespace vitrine::api {
namespace {

void take_line(const Call& call, std::string_view line, std::size_t index, LineImport& import) {
  const auto item = catalog::parse_item(line);
  if (!item.ok()) {
    import.bad.push_back({index, "invalid_item", catalog::to_string(item.errors)});
    return;
  }
  import.add(call, item.value.id, index,
             [&](ByteWriter& out) { catalog::encode_upsert(item.value, out);
});
}  // namespace

net::Response too_many_items() {
  return problem_response(413, "too_many_items",
                          "a request may hold 1000 items; send the rest in further requests");
}

// One JSON object a line; false after answering.
bool take_lines(const Call& call, std::string_view text, std::size_t& index, LineImport& import,
                net::Responder& responder) {
  index = for_each_line(
      text, [&](std::string_view line, std::size_t at) { take_line(call, line, at, import); });
  if (index <= kImportLinesMax) return true;
  responder.respond(too_many_items());
  return false;
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
bool take_csv(const Call& call, std::string_view text, std::size_t& index, LineImport& import,
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
    if (index == kImportLinesMax) {
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

}  // namespace vitrine::api

void import_items(Call& call, net::Responder responder) {
  auto services = tenant_services(call, responder);
  if (!services) return;
  auto import = std::make_shared<LineImport>();
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
  finish_import(call, std::move(services), std::move(import), record::RecordKind::kItemUpsert,
                check_items_quota, std::move(responder));
}

}  // namespace vitrine::api
