// Any text as a filter: refused with a column, or one whose canonical form means the same to
// a small fixed catalog, by testing each item as well as by walking.
#include "domain/filter/filter.h"

using namespace vitrine;

namespace {

const catalog::Catalog& shop() {
  static const catalog::Catalog made = [] {
    catalog::Catalog out;
    for (int i = 0; i < 40; ++i) {
      const std::string n = std::to_string(i % 5);
      (void)out.apply_upsert({"item-" + std::to_string(i),
                              {{"brand", "brand" + n},
                               {"categories", std::vector<std::string>{"shoes", "c" + n}},
                               {"fragile", i % 2 == 0},
                               {"launch", catalog::Time{i * kDayUs}},
                               {"price", i * 1.5},
                               {"title", "Title " + n}}},
                             i);
    }
    (void)out.apply_delete("item-7", 50);
    return out;
  }();
  return made;
}

std::uint64_t matches(const filter::BoundFilter& bound) {
  std::uint64_t bits = 0;
  for (std::uint32_t row = 0; row < shop().item_count(); ++row) {
    if (bound.matches(ItemIndex{row})) bits |= std::uint64_t{1} << row;
  }
  std::uint64_t walked = 0;
  bound.for_each_match([&](ItemIndex item) { walked |= std::uint64_t{1} << item.value; });
  if (walked != bits) __builtin_trap();
  return bits;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto parsed = filter::parse({reinterpret_cast<const char*>(data), size});
  if (!parsed.ok()) {
    if (!parsed.error().message().starts_with("column ")) __builtin_trap();
    return 0;
  }
  if (parsed->canonical().size() > filter::kFilterBytesMax) return 0;  // escapes can make it longer
  const auto again = filter::parse(parsed->canonical());
  if (!again.ok() || again->canonical() != parsed->canonical()) __builtin_trap();
  const auto bound = filter::bind(*parsed, shop(), 20 * kDayUs);
  const auto bound_again = filter::bind(*again, shop(), 20 * kDayUs);
  if (bound.ok() != bound_again.ok()) __builtin_trap();
  if (bound.ok() && matches(*bound) != matches(*bound_again)) __builtin_trap();
  return 0;
}
