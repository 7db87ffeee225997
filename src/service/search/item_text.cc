#include "service/search/item_text.h"

#include "base/hash.h"

namespace vitrine::search {

text::Schema index_schema(std::string analyser) {
  text::Schema schema;
  schema.fields = {{"title", 3.0f, 0.3f},
                   {"brand", 2.0f, 0.1f},
                   {"categories", 1.5f, 0.1f},
                   {"description", 0.7f, 0.6f}};
  schema.positions = true;
  schema.analyser = std::move(analyser);
  return schema;
}

ItemTextReader::ItemTextReader(const catalog::Catalog& catalog) : catalog_(catalog) {
  const auto field = catalog.find_field("description");
  if (field && field->column != nullptr) {
    description_ = std::get_if<catalog::TextColumn>(field->column);
  }
}

void ItemTextReader::read(ItemIndex item, ItemText& out) const {
  for (std::string& field : out.fields) field.clear();
  if (!catalog_.listed(item)) return;
  out[TextField::kTitle] = catalog_.title(item);
  const catalog::Code brand = catalog_.brand(item);
  if (brand != catalog::kNoCode) out[TextField::kBrand] = catalog_.brand_name(brand);
  std::string& categories = out[TextField::kCategories];
  for (const catalog::Code code : catalog_.categories(item)) {
    if (!categories.empty()) categories += '\n';
    categories += catalog_.category_name(code);
  }
  if (description_ == nullptr) return;
  std::string_view text = description_->at(item.value);
  if (text.size() > kDescriptionBytesMax) {
    std::size_t end = kDescriptionBytesMax;
    while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xC0) == 0x80) --end;
    text = text.substr(0, end);
  }
  out[TextField::kDescription] = text;
}

std::uint64_t ItemTextReader::hash(ItemIndex item, ItemText& scratch) const {
  if (!catalog_.listed(item)) return 0;
  read(item, scratch);
  std::uint64_t value = hash64(catalog_.item_id(item), 1);
  for (const std::string& field : scratch.fields) value = hash64(field, value);
  return value <= kNoTextHash ? kNoTextHash + 1 : value;
}

}  // namespace vitrine::search
