// load() of hostile bytes: a refusal is fine; an accepted state saves to bytes that load to the
// same state, and takes purchases and questions.
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "engine/repeat/repeat.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace vitrine;
  using namespace vitrine::repeat;
  Repeat state;
  StringSource source({reinterpret_cast<const char*>(data), size});
  if (!state.load(source).ok()) return 0;
  StringSink first;
  state.save(first);
  Repeat again;
  StringSource reread(first.bytes());
  if (!again.load(reread).ok()) __builtin_trap();
  StringSink second;
  again.save(second);
  if (first.bytes() != second.bytes()) __builtin_trap();
  for (std::uint32_t item = 0; item < 4; ++item) {
    state.first_purchase(ItemIndex{item});
    state.again(ItemIndex{item}, (item + 1) * 10 * kDayUs);
    const double due = state.due(ItemIndex{item}, {0, {}}, 30 * kDayUs);
    if (!(due >= 0 && due <= 1)) __builtin_trap();
  }
  return 0;
}
