// Any bytes: refused with a message, or a state that saves to the same bytes and goes on.
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "base/check.h"
#include "domain/conduct/conduct.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace vitrine;
  using namespace vitrine::conduct;
  constexpr std::uint32_t kUsers = 100, kItems = 100;
  StringSource source(std::string_view(reinterpret_cast<const char*>(data), size));
  Conduct conduct({.visitors_max = 10, .kept_max = 5, .contributions_max = 100});
  const Status loaded = conduct.load(source, kUsers, kItems);
  if (!loaded.ok()) {
    VITRINE_CHECK(!loaded.error().message().empty());
    VITRINE_CHECK(conduct.watched_count() == 0);
    return 0;
  }
  StringSink once, twice;
  conduct.save(once);
  StringSource again(once.bytes());
  Conduct other({.visitors_max = 10, .kept_max = 5, .contributions_max = 100});
  VITRINE_CHECK(other.load(again, kUsers, kItems).ok());
  other.save(twice);
  VITRINE_CHECK(once.bytes() == twice.bytes());
  for (std::uint32_t n = 0; n < 50; ++n) {
    const ItemIndex item{n % 3};
    const UserIndex user{n % 7};
    const TimeUs at = 20'000 * kDayUs + n * kSecondUs;
    conduct.note(user, true, {event::EventType::kDetailPageView, at, at, std::span(&item, 1)});
    for (const Contribution& c : conduct.contributions(user)) (void)conduct.query(user, c);
    conduct.merge(user, UserIndex{n % 11});
  }
  return 0;
}
