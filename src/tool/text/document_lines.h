// Documents of a text file, one a line: columns separated by a tab, or JSON objects.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "engine/text/schema.h"
#include "platform/codec/json_parse.h"

namespace vitrine::text_tool {

// Whether a file's name says that its lines are JSON: .ndjson or .jsonl, perhaps with .gz behind.
bool named_json(std::string_view path);

struct DocumentLine {
  text::DocumentId id = 0;
  std::vector<std::string> texts;  // of the fields, in their order
};

// Not thread-safe.
class DocumentLineReader {
 public:
  // With `with_id` the first column, or the member "id", is the document's number.
  DocumentLineReader(const std::vector<text::FieldSpec>& fields, bool json, bool with_id)
      : fields_(fields), json_(json), with_id_(with_id) {}

  // `number` is the document's without ids in the file. `readable_behind` as for JsonParser. A
  // JSON member that is absent or null is an empty field; a list of strings is joined by spaces.
  // kInvalidArgument with what is wrong.
  Status read(std::string_view line, std::size_t readable_behind, std::uint64_t number,
              DocumentLine& out);

 private:
  Status read_columns(std::string_view line, DocumentLine& out) const;
  Status read_json(std::string_view line, std::size_t readable_behind, DocumentLine& out);

  const std::vector<text::FieldSpec>& fields_;
  bool json_, with_id_;
  codec::JsonParser parser_;
};

}  // namespace vitrine::text_tool
