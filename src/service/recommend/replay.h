// A recorded answer, made again from a state.
//
// Answers are functions of state, policy and request, so from a state at the recorded position the
// same items come out with the same scores, bit for bit. From a later state they may differ: then
// the differences say what has changed since.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "service/recommend/answer_record.h"
#include "service/recommend/recommender.h"

namespace vitrine::recommend {

// The request behind a record. Refers to the record, which outlives it.
class RecordedRequest {
 public:
  // kConflict where the record is of a policy that this version no longer has: answers can't be
  // made again then.
  static Result<RecordedRequest> from(const AnswerRecord& record);
  Request request() const;
  const policy::PlacementPolicy& policy() const { return policy_; }

 private:
  explicit RecordedRequest(const AnswerRecord& record) : record_(&record) {}
  const AnswerRecord* record_;
  policy::PlacementPolicy policy_;
  std::vector<std::string_view> item_ids_, cart_, to_rank_;
  std::vector<Boost> boosts_;
};

struct Replay {
  bool same = false;
  std::vector<std::string> differences;  // for people, at most kDifferencesMost
};
inline constexpr std::size_t kDifferencesMost = 20;

// Compares items, order, links, and bits of scores, boosts and contributions.
Replay compare(const AnswerRecord& record, const Answer& answer);

// Makes the answer again and compares. Errors of recommend(), and of RecordedRequest.
Result<Replay> replay(const AnswerRecord& record, const StateView& state, Recommender& recommender,
                      Scratch& scratch, Answer& answer);

}  // namespace vitrine::recommend
