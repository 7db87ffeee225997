// What a thread hashed lately: most requests come with a key that it has just seen.
//
// Remembers that a text has a hash, which is true for ever, and nothing about whether the key is
// good: the directory is asked for that each time, so a revoked key is refused at once.
#pragma once

#include <array>
#include <cstddef>
#include <cstring>
#include <string_view>

#include <sodium.h>

#include "domain/tenant/key.h"

namespace vitrine::gateway {

class KeyMemo {
 public:
  KeyMemo() = default;
  KeyMemo(const KeyMemo&) = delete;
  KeyMemo& operator=(const KeyMemo&) = delete;
  ~KeyMemo() { sodium_memzero(entries_.data(), sizeof entries_); }

  // hash_key(text), for a text with the shape of a key (kKeyTextBytes long) and this id. Compares
  // in constant time. Only a text that is the key of a directory is worth remember().
  tenant::KeyHash hash_of(std::string_view text, tenant::KeyId id) const {
    const Entry& entry = at(id);
    return is_text_of(entry, text) ? entry.hash : tenant::hash_key(text);
  }
  void remember(std::string_view text, tenant::KeyId id, const tenant::KeyHash& hash) {
    Entry& entry = at(id);
    if (entry.hash == hash || text.size() != entry.text.size()) return;
    std::memcpy(entry.text.data(), text.data(), text.size());
    entry.hash = hash;
  }

 private:
  struct Entry {
    std::array<char, tenant::kKeyTextBytes> text{};
    tenant::KeyHash hash{};
  };
  // Looks at every byte, so that the time doesn't say where they differ.
  static bool is_text_of(const Entry& entry, std::string_view text) {
    if (text.size() != entry.text.size()) return false;
    unsigned difference = 0;
    for (std::size_t i = 0; i < entry.text.size(); ++i) {
      difference |= static_cast<unsigned char>(entry.text[i] ^ text[i]);
    }
    return difference == 0;
  }

  static constexpr std::size_t kEntries = 64;
  const Entry& at(tenant::KeyId id) const { return entries_[id.value % kEntries]; }
  Entry& at(tenant::KeyId id) { return entries_[id.value % kEntries]; }

  std::array<Entry, kEntries> entries_{};
};

}  // namespace vitrine::gateway
