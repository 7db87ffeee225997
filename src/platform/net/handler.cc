#include "platform/net/handler.h"

#include "base/check.h"

namespace vitrine::net {

Responder& Responder::operator=(Responder&& other) noexcept {
  Responder old(std::move(*this));  // answers 500 if it still owed one
  sink_ = std::exchange(other.sink_, nullptr);
  return *this;
}

Responder::~Responder() {
  if (sink_ == nullptr) return;
  sink_->complete(problem(500, "internal", "the request was dropped without an answer"));
}

void Responder::respond(Response response) {
  VITRINE_CHECK_MSG(sink_ != nullptr, "respond() was called twice, or on an empty Responder");
  std::exchange(sink_, nullptr)->complete(std::move(response));
}

void Responder::respond_with(std::unique_ptr<AnswerMaker> maker) {
  VITRINE_CHECK_MSG(sink_ != nullptr, "an answer was given twice, or by an empty Responder");
  std::exchange(sink_, nullptr)->complete_with(std::move(maker));
}

}  // namespace vitrine::net
