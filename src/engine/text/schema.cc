#include "engine/text/schema.h"

#include <cmath>

namespace vitrine::text {

Status Schema::check() const {
  const auto bad = [](std::string what) {
    return Error(ErrorCode::kInvalidArgument, std::move(what));
  };
  if (fields.empty() || fields.size() > kFieldsMax)
    return bad("a text index has 1 to " + std::to_string(kFieldsMax) + " fields, not " +
               std::to_string(fields.size()));
  if (!std::isfinite(k1) || k1 < 1e-3f || k1 > 1e3f) return bad("k1 must be 0.001 to 1000");
  for (const FieldSpec& field : fields) {
    if (field.name.empty() || field.name.size() > 64)
      return bad("a field's name has 1 to 64 bytes: '" + field.name + "'");
    if (!std::isfinite(field.weight) || field.weight < 1e-3f || field.weight > 1e3f)
      return bad("field " + field.name + ": the weight must be 0.001 to 1000");
    if (!(field.b >= 0.0f && field.b <= 1.0f))
      return bad("field " + field.name + ": b must be 0 to 1");
  }
  return ok_status();
}

bool Schema::operator==(const Schema& other) const {
  if (fields.size() != other.fields.size() || k1 != other.k1 || positions != other.positions ||
      analyser != other.analyser)
    return false;
  for (std::size_t f = 0; f < fields.size(); ++f) {
    const FieldSpec &a = fields[f], &b = other.fields[f];
    if (a.name != b.name || a.weight != b.weight || a.b != b.b) return false;
  }
  return true;
}

}  // namespace vitrine::text
