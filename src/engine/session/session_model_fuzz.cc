// Any bytes as a saved model: refused, or a model that saves to what loads again and answers.
#include <cstdint>
#include <string_view>
#include <vector>

#include "engine/session/session_model.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace vitrine;
  StringSource source({reinterpret_cast<const char*>(data), size});
  const auto model = session::SessionModel::load(source);
  if (!model.ok()) return 0;
  StringSink saved;
  model->save(saved);
  if (saved.bytes() !=
      std::string_view(reinterpret_cast<const char*>(data), saved.bytes().size())) {
    __builtin_trap();
  }
  graph::Workers workers(thread_executor(), 1);
  session::SessionModel::Scratch scratch;
  std::vector<float> vector(model->shape().width);
  const std::vector<std::uint32_t> history{0, model->shape().items - 1};
  model->encode(history, vector, scratch, workers);
  return 0;
}
