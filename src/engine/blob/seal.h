// One byte string compressed, encrypted and checked, so that any changed bit is found and the
// place of the damage can be named.
//
// Layout (little-endian):
//   head, 36 bytes   "VTRNSEAL", format u16 = 1, compression u8 (0 none, 1 zstd), encryption u8
//                    (0 none, 1 XChaCha20-Poly1305), 0 u32, plain bytes u64, packed bytes u64,
//                    crc32c u32 over all that and the name
//   secretstream header, 24 bytes, with encryption only
//   pieces           each of up to 64 KiB of packed bytes: the bytes and a crc32c u32 over index
//                    (u64) and bytes; or, encrypted, the ciphertext with its 17 bytes of tag
// Encryption is libsodium's secretstream; head and name are its additional data in the first piece,
// so an object put under another name is refused. Nothing depends on a clock or on what was sealed
// before, but the header of an encrypted object is random: the same bytes sealed twice differ.
//
// Errors: kCorrupt "NAME: at byte N: ..." where bytes are not what was written, kUnsupported for a
// later format. Thread-safe.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/result.h"

namespace vitrine::blob {

using SealKey = std::array<unsigned char, 32>;

struct SealOptions {
  const SealKey* key = nullptr;  // null: not encrypted
  int level = 1;                 // of zstd, 1..19; 0: not compressed
};

inline constexpr std::size_t kSealPieceBytes = 64 * 1024;
inline constexpr std::size_t kSealHeadBytes = 36;
inline constexpr std::uint64_t kSealPlainBytesMax = 1ull << 30;

// `plain` of at most kSealPlainBytesMax. Stored uncompressed where compressing gains nothing.
Result<std::string> seal(std::string_view plain, std::string_view name, const SealOptions& options);

// What seal() was given. `key` is not used for objects that are not encrypted; an encrypted one
// without a key is kPermissionDenied. kTooLarge where more than `plain_bytes_max` are promised.
Result<std::string> unseal(std::string_view stored, std::string_view name, const SealKey* key,
                           std::uint64_t plain_bytes_max);

// Compresses to one zstd frame with a checksum of its own.
Result<std::string> compress(std::string_view plain, int level);
// The reverse; kCorrupt for anything but one whole frame of exactly `plain_bytes`.
Result<std::string> decompress(std::string_view packed, std::uint64_t plain_bytes);

}  // namespace vitrine::blob
