// What a visitor allowed, purpose by purpose, and where an event says so.
//
//   "context": {"consent": {"analytics": true, "personalization": false, "marketing": false}}
//
// A purpose that was never spoken of is neither allowed nor denied: allows() treats it as allowed,
// because who asks for consent, and where the law wants it, is the shop's to decide. What each
// purpose stands for is in docs/privacy.md.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

namespace vitrine::event {

// Values are on disk: add, never renumber.
enum class Purpose : std::uint8_t {
  kAnalytics = 0,        // counts towards what is popular and what goes together
  kPersonalization = 1,  // is remembered of this visitor, and answers are made from it
  kMarketing = 2,        // may be written to
};
inline constexpr std::array<Purpose, 3> kPurposes = {Purpose::kAnalytics, Purpose::kPersonalization,
                                                     Purpose::kMarketing};

std::string_view purpose_name(Purpose purpose);  // "analytics", ...
std::optional<Purpose> find_purpose(std::string_view name);

// One byte, two bits a purpose: 0 never spoken of, 1 denied, 2 granted. The byte is on disk.
class Consents {
 public:
  constexpr Consents() = default;
  // Nothing for a byte that no Consents has.
  static std::optional<Consents> from_byte(std::uint8_t byte);
  constexpr std::uint8_t byte() const { return bits_; }

  constexpr bool any() const { return bits_ != 0; }
  constexpr bool allows(Purpose purpose) const { return said(purpose) != kDenied; }
  constexpr std::optional<bool> get(Purpose purpose) const {
    if (said(purpose) == 0) return std::nullopt;
    return said(purpose) == kGranted;
  }
  constexpr void set(Purpose purpose, bool granted) {
    const unsigned kept = bits_ & ~(3u << shift(purpose));
    bits_ = static_cast<std::uint8_t>(kept | (granted ? kGranted : kDenied) << shift(purpose));
  }
  // What `newer` speaks of is as it says, the rest stays.
  constexpr void update(Consents newer) {
    for (const Purpose purpose : kPurposes) {
      if (const auto said = newer.get(purpose)) set(purpose, *said);
    }
  }

  friend constexpr bool operator==(Consents, Consents) = default;

 private:
  static constexpr unsigned kDenied = 1, kGranted = 2;
  static constexpr unsigned shift(Purpose purpose) { return 2 * static_cast<unsigned>(purpose); }
  constexpr unsigned said(Purpose purpose) const { return bits_ >> shift(purpose) & 3u; }

  std::uint8_t bits_ = 0;
};

// The consents of Event::context, which is an object without blanks, as event_json.h writes it.
// Any bytes are safe; what is not there, or no boolean, was not spoken of. Without "consent" in
// the text this costs one search of it.
Consents read_consents(std::string_view context);

}  // namespace vitrine::event
