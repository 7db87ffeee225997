// A connection on which anything can be sent, at any speed.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>

namespace vitrine::integration {

class RawConnection {
 public:
  explicit RawConnection(std::uint16_t port);  // connects
  ~RawConnection();
  RawConnection(RawConnection&& other) noexcept;
  RawConnection(const RawConnection&) = delete;
  RawConnection& operator=(const RawConnection&) = delete;

  // False once the peer has closed.
  bool send(std::string_view bytes);
  // Everything until the peer closes or the time is over.
  std::string read_all(std::chrono::milliseconds limit);
  // True if the peer closed within that time; what it said before is dropped.
  bool closed_within(std::chrono::milliseconds limit);

 private:
  int fd_ = -1;
  bool ended_ = false;
};

}  // namespace vitrine::integration
