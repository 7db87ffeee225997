#include "tool/text/document_lines.h"

#include <algorithm>
#include <charconv>

namespace vitrine::text_tool {
namespace {

Error wrong(std::string what) { return Error(ErrorCode::kInvalidArgument, std::move(what)); }

Status append_texts(simdjson::dom::element value, const std::string& name, std::string& out) {
  if (value.is_null()) return ok_status();
  std::string_view text;
  if (value.get(text) == simdjson::SUCCESS) {
    out = text;
    return ok_status();
  }
  simdjson::dom::array list;
  if (value.get(list) != simdjson::SUCCESS)
    return wrong("'" + name + "' is neither a string nor a list of strings");
  for (const simdjson::dom::element item : list) {
    if (item.get(text) != simdjson::SUCCESS)
      return wrong("'" + name + "' has something else than strings in its list");
    if (!out.empty()) out += ' ';
    out += text;
  }
  return ok_status();
}

}  // namespace

bool named_json(std::string_view path) {
  if (path.ends_with(".gz")) path.remove_suffix(3);
  return path.ends_with(".ndjson") || path.ends_with(".jsonl");
}

Status DocumentLineReader::read_columns(std::string_view line, DocumentLine& out) const {
  if (with_id_) {
    const std::size_t tab = std::min(line.find('\t'), line.size());
    const auto parsed = std::from_chars(line.data(), line.data() + tab, out.id);
    if (parsed.ec != std::errc() || parsed.ptr != line.data() + tab)
      return wrong("the first column is not a number: '" + std::string(line.substr(0, tab)) + "'");
    line.remove_prefix(std::min(tab + 1, line.size()));
  }
  for (std::size_t f = 0; f < fields_.size(); ++f) {
    const std::size_t tab =
        f + 1 == fields_.size() ? line.size() : std::min(line.find('\t'), line.size());
    out.texts[f] = line.substr(0, tab);
    line.remove_prefix(std::min(tab + 1, line.size()));
  }
  return ok_status();
}

Status DocumentLineReader::read_json(std::string_view line, std::size_t readable_behind,
                                     DocumentLine& out) {
  VITRINE_TRY(const simdjson::dom::element document, parser_.parse(line, readable_behind));
  if (!document.is_object()) return wrong("not a JSON object");
  std::uint64_t id = 0;
  if (with_id_) {
    if (document["id"].get(id) != simdjson::SUCCESS || id >= text::kNoDocument)
      return wrong("'id' is not a number from 0 to 4294967294");
    out.id = static_cast<text::DocumentId>(id);
  }
  for (std::size_t f = 0; f < fields_.size(); ++f) {
    simdjson::dom::element value;
    if (document[fields_[f].name].get(value) != simdjson::SUCCESS) continue;
    VITRINE_TRY(append_texts(value, fields_[f].name, out.texts[f]));
  }
  return ok_status();
}

Status DocumentLineReader::read(std::string_view line, std::size_t readable_behind,
                                std::uint64_t number, DocumentLine& out) {
  out.id = static_cast<text::DocumentId>(number);
  out.texts.assign(fields_.size(), std::string());
  return json_ ? read_json(line, readable_behind, out) : read_columns(line, out);
}

}  // namespace vitrine::text_tool
