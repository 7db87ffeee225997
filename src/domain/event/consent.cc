#include "domain/event/consent.h"

#include "domain/event/internal/json_walker.h"

namespace vitrine::event {
namespace {

constexpr std::array<std::string_view, 3> kNames = {"analytics", "personalization", "marketing"};

}  // namespace

std::string_view purpose_name(Purpose purpose) { return kNames[static_cast<std::size_t>(purpose)]; }

std::optional<Purpose> find_purpose(std::string_view name) {
  for (const Purpose purpose : kPurposes) {
    if (purpose_name(purpose) == name) return purpose;
  }
  return std::nullopt;
}

std::optional<Consents> Consents::from_byte(std::uint8_t byte) {
  Consents out;
  for (const Purpose purpose : kPurposes) {
    const unsigned said = byte >> shift(purpose) & 3u;
    if (said != 0) out.set(purpose, said == kGranted);
  }
  if (out.byte() != byte) return std::nullopt;
  return out;
}

Consents read_consents(std::string_view context) {
  Consents out;
  if (context.find("\"consent\":{") == std::string_view::npos) return out;
  internal::JsonWalker walker(context);
  walker.each_member([&](std::string_view key) {
    if (key != "consent") return walker.skip_value();
    return walker.each_member([&](std::string_view name) {
      const auto purpose = find_purpose(name);
      if (purpose && walker.take("true")) {
        out.set(*purpose, true);
        return true;
      }
      if (purpose && walker.take("false")) {
        out.set(*purpose, false);
        return true;
      }
      return walker.skip_value();
    });
  });
  return out;
}

}  // namespace vitrine::event
