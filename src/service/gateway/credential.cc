#include "service/gateway/credential.h"

#include <string>

namespace vitrine::gateway {
namespace {

bool blank(char c) { return c == ' ' || c == '\t'; }

std::string_view trimmed(std::string_view text) {
  while (!text.empty() && blank(text.front())) text.remove_prefix(1);
  while (!text.empty() && blank(text.back())) text.remove_suffix(1);
  return text;
}

// The text behind "Bearer ", empty when it is something else.
std::string_view bearer(std::string_view header) {
  constexpr std::string_view kScheme = "bearer";
  if (header.size() <= kScheme.size() || !blank(header[kScheme.size()])) return {};
  for (std::size_t i = 0; i < kScheme.size(); ++i) {
    // Sets bit 5: makes a capital letter small, and no other character into a letter of kScheme
    // but control characters' counterparts, which HTTP doesn't let through.
    if (static_cast<char>(header[i] | 0x20) != kScheme[i]) return {};
  }
  return trimmed(header.substr(kScheme.size()));
}

Error refused(std::string_view reason, std::string message) {
  return Error(ErrorCode::kUnauthenticated, std::move(message)).with_reason(reason);
}

}  // namespace

Result<std::string_view> find_credential(std::string_view authorization, std::string_view api_key) {
  const std::string_view header = trimmed(authorization);
  const std::string_view token = bearer(header);
  const std::string_view key = trimmed(api_key);
  if (key.empty() && header.empty()) {
    return refused("credential_missing", "send the key as 'Authorization: Bearer vt_...'");
  }
  if (key.empty() && token.empty()) {
    return refused("credential_malformed",
                   "the Authorization header must be 'Bearer ' and a key that starts with vt_");
  }
  if (key.empty() || token.empty()) return key.empty() ? token : key;
  if (key != token) {
    return refused("credential_ambiguous",
                   "two different keys came with this request; send only one");
  }
  return token;
}

}  // namespace vitrine::gateway
