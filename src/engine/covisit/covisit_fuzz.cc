// load() of hostile bytes: a refusal is fine; an accepted state must save to bytes that load to the
// same state, and must take events and questions.
#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

#include "engine/covisit/covisit.h"

namespace {

std::string saved(const vitrine::covisit::Covisit& state) {
  vitrine::StringSink sink;
  state.save(sink);
  return sink.bytes();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace vitrine;
  using namespace vitrine::covisit;
  Covisit state(Options{.window = 4, .max_neighbours = 8, .half_life = kDayUs});
  StringSource source({reinterpret_cast<const char*>(data), size});
  if (!state.load(source).ok()) return 0;
  const std::string bytes = saved(state);
  Covisit again(state.options());
  StringSource second(bytes);
  if (!again.load(second).ok() || saved(again) != bytes) __builtin_trap();
  const std::vector<ItemIndex> recent{ItemIndex{0}, ItemIndex{3}, ItemIndex{1}};
  state.observe(recent, ItemIndex{2}, 100 * kDayUs);
  ScoreScratch scratch;
  std::vector<Candidate> found;
  const std::vector<HistoryItem> history{{ItemIndex{0}, 0}, {ItemIndex{3}, 1}};
  state.score(history, {}, scratch, found);
  for (const Candidate& candidate : found) {
    if (candidate.item.value >= state.size() || !(candidate.score >= 0)) __builtin_trap();
  }
  return 0;
}
