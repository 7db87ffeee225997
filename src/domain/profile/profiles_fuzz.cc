// Loads arbitrary bytes as a snapshot of profiles. A refusal is fine; what is accepted must give
// every history, save to the same bytes again, and take appends.
#include <cstdint>
#include <string_view>

#include "domain/profile/profiles.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace vitrine;
  using namespace vitrine::profile;
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  Profiles profiles({.max_entries = 8});
  StringSource source(bytes);
  if (!profiles.load(source).ok()) {
    if (profiles.user_count() != 0 || profiles.row_bytes() != 0) __builtin_trap();
    return 0;
  }
  StringSink saved;
  profiles.save(saved);
  Profiles again({.max_entries = 8});
  StringSource saved_source(saved.bytes());
  if (!again.load(saved_source).ok()) __builtin_trap();
  HashSink first;
  HashSink second;
  if (!profiles.digest(first).ok() || !again.digest(second).ok()) __builtin_trap();
  if (first.finish() != second.finish()) __builtin_trap();
  std::vector<HistoryEntry> out;
  const std::uint32_t loaded = profiles.user_count();
  for (std::uint32_t i = 0; i < loaded; ++i) {
    const UserIndex user = profiles.find_user(profiles.info(UserIndex{i}).key);
    if (user == kNoUser) __builtin_trap();
    const auto consents = profiles.consents(user);
    const auto link = profiles.link(Hash128{i, ~std::uint64_t{i}}, user);
    if (!link.ok()) __builtin_trap();
    if (profiles.consents(user) != consents && *link != Profiles::Link::kMerged) __builtin_trap();
    const auto entry = HistoryEntry::make(ItemIndex{1}, i, event::EventType::kItemClick, 0);
    for (int n = 0; n < 3; ++n) {
      if (!profiles.append(user, entry).ok()) __builtin_trap();
    }
    const auto length = profiles.history(user, out);
    if (!length.ok() || *length > 8) __builtin_trap();
  }
  return 0;
}
