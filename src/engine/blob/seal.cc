#include "engine/blob/seal.h"

#include <algorithm>
#include <cstring>
#include <memory>

#include <sodium.h>
#include <zstd.h>

#include "base/bytes.h"
#include "platform/codec/crc32c.h"

namespace vitrine::blob {
namespace {

constexpr std::string_view kMagic = "VTRNSEAL";
constexpr std::uint16_t kFormat = 1;
constexpr std::size_t kTagBytes = crypto_secretstream_xchacha20poly1305_ABYTES;
constexpr std::size_t kStreamHeaderBytes = crypto_secretstream_xchacha20poly1305_HEADERBYTES;
constexpr std::size_t kCrcBytes = 4;
static_assert(kMagic.size() + 2 + 1 + 1 + 4 + 8 + 8 + kCrcBytes == kSealHeadBytes);

enum class Compression : std::uint8_t { kNone = 0, kZstd = 1 };  // on disk: never renumber
enum class Encryption : std::uint8_t { kNone = 0, kSecretStream = 1 };

struct Head {
  Compression compression = Compression::kNone;
  Encryption encryption = Encryption::kNone;
  std::uint64_t plain_bytes = 0;
  std::uint64_t packed_bytes = 0;

  std::size_t overhead() const { return encryption == Encryption::kNone ? kCrcBytes : kTagBytes; }
  std::uint64_t pieces() const {
    // An encrypted object has a last piece even if it is empty: it carries the end mark.
    const std::uint64_t full = (packed_bytes + kSealPieceBytes - 1) / kSealPieceBytes;
    return encryption == Encryption::kNone ? full : std::max<std::uint64_t>(full, 1);
  }
  std::uint64_t body_offset() const {
    return kSealHeadBytes + (encryption == Encryption::kNone ? 0 : kStreamHeaderBytes);
  }
  std::uint64_t stored_bytes() const {
    return body_offset() + packed_bytes + pieces() * overhead();
  }
};

const unsigned char* bytes_of(std::string_view s) {
  return reinterpret_cast<const unsigned char*>(s.data());
}
unsigned char* bytes_of(std::string& s, std::size_t at = 0) {
  return reinterpret_cast<unsigned char*>(s.data() + at);
}

Error corrupt(std::string_view name, std::uint64_t offset, std::string_view what) {
  return {ErrorCode::kCorrupt,
          std::string(name) + ": at byte " + std::to_string(offset) + ": " + std::string(what)};
}

std::string encode_head(const Head& head, std::string_view name) {
  std::string out;
  ByteWriter w(out);
  w.raw(kMagic);
  w.u16(kFormat);
  w.u8(static_cast<std::uint8_t>(head.compression));
  w.u8(static_cast<std::uint8_t>(head.encryption));
  w.u32(0);
  w.u64(head.plain_bytes);
  w.u64(head.packed_bytes);
  w.u32(codec::crc32c(name, codec::crc32c(out)));
  return out;
}

Result<Head> decode_head(std::string_view stored, std::string_view name) {
  if (stored.size() < kSealHeadBytes) return corrupt(name, stored.size(), "it ends in its head");
  ByteReader r(stored.substr(0, kSealHeadBytes));
  if (r.raw(kMagic.size()) != kMagic) return corrupt(name, 0, "this is no sealed object");
  const std::uint16_t format = r.u16();
  Head head;
  const std::uint8_t compression = r.u8();
  const std::uint8_t encryption = r.u8();
  const std::uint32_t zero = r.u32();
  head.plain_bytes = r.u64();
  head.packed_bytes = r.u64();
  const std::uint32_t checksum = r.u32();
  const std::string_view checked = stored.substr(0, kSealHeadBytes - kCrcBytes);
  if (checksum != codec::crc32c(name, codec::crc32c(checked))) {
    return corrupt(name, 0, "the checksum of the head differs, or it is another object's");
  }
  if (format != kFormat || compression > 1 || encryption > 1 || zero != 0) {
    return Error(ErrorCode::kUnsupported, std::string(name) + ": sealed in format " +
                                              std::to_string(format) + ", this build reads " +
                                              std::to_string(kFormat));
  }
  head.compression = static_cast<Compression>(compression);
  head.encryption = static_cast<Encryption>(encryption);
  if (head.packed_bytes > kSealPlainBytesMax || head.plain_bytes > kSealPlainBytesMax) {
    return corrupt(name, 0, "it promises more than an object may hold");
  }
  if (stored.size() != head.stored_bytes()) {
    return corrupt(name, std::min<std::uint64_t>(stored.size(), head.stored_bytes()),
                   "it has " + std::to_string(stored.size()) + " bytes instead of " +
                       std::to_string(head.stored_bytes()));
  }
  return head;
}

std::uint32_t piece_checksum(std::uint64_t index, std::string_view bytes) {
  std::string number;
  ByteWriter(number).u64(index);
  return codec::crc32c(bytes, codec::crc32c(number));
}

void append_checked(std::string_view packed, std::string& out) {
  for (std::uint64_t index = 0; !packed.empty(); ++index) {
    const std::string_view piece = packed.substr(0, kSealPieceBytes);
    out.append(piece);
    ByteWriter(out).u32(piece_checksum(index, piece));
    packed.remove_prefix(piece.size());
  }
}

void append_encrypted(std::string_view packed, const std::string& additional, const SealKey& key,
                      std::string& out) {
  crypto_secretstream_xchacha20poly1305_state state;
  const std::size_t at = out.size();
  out.resize(at + kStreamHeaderBytes);
  crypto_secretstream_xchacha20poly1305_init_push(&state, bytes_of(out, at), key.data());
  for (bool first = true;; first = false) {
    const std::string_view piece = packed.substr(0, kSealPieceBytes);
    packed.remove_prefix(piece.size());
    const unsigned char tag = packed.empty() ? crypto_secretstream_xchacha20poly1305_TAG_FINAL
                                             : crypto_secretstream_xchacha20poly1305_TAG_MESSAGE;
    const std::size_t begin = out.size();
    out.resize(begin + piece.size() + kTagBytes);
    crypto_secretstream_xchacha20poly1305_push(
        &state, bytes_of(out, begin), nullptr, bytes_of(piece), piece.size(),
        first ? bytes_of(std::string_view(additional)) : nullptr, first ? additional.size() : 0,
        tag);
    if (packed.empty()) break;
  }
  sodium_memzero(&state, sizeof state);
}

// Calls open(index, offset, stored piece, out) -> Status for each piece.
template <class Open>
Result<std::string> open_pieces(std::string_view stored, const Head& head, Open open) {
  std::string packed(head.packed_bytes, '\0');
  std::uint64_t offset = head.body_offset();
  std::size_t done = 0;
  for (std::uint64_t index = 0; index < head.pieces(); ++index) {
    const std::size_t bytes = std::min<std::size_t>(kSealPieceBytes, packed.size() - done);
    const std::string_view piece = stored.substr(offset, bytes + head.overhead());
    VITRINE_TRY(open(index, offset, piece, packed.data() + done));
    offset += piece.size();
    done += bytes;
  }
  return packed;
}

Result<std::string> open_checked(std::string_view stored, std::string_view name, const Head& head) {
  return open_pieces(
      stored, head,
      [&](std::uint64_t index, std::uint64_t offset, std::string_view piece, char* out) -> Status {
        const std::string_view bytes = piece.substr(0, piece.size() - kCrcBytes);
        ByteReader checksum(piece.substr(bytes.size()));
        if (checksum.u32() != piece_checksum(index, bytes)) {
          return corrupt(
              name, offset,
              "the checksum of the " + std::to_string(bytes.size()) + " bytes from here differs");
        }
        std::memcpy(out, bytes.data(), bytes.size());
        return ok_status();
      });
}

Result<std::string> open_encrypted(std::string_view stored, std::string_view name, const Head& head,
                                   const SealKey& key) {
  crypto_secretstream_xchacha20poly1305_state state;
  if (crypto_secretstream_xchacha20poly1305_init_pull(
          &state, bytes_of(stored.substr(kSealHeadBytes)), key.data()) != 0) {
    return corrupt(name, kSealHeadBytes, "the encryption header is damaged");
  }
  const std::string additional = std::string(stored.substr(0, kSealHeadBytes)) + std::string(name);
  auto opened = open_pieces(
      stored, head,
      [&](std::uint64_t index, std::uint64_t offset, std::string_view piece, char* out) -> Status {
        const std::string_view with =
            index == 0 ? std::string_view(additional) : std::string_view();
        unsigned char tag = 0;
        const int failed = crypto_secretstream_xchacha20poly1305_pull(
            &state, reinterpret_cast<unsigned char*>(out), nullptr, &tag, bytes_of(piece),
            piece.size(), bytes_of(with), with.size());
        const bool last = index + 1 == head.pieces();
        if (failed == 0 && (tag == crypto_secretstream_xchacha20poly1305_TAG_FINAL) == last) {
          return ok_status();
        }
        return corrupt(name, index == 0 ? kSealHeadBytes : offset,
                       "the " + std::to_string(piece.size()) +
                           " bytes from here are not what was encrypted with this key");
      });
  sodium_memzero(&state, sizeof state);
  return opened;
}

}  // namespace

Result<std::string> compress(std::string_view plain, int level) {
  std::string packed(ZSTD_compressBound(plain.size()), '\0');
  std::unique_ptr<ZSTD_CCtx, std::size_t (*)(ZSTD_CCtx*)> context(ZSTD_createCCtx(),
                                                                  &ZSTD_freeCCtx);
  ZSTD_CCtx_setParameter(context.get(), ZSTD_c_compressionLevel, level);
  ZSTD_CCtx_setParameter(context.get(), ZSTD_c_checksumFlag, 1);
  const std::size_t size =
      ZSTD_compress2(context.get(), packed.data(), packed.size(), plain.data(), plain.size());
  if (ZSTD_isError(size)) {
    return Error(ErrorCode::kInternal, std::string("zstd: ") + ZSTD_getErrorName(size));
  }
  packed.resize(size);
  return packed;
}

Result<std::string> decompress(std::string_view packed, std::uint64_t plain_bytes) {
  if (plain_bytes > kSealPlainBytesMax) return Error(ErrorCode::kTooLarge, "more than 1 GiB");
  // The size in the frame is asked first: a hostile one must not make the buffer overflow or the
  // memory run out.
  const auto promised = ZSTD_getFrameContentSize(packed.data(), packed.size());
  if (promised != plain_bytes ||
      ZSTD_findFrameCompressedSize(packed.data(), packed.size()) != packed.size()) {
    return Error(ErrorCode::kCorrupt,
                 "these are not " + std::to_string(plain_bytes) + " compressed bytes");
  }
  std::string plain(plain_bytes, '\0');
  const std::size_t size =
      ZSTD_decompress(plain.data(), plain.size(), packed.data(), packed.size());
  if (ZSTD_isError(size)) {
    return Error(ErrorCode::kCorrupt, std::string("zstd: ") + ZSTD_getErrorName(size));
  }
  if (size != plain_bytes) return Error(ErrorCode::kCorrupt, "zstd: other than the promised size");
  return plain;
}

Result<std::string> seal(std::string_view plain, std::string_view name,
                         const SealOptions& options) {
  if (sodium_init() < 0) return Error(ErrorCode::kInternal, "libsodium does not start");
  if (plain.size() > kSealPlainBytesMax) {
    return Error(ErrorCode::kTooLarge, std::string(name) + " has more than 1 GiB");
  }
  std::string packed;
  if (options.level > 0) {
    VITRINE_TRY(packed, compress(plain, options.level));
  }
  Head head;
  head.plain_bytes = plain.size();
  const bool smaller = options.level > 0 && packed.size() < plain.size();
  const std::string_view body = smaller ? std::string_view(packed) : plain;
  head.compression = smaller ? Compression::kZstd : Compression::kNone;
  head.encryption = options.key != nullptr ? Encryption::kSecretStream : Encryption::kNone;
  head.packed_bytes = body.size();
  std::string out = encode_head(head, name);
  out.reserve(head.stored_bytes());
  if (options.key == nullptr) {
    append_checked(body, out);
  } else {
    append_encrypted(body, out + std::string(name), *options.key, out);
  }
  return out;
}

Result<std::string> unseal(std::string_view stored, std::string_view name, const SealKey* key,
                           std::uint64_t plain_bytes_max) {
  if (sodium_init() < 0) return Error(ErrorCode::kInternal, "libsodium does not start");
  VITRINE_TRY(const Head head, decode_head(stored, name));
  if (head.plain_bytes > plain_bytes_max) {
    return Error(ErrorCode::kTooLarge, std::string(name) + ": " + std::to_string(head.plain_bytes) +
                                           " bytes, at most " + std::to_string(plain_bytes_max) +
                                           " were expected");
  }
  if (head.encryption != Encryption::kNone && key == nullptr) {
    return Error(ErrorCode::kPermissionDenied, std::string(name) + " is encrypted: give its key");
  }
  auto packed = head.encryption == Encryption::kNone ? open_checked(stored, name, head)
                                                     : open_encrypted(stored, name, head, *key);
  if (!packed.ok()) return std::move(packed).error();
  if (head.compression == Compression::kNone) {
    if (packed->size() == head.plain_bytes) return packed;
    return corrupt(name, 0, "the two sizes in its head differ");
  }
  auto plain = decompress(*packed, head.plain_bytes);
  if (plain.ok()) return plain;
  return corrupt(name, head.body_offset(), plain.error().message());
}

}  // namespace vitrine::blob
