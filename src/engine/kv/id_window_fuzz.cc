// Loads arbitrary bytes as a snapshot of an id window. A refusal is fine; what is accepted must
// answer, save to the same bytes again, and go on working.
#include <cstdint>
#include <string_view>

#include "engine/kv/id_window.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace vitrine;
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  kv::IdWindow window({.generation_ids = 8});
  StringSource source(bytes);
  if (!window.load(source).ok()) {
    if (window.size() != 0) __builtin_trap();
    return 0;
  }
  StringSink saved;
  window.save(saved);
  if (saved.bytes() != bytes.substr(0, size - source.remaining())) __builtin_trap();
  HashSink digest;
  if (!window.digest(digest).ok()) __builtin_trap();
  const Hash128 id{1, 2};
  if (!window.find(id, 3).ok() || !window.insert(id, 3, 5).ok()) __builtin_trap();
  if (*window.find(id, 3) == kv::IdVerdict::kNew) __builtin_trap();
  window.expire(std::int64_t{1} << 62);
  if (window.size() != 0) __builtin_trap();
  return 0;
}
