// HTTPS: the same server behind a handshake.
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <signal.h>

#include "platform/net/server_test_util.h"
#include "platform/net/tls_testing.h"

namespace vitrine::net {
namespace {

using ::testing::HasSubstr;
using ::testing::StartsWith;

class TlsFixture {
 public:
  explicit TlsFixture(ServerOptions options = quick_options(), TestHandler::Fn fn = nullptr)
      : fixture_(std::move(fn), with_identity(std::move(options))) {}

  Server& server() { return *fixture_.server; }
  TestHandler& handler() { return fixture_.handler; }
  std::uint16_t port() const { return fixture_.server->tls_port(); }
  TlsIdentity& identity() { return *identity_; }
  TlsFolder& folder() { return folder_; }
  Client client(const std::string& host = "127.0.0.1") {
    ClientOptions options;
    options.host = host;
    options.port = port();
    options.tls = true;
    options.ca_file = folder_.certificate();
    options.request_timeout = 10s;
    return Client(options);
  }

 private:
  ServerOptions with_identity(ServerOptions options) {
    folder_.put(make_certificate("one"));
    identity_ = TlsIdentity::load({folder_.certificate(), folder_.key()}).value();
    options.tls = identity_;
    return options;
  }

  TlsFolder folder_;
  std::shared_ptr<TlsIdentity> identity_;
  Fixture fixture_;
};

// A client that trusts anyone and can be made to behave badly.
class TlsPeer {
 public:
  using Setup = std::function<void(SSL*)>;
  explicit TlsPeer(std::uint16_t port, const Setup& setup = nullptr) : raw_(port) {
    ::signal(SIGPIPE, SIG_IGN);  // this client's OpenSSL writes with write()
    const timeval limit{5, 0};
    ::setsockopt(raw_.fd(), SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
    context_.reset(SSL_CTX_new(TLS_client_method()));
    SSL_CTX_set_session_cache_mode(context_.get(), SSL_SESS_CACHE_CLIENT);
    ssl_.reset(SSL_new(context_.get()));
    SSL_set_fd(ssl_.get(), raw_.fd());
    if (setup) setup(ssl_.get());
    connected_ = SSL_connect(ssl_.get()) == 1;
    ERR_clear_error();
  }
  bool connected() const { return connected_; }
  SSL* ssl() { return ssl_.get(); }
  Raw& raw() { return raw_; }
  bool send(std::string_view bytes) {
    std::size_t n = 0;
    return SSL_write_ex(ssl_.get(), bytes.data(), bytes.size(), &n) == 1;
  }
  std::string read_some() {
    char bytes[16 << 10];
    std::size_t n = 0;
    if (SSL_read_ex(ssl_.get(), bytes, sizeof bytes, &n) != 1) n = 0;
    return {bytes, n};
  }
  // Until what ends answers of the echo has come so often.
  std::string read_answers(std::size_t count) {
    std::string out;
    while (static_cast<std::size_t>(std::count(out.begin(), out.end(), ']')) < count) {
      const std::string more = read_some();
      if (more.empty()) break;
      out += more;
    }
    return out;
  }
  std::string subject() {
    const std::unique_ptr<X509, void (*)(X509*)> x(SSL_get1_peer_certificate(ssl_.get()),
                                                   X509_free);
    char text[200] = "";
    X509_NAME_oneline(X509_get_subject_name(x.get()), text, sizeof text);
    return text;
  }

 private:
  Raw raw_;
  std::unique_ptr<SSL_CTX, void (*)(SSL_CTX*)> context_{nullptr, SSL_CTX_free};
  std::unique_ptr<SSL, void (*)(SSL*)> ssl_{nullptr, SSL_free};
  bool connected_ = false;
};

TEST(TlsServer, AnswersByHttpsAndBesideItByHttp) {
  TlsFixture f(quick_options(), [](const Request& r, Responder responder) {
    Response response = echo(r);
    response.body += r.encrypted() ? " encrypted" : " plain";
    responder.respond(std::move(response));
  });
  for (const char* host : {"127.0.0.1", "localhost"}) {
    Client client = f.client(host);
    EXPECT_EQ("GET /a [] encrypted", client.get("/a").value().body);
    EXPECT_EQ("POST /b [x] encrypted", client.post("/b", "text/plain", "x").value().body);
  }
  EXPECT_EQ(2u, f.server().stats().connections_accepted) << "kept alive";
  EXPECT_EQ(2u, f.server().stats().tls_handshakes);
  Raw raw(f.server().port());
  raw.send(kGet);
  EXPECT_THAT(raw.read_answers(1), HasSubstr("GET /a?b=c [] plain"));
}

TEST(TlsServer, LargeBodiesGoInAndOut) {
  TlsFixture f;
  Client client = f.client();
  std::string body(3 << 20, 'x');
  for (std::size_t i = 0; i < body.size(); i += 997) body[i] = static_cast<char>('a' + i % 26);
  const auto answer = client.post("/", "text/plain", body);
  ASSERT_TRUE(answer.ok()) << answer.error().message();
  EXPECT_EQ(answer->body, "POST / [" + body + "]");
  EXPECT_EQ(client.get("/next").value().body, "GET /next []");
}

TEST(TlsServer, APeerThatReadsSlowlyGetsEverything) {
  TlsFixture f(quick_options(), [](const Request&, Responder responder) {
    Response response;
    response.body.assign(8 << 20, 'x');
    response.body += ']';
    responder.respond(std::move(response));
  });
  TlsPeer peer(f.port());
  ASSERT_TRUE(peer.send(kGet));
  ASSERT_TRUE(peer.send(kGet));
  std::this_thread::sleep_for(50ms);
  std::size_t got = 0;
  while (got < (16u << 20)) {
    const std::size_t more = peer.read_some().size();
    ASSERT_GT(more, 0u) << got;
    got += more;
  }
}

// The second request is inside TLS already when the first is answered: no readiness tells of it.
TEST(TlsServer, PipelinedRequestsAreServedAlsoWhenAnswersComeLater) {
  std::mutex mutex;
  std::vector<Responder> waiting;
  TlsFixture f(quick_options(), [&](const Request& r, Responder responder) {
    if (r.path() == "/now") return responder.respond(echo(r));
    const std::lock_guard lock(mutex);
    waiting.push_back(std::move(responder));
  });
  TlsPeer peer(f.port());
  std::string both = "GET /later HTTP/1.1\r\nHost: x\r\n\r\n";
  // More than the reader's first buffer, so that a part stays behind in the record.
  both +=
      "POST /now HTTP/1.1\r\nHost: x\r\nContent-Length: 60000\r\n\r\n" + std::string(60000, 'y');
  ASSERT_TRUE(peer.send(both));
  ASSERT_TRUE(eventually([&] {
    const std::lock_guard lock(mutex);
    return waiting.size() == 1;
  }));
  Response first;
  first.body = "first]";
  {
    const std::lock_guard lock(mutex);
    waiting.front().respond(std::move(first));
  }
  const std::string answers = peer.read_answers(2);
  EXPECT_THAT(answers, HasSubstr("first]"));
  EXPECT_THAT(answers, HasSubstr("POST /now [yyy"));
}

TEST(TlsServer, AClientTrustsNobodyItDoesNotKnow) {
  ServerOptions any = quick_options();
  any.tls_address = "0.0.0.0";
  TlsFixture f(any);
  ClientOptions options;
  options.port = f.port();
  options.tls = true;
  EXPECT_THAT(Client(options).get("/").error().message(), HasSubstr("is not trusted"));
  options.ca_file = "/nowhere/ca.crt";
  EXPECT_THAT(Client(options).get("/").error().message(), HasSubstr("/nowhere/ca.crt"));
  TlsFolder other;
  other.put(make_certificate("other"));
  options.ca_file = other.certificate();
  EXPECT_FALSE(Client(options).get("/").ok());
  options.ca_file = f.folder().certificate();
  options.host = "127.0.0.2";  // the certificate names 127.0.0.1
  EXPECT_THAT(Client(options).get("/").error().message(), HasSubstr("IP address mismatch"));
  options.host = "127.0.0.1";
  EXPECT_TRUE(Client(options).get("/").ok());
}

TEST(TlsServer, OldVersionsAndOtherProtocolsAreRefused) {
  TlsFixture f;
  EXPECT_FALSE(TlsPeer(f.port(), [](SSL* ssl) {
                 SSL_set_security_level(ssl, 0);
                 SSL_set_max_proto_version(ssl, TLS1_1_VERSION);
               }).connected());
  EXPECT_FALSE(TlsPeer(f.port(),
                       [](SSL* ssl) {
                         SSL_set_max_proto_version(ssl, TLS1_2_VERSION);
                         SSL_set_cipher_list(ssl, "AES128-SHA:AES128-GCM-SHA256");
                       })
                   .connected())
      << "no forward secrecy";
  EXPECT_FALSE(TlsPeer(f.port(), [](SSL* ssl) {
                 SSL_set_alpn_protos(ssl, reinterpret_cast<const unsigned char*>("\x02h2"), 3);
               }).connected());
  TlsPeer both(f.port(), [](SSL* ssl) {
    SSL_set_alpn_protos(ssl, reinterpret_cast<const unsigned char*>("\x02h2\x08http/1.1"), 12);
  });
  ASSERT_TRUE(both.connected());
  const unsigned char* chosen = nullptr;
  unsigned size = 0;
  SSL_get0_alpn_selected(both.ssl(), &chosen, &size);
  EXPECT_EQ(std::string(reinterpret_cast<const char*>(chosen), size), "http/1.1");
  TlsPeer old(f.port(), [](SSL* ssl) { SSL_set_max_proto_version(ssl, TLS1_2_VERSION); });
  ASSERT_TRUE(old.connected());
  ASSERT_TRUE(old.send(kGet));
  EXPECT_THAT(old.read_answers(1), HasSubstr("GET /a?b=c []"));
  EXPECT_NE(SSL_renegotiate(old.ssl()) == 1 && SSL_do_handshake(old.ssl()) == 1 && old.send(kGet) &&
                !old.read_answers(1).empty(),
            true);
  EXPECT_EQ(f.server().stats().tls_handshake_failures, 3u);
}

TEST(TlsServer, SessionsAreResumedAlsoAfterTheCertificateChanged) {
  TlsFixture f;
  for (const int version : {TLS1_2_VERSION, TLS1_3_VERSION}) {
    const auto resumed = f.server().stats().tls_resumptions;
    TlsPeer first(f.port(), [&](SSL* ssl) { SSL_set_max_proto_version(ssl, version); });
    ASSERT_TRUE(first.send(kGet));
    first.read_answers(1);  // a ticket of 1.3 comes with or after it
    const std::unique_ptr<SSL_SESSION, void (*)(SSL_SESSION*)> session(
        SSL_get1_session(first.ssl()), SSL_SESSION_free);
    f.folder().put(make_certificate("next"));
    ASSERT_TRUE(f.identity().reload().ok());
    TlsPeer second(f.port(), [&](SSL* ssl) {
      SSL_set_max_proto_version(ssl, version);
      SSL_set_session(ssl, session.get());
    });
    ASSERT_TRUE(second.send(kGet));
    EXPECT_THAT(second.read_answers(1), HasSubstr("[]"));
    EXPECT_EQ(SSL_session_reused(second.ssl()), 1);
    EXPECT_EQ(f.server().stats().tls_resumptions, resumed + 1);
  }
}

TEST(TlsServer, ANewCertificateIsUsedWithoutAConnectionNoticing) {
  TlsFixture f;
  TlsPeer before(f.port());
  EXPECT_EQ(before.subject(), "/CN=one");
  f.folder().put(make_certificate("two"));
  ASSERT_TRUE(f.identity().reload_if_changed().value());
  TlsPeer after(f.port());
  EXPECT_EQ(after.subject(), "/CN=two");
  ASSERT_TRUE(before.send(kGet));
  EXPECT_THAT(before.read_answers(1), HasSubstr("GET /a?b=c []"));
  TlsFolder::write(f.folder().key(), "broken", 0600);
  EXPECT_FALSE(f.identity().reload_if_changed().ok());
  EXPECT_EQ(TlsPeer(f.port()).subject(), "/CN=two");
}

TEST(TlsServer, WhoSpeaksPlainHttpIsToldSo) {
  TlsFixture f;
  Raw raw(f.port());
  raw.send(kGet);
  const std::string answer = raw.read_all();
  EXPECT_THAT(answer, StartsWith("HTTP/1.1 400 "));
  EXPECT_THAT(answer, HasSubstr("https_required"));
  EXPECT_EQ(0, f.handler().handled);
}

TEST(TlsServer, GarbageInsteadOfAHandshakeEndsTheConnection) {
  TlsFixture f;
  const std::vector<std::string> hostile = {
      std::string("\x16\x03\x01\xFF\xFF", 5) + std::string(100, '\xEE'),
      std::string("\x16\x03\x01\x00\x05\x01\x00\x00\x01\x00", 10),
      std::string("\x16\x00", 2) + std::string(400, '\0'),
      std::string("\x16GET / HTTP/1.1\r\n\r\n"), std::string(70'000, '\x16')};
  for (const std::string& bytes : hostile) {
    Raw raw(f.port());
    raw.send(bytes);
    ::shutdown(raw.fd(), SHUT_WR);
    EXPECT_TRUE(raw.closed_within(4s));
  }
  EXPECT_EQ(f.server().stats().tls_handshake_failures, hostile.size());
  EXPECT_EQ(f.client().get("/a").value().body, "GET /a []");
}

// The first flight of a real client, so that a test can cut it where it likes.
std::string client_hello() {
  const std::unique_ptr<SSL_CTX, void (*)(SSL_CTX*)> context(SSL_CTX_new(TLS_client_method()),
                                                             SSL_CTX_free);
  const std::unique_ptr<SSL, void (*)(SSL*)> ssl(SSL_new(context.get()), SSL_free);
  BIO* in = BIO_new(BIO_s_mem());
  BIO* out = BIO_new(BIO_s_mem());
  SSL_set_bio(ssl.get(), in, out);
  SSL_connect(ssl.get());
  ERR_clear_error();
  char* bytes = nullptr;
  const long size = BIO_get_mem_data(out, &bytes);
  return {bytes, static_cast<std::size_t>(size)};
}

TEST(TlsServer, HandshakesThatStandStillAreCutOffWhileOthersAreServed) {
  ServerOptions options = quick_options();
  options.tls_handshake_timeout = 300ms;
  TlsFixture f(options);
  const std::string hello = client_hello();
  std::vector<std::unique_ptr<Raw>> open;
  for (std::size_t i = 0; i < 200; ++i) {
    open.push_back(std::make_unique<Raw>(f.port()));
    open.back()->send(std::string_view(hello).substr(0, i % 4 * hello.size() / 3));
  }
  EXPECT_EQ(f.client().get("/a").value().body, "GET /a []");
  EXPECT_TRUE(eventually([&] { return f.server().stats().connections_open == 0; }));
  EXPECT_EQ(f.server().stats().tls_handshake_failures, 200u);
  EXPECT_GE(f.server().stats().timeouts, 200u);
}

TEST(TlsServer, AHandshakeByTheByteIsCutOff) {
  ServerOptions options = quick_options();
  options.tls_handshake_timeout = 300ms;
  TlsFixture f(options);
  Raw raw(f.port());
  const std::string hello = client_hello();
  bool cut = false;
  for (std::size_t i = 0; i < hello.size() && !cut; ++i) {
    cut = !raw.send(std::string_view(hello).substr(i, 1)) || raw.closed_within(20ms);
  }
  EXPECT_TRUE(cut);
}

TEST(TlsServer, TheTimeoutsHoldInsideTlsToo) {
  ServerOptions options = quick_options();
  options.header_timeout = 300ms;
  options.progress_grace = 300ms;
  options.progress_bytes_per_s = 1000;
  TlsFixture f(options);
  for (const std::string_view start :
       {"GET / HTTP/1.1\r\nHost: x\r\nX: ",
        "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1000000\r\n\r\n"}) {
    TlsPeer peer(f.port());
    ASSERT_TRUE(peer.send(start));
    for (int i = 0; i < 40 && f.server().stats().requests_refused == 0; ++i) {
      peer.send("a");
      std::this_thread::sleep_for(20ms);
    }
    EXPECT_THAT(peer.read_some(), StartsWith("HTTP/1.1 408 "));
  }
  // A record that comes byte by byte is no way around it.
  TlsPeer peer(f.port());
  ASSERT_TRUE(peer.connected());
  const auto refused = f.server().stats().timeouts;
  const std::string record = std::string("\x17\x03\x03\x40\x00", 5) + std::string(1000, 'x');
  for (std::size_t i = 0; i < 100 && f.server().stats().timeouts == refused; ++i) {
    peer.raw().send(std::string_view(record).substr(i, 1));
    std::this_thread::sleep_for(20ms);
  }
  EXPECT_EQ(f.server().stats().timeouts, refused + 1);
}

TEST(TlsServer, IdleConnectionsAreClosedWithANotice) {
  ServerOptions options = quick_options();
  options.idle_timeout = 200ms;
  TlsFixture f(options);
  TlsPeer peer(f.port());
  ASSERT_TRUE(peer.send(kGet));
  peer.read_answers(1);
  EXPECT_EQ(peer.read_some(), "");
  EXPECT_EQ(SSL_get_shutdown(peer.ssl()) & SSL_RECEIVED_SHUTDOWN, SSL_RECEIVED_SHUTDOWN);
}

TEST(TlsServer, DrainingAnswersWhatIsInFlightAndEndsTheRest) {
  std::mutex mutex;
  std::vector<Responder> waiting;
  ServerOptions options = quick_options();
  options.drain_idle = 50ms;
  TlsFixture f(options, [&](const Request&, Responder responder) {
    const std::lock_guard lock(mutex);
    waiting.push_back(std::move(responder));
  });
  TlsPeer busy(f.port());
  TlsPeer idle(f.port());
  Raw half_open(f.port());
  ASSERT_TRUE(busy.send(kGet));
  ASSERT_TRUE(eventually([&] {
    const std::lock_guard lock(mutex);
    return waiting.size() == 1;
  }));
  std::thread answer([&] {
    std::this_thread::sleep_for(100ms);
    const std::lock_guard lock(mutex);
    waiting.front().respond(problem(200, "ok", "done]"));
  });
  std::thread reader([&] {
    EXPECT_THAT(busy.read_answers(1), HasSubstr("Connection: close"));
    EXPECT_EQ(busy.read_some(), "");
    busy.raw().close();
  });
  EXPECT_TRUE(f.server().drain(5s));
  answer.join();
  reader.join();
  EXPECT_EQ(idle.read_some(), "");
}

TEST(TlsServer, TheMaximumOfConnectionsIsCommonToBothPorts) {
  ServerOptions options = quick_options();
  options.max_connections = 2;
  TlsFixture f(options);
  TlsPeer one(f.port());
  Raw two(f.server().port());
  ASSERT_TRUE(eventually([&] { return f.server().stats().connections_open == 2; }));
  EXPECT_FALSE(TlsPeer(f.port()).connected());
  Raw refused(f.server().port());
  EXPECT_THAT(refused.read_all(), StartsWith("HTTP/1.1 503 "));
}

TEST(Server, AnAddressHasItsMostOfConnectionsAndTheExemptHaveMore) {
  ServerOptions options = quick_options();
  options.connections_per_address = 2;
  {
    TlsFixture f(options);
    TlsPeer one(f.port());
    auto two = std::make_unique<Raw>(f.server().port());
    ASSERT_TRUE(eventually([&] { return f.server().stats().connections_open == 2; }));
    Raw refused(f.server().port());
    EXPECT_THAT(refused.read_all(), StartsWith("HTTP/1.1 429 "));
    refused.close();
    EXPECT_FALSE(TlsPeer(f.port()).connected());
    EXPECT_EQ(f.server().stats().connections_refused_by_address, 2u);
    two.reset();
    ASSERT_TRUE(eventually([&] { return f.server().stats().connections_open == 1; }));
    Raw again(f.server().port());
    again.send(kGet);
    EXPECT_THAT(again.read_answers(1), HasSubstr("GET /a?b=c []"));
  }
  options.unlimited_addresses = parse_networks("127.0.0.0/8").value();
  Fixture f(nullptr, options);
  std::vector<std::unique_ptr<Raw>> open;
  for (int i = 0; i < 5; ++i) open.push_back(std::make_unique<Raw>(f));
  ASSERT_TRUE(eventually([&] { return f.server->stats().connections_open == 5; }));
}

}  // namespace
}  // namespace vitrine::net
