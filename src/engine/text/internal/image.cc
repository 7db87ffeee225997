#include "engine/text/internal/image.h"

#include <bit>
#include <cmath>

#include "base/bytes.h"

namespace vitrine::text::internal {

void write_meta(const Meta& meta, std::string& out) {
  ByteWriter w(out);
  w.varint(meta.schema.fields.size());
  for (std::size_t f = 0; f < meta.schema.fields.size(); ++f) {
    const FieldSpec& field = meta.schema.fields[f];
    w.string(field.name);
    w.fixed(field.weight);
    w.fixed(field.b);
    w.fixed(meta.average[f]);
    w.varint(meta.tokens[f]);
  }
  w.fixed(meta.schema.k1);
  w.u8(meta.schema.positions ? 1 : 0);
  w.string(meta.schema.analyser);
  w.u32(meta.documents);
  w.varint(meta.terms);
  w.varint(meta.postings);
  w.u32(meta.id_base);
  w.u8(meta.ids_rise ? 1 : 0);
}

Result<Meta> read_meta(std::string_view bytes) {
  ByteReader r(bytes);
  Meta meta;
  const std::uint64_t fields = r.varint();
  if (fields == 0 || fields > kFieldsMax)
    return Error(ErrorCode::kCorrupt, std::to_string(fields) + " fields");
  meta.schema.fields.clear();
  for (std::uint64_t f = 0; f < fields; ++f) {
    FieldSpec field;
    field.name = r.string();
    field.weight = r.fixed<float>();
    field.b = r.fixed<float>();
    meta.average[f] = r.fixed<float>();
    meta.tokens[f] = r.varint();
    if (!std::isfinite(meta.average[f]) || meta.average[f] <= 0)
      return Error(ErrorCode::kCorrupt, "the average length of a field is not positive");
    meta.schema.fields.push_back(std::move(field));
  }
  meta.schema.k1 = r.fixed<float>();
  meta.schema.positions = r.u8() != 0;
  meta.schema.analyser = r.string();
  meta.documents = r.u32();
  meta.terms = r.varint();
  meta.postings = r.varint();
  meta.id_base = r.u32();
  meta.ids_rise = r.u8() != 0;
  if (!r.at_end()) return Error(ErrorCode::kCorrupt, "it ends early or late");
  const Status schema = meta.schema.check();
  if (!schema.ok()) return Error(ErrorCode::kCorrupt, schema.error().message());
  return meta;
}

std::uint64_t term_prefix(std::string_view term) {
  std::uint64_t prefix = 0;
  for (std::size_t i = 0; i < 8; ++i)
    prefix = prefix << 8 | (i < term.size() ? static_cast<std::uint8_t>(term[i]) : 0);
  return prefix;
}

}  // namespace vitrine::text::internal
