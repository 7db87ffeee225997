// The body of a recommend request, read and checked.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "domain/record/profile_version.h"
#include "service/recommend/request.h"

namespace vitrine::api {

// Owns what Request points to, so that an answer can wait while the request's bytes are parsed
// over.
struct RecommendBody {
  std::string user_id, anonymous_id, filter;
  std::vector<std::string> item_ids, cart, boost_filters;
  std::vector<double> boost_factors;
  std::optional<std::uint32_t> limit;
  std::optional<double> diversity;
  std::optional<record::ProfileVersion> min_profile_version;
  std::optional<std::string> cursor;  // empty: the first page
  std::string category;
  std::vector<std::string> to_rank;
  bool explain = false;
};

// Which fields there are beside those of every request.
enum class BodyShape {
  kWindow,      // limit and cursor
  kRank,        // items
  kBatchEntry,  // limit and placement
};

// kInvalidArgument names the field and what it must be; unknown fields are refused, so that a
// misspelt one is noticed. An empty body is an empty request.
Result<RecommendBody> parse_recommend_body(std::string_view body, std::size_t readable_behind,
                                           BodyShape shape = BodyShape::kWindow);

// {"requests": [{"placement": "home", ...}, ...]}, at most kBatchMost; errors name the entry.
struct BatchEntry {
  std::string placement;
  RecommendBody body;
};
inline constexpr std::size_t kBatchMost = 200;
Result<std::vector<BatchEntry>> parse_batch_body(std::string_view body,
                                                 std::size_t readable_behind);

// Views into a RecommendBody, in the form the Recommender takes. Lives no longer than the body.
class RequestViews {
 public:
  RequestViews(const RecommendBody& body, std::string_view placement, TimeUs now);
  const recommend::Request& request() const { return request_; }
  recommend::Request& request() { return request_; }

 private:
  std::vector<std::string_view> item_ids_, cart_, to_rank_;
  std::vector<recommend::Boost> boosts_;
  recommend::Request request_;
};

}  // namespace vitrine::api
