// GET /v1/decisions/{request_id}: what was shown, why, and why not something else.
#include "domain/policy/policy_json.h"
#include "edge/api/problem.h"
#include "edge/api/recommend_now.h"
#include "edge/api/routes.h"
#include "platform/codec/json_writer.h"
#include "platform/codec/time_format.h"
#include "platform/io/file_system.h"
#include "platform/net/url.h"
#include "service/privacy/answer_kind.h"
#include "service/recommend/decision_log.h"
#include "service/recommend/replay.h"

namespace vitrine::api {
namespace {

using recommend::AnswerRecord;

template <class Values>
void write_strings(std::string_view key, const Values& values, codec::JsonWriter& json) {
  if (values.empty()) return;
  json.key(key).begin_array();
  for (const auto& value : values) json.string(value);
  json.end_array();
}

void write_sources(const std::array<float, recommend::kSources>& parts, codec::JsonWriter& json) {
  json.key("sources").begin_object();
  for (std::size_t s = 0; s < parts.size(); ++s) {
    if (parts[s] == 0) continue;
    json.key(policy::source_name(static_cast<recommend::Source>(s))).number(parts[s]);
  }
  json.end_object();
}

void write_asked(const AnswerRecord& record, codec::JsonWriter& json) {
  json.key("asked").begin_object();
  json.key("user").begin_object();
  if (!record.user_id.empty()) json.key("user_id").string(record.user_id);
  if (!record.anonymous_id.empty()) json.key("anonymous_id").string(record.anonymous_id);
  json.end_object();
  write_strings("item_ids", record.item_ids, json);
  write_strings("cart", record.cart, json);
  write_strings("items", record.to_rank, json);
  if (!record.filter.empty()) json.key("filter").string(record.filter);
  if (!record.boosts.empty()) {
    json.key("boost").begin_array();
    for (const auto& boost : record.boosts) {
      json.begin_object();
      json.key("filter").string(boost.filter);
      json.key("factor").number(boost.factor);
      json.end_object();
    }
    json.end_array();
  }
  json.key("limit").number(record.limit);
  json.key("diversity").number(record.diversity);
  if (!record.already_shown.empty()) {
    json.key("items_of_earlier_pages").number(record.already_shown.size());
  }
  json.end_object();
}

void write_items(const AnswerRecord& record, codec::JsonWriter& json) {
  json.key("items").begin_array();
  std::size_t rank = 0;
  for (const auto& item : record.items) {
    const auto source = recommend::main_source(item.link, item.contributions);
    json.begin_object();
    json.key("rank").number(++rank);
    json.key("item_id").string(item.item_id);
    json.key("score").number(item.score);
    json.key("link").string(recommend::link_name(item.link));
    json.key("source").string(policy::source_name(source));
    json.key("reasons").begin_array().string(recommend::reason_code(source)).end_array();
    write_sources(item.contributions, json);
    if (item.fade != 1) json.key("faded").number(item.fade);
    if (item.boost != 1) json.key("boost").number(item.boost);
    json.end_object();
  }
  json.end_array();
}

// What acted on the way, in the order in which it did.
void write_steps(const AnswerRecord& record, codec::JsonWriter& json) {
  json.key("candidates").number(record.candidates);
  json.key("history").number(record.history);
  json.key("unknown_items").number(record.unknown_items);
  json.key("filter_path").string(recommend::filter_path_name(record.filter_path));
  json.key("tested").number(record.tested);
  json.key("dropped").begin_object();
  for (std::size_t d = 0; d < record.drops.size(); ++d) {
    if (record.drops[d] == 0) continue;
    json.key(recommend::drop_name(static_cast<recommend::Drop>(d))).number(record.drops[d]);
  }
  json.end_object();
  json.key("relaxed").begin_array();
  for (std::size_t d = 0; d < recommend::kDrops; ++d) {
    if ((record.relaxed >> d & 1) != 0) {
      json.string(recommend::drop_name(static_cast<recommend::Drop>(d)));
    }
  }
  json.end_array();
  json.key("supplied").begin_object();
  for (std::size_t l = 0; l < record.supplied.size(); ++l) {
    if (record.supplied[l] == 0) continue;
    json.key(recommend::link_name(static_cast<recommend::Link>(l))).number(record.supplied[l]);
  }
  json.end_object();
  json.key("took_us").number(record.total_us);
}

void write_policy(const AnswerRecord& record, const policy::Placement* present,
                  codec::JsonWriter& json) {
  const bool same = present != nullptr && record.policy_fingerprint == present->fingerprint;
  if (!record.policy_json.empty()) {
    json.key("policy").raw(record.policy_json);
  } else if (same) {
    json.key("policy").raw(policy::to_json(present->policy));
  }
  json.key("policy_is_present").boolean(same);
}

// What became of `item_id` when the answer was made: from the record where it was shown, else by
// making the answer again from the present state.
Status write_item(Platform& platform, TenantServices& services, const AnswerRecord& record,
                  const std::string& item_id, codec::JsonWriter& json) {
  recommend::Verdict verdict;
  std::uint64_t position = record.position;
  bool same_model = true;
  const auto shown = std::find_if(record.items.begin(), record.items.end(),
                                  [&](const auto& item) { return item.item_id == item_id; });
  if (shown != record.items.end()) {
    verdict.fate = recommend::Fate::kShown;
    verdict.rank = static_cast<std::uint32_t>(shown - record.items.begin()) + 1;
    verdict.link = shown->link;
    verdict.score = shown->score;
    verdict.contributions = shown->contributions;
  } else {
    VITRINE_TRY(const auto recorded, recommend::RecordedRequest::from(record));
    // Neither the cache nor the metrics of the serving Recommender are this question's business.
    recommend::Recommender recommender(recommend::RecommenderOptions{}, platform.clock(), nullptr);
    const auto model = services.recommender.model();
    const std::string_view model_now = model == nullptr ? std::string_view() : model->id();
    same_model = model_now == record.model;
    if (same_model) recommender.set_model(model);
    recommend::Scratch scratch;
    recommend::Answer answer;
    VITRINE_TRY(with_state(services, record.tenant, [&](const recommend::StateView& state) {
      position = state.position;
      return recommender.examine(state, recorded.policy(), recorded.request(), item_id, scratch,
                                 answer, verdict);
    }));
  }
  json.key("item").begin_object();
  json.key("item_id").string(item_id);
  json.key("fate").string(recommend::fate_name(verdict.fate));
  if (verdict.drop) json.key("dropped_by").string(recommend::drop_name(*verdict.drop));
  if (verdict.rank != 0) json.key("rank").number(verdict.rank);
  if (verdict.score != 0) {
    json.key("score").number(verdict.score);
    json.key("link").string(recommend::link_name(verdict.link));
    write_sources(verdict.contributions, json);
  }
  if (verdict.fade != 1) json.key("faded").number(verdict.fade);
  if (verdict.boost != 1) json.key("boost").number(verdict.boost);
  // The state may have moved on since, or another model be live: then this is what would become of
  // it now, and a job can say what it was.
  const bool exact = position == record.position && same_model;
  json.key("exact").boolean(exact);
  if (!exact) {
    json.key("exact_by")
        .string("POST /v1/decisions/" + recommend::format_request_id(record.request_id) +
                ":replay");
  }
  json.end_object();
  return ok_status();
}

struct Lookup {
  std::shared_ptr<TenantServices> services;
  gateway::Caller caller;
  recommend::RequestId id;
  std::optional<std::string> item_id;
};

Result<std::string> describe(Platform& platform, const Lookup& lookup) {
  const recommend::DecisionLog log{&io::system_files(), platform.answers().directory(),
                                   privacy::kAnswerKind, true};
  VITRINE_TRY(const auto record, recommend::find_decision(log, lookup.id, lookup.caller.tenant,
                                                          platform.clock().wall_us()));
  std::string body;
  codec::JsonWriter json(body);
  json.begin_object();
  json.key("request_id").string(recommend::format_request_id(record.request_id));
  json.key("placement").string(record.placement);
  json.key("time").string(codec::format_rfc3339(record.now));
  json.key("position").number(record.position);
  json.key("model").string(record.model.empty() ? "live" : record.model);
  write_asked(record, json);
  write_items(record, json);
  write_steps(record, json);
  write_policy(record, lookup.caller.view->placements.find(record.placement), json);
  if (lookup.item_id) {
    VITRINE_TRY(write_item(platform, *lookup.services, record, *lookup.item_id, json));
  }
  json.end_object();
  json.finish();
  return body;
}

}  // namespace

std::optional<recommend::RequestId> decision_id(const Call& call, net::Responder& responder) {
  const auto id = recommend::parse_request_id(call.arguments[0]);
  if (!id) {
    responder.respond(problem_response(404, "decision_not_found",
                                       "the id of a decision is the request_id of an answer: 32 "
                                       "hexadecimal digits"));
  }
  return id;
}

net::Response decisions_busy() {
  return problem_response(
      Error(ErrorCode::kExhausted, "other decisions are being looked up; ask again in a second")
          .with_reason("decisions_busy")
          .with_retry_after(1));
}

void get_decision(Call& call, net::Responder responder) {
  const auto id = decision_id(call, responder);
  if (!id) return;
  auto services = tenant_services(call, responder);
  if (!services) return;
  Lookup lookup{std::move(services), call.caller, *id,
                net::query_value(call.request.query(), "item")};
  auto owed = std::make_shared<net::Responder>(std::move(responder));
  const bool taken = call.platform.run_aside([&platform = call.platform, owed, lookup] {
    auto described = describe(platform, lookup);
    owed->respond(described.ok() ? json_response(std::move(described).value())
                                 : problem_response(described.error()));
  });
  if (!taken) owed->respond(decisions_busy());
}

}  // namespace vitrine::api
