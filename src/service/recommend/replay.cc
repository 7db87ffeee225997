#include "service/recommend/replay.h"

#include <algorithm>
#include <bit>
#include <cstdio>

#include "domain/policy/policy_json.h"

namespace vitrine::recommend {

namespace {

bool same_bits(float a, float b) {
  return std::bit_cast<std::uint32_t>(a) == std::bit_cast<std::uint32_t>(b);
}

std::string exact(float value) {
  char text[32];
  std::snprintf(text, sizeof text, "%.9g", static_cast<double>(value));
  return text;
}

// What is not the same about one item, empty for nothing.
std::string difference(const RecordedItem& was, std::string_view id, const AnswerItem& is) {
  if (was.item_id != id) return was.item_id + " was shown, now " + std::string(id);
  if (was.link != is.link) {
    return was.item_id + " was of link " + std::string(link_name(was.link)) + ", now " +
           std::string(link_name(is.link));
  }
  if (!same_bits(was.score, is.score)) {
    return was.item_id + " had score " + exact(was.score) + ", now " + exact(is.score);
  }
  if (!same_bits(was.boost, is.boost)) return was.item_id + " had another boost";
  for (std::size_t s = 0; s < kSources; ++s) {
    if (!same_bits(was.contributions[s], is.contributions[s])) {
      return was.item_id + " had " + exact(was.contributions[s]) + " from " +
             std::string(policy::source_name(static_cast<Source>(s))) + ", now " +
             exact(is.contributions[s]);
    }
  }
  return {};
}

}  // namespace

Result<RecordedRequest> RecordedRequest::from(const AnswerRecord& record) {
  RecordedRequest out(record);
  if (!record.policy_json.empty()) {
    VITRINE_TRY(out.policy_, policy::parse_policy(record.policy_json));
  } else {
    const policy::PlacementPolicy* builtin = policy::find_builtin(record.placement);
    if (builtin == nullptr || (record.policy_fingerprint != 0 &&
                               policy::policy_fingerprint(*builtin) != record.policy_fingerprint)) {
      return Error(ErrorCode::kConflict, "this version's placement '" + record.placement +
                                             "' is not the one that made the answer");
    }
    out.policy_ = *builtin;
  }
  out.item_ids_.assign(record.item_ids.begin(), record.item_ids.end());
  out.cart_.assign(record.cart.begin(), record.cart.end());
  out.to_rank_.assign(record.to_rank.begin(), record.to_rank.end());
  for (const RecordedBoost& boost : record.boosts) {
    out.boosts_.push_back({boost.filter, boost.factor});
  }
  return out;
}

Request RecordedRequest::request() const {
  Request request;
  request.placement = record_->placement;
  request.user_id = record_->user_id;
  request.anonymous_id = record_->anonymous_id;
  request.item_ids = item_ids_;
  request.cart = cart_;
  request.limit = record_->asked_limit;
  request.filter = record_->filter;
  request.diversity = record_->asked_diversity;
  request.boosts = boosts_;
  request.now = record_->now;
  request.already_shown = record_->already_shown;
  request.to_rank = to_rank_;
  request.recorded_near = RecordedNear{record_->near_source, record_->near};
  return request;
}

Replay compare(const AnswerRecord& record, const Answer& answer) {
  Replay out;
  const auto note = [&](std::string what) {
    if (out.differences.size() < kDifferencesMost) out.differences.push_back(std::move(what));
  };
  if (record.items.size() != answer.items.size()) {
    note(std::to_string(record.items.size()) + " items were shown, now " +
         std::to_string(answer.items.size()));
  }
  for (std::size_t i = 0; i < std::min(record.items.size(), answer.items.size()); ++i) {
    std::string what = difference(record.items[i], answer.item_id(i), answer.items[i]);
    if (!what.empty()) note("place " + std::to_string(i + 1) + ": " + std::move(what));
  }
  if (record.relaxed != answer.relaxed) note("other exclusions were given up");
  out.same = out.differences.empty();
  return out;
}

Result<Replay> replay(const AnswerRecord& record, const StateView& state, Recommender& recommender,
                      Scratch& scratch, Answer& answer) {
  VITRINE_TRY(const RecordedRequest recorded, RecordedRequest::from(record));
  const Request request = recorded.request();
  VITRINE_TRY(record.to_rank.empty()
                  ? recommender.recommend(state, recorded.policy(), request, scratch, answer)
                  : recommender.rank(state, recorded.policy(), request, scratch, answer));
  return compare(record, answer);
}

}  // namespace vitrine::recommend
