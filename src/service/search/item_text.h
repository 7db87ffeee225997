// What of an item is searched: its texts, as the fields of the index.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <vector>

#include "base/ids.h"
#include "domain/catalog/catalog.h"
#include "engine/text/schema.h"

namespace vitrine::search {

enum class TextField : std::uint8_t { kTitle, kBrand, kCategories, kDescription };
inline constexpr std::size_t kTextFields = 4;

// Names and weights of the fields (docs/search.md); with positions, which phrases need.
text::Schema index_schema(std::string analyser);

// Of a description so many bytes are searched.
inline constexpr std::size_t kDescriptionBytesMax = 4 * 1024;

// No item has it: for what is to be read again.
inline constexpr std::uint64_t kNoTextHash = 1;

struct ItemText {
  std::array<std::string, kTextFields> fields;
  std::string& operator[](TextField f) { return fields[static_cast<std::size_t>(f)]; }
  const std::string& operator[](TextField f) const { return fields[static_cast<std::size_t>(f)]; }
};

// Reads items' texts. Valid while the catalog's shared lock is held without a break.
class ItemTextReader {
 public:
  explicit ItemTextReader(const catalog::Catalog& catalog);
  // Replaces `out`; empty texts for an item that is not listed. Categories are joined by line
  // breaks, so that no phrase goes over two of them.
  void read(ItemIndex item, ItemText& out) const;
  // Differs where the texts differ; 0 for an item that is not listed, never kNoTextHash.
  std::uint64_t hash(ItemIndex item, ItemText& scratch) const;

 private:
  const catalog::Catalog& catalog_;
  const catalog::TextColumn* description_ = nullptr;
};

}  // namespace vitrine::search
