// The listening socket: accepts on the first thread, hands each connection to the thread that
// has the fewest.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <vector>

#include "base/result.h"
#include "platform/net/internal/address_counts.h"
#include "platform/net/internal/event_loop.h"
#include "platform/net/internal/io_thread.h"
#include "platform/net/server.h"

namespace vitrine::net::internal {

// One listening socket and not one per thread (SO_REUSEPORT): the kernel's hashing leaves threads
// idle when connections are few and long-lived, a second server on the same port would go
// unnoticed, and closing one of several resets the connections that wait in its queue.
class Listener final : public ReadySink {
 public:
  // With `encrypted` on the address and port for HTTPS. `threads` and `addresses` outlive it.
  Listener(const ServerOptions& options, const std::vector<std::shared_ptr<IoThread>>& threads,
           AddressCounts& addresses, bool encrypted);
  ~Listener() override;

  // Any thread, before start().
  Status bind();
  std::uint16_t port() const { return port_; }

  // On the first thread:
  void start();
  // Takes what the kernel has accepted so far and closes.
  void close();

  std::uint64_t accepted() const { return accepted_.get(); }
  std::uint64_t refused() const { return refused_.get(); }
  std::uint64_t refused_by_address() const { return refused_by_address_.get(); }

 private:
  void on_readable() override;
  void on_writable() override {}
  // False when nothing is left to accept.
  bool accept_one();
  void hand_over(int fd, Peer peer);
  void shed_for_lack_of_descriptors();

  const ServerOptions options_;
  AddressCounts& addresses_;
  const bool encrypted_;
  const std::vector<std::shared_ptr<IoThread>>& threads_;
  int fd_ = -1;          // until start()
  int reserve_fd_ = -1;  // given up to accept and refuse one when descriptors run out
  std::uint16_t port_ = 0;
  std::unique_ptr<Watch> watch_;
  OwnedCounter accepted_;
  OwnedCounter refused_;
  OwnedCounter refused_by_address_;
};

}  // namespace vitrine::net::internal
