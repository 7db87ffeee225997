// Who an HTTPS server is: its certificate and private key, read from files and read again when they
// change, without a connection noticing.
//
// OpenSSL stays inside the source files.
#pragma once

#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/result.h"

namespace vitrine::net {

namespace internal {
class TicketKeys;
class TlsContext;
}  // namespace internal

struct TlsFiles {
  std::string certificate;  // PEM: the server's certificate, then those that lead to its authority
  std::string key;          // PEM: its private key, without a passphrase
};

struct TlsCertificate {
  std::string subject;             // "CN=shop.example"
  std::vector<std::string> names;  // DNS names and addresses it is for
  TimeUs not_before = 0;
  TimeUs not_after = 0;
  std::string fingerprint;  // SHA-256 in hexadecimal digits
  // Others than the owner and the group of the key's file may read it.
  bool key_readable_by_all = false;
};

struct TlsReloads {
  std::uint64_t done = 0;
  std::uint64_t refused = 0;  // the files were broken or did not fit together
};

// Thread-safe. TLS 1.2 and 1.3, ciphers with forward secrecy and authentication only, HTTP/1.1 by
// ALPN, sessions resumed by tickets whose keys are in memory only and change every few hours; no
// renegotiation, no early data, no compression.
class TlsIdentity {
 public:
  // kNotFound, kIo, kInvalidArgument: which file, and what is wrong with it: unreadable, not PEM,
  // encrypted, over already, not the key of this certificate.
  static Result<std::shared_ptr<TlsIdentity>> load(TlsFiles files);
  ~TlsIdentity();

  // Reads the files anew. Handshakes from now on use what they hold; on an error (as of load) the
  // former pair stays.
  Status reload();
  // The same if either file is another one than when it was last read (followed through links: by
  // device, inode, size and times). False: nothing changed. Each change is tried once: an error is
  // not told again until something else changes. Costs two stat calls.
  Result<bool> reload_if_changed();

  TlsCertificate certificate() const;
  TlsReloads reloads() const;
  const TlsFiles& files() const { return files_; }

  // For connections: what their handshake uses.
  std::shared_ptr<const internal::TlsContext> context() const;

 private:
  struct Loaded {
    std::shared_ptr<const internal::TlsContext> context;
    TlsCertificate certificate;
  };
  explicit TlsIdentity(TlsFiles files);
  Result<Loaded> read() const;
  std::string stamp() const;
  Status reload_locked();

  const TlsFiles files_;
  std::unique_ptr<internal::TicketKeys> ticket_keys_;
  std::mutex reload_mutex_;
  std::string stamp_;  // guarded by reload_mutex_
  mutable std::mutex mutex_;
  Loaded loaded_;       // guarded by mutex_
  TlsReloads reloads_;  // guarded by mutex_
};

}  // namespace vitrine::net
