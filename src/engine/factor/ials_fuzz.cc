// Any bytes as a saved model: refused, or a model that saves to what loads again and folds in.
#include <cstdint>
#include <string_view>
#include <vector>

#include "engine/factor/ials.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace vitrine;
  StringSource source({reinterpret_cast<const char*>(data), size});
  const auto model = factor::Ials::load(source);
  if (!model.ok()) return 0;
  StringSink saved;
  model->save(saved);
  StringSource again(saved.bytes());
  if (!factor::Ials::load(again).ok()) __builtin_trap();
  std::vector<float> vector(model->options().dimensions);
  std::vector<std::uint32_t> history;
  for (std::uint32_t i = 0; i < model->items() && i < 40; ++i) history.push_back(i);
  model->fold_in(history, vector);
  return 0;
}
