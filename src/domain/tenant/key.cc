#include "domain/tenant/key.h"

#include <sodium.h>

#include "base/check.h"
#include "base/hash.h"

namespace vitrine::tenant {
namespace {

constexpr std::string_view kBase62 =
    "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
constexpr std::string_view kHex = "0123456789abcdef";
constexpr std::size_t kPrefixBytes = 7;    // "vt_pub_"
constexpr std::size_t kIdDigits = 12;      // 48 bits
constexpr std::size_t kSecretDigits = 43;  // 62^43 > 2^256
constexpr std::size_t kCheckDigits = 6;
constexpr std::size_t kIdEnd = kPrefixBytes + kIdDigits;
static_assert(kIdEnd + 1 + kSecretDigits + kCheckDigits == kKeyTextBytes);

std::string_view prefix_of(Scope scope) {
  switch (scope) {
    case Scope::kPublishable: return "vt_pub_";
    case Scope::kSecret: return "vt_sec_";
    case Scope::kAdmin: return "vt_adm_";
  }
  return "";
}

// Long division of the 256-bit big-endian number by 62, one digit a round, always 43 rounds.
void append_base62(KeySecret number, std::string& out) {
  std::array<char, kSecretDigits> digits{};
  for (std::size_t i = kSecretDigits; i-- > 0;) {
    unsigned remainder = 0;
    for (unsigned char& byte : number) {
      const unsigned value = remainder * 256 + byte;
      byte = static_cast<unsigned char>(value / 62);
      remainder = value % 62;
    }
    digits[i] = kBase62[remainder];
  }
  out.append(digits.data(), digits.size());
}

// A hash of the rest, written in six base-62 digits: one typo in 5.7e10 goes unnoticed.
std::array<char, kCheckDigits> checksum(std::string_view text) {
  std::uint64_t rest = hash64(text, 0x7674);
  std::array<char, kCheckDigits> digits{};
  for (char& digit : digits) {
    digit = kBase62[rest % 62];
    rest /= 62;
  }
  return digits;
}

int hex_value(char c) noexcept {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  return -1;
}

// 0 when a digit is not hex (0 is no valid id either).
std::uint64_t read_hex(std::string_view digits) noexcept {
  std::uint64_t value = 0;
  for (char c : digits) {
    const int digit = hex_value(c);
    if (digit < 0) return 0;
    value = value * 16 + static_cast<std::uint64_t>(digit);
  }
  return value;
}

Error refused(std::string_view reason, std::string message) {
  return Error(ErrorCode::kUnauthenticated, std::move(message)).with_reason(reason);
}

}  // namespace

std::string key_id_text(KeyId id) {
  std::string text(kIdDigits, '0');
  std::uint64_t rest = id.value;
  for (std::size_t i = kIdDigits; i-- > 0; rest /= 16) text[i] = kHex[rest % 16];
  return text;
}

Result<KeyId> parse_key_id(std::string_view text) {
  const std::uint64_t value = text.size() == kIdDigits ? read_hex(text) : 0;
  if (value != 0) return KeyId{value};
  return Error(ErrorCode::kInvalidArgument,
               "a key id is 12 hex digits, the part between the second and third '_' of a key");
}

std::string format_key(Scope scope, KeyId id, const KeySecret& secret) {
  VITRINE_CHECK(id.value != 0);
  VITRINE_CHECK(id.value <= kKeyIdMax);
  std::string text(prefix_of(scope));
  text.reserve(kKeyTextBytes);
  text += key_id_text(id);
  text += '_';
  append_base62(secret, text);
  const auto check = checksum(text);
  text.append(check.data(), check.size());
  VITRINE_CHECK(text.size() == kKeyTextBytes);
  return text;
}

bool parse_key_shape(std::string_view text, ParsedKey& out) noexcept {
  if (text.size() != kKeyTextBytes || text[kIdEnd] != '_') return false;
  const std::string_view prefix = text.substr(0, kPrefixBytes);
  bool known = false;
  for (Scope scope : kScopes) {
    if (prefix != prefix_of(scope)) continue;
    out.scope = scope;
    known = true;
  }
  out.id = KeyId{read_hex(text.substr(kPrefixBytes, kIdDigits))};
  return known && out.id.value != 0;
}

Result<ParsedKey> parse_key(std::string_view text) {
  ParsedKey parsed;
  if (!parse_key_shape(text, parsed)) {
    return refused("key_malformed",
                   "this is not a Vitrine key: one starts with vt_pub_, vt_sec_ or vt_adm_ and "
                   "has 69 characters; got " +
                       std::to_string(text.size()));
  }
  const auto check = checksum(text.substr(0, kKeyTextBytes - kCheckDigits));
  if (text.substr(kKeyTextBytes - kCheckDigits) != std::string_view(check.data(), check.size())) {
    return refused("key_mistyped",
                   "the checksum at the end of the key does not fit the rest: a character was "
                   "changed on the way; copy the key again");
  }
  return parsed;
}

KeyHash hash_key(std::string_view text) {
  // Chooses the fastest BLAKE2b of this machine; done once.
  static const bool ready = sodium_init() >= 0;
  VITRINE_CHECK(ready);
  KeyHash hash;
  crypto_generichash(hash.data(), hash.size(), reinterpret_cast<const unsigned char*>(text.data()),
                     text.size(), nullptr, 0);
  return hash;
}

bool same_hash(const KeyHash& a, const KeyHash& b) noexcept {
  return sodium_memcmp(a.data(), b.data(), a.size()) == 0;
}

}  // namespace vitrine::tenant
