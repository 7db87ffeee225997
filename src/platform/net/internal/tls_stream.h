// One encrypted connection, server's or client's side, over a descriptor that does not block.
#pragma once

#include <cstddef>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include <sys/types.h>

#include "base/result.h"
#include "platform/net/tls.h"

typedef struct ssl_st SSL;

namespace vitrine::net::internal {

enum class Handshake {
  kDone,
  kWantRead,   // go on when the descriptor is readable
  kWantWrite,  // ... writable
  kNotTls,     // the first byte is none of a handshake; nothing was read
  kFailed,     // error() says why; an alert may have been sent
};

// What OpenSSL reads from: first what was read before it was there, then the descriptor.
struct TlsWire {
  int fd;
  std::string early;
  std::size_t given = 0;  // of early
};

// Not thread-safe; does not own the descriptor. OpenSSL's part of a server's connection, some 40
// KB, is made when the first record of a handshake has come completely; until then a connection
// takes what it sent.
class TlsStream {
 public:
  // A server's side. `identity` must outlive it.
  TlsStream(TlsIdentity& identity, int fd);
  // A client's side, which accepts only certificates for `host` (a name or a numeric address) of
  // authorities of the system, or of the PEM file `ca_file` where it is not empty. kIo and
  // kInvalidArgument name what is wrong with the file.
  static Result<std::unique_ptr<TlsStream>> client(int fd, const std::string& host,
                                                   const std::string& ca_file);
  ~TlsStream();

  Handshake handshake();
  bool established() const { return established_; }
  // The handshake took up an earlier session: no signature was made.
  bool resumed() const;
  const std::string& error() const { return error_; }

  // As recv(): bytes, 0 at the end of the stream, -1 with errno EAGAIN or another. Fills as much of
  // `space` as can be had without waiting.
  ssize_t read(std::span<char> space);
  // As send(): the bytes taken, -1 with errno EAGAIN or another. After EAGAIN the next call must
  // begin with the same bytes.
  ssize_t write(std::string_view bytes);

  // There may be more to read although the descriptor isn't readable: ask again, as soon as it
  // is writable.
  bool read_again() const { return read_again_; }
  // Nothing to read has arrived, and the stream has not ended. Takes in what concerns TLS alone.
  bool quiet();
  // Part of a record has arrived.
  bool within_record() const;

  // Tells the peer that nothing follows, as far as that goes without waiting.
  void shutdown();

 private:
  explicit TlsStream(int fd) : wire_{fd, {}} {}
  Handshake gather_hello();
  void attach(SSL* ssl);

  struct Free {
    void operator()(SSL* ssl) const;
  };

  TlsIdentity* identity_ = nullptr;  // null: a client
  TlsWire wire_;
  std::unique_ptr<SSL, Free> ssl_;
  bool established_ = false;
  bool read_again_ = false;
  bool broken_ = false;
  std::string error_;
};

}  // namespace vitrine::net::internal
