// Any bytes: either refused, or a record that survives being written and read again.
#include <cstdint>
#include <cstdlib>

#include "service/recommend/answer_record.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace vitrine::recommend;
  const auto record = decode_answer({reinterpret_cast<const char*>(data), size});
  if (!record.ok()) return 0;
  std::string bytes;
  encode_record(record.value(), bytes);
  const auto again = decode_answer(bytes);
  if (!again.ok() || again.value() != record.value()) std::abort();
  return 0;
}
