// Any bytes as an Online Retail file: refused, or read into a year whose lines are valid JSON.
#include <cstddef>
#include <cstdint>

#include "platform/codec/json_parse.h"
#include "tool/import/online_retail.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace vitrine;
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  const auto year =
      importer::read_online_retail(codec::memory_input(bytes, 1 + size % 61), no_progress());
  if (!year.ok()) return 0;
  codec::JsonParser parser;
  for (const auto& item : year->items) {
    if (!parser.parse(importer::item_json(item)).ok()) __builtin_trap();
  }
  for (const auto& invoice : year->invoices) {
    if (importer::event_count(invoice) == 0) __builtin_trap();
    for (std::size_t part = 0; part < importer::event_count(invoice); ++part) {
      if (!parser.parse(importer::event_json(*year, invoice, part, 0)).ok()) __builtin_trap();
    }
  }
  importer::sample_customer(*year);
  return 0;
}
