// Any bytes as saved people: refused, or whole ones that save to the same bytes and take changes.
#include "domain/person/people.h"

using namespace vitrine::person;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  People people;
  vitrine::StringSource source(bytes);
  if (!people.load(source, 100'000).ok()) {
    if (people.count() != 0) __builtin_trap();
    return 0;
  }
  vitrine::StringSink sink;
  people.save(sink);
  if (sink.bytes() != bytes.substr(0, size - source.remaining())) __builtin_trap();
  for (auto user = people.next(vitrine::UserIndex{0}); user != vitrine::kNoUser;
       user = people.next(vitrine::UserIndex{user.value + 1})) {
    if (!people.get(user)) __builtin_trap();
    if (!people.apply_patch(user, {"x", {{"brand", std::string("b")}}}, 1).ok()) __builtin_trap();
    if (!people.remove(user)) __builtin_trap();
  }
  return 0;
}
