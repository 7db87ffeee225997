#include <array>
#include <cerrno>
#include <cstring>
#include <ctime>
#include <fstream>
#include <sstream>
#include <utility>

#include <arpa/inet.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <sys/stat.h>

#include "platform/net/internal/tls_context.h"
#include "platform/net/tls.h"

namespace vitrine::net {
namespace {

using internal::take_tls_error;

// TLS 1.2 only; those of 1.3 are all fine.
constexpr const char* kCiphers =
    "ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-RSA-AES128-GCM-SHA256:ECDHE-ECDSA-AES256-GCM-SHA384:"
    "ECDHE-RSA-AES256-GCM-SHA384:ECDHE-ECDSA-CHACHA20-POLY1305:ECDHE-RSA-CHACHA20-POLY1305";
constexpr const char* kGroups = "X25519:P-256:P-384";
constexpr long kSessionSeconds = 6 * 3600;
constexpr std::size_t kPemBytesMax = 1 << 20;

Error bad(const std::string& what, const std::string& path, const std::string& why) {
  return Error(ErrorCode::kInvalidArgument, what + " '" + path + "' " + why);
}

// What OpenSSL says of a file it can't open is of little use.
Result<std::string> read_pem(const std::string& what, const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  if (!file) return io_error("open " + what, path, errno);
  std::string text(kPemBytesMax + 1, '\0');
  file.read(text.data(), static_cast<std::streamsize>(text.size()));
  text.resize(static_cast<std::size_t>(file.gcount()));
  if (file.bad()) return io_error("read " + what, path, EIO);
  if (text.size() > kPemBytesMax) return bad(what, path, "is larger than 1 MiB");
  if (text.find("-----BEGIN ") == std::string::npos) {
    return bad(what, path, "is not PEM: it has no line that begins with -----BEGIN");
  }
  return text;
}

struct FreeBio {
  void operator()(BIO* bio) const { BIO_free(bio); }
};
std::unique_ptr<BIO, FreeBio> memory_of(const std::string& text) {
  return std::unique_ptr<BIO, FreeBio>(BIO_new_mem_buf(text.data(), static_cast<int>(text.size())));
}

struct FreeCertificate {
  void operator()(X509* certificate) const { X509_free(certificate); }
};
using Certificate = std::unique_ptr<X509, FreeCertificate>;
struct FreeKey {
  void operator()(EVP_PKEY* key) const { EVP_PKEY_free(key); }
};

int no_passphrase(char*, int, int, void* asked) {
  *static_cast<bool*>(asked) = true;
  return -1;
}

// Prefers HTTP/1.1; a client that speaks only others is told so.
int on_alpn(SSL*, const unsigned char** out, unsigned char* out_size, const unsigned char* in,
            unsigned size, void*) {
  static constexpr unsigned char kOurs[] = "\x08http/1.1";
  unsigned char* chosen = nullptr;
  const int found = SSL_select_next_proto(&chosen, out_size, kOurs, sizeof kOurs - 1, in, size);
  *out = chosen;
  return found == OPENSSL_NPN_NEGOTIATED ? SSL_TLSEXT_ERR_OK : SSL_TLSEXT_ERR_ALERT_FATAL;
}

Result<SSL_CTX*> make_context(internal::TicketKeys& keys) {
  SSL_CTX* context = SSL_CTX_new(TLS_server_method());
  if (context == nullptr) return Error(ErrorCode::kInternal, "TLS: " + take_tls_error());
  SSL_CTX_set_min_proto_version(context, TLS1_2_VERSION);
  SSL_CTX_set_options(context, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION |
                                   SSL_OP_CIPHER_SERVER_PREFERENCE | SSL_OP_PRIORITIZE_CHACHA);
  SSL_CTX_set_mode(context, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER |
                                SSL_MODE_RELEASE_BUFFERS | SSL_MODE_AUTO_RETRY);
  SSL_CTX_set_read_ahead(context, 1);  // head and body of a record with one call
  SSL_CTX_set_cipher_list(context, kCiphers);
  SSL_CTX_set1_groups_list(context, kGroups);
  SSL_CTX_set_alpn_select_cb(context, on_alpn, nullptr);
  // Sessions live in the clients' tickets: nothing to bound here.
  SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF);
  SSL_CTX_set_timeout(context, kSessionSeconds);
  static constexpr unsigned char kName[] = "vitrine";
  SSL_CTX_set_session_id_context(context, kName, sizeof kName - 1);
  keys.install(context);
  return context;
}

Status use_chain(SSL_CTX* context, const std::string& path, Certificate& leaf) {
  VITRINE_TRY(const std::string text, read_pem("certificate file", path));
  const auto memory = memory_of(text);
  bool asked = false;
  leaf.reset(PEM_read_bio_X509_AUX(memory.get(), nullptr, no_passphrase, &asked));
  if (!leaf) return bad("certificate file", path, "holds no certificate: " + take_tls_error());
  if (SSL_CTX_use_certificate(context, leaf.get()) != 1) {
    return bad("certificate file", path, "can't be used: " + take_tls_error());
  }
  while (true) {
    Certificate next(PEM_read_bio_X509(memory.get(), nullptr, no_passphrase, &asked));
    if (!next) break;
    if (SSL_CTX_add1_chain_cert(context, next.get()) != 1) {
      return bad("certificate file", path,
                 "has a certificate in its chain that can't be used: " + take_tls_error());
    }
  }
  // The end of the file is no error; anything else that looks like a certificate is.
  const unsigned long last = ERR_peek_last_error();
  const bool ended =
      ERR_GET_LIB(last) == ERR_LIB_PEM && ERR_GET_REASON(last) == PEM_R_NO_START_LINE;
  if (!ended) {
    return bad("certificate file", path,
               "has a broken certificate in its chain: " + take_tls_error());
  }
  ERR_clear_error();
  return ok_status();
}

Status use_key(SSL_CTX* context, const TlsFiles& files) {
  VITRINE_TRY(const std::string text, read_pem("key file", files.key));
  const auto memory = memory_of(text);
  bool asked = false;
  const std::unique_ptr<EVP_PKEY, FreeKey> key(
      PEM_read_bio_PrivateKey(memory.get(), nullptr, no_passphrase, &asked));
  if (!key) {
    const std::string why = take_tls_error();
    return bad("key file", files.key,
               asked ? "is encrypted: store it without a passphrase, readable by the server alone"
                     : "holds no private key: " + why);
  }
  ERR_clear_error();
  const std::unique_ptr<EVP_PKEY, FreeKey> certified(
      X509_get_pubkey(SSL_CTX_get0_certificate(context)));
  if (!certified || EVP_PKEY_eq(certified.get(), key.get()) != 1) {
    ERR_clear_error();
    return bad("key file", files.key,
               "is not the key of the first certificate in '" + files.certificate + "'");
  }
  if (SSL_CTX_use_PrivateKey(context, key.get()) != 1) {
    return bad("key file", files.key, "can't be used: " + take_tls_error());
  }
  return ok_status();
}

TimeUs time_of(const ASN1_TIME* time) {
  std::tm parts{};
  if (ASN1_TIME_to_tm(time, &parts) != 1) return 0;
  return static_cast<TimeUs>(timegm(&parts)) * kSecondUs;
}

std::string subject_of(X509* certificate) {
  const std::unique_ptr<BIO, FreeBio> memory(BIO_new(BIO_s_mem()));
  X509_NAME_print_ex(memory.get(), X509_get_subject_name(certificate), 0, XN_FLAG_RFC2253);
  char* text = nullptr;
  const long size = BIO_get_mem_data(memory.get(), &text);
  return {text, static_cast<std::size_t>(size > 0 ? size : 0)};
}

std::string name_of(const GENERAL_NAME& name) {
  if (name.type == GEN_DNS) {
    return {reinterpret_cast<const char*>(ASN1_STRING_get0_data(name.d.dNSName)),
            static_cast<std::size_t>(ASN1_STRING_length(name.d.dNSName))};
  }
  if (name.type != GEN_IPADD) return {};
  const int size = ASN1_STRING_length(name.d.iPAddress);
  if (size != 4 && size != 16) return {};
  char text[INET6_ADDRSTRLEN] = "";
  inet_ntop(size == 4 ? AF_INET : AF_INET6, ASN1_STRING_get0_data(name.d.iPAddress), text,
            sizeof text);
  return text;
}

std::vector<std::string> names_of(X509* certificate) {
  std::vector<std::string> out;
  auto* names = static_cast<GENERAL_NAMES*>(
      X509_get_ext_d2i(certificate, NID_subject_alt_name, nullptr, nullptr));
  for (int i = 0; i < sk_GENERAL_NAME_num(names); ++i) {
    std::string name = name_of(*sk_GENERAL_NAME_value(names, i));
    if (!name.empty()) out.push_back(std::move(name));
  }
  GENERAL_NAMES_free(names);
  return out;
}

TlsCertificate describe(X509* certificate, const std::string& key_file) {
  TlsCertificate out;
  out.subject = subject_of(certificate);
  out.names = names_of(certificate);
  out.not_before = time_of(X509_get0_notBefore(certificate));
  out.not_after = time_of(X509_get0_notAfter(certificate));
  std::array<unsigned char, EVP_MAX_MD_SIZE> digest{};
  unsigned size = 0;
  X509_digest(certificate, EVP_sha256(), digest.data(), &size);
  static constexpr char kDigits[] = "0123456789abcdef";
  for (unsigned i = 0; i < size; ++i) {
    out.fingerprint += kDigits[digest[i] >> 4];
    out.fingerprint += kDigits[digest[i] & 15];
  }
  struct stat status {};
  out.key_readable_by_all =
      ::stat(key_file.c_str(), &status) == 0 && (status.st_mode & S_IROTH) != 0;
  return out;
}

}  // namespace

TlsIdentity::TlsIdentity(TlsFiles files)
    : files_(std::move(files)), ticket_keys_(std::make_unique<internal::TicketKeys>()) {}

TlsIdentity::~TlsIdentity() = default;

Result<std::shared_ptr<TlsIdentity>> TlsIdentity::load(TlsFiles files) {
  std::shared_ptr<TlsIdentity> self(new TlsIdentity(std::move(files)));
  self->stamp_ = self->stamp();
  VITRINE_TRY(self->loaded_, self->read());
  return self;
}

Result<TlsIdentity::Loaded> TlsIdentity::read() const {
  ERR_clear_error();
  VITRINE_TRY(SSL_CTX * raw, make_context(*ticket_keys_));
  Loaded out;
  out.context = std::make_shared<internal::TlsContext>(raw);
  Certificate leaf;
  VITRINE_TRY(use_chain(raw, files_.certificate, leaf));
  VITRINE_TRY(use_key(raw, files_));
  out.certificate = describe(leaf.get(), files_.key);
  return out;
}

// Which files these are, and of when; taken before they are read, so that what is written meanwhile
// is noticed.
std::string TlsIdentity::stamp() const {
  std::ostringstream out;
  for (const std::string* path : {&files_.certificate, &files_.key}) {
    struct stat s {};
    if (::stat(path->c_str(), &s) != 0) {
      out << "absent " << errno << ";";
      continue;
    }
    out << s.st_dev << " " << s.st_ino << " " << s.st_size << " " << s.st_mtim.tv_sec << "."
        << s.st_mtim.tv_nsec << " " << s.st_ctim.tv_sec << "." << s.st_ctim.tv_nsec << ";";
  }
  return out.str();
}

Status TlsIdentity::reload_locked() {
  auto loaded = read();
  const std::lock_guard lock(mutex_);
  if (loaded.ok() && loaded->certificate.not_after < system_clock().wall_us()) {
    loaded = bad("certificate file", files_.certificate, "holds a certificate that has expired");
  }
  if (!loaded.ok()) {
    ++reloads_.refused;
    return std::move(loaded).error();
  }
  loaded_ = std::move(loaded).value();
  ++reloads_.done;
  return ok_status();
}

Status TlsIdentity::reload() {
  const std::lock_guard lock(reload_mutex_);
  stamp_ = stamp();
  return reload_locked();
}

Result<bool> TlsIdentity::reload_if_changed() {
  const std::lock_guard lock(reload_mutex_);
  std::string now = stamp();
  if (now == stamp_) return false;
  stamp_ = std::move(now);
  VITRINE_TRY(reload_locked());
  return true;
}

TlsCertificate TlsIdentity::certificate() const {
  const std::lock_guard lock(mutex_);
  return loaded_.certificate;
}

TlsReloads TlsIdentity::reloads() const {
  const std::lock_guard lock(mutex_);
  return reloads_;
}

std::shared_ptr<const internal::TlsContext> TlsIdentity::context() const {
  const std::lock_guard lock(mutex_);
  return loaded_.context;
}

}  // namespace vitrine::net
