#include "platform/net/internal/tls_stream.h"

#include <algorithm>
#include <cerrno>
#include <climits>
#include <cstring>
#include <utility>

#include <arpa/inet.h>
#include <openssl/err.h>
#include <openssl/x509v3.h>
#include <sys/socket.h>

#include "platform/net/internal/tls_context.h"

namespace vitrine::net::internal {
namespace {

// OpenSSL's own socket BIO writes with write(), which raises SIGPIPE where the peer is gone.
TlsWire& wire_of(BIO* bio) { return *static_cast<TlsWire*>(BIO_get_data(bio)); }

int bio_read(BIO* bio, char* out, int size) {
  BIO_clear_retry_flags(bio);
  if (size <= 0) return 0;
  TlsWire& wire = wire_of(bio);
  if (!wire.early.empty()) {
    const std::size_t n = std::min(static_cast<std::size_t>(size), wire.early.size() - wire.given);
    std::memcpy(out, wire.early.data() + wire.given, n);
    wire.given += n;
    if (wire.given == wire.early.size()) std::string().swap(wire.early);
    return static_cast<int>(n);
  }
  const ssize_t n = ::recv(wire.fd, out, static_cast<std::size_t>(size), 0);
  if (n == 0) BIO_set_flags(bio, BIO_FLAGS_IN_EOF);
  if (n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR)) {
    BIO_set_retry_read(bio);
  }
  return static_cast<int>(n);
}

int bio_write(BIO* bio, const char* bytes, int size) {
  BIO_clear_retry_flags(bio);
  const ssize_t n = ::send(wire_of(bio).fd, bytes, static_cast<std::size_t>(size), MSG_NOSIGNAL);
  if (n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR)) {
    BIO_set_retry_write(bio);
  }
  return static_cast<int>(n);
}

long bio_control(BIO* bio, int command, long, void*) {
  if (command == BIO_CTRL_FLUSH) return 1;
  if (command == BIO_CTRL_EOF) return BIO_test_flags(bio, BIO_FLAGS_IN_EOF) != 0 ? 1 : 0;
  return 0;
}

BIO_METHOD* socket_method() {
  static BIO_METHOD* const method = [] {
    BIO_METHOD* m = BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "socket");
    BIO_meth_set_read(m, bio_read);
    BIO_meth_set_write(m, bio_write);
    BIO_meth_set_ctrl(m, bio_control);
    return m;
  }();
  return method;
}

constexpr char kHandshakeRecord = 0x16;
constexpr std::size_t kRecordHead = 5;
constexpr std::size_t kRecordBytesMax = 16 << 10;

// Of the record that begins with these bytes, at least kRecordHead; 0 if it can be none.
std::size_t record_size(const std::string& bytes) {
  const std::size_t body = static_cast<std::size_t>(static_cast<unsigned char>(bytes[3])) << 8 |
                           static_cast<unsigned char>(bytes[4]);
  if (bytes[1] != 3 || body == 0 || body > kRecordBytesMax) return 0;
  return kRecordHead + body;
}

bool is_numeric(const std::string& host) {
  unsigned char bytes[16];
  return inet_pton(AF_INET, host.c_str(), bytes) == 1 ||
         inet_pton(AF_INET6, host.c_str(), bytes) == 1;
}

std::string why_untrusted(SSL* ssl) {
  const long verified = SSL_get_verify_result(ssl);
  if (verified == X509_V_OK) return take_tls_error();
  (void)take_tls_error();
  return std::string("the server's certificate is not trusted: ") +
         X509_verify_cert_error_string(verified);
}

}  // namespace

std::string take_tls_error() {
  std::string out;
  for (unsigned long code = ERR_get_error(); code != 0; code = ERR_get_error()) {
    const char* reason = ERR_reason_error_string(code);
    if (!out.empty() || reason == nullptr) continue;
    out = reason;
  }
  return out.empty() ? "TLS failed" : out;
}

void TlsStream::Free::operator()(SSL* ssl) const { SSL_free(ssl); }

TlsStream::TlsStream(TlsIdentity& identity, int fd) : identity_(&identity), wire_{fd, {}} {}

TlsStream::~TlsStream() = default;

void TlsStream::attach(SSL* ssl) {
  ssl_.reset(ssl);
  BIO* bio = BIO_new(socket_method());
  BIO_set_data(bio, &wire_);
  BIO_set_init(bio, 1);
  SSL_set_bio(ssl, bio, bio);
}

Result<std::unique_ptr<TlsStream>> TlsStream::client(int fd, const std::string& host,
                                                     const std::string& ca_file) {
  std::unique_ptr<SSL_CTX, FreeContext> context(SSL_CTX_new(TLS_client_method()));
  if (!context) return Error(ErrorCode::kInternal, "TLS: " + take_tls_error());
  SSL_CTX_set_min_proto_version(context.get(), TLS1_2_VERSION);
  SSL_CTX_set_mode(context.get(), SSL_MODE_ENABLE_PARTIAL_WRITE |
                                      SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER | SSL_MODE_AUTO_RETRY);
  SSL_CTX_set_verify(context.get(), SSL_VERIFY_PEER, nullptr);
  const bool found =
      ca_file.empty() ? SSL_CTX_set_default_verify_paths(context.get()) == 1
                      : SSL_CTX_load_verify_locations(context.get(), ca_file.c_str(), nullptr) == 1;
  if (!found) {
    return Error(ErrorCode::kInvalidArgument,
                 (ca_file.empty() ? std::string("the system's certificate authorities")
                                  : "the certificate authorities' file '" + ca_file + "'") +
                     " can't be read: " + take_tls_error());
  }
  SSL* ssl = SSL_new(context.get());
  if (ssl == nullptr) return Error(ErrorCode::kInternal, "TLS: " + take_tls_error());
  std::unique_ptr<TlsStream> out(new TlsStream(fd));
  out->attach(ssl);
  SSL_set_connect_state(ssl);
  static constexpr unsigned char kProtocols[] = "\x08http/1.1";
  SSL_set_alpn_protos(ssl, kProtocols, sizeof kProtocols - 1);
  if (is_numeric(host)) {
    X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(ssl), host.c_str());
  } else {
    SSL_set_tlsext_host_name(ssl, host.c_str());
    SSL_set_hostflags(ssl, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
    SSL_set1_host(ssl, host.c_str());
  }
  return out;
}

// Reads the first record of a client's handshake, no more.
Handshake TlsStream::gather_hello() {
  std::string& early = wire_.early;
  while (true) {
    std::size_t wanted = kRecordHead;
    if (early.size() >= kRecordHead) {
      wanted = record_size(early);
      if (wanted == 0) {
        error_ = "this is no TLS handshake";
        return Handshake::kFailed;
      }
      if (early.size() == wanted) return Handshake::kDone;
    }
    char bytes[4096];
    const std::size_t most = std::min(wanted - early.size(), sizeof bytes);
    const ssize_t n = ::recv(wire_.fd, bytes, most, early.empty() ? MSG_PEEK : 0);
    if (n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR)) {
      return Handshake::kWantRead;
    }
    if (n <= 0) {
      error_ = "the connection was closed before the handshake";
      return Handshake::kFailed;
    }
    if (early.empty()) {
      // What is none is left for whoever answers it.
      if (bytes[0] != kHandshakeRecord) return Handshake::kNotTls;
      if (::recv(wire_.fd, bytes, static_cast<std::size_t>(n), 0) != n) return Handshake::kFailed;
    }
    early.append(bytes, static_cast<std::size_t>(n));
  }
}

Handshake TlsStream::handshake() {
  if (established_) return Handshake::kDone;
  if (!ssl_) {
    const Handshake gathered = gather_hello();
    if (gathered != Handshake::kDone) return gathered;
    SSL* ssl = SSL_new(identity_->context()->get());
    if (ssl == nullptr) {
      error_ = take_tls_error();
      return Handshake::kFailed;
    }
    attach(ssl);
    SSL_set_accept_state(ssl);
  }
  ERR_clear_error();
  const int done = SSL_do_handshake(ssl_.get());
  if (done == 1) {
    established_ = true;
    // The first request may have come together with the end of the handshake.
    read_again_ = SSL_has_pending(ssl_.get()) == 1;
    return Handshake::kDone;
  }
  switch (SSL_get_error(ssl_.get(), done)) {
    case SSL_ERROR_WANT_READ: return Handshake::kWantRead;
    case SSL_ERROR_WANT_WRITE: return Handshake::kWantWrite;
    case SSL_ERROR_SYSCALL: error_ = "the connection broke within the handshake"; break;
    default: error_ = identity_ == nullptr ? why_untrusted(ssl_.get()) : take_tls_error();
  }
  broken_ = true;
  return Handshake::kFailed;
}

bool TlsStream::resumed() const { return ssl_ && SSL_session_reused(ssl_.get()) == 1; }

bool TlsStream::within_record() const { return ssl_ && SSL_has_pending(ssl_.get()) == 1; }

bool TlsStream::quiet() {
  if (broken_) return false;
  char byte = 0;
  std::size_t n = 0;
  ERR_clear_error();
  const int done = SSL_peek_ex(ssl_.get(), &byte, 1, &n);
  return done != 1 && SSL_get_error(ssl_.get(), done) == SSL_ERROR_WANT_READ;
}

ssize_t TlsStream::read(std::span<char> space) {
  std::size_t total = 0;
  while (total < space.size()) {
    if (broken_) break;
    std::size_t n = 0;
    ERR_clear_error();
    const int done = SSL_read_ex(ssl_.get(), space.data() + total, space.size() - total, &n);
    if (done == 1) {
      total += n;
      read_again_ = SSL_has_pending(ssl_.get()) == 1;
      if (!read_again_) break;
      continue;
    }
    const int error = SSL_get_error(ssl_.get(), done);
    // In the middle of an answer to the peer's change of keys.
    read_again_ = error == SSL_ERROR_WANT_WRITE;
    if (error == SSL_ERROR_WANT_READ || error == SSL_ERROR_WANT_WRITE) {
      if (total > 0) break;
      errno = EAGAIN;
      return -1;
    }
    if (total > 0) {
      read_again_ = true;  // the end shows again at the next call
      broken_ = error != SSL_ERROR_ZERO_RETURN;
      break;
    }
    if (error == SSL_ERROR_ZERO_RETURN) return 0;
    broken_ = true;
    error_ = error == SSL_ERROR_SYSCALL ? "the connection broke" : take_tls_error();
    errno = ECONNRESET;
    return -1;
  }
  if (total > 0) return static_cast<ssize_t>(total);
  read_again_ = false;
  errno = ECONNRESET;
  return -1;
}

ssize_t TlsStream::write(std::string_view bytes) {
  std::size_t total = 0;
  while (total < bytes.size() && !broken_) {
    std::size_t n = 0;
    ERR_clear_error();
    const int done = SSL_write_ex(ssl_.get(), bytes.data() + total, bytes.size() - total, &n);
    if (done == 1) {
      total += n;
      continue;
    }
    if (SSL_get_error(ssl_.get(), done) == SSL_ERROR_WANT_WRITE) {
      if (total > 0) break;
      errno = EAGAIN;
      return -1;
    }
    broken_ = true;
    error_ = take_tls_error();
  }
  if (total > 0 || bytes.empty()) return static_cast<ssize_t>(total);
  errno = ECONNRESET;
  return -1;
}

void TlsStream::shutdown() {
  if (!ssl_ || !established_ || broken_) return;
  ERR_clear_error();
  (void)SSL_shutdown(ssl_.get());
  ERR_clear_error();
}

}  // namespace vitrine::net::internal
