// Do values of an event have the shape of what they are said to be? By shape alone: a currency that
// nobody uses passes, a script in place of an address does not.
#pragma once

#include <cstddef>
#include <string_view>

namespace vitrine::event {

inline constexpr std::size_t kUrlBytesMax = 4'096;
inline constexpr std::size_t kLocaleBytesMax = 64;
inline constexpr std::size_t kTimezoneBytesMax = 64;

// Three capitals, as ISO 4217 has them.
bool is_currency(std::string_view text);
// http, https, or the address of an app as browsers report it (android-app, ios-app), or a path on
// the same site ("/shoes?size=42"). At most kUrlBytesMax, without blanks, controls, quotes, angle
// brackets and backslashes, as every browser sends it.
bool is_url(std::string_view text);
// A language tag of BCP 47 ("de", "en-GB", "zh-Hant-TW"), also with underscores and suffixes as
// phones write it ("en_US", "th_TH@calendar=buddhist").
bool is_locale(std::string_view text);
// A name of the IANA database ("Europe/Berlin", "UTC", "Etc/GMT+1") or an offset ("+02:00",
// "GMT+02:00").
bool is_timezone(std::string_view text);

}  // namespace vitrine::event
