// For the tests and the fuzzer of RequestReader: what a byte stream means, as text, fed in pieces
// of chosen sizes.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstring>
#include <functional>
#include <span>
#include <string>
#include <string_view>

#include "platform/net/internal/request_reader.h"

namespace vitrine::net::internal {

// One line per request, then why it was refused (if it was). `piece()` gives the size of the next
// piece, at least 1.
inline std::string describe_stream(std::string_view bytes, const ReaderLimits& limits,
                                   const std::function<std::size_t()>& piece) {
  RequestReader reader(limits);
  std::string out;
  while (true) {
    switch (reader.advance()) {
      case RequestReader::Step::kNeedMore: {
        if (bytes.empty()) return out;
        const std::span<char> space = reader.space();
        const std::size_t n = std::min({piece(), space.size(), bytes.size()});
        std::memcpy(space.data(), bytes.data(), n);
        reader.filled(n);
        bytes.remove_prefix(n);
        break;
      }
      case RequestReader::Step::kHead: break;
      case RequestReader::Step::kComplete: {
        const Request& r = reader.request();
        out.append(r.method_name()).append(" ").append(r.target()).append(" ").append(r.path());
        out.append("?").append(r.query());
        for (std::size_t i = 0; i < r.header_count(); ++i) {
          out.append(" ").append(r.header_at(i).name).append("=").append(r.header_at(i).value);
        }
        out.append(" [").append(r.body()).append("]\n");
        // The promised padding can be read (a sanitizer sees if not).
        volatile char touched = r.body().data()[r.body().size() + kBodyPadding - 1];
        static_cast<void>(touched);
        reader.next();
        break;
      }
      case RequestReader::Step::kRefused:
        out.append("refused ").append(std::to_string(reader.refusal().status)).append("\n");
        return out;
    }
  }
}

}  // namespace vitrine::net::internal
