#include "domain/event/consent.h"

namespace vitrine::event {
namespace {

constexpr std::array<std::string_view, 3> kNames = {"analytics", "personalization", "marketing"};

// Walks over JSON without blanks. Every step stays within the text, whatever it holds.
class Walker {
 public:
  explicit Walker(std::string_view text) : rest_(text) {}

  bool take(std::string_view token) {
    if (!rest_.starts_with(token)) return false;
    rest_.remove_prefix(token.size());
    return true;
  }

  // A string, its quotes included, still escaped.
  bool take_string(std::string_view& out) {
    if (rest_.empty() || rest_.front() != '"') return false;
    std::size_t at = 1;
    while (at < rest_.size() && rest_[at] != '"') at += rest_[at] == '\\' ? 2 : 1;
    if (at >= rest_.size()) return false;
    out = rest_.substr(1, at - 1);
    rest_.remove_prefix(at + 1);
    return true;
  }

  // Any value: up to the comma or bracket that ends it.
  bool skip_value() {
    int depth = 0;
    std::string_view ignored;
    while (!rest_.empty()) {
      const char c = rest_.front();
      if (c == '"') {
        if (!take_string(ignored)) return false;
        continue;
      }
      if (depth == 0 && (c == ',' || c == '}' || c == ']')) return true;
      if (c == '{' || c == '[') ++depth;
      if (c == '}' || c == ']') --depth;
      rest_.remove_prefix(1);
    }
    return false;
  }

  // Calls `member(key)` with the walk standing before each value; it must take the value.
  template <class Member>
  bool each_member(Member&& member) {
    if (!take("{")) return false;
    if (take("}")) return true;
    do {
      std::string_view key;
      if (!take_string(key) || !take(":") || !member(key)) return false;
    } while (take(","));
    return take("}");
  }

 private:
  std::string_view rest_;
};

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
  Walker walker(context);
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
