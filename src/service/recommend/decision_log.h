// Finds a recorded answer in the recommendation log.
#pragma once

#include <string>

#include "base/clock.h"
#include "base/result.h"
#include "platform/io/file_system.h"
#include "service/recommend/answer_record.h"

namespace vitrine::recommend {

struct DecisionLog {
  io::FileSystem* files = nullptr;  // required
  std::string directory;            // of the log, which a writer has opened
  std::uint16_t answer_kind = 1;    // of its records that are answers
  bool running = true;              // false: without a writer, as a tool finds it
};

// The record of that id and tenant. The id says when it was made, so a few seconds of the log are
// read; one that was made a moment ago is waited for until it is durable, up to 2 s.
//   kNotFound "decision_not_found"  there is none, or it is another tenant's, or was erased
//   kGone     "decision_gone"       the log doesn't reach back that far any more
Result<AnswerRecord> find_decision(const DecisionLog& log, RequestId id, TenantId tenant,
                                   TimeUs now);

}  // namespace vitrine::recommend
