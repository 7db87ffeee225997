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
    const bool same = text.size() == entry.text.size() &&
                      sodium_memcmp(entry.text.data(), text.data(), text.size()) == 0;
    return same ? entry.hash : tenant::hash_key(text);
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
  static constexpr std::size_t kEntries = 64;
  const Entry& at(tenant::KeyId id) const { return entries_[id.value % kEntries]; }
  Entry& at(tenant::KeyId id) { return entries_[id.value % kEntries]; }

  std::array<Entry, kEntries> entries_{};
};

}  // namespace vitrine::gateway
