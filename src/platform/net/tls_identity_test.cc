#include <gtest/gtest.h>

#include "platform/net/tls.h"
#include "platform/net/tls_testing.h"

namespace vitrine::net {
namespace {

std::string why(const Status& status) { return status.ok() ? "" : status.error().message(); }
template <class T>
std::string why(const Result<T>& result) {
  return result.ok() ? "" : result.error().message();
}

TEST(TlsIdentity, SaysWhoItIsAndUntilWhen) {
  TlsFolder folder;
  folder.put(make_certificate("shop.example", 3600));
  const auto identity = TlsIdentity::load({folder.certificate(), folder.key()}).value();
  const TlsCertificate certificate = identity->certificate();
  EXPECT_EQ(certificate.subject, "CN=shop.example");
  EXPECT_EQ(certificate.names, (std::vector<std::string>{"localhost", "127.0.0.1", "::1"}));
  EXPECT_EQ(certificate.not_after - certificate.not_before, (3600 + 7200) * kSecondUs);
  EXPECT_EQ(certificate.fingerprint.size(), 64u);
  EXPECT_FALSE(certificate.key_readable_by_all);
}

TEST(TlsIdentity, AKeyThatEveryoneMayReadIsNoticed) {
  TlsFolder folder;
  const PemPair pair = make_certificate("a");
  folder.put(pair);
  TlsFolder::write(folder.key(), pair.key, 0644);
  const auto identity = TlsIdentity::load({folder.certificate(), folder.key()}).value();
  EXPECT_TRUE(identity->certificate().key_readable_by_all);
}

TEST(TlsIdentity, EachThingThatCanBeWrongWithTheFilesIsNamed) {
  TlsFolder folder;
  const PemPair good = make_certificate("a"), other = make_certificate("b");
  const auto load = [&](const std::string& certificate, const std::string& key) {
    folder.put({certificate, key});
    const std::string reason = why(TlsIdentity::load({folder.certificate(), folder.key()}));
    return reason;
  };
  EXPECT_EQ(load(good.certificate, good.key), "");
  EXPECT_EQ(load(good.certificate + other.certificate, good.key), "");
  EXPECT_NE(load(good.certificate, other.key).find("is not the key of the first certificate"),
            std::string::npos);
  EXPECT_NE(load("nothing", good.key).find("shop.crt' is not PEM"), std::string::npos);
  EXPECT_NE(load(good.certificate, "").find("shop.key' is not PEM"), std::string::npos);
  EXPECT_NE(load(good.key, good.key).find("holds no certificate"), std::string::npos);
  EXPECT_NE(load(good.certificate, good.certificate).find("holds no private key"),
            std::string::npos);
  const std::string cut = good.certificate.substr(0, good.certificate.size() / 2);
  EXPECT_NE(load(cut, good.key).find("holds no certificate"), std::string::npos);
  EXPECT_NE(load(good.certificate + cut, good.key).find("broken certificate in its chain"),
            std::string::npos);
  EXPECT_NE(load(good.certificate, std::string(2 << 20, 'x')).find("larger than"),
            std::string::npos);
  const std::string absent = why(TlsIdentity::load({folder.certificate(), "/nowhere/a.key"}));
  EXPECT_NE(absent.find("/nowhere/a.key"), std::string::npos) << absent;
}

TEST(TlsIdentity, AnEncryptedKeyIsRefusedWithAdvice) {
  TlsFolder folder;
  folder.put({make_certificate("a").certificate,
              "-----BEGIN ENCRYPTED PRIVATE KEY-----\n"
              "MIHsMFcGCSqGSIb3DQEFDTBKMCkGCSqGSIb3DQEFDDAcBAgRZ2b8o9mPnQICCAAw\n"
              "DAYIKoZIhvcNAgkFADAdBglghkgBZQMEASoEEEyXy5Q0v0wZ4QG3h6V0f1EEgZAx\n"
              "-----END ENCRYPTED PRIVATE KEY-----\n"});
  const auto loaded = TlsIdentity::load({folder.certificate(), folder.key()});
  ASSERT_FALSE(loaded.ok());
  EXPECT_NE(loaded.error().message().find("shop.key"), std::string::npos);
}

TEST(TlsIdentity, AChangeOfTheFilesIsTakenOverOnce) {
  TlsFolder folder;
  folder.put(make_certificate("one"));
  const auto identity = TlsIdentity::load({folder.certificate(), folder.key()}).value();
  EXPECT_FALSE(identity->reload_if_changed().value());
  folder.put(make_certificate("two"));
  EXPECT_TRUE(identity->reload_if_changed().value());
  EXPECT_EQ(identity->certificate().subject, "CN=two");
  EXPECT_FALSE(identity->reload_if_changed().value());
  EXPECT_EQ(identity->reloads().done, 1u);
}

TEST(TlsIdentity, WhatIsBrokenOrHalfReplacedLeavesTheFormerPairInPlace) {
  TlsFolder folder;
  folder.put(make_certificate("one"));
  const auto identity = TlsIdentity::load({folder.certificate(), folder.key()}).value();
  const PemPair two = make_certificate("two");
  TlsFolder::write(folder.certificate(), two.certificate, 0644);
  const auto mismatch = identity->reload_if_changed();
  ASSERT_FALSE(mismatch.ok());
  EXPECT_NE(why(mismatch).find("is not the key"), std::string::npos);
  EXPECT_FALSE(identity->reload_if_changed().value()) << "told once";
  EXPECT_EQ(identity->certificate().subject, "CN=one");
  std::remove(folder.key().c_str());
  EXPECT_FALSE(identity->reload().ok());
  EXPECT_EQ(identity->certificate().subject, "CN=one");
  TlsFolder::write(folder.key(), two.key, 0600);
  EXPECT_TRUE(identity->reload_if_changed().value());
  EXPECT_EQ(identity->certificate().subject, "CN=two");
  EXPECT_EQ(identity->reloads().refused, 2u);
}

TEST(TlsIdentity, ACertificateThatIsOverDoesNotReplaceOne) {
  TlsFolder folder;
  folder.put(make_certificate("one"));
  const auto identity = TlsIdentity::load({folder.certificate(), folder.key()}).value();
  folder.put(make_certificate("over", -60));
  EXPECT_NE(why(identity->reload()).find("has expired"), std::string::npos);
  EXPECT_EQ(identity->certificate().subject, "CN=one");
}

}  // namespace
}  // namespace vitrine::net
