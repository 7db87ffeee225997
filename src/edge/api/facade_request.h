// One request of another system's client: events and changes of users, appended in the order of its
// messages and answered together.
//
// What lies side by side goes to the log in one piece. A piece is appended when the one before it
// was, without waiting until that is durable; the log keeps the order. A piece that can't be
// appended ends it: nothing overtakes it, the request is refused as a whole, and repeating it
// changes nothing of what was taken.
#pragma once

#include <cstddef>
#include <deque>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include "domain/record/record.h"
#include "edge/api/routes.h"

namespace vitrine::api {

// run() on a server thread, once; answers on whichever thread has the last result.
class FacadeRequest : public std::enable_shared_from_this<FacadeRequest> {
 public:
  FacadeRequest(std::shared_ptr<TenantServices> services, net::Responder responder,
                facade::Translation translation, RenderTaken render);
  void run(Call& call);

 private:
  Status admit_all(Call& call) const;
  void append_pieces(Call& call);
  Status append_events(Call& call, std::size_t from, std::size_t to);
  void append_changes(Call& call, std::size_t from, std::size_t to);
  std::string_view lines(std::size_t from, std::size_t to) const;
  std::string payload_of(const Call& call, const facade::PersonChange& change,
                         record::RecordKind& kind) const;

  void begin_piece();
  void end_piece(Error failure = {});
  void take_events(std::size_t from, Result<collect::CollectResult> result);
  void take_changes(const std::vector<std::size_t>& changes,
                    Result<eventlog::PositionRange> applied);
  void reject(std::uint32_t message, Error error);  // requires mutex_
  void answer();

  const std::shared_ptr<TenantServices> services_;
  net::Responder responder_;
  const facade::Translation translation_;
  const RenderTaken render_;
  std::vector<std::size_t> line_starts_;  // in translation_.events; of the end, too
  std::deque<std::string> payloads_;      // of changes

  std::mutex mutex_;         // what follows
  std::size_t missing_ = 1;  // pieces without a result, and run() itself
  Error failure_;            // the first
  Taken taken_;
};

}  // namespace vitrine::api
