// One HTTP/1.1 exchange as a handler sees it: a Request to read, a Response to fill.
//
// Nothing here knows a socket or a library: string_views in, an owned body out.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "platform/net/ip_address.h"

namespace vitrine::net {

enum class Method : std::uint8_t { kGet, kHead, kPost, kPut, kPatch, kDelete, kOptions, kOther };

// "GET"; "OTHER" for kOther (Request::method_name() has the word that was sent).
std::string_view method_name(Method method);

struct Header {
  std::string_view name;
  std::string_view value;
};

namespace internal {
class RequestReader;
}

// Who is at the other end of a connection.
struct Peer {
  std::string text;  // numeric, without port
  IpAddress ip;
  bool encrypted = false;
};

// Valid from Handler::handle() until respond() was called on its Responder, and no longer:
// the views point into the connection's buffer, which is used again for the next request.
// Reading it from several threads is fine.
class Request {
 public:
  Method method() const { return method_; }
  std::string_view method_name() const { return view(method_name_); }
  // As sent: "/v1/items/a%2Fb?x=1".
  std::string_view target() const { return view(target_); }
  // The target before '?', NOT percent-decoded: an id may contain an encoded slash, so routes
  // split the path at '/' first and then decode each segment (percent_decode in url.h).
  // The absolute form ("http://host/path") gives its path as well.
  std::string_view path() const { return view(path_); }
  // After the first '?', not decoded (query_value in url.h); empty where there is none.
  std::string_view query() const { return view(query_); }

  // The first header of that name without surrounding blanks; case-insensitive; empty if absent.
  // O(number of headers).
  std::string_view header(std::string_view name) const;
  std::size_t header_count() const { return headers_.size(); }
  Header header_at(std::size_t i) const;  // in the order sent

  // Complete and without chunk framing; content codings (gzip) are left as sent. At least
  // kBodyPadding bytes after its end can be read (their contents mean nothing).
  std::string_view body() const { return {base_ + body_begin_, body_size_}; }
  // What Content-Length said, also while the body is still to come (Handler::before_body).
  std::optional<std::uint64_t> content_length() const { return content_length_; }

  // The peer's numeric address without port: "203.0.113.7", "2001:db8::1".
  std::string_view remote_address() const {
    return peer_ == nullptr ? std::string_view() : std::string_view(peer_->text);
  }
  IpAddress remote_ip() const { return peer_ == nullptr ? IpAddress() : peer_->ip; }
  // It came by HTTPS.
  bool encrypted() const { return peer_ != nullptr && peer_->encrypted; }
  // Steady clock (Clock::steady_ns) when its first byte was read.
  std::int64_t received_ns() const { return received_ns_; }

 private:
  friend class internal::RequestReader;
  struct Range {
    std::uint32_t begin = 0;
    std::uint32_t size = 0;
  };
  struct HeaderRange {
    Range name;
    Range value;
  };
  std::string_view view(Range r) const { return {base_ + r.begin, r.size}; }

  // Ranges count from base_, so that the buffer may grow (and move) while the body arrives.
  const char* base_ = "";
  Range method_name_, target_, path_, query_;
  Method method_ = Method::kOther;
  std::vector<HeaderRange> headers_;
  std::size_t body_begin_ = 0;
  std::size_t body_size_ = 0;
  std::optional<std::uint64_t> content_length_;
  const Peer* peer_ = nullptr;
  std::int64_t received_ns_ = 0;
};

inline constexpr std::size_t kBodyPadding = 64;

struct ResponseHeader {
  std::string_view name;  // must live as long as the program: a literal
  std::string value;      // control characters are sent as blanks
};

struct Response {
  int status = 200;
  std::string_view content_type;  // a literal, as above; empty: not sent
  std::string body;               // not sent for HEAD, 204 and 304
  // Beyond Content-Type, Content-Length, Connection and Date, which the server writes.
  std::vector<ResponseHeader> headers;
};

// "OK", "Not Found"; "Unknown" for a status without a name.
std::string_view status_text(int status);

// An RFC 9457 problem document: application/problem+json with status, code and detail.
Response problem(int status, std::string_view code, std::string_view detail);

}  // namespace vitrine::net
