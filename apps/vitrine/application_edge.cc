// Where connections come in: ports, the certificate of HTTPS, limits by address.
#include "application.h"
#include "platform/codec/time_format.h"
#include "platform/io/open_files.h"
#include "platform/obs/log.h"

namespace vitrine::app {
namespace {

using Kind = obs::Registry::FunctionKind;

constexpr std::int64_t kLookNs = 3'000'000'000;  // at the files of the certificate
constexpr TimeUs kSoon = 14 * kDayUs;

Error in_setting(std::string_view key, Error error) {
  return Error(error.code(), std::string(key) + ": " + error.message());
}

void describe(const char* event, const net::TlsIdentity& identity, TimeUs now) {
  const net::TlsCertificate c = identity.certificate();
  std::string names;
  for (const std::string& name : c.names) names += (names.empty() ? "" : ", ") + name;
  obs::log_info(event, {{"file", identity.files().certificate},
                        {"subject", c.subject},
                        {"names", names},
                        {"not_after", codec::format_rfc3339(c.not_after)},
                        {"sha256", c.fingerprint}});
  if (c.key_readable_by_all) {
    obs::log_warn("tls_key_readable_by_all",
                  {{"file", identity.files().key}, {"advice", "chmod o-r"}});
  }
  if (c.not_after < now) {
    obs::log_error("tls_certificate_expired", {{"file", identity.files().certificate},
                                               {"not_after", codec::format_rfc3339(c.not_after)}});
  } else if (c.not_after < now + kSoon) {
    obs::log_warn("tls_certificate_expires_soon",
                  {{"file", identity.files().certificate},
                   {"not_after", codec::format_rfc3339(c.not_after)}});
  }
}

void refused(const net::TlsIdentity& identity, const Error& error) {
  obs::log_error("tls_certificate_refused",
                 {{"error", error},
                  {"kept", identity.certificate().subject},
                  {"not_after", codec::format_rfc3339(identity.certificate().not_after)}});
}

std::string url_of(std::string_view scheme, const std::string& address, std::uint16_t port) {
  const bool any = address == "0.0.0.0" || address == "::";
  const std::string host = any ? "127.0.0.1" : address;
  const bool v6 = host.find(':') != std::string::npos;
  return std::string(scheme) + "://" + (v6 ? "[" + host + "]" : host) + ":" + std::to_string(port);
}

}  // namespace

Status Application::open_edge() {
  auto proxies = api::parse_proxies(settings_.proxy_trusted, settings_.proxy_header);
  if (!proxies.ok()) return in_setting("proxy.trusted, proxy.header", std::move(proxies).error());
  proxies_ = std::move(proxies).value();
  auto unlimited = net::parse_networks(settings_.address_unlimited);
  if (!unlimited.ok()) return in_setting("address.unlimited", std::move(unlimited).error());
  unlimited_addresses_ = std::move(unlimited).value();
  gateway::AddressLimitOptions limits;
  limits.requests_per_s = static_cast<double>(settings_.address_requests_per_minute) / 60;
  limits.burst = static_cast<double>(settings_.address_burst);
  limits.unlimited = unlimited_addresses_;
  address_limits_ = std::make_unique<gateway::AddressLimits>(limits);

  if (settings_.tls_certificate.empty() && settings_.tls_key.empty()) return ok_status();
  if (settings_.tls_certificate.empty() || settings_.tls_key.empty()) {
    return Error(ErrorCode::kInvalidArgument,
                 "HTTPS needs both tls.certificate and tls.key; " +
                     std::string(settings_.tls_key.empty() ? "tls.key" : "tls.certificate") +
                     " is not set");
  }
  auto identity = net::TlsIdentity::load({settings_.tls_certificate, settings_.tls_key});
  if (!identity.ok()) return in_setting("tls.certificate, tls.key", std::move(identity).error());
  tls_ = std::move(identity).value();
  describe("tls_certificate_loaded", *tls_, clock_.wall_us());
  return ok_status();
}

Status Application::start_server() {
  const auto ms = [](TimeUs us) { return std::chrono::milliseconds(us / 1000); };
  net::ServerOptions o;
  o.address = settings_.server_address;
  o.port = static_cast<std::uint16_t>(settings_.server_port);
  o.tls = tls_;
  o.tls_address = settings_.tls_address;
  o.tls_port = static_cast<std::uint16_t>(settings_.tls_port);
  o.tls_handshake_timeout = ms(settings_.tls_handshake_timeout);
  o.threads = static_cast<int>(settings_.server_threads);
  const auto wanted = static_cast<std::uint64_t>(settings_.server_connections_max);
  const std::uint64_t open_files = io::raise_open_files_limit();
  o.max_connections = io::connections_within(open_files, wanted);
  if (o.max_connections < wanted) {
    obs::log_warn("connections_limited",
                  {{"connections_max", o.max_connections},
                   {"wanted", wanted},
                   {"open_files_max", open_files},
                   {"hint", "raise the limit of open files (ulimit -n, LimitNOFILE=)"}});
  }
  o.connections_per_address = static_cast<std::size_t>(settings_.address_connections_max);
  // A proxy's connections are those of all its clients.
  o.unlimited_addresses = unlimited_addresses_;
  o.unlimited_addresses.insert(o.unlimited_addresses.end(), proxies_.networks.begin(),
                               proxies_.networks.end());
  o.body_bytes_max = settings_.server_body_max;
  o.idle_timeout = ms(settings_.server_idle_timeout);
  o.header_timeout = ms(settings_.server_header_timeout);
  VITRINE_TRY(server_, net::Server::start(o, *api_));
  return ok_status();
}

std::string Application::url() const {
  return url_of("http", settings_.server_address, server_->port());
}

std::string Application::tls_url() const {
  return tls_ ? url_of("https", settings_.tls_address, server_->tls_port()) : std::string();
}

void Application::reload_certificate() {
  if (!tls_) return;
  const Status reloaded = tls_->reload();
  if (!reloaded.ok()) return refused(*tls_, reloaded.error());
  describe("tls_certificate_reloaded", *tls_, clock_.wall_us());
}

void Application::watch_certificate() {
  const std::int64_t now = system_clock().steady_ns();
  if (!tls_ || now < certificate_looked_ns_ + kLookNs) return;
  certificate_looked_ns_ = now;
  const auto changed = tls_->reload_if_changed();
  if (!changed.ok()) return refused(*tls_, changed.error());
  if (*changed) describe("tls_certificate_reloaded", *tls_, clock_.wall_us());
}

void Application::register_edge_metrics() {
  registry_.function(Kind::kCounter, "vitrine_requests_refused_by_address_total",
                     "Requests above the limit of one client address.", {}, this,
                     [this] { return static_cast<double>(address_limits_->refused()); });
  registry_.function(Kind::kCounter, "vitrine_addresses_forgotten_total",
                     "Client addresses that were forgotten for lack of room while still limited.",
                     {}, this,
                     [this] { return static_cast<double>(address_limits_->forgotten()); });
  if (!tls_) return;
  registry_.function(Kind::kGauge, "vitrine_tls_certificate_expiry_timestamp_seconds",
                     "When the certificate in use is over.", {}, this,
                     [this] { return static_cast<double>(tls_->certificate().not_after) / 1e6; });
  registry_.function(Kind::kCounter, "vitrine_tls_certificate_reloads_total",
                     "Times the certificate's files were read anew.", {{"result", "done"}}, this,
                     [this] { return static_cast<double>(tls_->reloads().done); });
  registry_.function(Kind::kCounter, "vitrine_tls_certificate_reloads_total",
                     "Times the certificate's files were read anew.", {{"result", "refused"}}, this,
                     [this] { return static_cast<double>(tls_->reloads().refused); });
}

}  // namespace vitrine::app
