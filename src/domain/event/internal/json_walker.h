// Walks over an object of an event as it is stored: JSON without blanks between tokens, with the
// escapes of codec::JsonWriter, so that equal names have equal bytes. Every step stays within the
// text, whatever it holds.
#pragma once

#include <string_view>

namespace vitrine::event::internal {

class JsonWalker {
 public:
  explicit JsonWalker(std::string_view text) : rest_(text) {}

  bool take(std::string_view token) {
    if (!rest_.starts_with(token)) return false;
    rest_.remove_prefix(token.size());
    return true;
  }

  // A string without its quotes, still escaped.
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

}  // namespace vitrine::event::internal
