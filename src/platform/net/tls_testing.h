// Certificates for tests, made on the spot.
#pragma once

#include <cstdio>
#include <fstream>
#include <memory>
#include <sstream>
#include <string>
#include <vector>

#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

namespace vitrine::net {

struct PemPair {
  std::string certificate, key;
};

// A self-signed certificate for localhost, 127.0.0.1 and ::1, which is its own authority; over
// after `valid_s` seconds.
inline PemPair make_certificate(const std::string& name, long valid_s = 3600) {
  const std::unique_ptr<EVP_PKEY, void (*)(EVP_PKEY*)> key(EVP_EC_gen("P-256"), EVP_PKEY_free);
  const std::unique_ptr<X509, void (*)(X509*)> x(X509_new(), X509_free);
  X509_set_version(x.get(), 2);
  static long serial = 0;
  ASN1_INTEGER_set(X509_get_serialNumber(x.get()), ++serial);
  X509_gmtime_adj(X509_getm_notBefore(x.get()), -7200);
  X509_gmtime_adj(X509_getm_notAfter(x.get()), valid_s);
  X509_set_pubkey(x.get(), key.get());
  X509_NAME* subject = X509_get_subject_name(x.get());
  X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_ASC,
                             reinterpret_cast<const unsigned char*>(name.c_str()), -1, -1, 0);
  X509_set_issuer_name(x.get(), subject);
  X509V3_CTX context;
  X509V3_set_ctx_nodb(&context);
  X509V3_set_ctx(&context, x.get(), x.get(), nullptr, nullptr, 0);
  const auto extend = [&](int id, const char* value) {
    X509_EXTENSION* extension = X509V3_EXT_conf_nid(nullptr, &context, id, value);
    X509_add_ext(x.get(), extension, -1);
    X509_EXTENSION_free(extension);
  };
  extend(NID_subject_alt_name, "DNS:localhost,IP:127.0.0.1,IP:::1");
  extend(NID_basic_constraints, "critical,CA:TRUE");
  X509_sign(x.get(), key.get(), EVP_sha256());
  const auto text = [](auto write) {
    BIO* memory = BIO_new(BIO_s_mem());
    write(memory);
    char* bytes = nullptr;
    const long size = BIO_get_mem_data(memory, &bytes);
    std::string out(bytes, static_cast<std::size_t>(size));
    BIO_free(memory);
    return out;
  };
  return {text([&](BIO* b) { PEM_write_bio_X509(b, x.get()); }), text([&](BIO* b) {
            PEM_write_bio_PrivateKey(b, key.get(), nullptr, nullptr, 0, nullptr, nullptr);
          })};
}

// A folder with a certificate's files, removed with them.
class TlsFolder {
 public:
  TlsFolder() {
    char name[] = "/tmp/vitrine-tls-XXXXXX";
    folder_ = ::mkdtemp(name) == nullptr ? "." : name;
  }
  ~TlsFolder() {
    std::remove(certificate().c_str());
    std::remove(key().c_str());
    ::rmdir(folder_.c_str());
  }
  TlsFolder(const TlsFolder&) = delete;
  TlsFolder& operator=(const TlsFolder&) = delete;

  std::string certificate() const { return folder_ + "/shop.crt"; }
  std::string key() const { return folder_ + "/shop.key"; }

  void put(const PemPair& pair) {
    write(certificate(), pair.certificate, 0644);
    write(key(), pair.key, 0600);
  }
  static std::string read(const std::string& path) {
    std::ostringstream out;
    out << std::ifstream(path, std::ios::binary).rdbuf();
    return out.str();
  }
  // Beside it, then in its place, as tools do that renew certificates.
  static void write(const std::string& path, const std::string& text, mode_t mode) {
    const std::string beside = path + ".new";
    std::ofstream(beside, std::ios::binary) << text;
    ::chmod(beside.c_str(), mode);
    std::rename(beside.c_str(), path.c_str());
  }

 private:
  std::string folder_;
};

}  // namespace vitrine::net
