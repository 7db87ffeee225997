// OpenSSL's objects, as the sources that use them share them.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <mutex>
#include <string>

#include <openssl/ssl.h>

namespace vitrine::net::internal {

struct FreeContext {
  void operator()(SSL_CTX* context) const { SSL_CTX_free(context); }
};

class TlsContext {
 public:
  explicit TlsContext(SSL_CTX* context) : context_(context) {}
  SSL_CTX* get() const { return context_.get(); }

 private:
  std::unique_ptr<SSL_CTX, FreeContext> context_;
};

// What this thread's OpenSSL calls left in the queue of errors, for people; the queue is empty
// then.
std::string take_tls_error();

// The keys that seal session tickets: made at random, in memory only, replaced every few hours; a
// ticket of the keys before is still good, and is replaced. Shared by an identity's contexts, so
// that a new certificate does not end sessions. Thread-safe.
class TicketKeys {
 public:
  TicketKeys();
  // Makes `context` use them; they must outlive it and its connections.
  void install(SSL_CTX* context);

  struct Key {
    std::array<unsigned char, 16> name;
    std::array<unsigned char, 32> cipher;
    std::array<unsigned char, 32> mac;
    std::int64_t made_ns = 0;
  };
  // The key to seal with.
  Key current();
  // By name; false if it is not known (any more). `old`: it should be replaced.
  bool find(const unsigned char* name, Key& out, bool& old);

 private:
  void rotate_if_due();

  std::mutex mutex_;
  Key current_, previous_;  // guarded by mutex_
};

}  // namespace vitrine::net::internal
