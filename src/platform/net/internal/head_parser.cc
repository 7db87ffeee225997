#include "platform/net/internal/head_parser.h"

#include <boost/asio/buffer.hpp>
#include <boost/beast/core/string.hpp>
#include <boost/beast/http/basic_parser.hpp>

namespace vitrine::net::internal {
namespace {

namespace beast = boost::beast;
namespace http = boost::beast::http;
using beast::error_code;

std::string_view std_view(beast::string_view s) { return {s.data(), s.size()}; }

Method to_method(http::verb verb) {
  switch (verb) {
    case http::verb::get: return Method::kGet;
    case http::verb::head: return Method::kHead;
    case http::verb::post: return Method::kPost;
    case http::verb::put: return Method::kPut;
    case http::verb::patch: return Method::kPatch;
    case http::verb::delete_: return Method::kDelete;
    case http::verb::options: return Method::kOptions;
    default: return Method::kOther;
  }
}

// On top of Beast's grammar it refuses:
//  - folded header lines (obsolete; proxies disagree about them),
//  - a Transfer-Encoding other than "chunked", or next to a Content-Length, or in HTTP/1.0:
//    the ways to make two parsers disagree about where a body ends,
//  - HTTP/1.1 without exactly one Host.
class HeadParser final : public http::basic_parser<true> {
 public:
  HeadParser(std::string_view bytes, std::size_t target_bytes_max, std::size_t headers_max,
             ParsedHead& out)
      : bytes_(bytes), target_bytes_max_(target_bytes_max), headers_max_(headers_max), out_(out) {
    header_limit(static_cast<std::uint32_t>(bytes.size() + 1));
    body_limit(boost::none);
  }

  HeadError run() {
    error_code ec;
    const std::size_t used = put(boost::asio::const_buffer(bytes_.data(), bytes_.size()), ec);
    if (error_.status != 0) return std::move(error_);
    if (ec) return grammar_error(ec);
    if (!is_header_done() || used != bytes_.size()) {
      return {400, "bad_request", "the request head is malformed"};
    }
    check_framing();
    out_.keep_alive = keep_alive();
    return std::move(error_);
  }

 private:
  static HeadError grammar_error(const error_code& ec) {
    if (ec == http::error::bad_version) {
      return {505, "http_version_not_supported", "this server speaks HTTP/1.1 and HTTP/1.0"};
    }
    return {400, "bad_request", "the request head is malformed: " + ec.message()};
  }

  void check_framing() {
    const bool http11 = version_ >= 11;
    if (transfer_encoding_seen_ && out_.content_length) {
      refuse(400, "bad_request", "a request has either Content-Length or Transfer-Encoding");
    } else if (transfer_encoding_seen_ && !http11) {
      refuse(400, "bad_request", "HTTP/1.0 has no Transfer-Encoding");
    } else if (http11 && hosts_ != 1) {
      refuse(400, "bad_request", "a request has exactly one Host header");
    }
  }

  void refuse(int status, std::string_view code, std::string_view detail) {
    if (error_.status == 0) error_ = {status, code, std::string(detail)};
  }
  void refuse(int status, std::string_view code, std::string_view detail, error_code& ec) {
    refuse(status, code, detail);
    ec = http::error::bad_value;
  }

  void on_request_impl(http::verb verb, beast::string_view method, beast::string_view target,
                       int version, error_code& ec) override {
    out_.method = to_method(verb);
    out_.method_name = std_view(method);
    out_.target = std_view(target);
    version_ = version;
    if (target.size() > target_bytes_max_) {
      refuse(414, "target_too_long",
             "the request target is longer than " + std::to_string(target_bytes_max_) + " bytes",
             ec);
    }
  }

  void on_field_impl(http::field field, beast::string_view name, beast::string_view value,
                     error_code& ec) override {
    const char* const at = value.data();
    // Beast unfolds a folded value into a buffer of its own.
    if (!value.empty() && (at < bytes_.data() || at >= bytes_.data() + bytes_.size())) {
      return refuse(400, "bad_request", "folded header lines are not supported", ec);
    }
    if (out_.headers.size() >= headers_max_) {
      return refuse(431, "headers_too_large",
                    "a request has at most " + std::to_string(headers_max_) + " headers", ec);
    }
    out_.headers.push_back({std_view(name), std_view(value)});
    switch (field) {
      case http::field::host: ++hosts_; break;
      case http::field::content_length:
        // Beast has checked the number and that several agree.
        content_length_seen_ = true;
        break;
      case http::field::transfer_encoding:
        if (transfer_encoding_seen_ || !beast::iequals(value, "chunked")) {
          return refuse(501, "not_implemented", "the only supported Transfer-Encoding is chunked",
                        ec);
        }
        transfer_encoding_seen_ = true;
        break;
      case http::field::expect:
        if (!beast::iequals(value, "100-continue")) {
          return refuse(417, "expectation_failed", "the only known expectation is 100-continue",
                        ec);
        }
        out_.expects_continue = true;
        break;
      default: break;
    }
  }

  void on_header_impl(error_code&) override {
    out_.chunked = chunked();
    if (content_length_seen_) out_.content_length = *content_length();
  }

  void on_response_impl(int, beast::string_view, int, error_code&) override {}
  void on_body_init_impl(boost::optional<std::uint64_t> const&, error_code&) override {}
  std::size_t on_body_impl(beast::string_view, error_code&) override { return 0; }
  void on_chunk_header_impl(std::uint64_t, beast::string_view, error_code&) override {}
  std::size_t on_chunk_body_impl(std::uint64_t, beast::string_view, error_code&) override {
    return 0;
  }
  void on_finish_impl(error_code&) override {}

  const std::string_view bytes_;
  const std::size_t target_bytes_max_;
  const std::size_t headers_max_;
  ParsedHead& out_;
  HeadError error_;
  int version_ = 11;
  int hosts_ = 0;
  bool content_length_seen_ = false;
  bool transfer_encoding_seen_ = false;
};

}  // namespace

HeadError parse_head(std::string_view head, std::size_t target_bytes_max, std::size_t headers_max,
                     ParsedHead& out) {
  out.headers.clear();
  out.content_length.reset();
  out.chunked = false;
  out.expects_continue = false;
  HeadParser parser(head, target_bytes_max, headers_max, out);
  return parser.run();
}

}  // namespace vitrine::net::internal
