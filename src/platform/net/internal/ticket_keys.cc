#include <algorithm>
#include <cstring>

#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/rand.h>

#include "base/clock.h"
#include "platform/net/internal/tls_context.h"

namespace vitrine::net::internal {
namespace {

constexpr std::int64_t kRotateNs = 6 * kHourUs * 1000;

TicketKeys::Key make_key() {
  TicketKeys::Key key;
  // A machine without randomness can't serve TLS at all: then nothing is sealed with zeros, since
  // the handshake before it fails.
  RAND_bytes(key.name.data(), static_cast<int>(key.name.size()));
  RAND_bytes(key.cipher.data(), static_cast<int>(key.cipher.size()));
  RAND_bytes(key.mac.data(), static_cast<int>(key.mac.size()));
  key.made_ns = system_clock().steady_ns();
  return key;
}

int slot() {
  static const int index = SSL_CTX_get_ex_new_index(0, nullptr, nullptr, nullptr, nullptr);
  return index;
}

bool set_mac(EVP_MAC_CTX* mac, const TicketKeys::Key& key) {
  char digest[] = "SHA256";
  auto secret = key.mac;
  const OSSL_PARAM parameters[] = {
      OSSL_PARAM_construct_octet_string(OSSL_MAC_PARAM_KEY, secret.data(), secret.size()),
      OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, digest, 0),
      OSSL_PARAM_construct_end()};
  return EVP_MAC_CTX_set_params(mac, parameters) == 1;
}

// As OpenSSL asks: 1 done, 2 done and the ticket should be replaced, 0 unknown key, -1 failed.
int on_ticket(SSL* ssl, unsigned char* name, unsigned char* iv, EVP_CIPHER_CTX* cipher,
              EVP_MAC_CTX* mac, int sealing) {
  auto* keys = static_cast<TicketKeys*>(SSL_CTX_get_ex_data(SSL_get_SSL_CTX(ssl), slot()));
  if (keys == nullptr) return -1;
  if (sealing != 0) {
    const TicketKeys::Key key = keys->current();
    std::memcpy(name, key.name.data(), key.name.size());
    if (RAND_bytes(iv, EVP_CIPHER_get_iv_length(EVP_aes_256_cbc())) != 1) return -1;
    const bool set =
        EVP_EncryptInit_ex(cipher, EVP_aes_256_cbc(), nullptr, key.cipher.data(), iv) == 1 &&
        set_mac(mac, key);
    return set ? 1 : -1;
  }
  TicketKeys::Key key;
  bool old = false;
  if (!keys->find(name, key, old)) return 0;
  const bool set =
      EVP_DecryptInit_ex(cipher, EVP_aes_256_cbc(), nullptr, key.cipher.data(), iv) == 1 &&
      set_mac(mac, key);
  if (!set) return -1;
  return old ? 2 : 1;
}

}  // namespace

TicketKeys::TicketKeys() : current_(make_key()), previous_(make_key()) {}

void TicketKeys::install(SSL_CTX* context) {
  SSL_CTX_set_ex_data(context, slot(), this);
  SSL_CTX_set_tlsext_ticket_key_evp_cb(context, on_ticket);
}

void TicketKeys::rotate_if_due() {
  const std::int64_t age = system_clock().steady_ns() - current_.made_ns;
  if (age < kRotateNs) return;
  // Nobody came for long: tickets of the present key are too old as well.
  previous_ = age < 2 * kRotateNs ? current_ : make_key();
  current_ = make_key();
}

TicketKeys::Key TicketKeys::current() {
  const std::lock_guard lock(mutex_);
  rotate_if_due();
  return current_;
}

bool TicketKeys::find(const unsigned char* name, Key& out, bool& old) {
  const std::lock_guard lock(mutex_);
  rotate_if_due();
  for (const Key* key : {&current_, &previous_}) {
    if (std::memcmp(key->name.data(), name, key->name.size()) != 0) continue;
    out = *key;
    old = key == &previous_;
    return true;
  }
  return false;
}

}  // namespace vitrine::net::internal
