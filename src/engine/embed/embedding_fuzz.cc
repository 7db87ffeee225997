// Any bytes as a saved embedding or content projection: refused, or a model that saves to what
// loads again and answers.
#include <cstdint>
#include <string_view>
#include <vector>

#include "engine/embed/content_projection.h"
#include "engine/embed/embedding.h"

namespace {

using namespace vitrine;

void try_embedding(std::string_view bytes) {
  StringSource source(bytes);
  const auto model = embed::Embedding::load(source);
  if (!model.ok()) return;
  StringSink saved;
  model->save(saved);
  StringSource again(saved.bytes());
  if (!embed::Embedding::load(again).ok()) __builtin_trap();
  std::vector<float> vector(model->dimensions());
  std::vector<std::uint32_t> history;
  for (std::uint32_t i = 0; i < model->items() && i < 40; ++i) history.push_back(i);
  model->fold_in(history, vector);
}

void try_projection(std::string_view bytes) {
  StringSource source(bytes);
  const auto model = embed::ContentProjection::load(source);
  if (!model.ok()) return;
  StringSink saved;
  model->save(saved);
  StringSource again(saved.bytes());
  if (!embed::ContentProjection::load(again).ok()) __builtin_trap();
  std::vector<float> vector(model->dimensions());
  const std::uint32_t content[] = {0, model->features(), 7};
  model->project(content, vector);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const std::string_view rest(reinterpret_cast<const char*>(data) + 1, size - 1);
  data[0] % 2 == 0 ? try_embedding(rest) : try_projection(rest);
  return 0;
}
