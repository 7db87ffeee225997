// A request from its text, for tests of what reads requests.
#pragma once

#include <algorithm>
#include <span>
#include <string>
#include <string_view>

#include "platform/net/internal/request_reader.h"

namespace vitrine::net {

class ParsedRequest {
 public:
  // From "GET / HTTP/1.1" to the empty line and the body, sent by `peer`, a numeric address.
  ParsedRequest(std::string_view text, const std::string& peer) : reader_({}) {
    peer_ = {peer, IpAddress::parse(peer).value(), false};
    const std::span<char> space = reader_.space();
    const std::size_t size = std::min(text.size(), space.size());
    std::copy_n(text.begin(), size, space.begin());
    reader_.filled(size);
    complete_ = reader_.advance() == internal::RequestReader::Step::kComplete;
    reader_.stamp(peer_, 0);
  }
  // It is a whole request.
  bool complete() const { return complete_; }
  const Request& request() const { return reader_.request(); }

 private:
  Peer peer_;
  internal::RequestReader reader_;
  bool complete_ = false;
};

}  // namespace vitrine::net
