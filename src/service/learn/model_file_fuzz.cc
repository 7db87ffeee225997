// Any bytes are refused, or are a model that answers and encodes to the same bytes.
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "service/learn/model_store.h"

using namespace vitrine::learn;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto stored = decode_model({reinterpret_cast<const char*>(data), size});
  if (!stored.ok()) return 0;
  ModelScratch scratch;
  std::vector<std::uint32_t> history;
  for (std::uint32_t item = 0; item < stored->model->items() && item < 5; ++item) {
    history.push_back(item);
  }
  std::vector<Scored> out;
  stored->model->top(history, kTopMost, scratch, out);
  for (const Scored& one : out) {
    if (one.item >= stored->model->items()) __builtin_trap();
  }
  const std::string again = encode_model(stored->items, *stored->model);
  if (again != std::string_view(reinterpret_cast<const char*>(data), size)) __builtin_trap();
  return 0;
}
