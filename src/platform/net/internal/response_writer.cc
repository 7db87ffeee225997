#include "platform/net/internal/response_writer.h"

#include <charconv>

namespace vitrine::net::internal {
namespace {

void append_number(std::string& out, std::size_t value) {
  char digits[20];
  const auto end = std::to_chars(digits, digits + sizeof digits, value).ptr;
  out.append(digits, static_cast<std::size_t>(end - digits));
}

void append_value(std::string& out, std::string_view value) {
  for (const char c : value) {
    const auto byte = static_cast<unsigned char>(c);
    out.push_back(byte < 0x20 || byte == 0x7F ? ' ' : c);
  }
}

}  // namespace

bool status_has_body(int status) { return status >= 200 && status != 204 && status != 304; }

void append_head(std::string& out, const Response& response, std::string_view date,
                 bool keep_alive) {
  out.append("HTTP/1.1 ");
  append_number(out, static_cast<std::size_t>(response.status));
  out.push_back(' ');
  out.append(status_text(response.status));
  out.append("\r\nDate: ").append(date);
  if (!response.content_type.empty()) {
    out.append("\r\nContent-Type: ");
    append_value(out, response.content_type);
  }
  for (const ResponseHeader& header : response.headers) {
    out.append("\r\n").append(header.name).append(": ");
    append_value(out, header.value);
  }
  if (status_has_body(response.status)) {
    out.append("\r\nContent-Length: ");
    append_number(out, response.body.size());
  }
  out.append(keep_alive ? "\r\n\r\n" : "\r\nConnection: close\r\n\r\n");
}

}  // namespace vitrine::net::internal
