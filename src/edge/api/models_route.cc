// Trained models: lists, trainings, promotion and rollback.
#include <algorithm>
#include <charconv>

#include "domain/record/record.h"
#include "edge/api/models_json.h"
#include "edge/api/problem.h"
#include "edge/api/routes.h"
#include "platform/codec/json_parse.h"
#include "platform/net/url.h"
#include "service/learn/gate.h"

namespace vitrine::api {
namespace {

using simdjson::dom::element;

constexpr std::size_t kListLimitMax = 200;
constexpr std::size_t kBodyBytesMax = 64 << 10;

net::Response busy() {
  return problem_response(
      Error(ErrorCode::kExhausted, "other questions are being answered; ask again in a second")
          .with_reason("models_busy")
          .with_retry_after(1));
}

Error wrong(std::string_view field, std::string_view must) {
  return Error(ErrorCode::kInvalidArgument,
               std::string(field.substr(0, 64)) + ": must be " + std::string(must))
      .with_reason("invalid_request");
}

model::Registry registry_of(const TenantServices& services, TenantId tenant) {
  const auto runtime = services.partition.tenant(tenant);
  return runtime ? runtime->read()->models() : model::Registry();
}

// Runs `make` where it may wait for the disk, and answers with the JSON or the error it gives.
void answer_aside(Call& call, net::Responder responder, std::function<Result<std::string>()> make) {
  auto owed = std::make_shared<net::Responder>(std::move(responder));
  const bool taken = call.platform.run_aside([owed, make = std::move(make)] {
    auto made = make();
    owed->respond(made.ok() ? json_response(std::move(made).value())
                            : problem_response(made.error()));
  });
  if (!taken) owed->respond(busy());
}

struct Page {
  std::string after;  // the last id of the page before
  std::size_t limit = 50;
};
Result<Page> page_of(const Call& call) {
  Page page;
  if (const auto cursor = net::query_value(call.request.query(), "cursor")) {
    page.after = *cursor;
    if (!cursor->empty() && !model::validate_model_id(*cursor).ok()) {
      return wrong("cursor", "one that a list gave");
    }
  }
  if (const auto text = net::query_value(call.request.query(), "limit"); text && !text->empty()) {
    const auto [end, code] = std::from_chars(text->data(), text->data() + text->size(), page.limit);
    if (code != std::errc{} || end != text->data() + text->size() || page.limit == 0 ||
        page.limit > kListLimitMax) {
      return wrong("limit", "a number of 1 to " + std::to_string(kListLimitMax));
    }
  }
  return page;
}

// The models after the page's cursor, newest first; `next` where there are more.
Result<std::vector<model::Manifest>> newest(learn::ModelStore& store, TenantId tenant,
                                            const Page& page, std::string& next) {
  VITRINE_TRY(auto all, store.list(tenant));
  std::sort(all.begin(), all.end(), [](const auto& a, const auto& b) {
    return a.created != b.created ? a.created > b.created : a.id > b.id;
  });
  auto from = all.begin();
  if (!page.after.empty()) {
    from = std::find_if(all.begin(), all.end(), [&](const auto& m) { return m.id == page.after; });
    if (from == all.end()) return wrong("cursor", "one that a list gave; its model is gone");
    ++from;
  }
  std::vector<model::Manifest> out(std::make_move_iterator(from),
                                   std::make_move_iterator(all.end()));
  if (out.size() > page.limit) {
    out.resize(page.limit);
    next = out.back().id;
  }
  return out;
}

void write_next(const std::string& next, codec::JsonWriter& json) {
  json.key("next_cursor");
  if (next.empty()) {
    json.null();
  } else {
    json.string(next);
  }
}

Status take_parameters(const element& value, std::map<std::string, double>& out) {
  simdjson::dom::object object;
  if (value.get(object) != simdjson::SUCCESS) return wrong("parameters", "an object of numbers");
  for (const auto [key, number] : object) {
    double parameter = 0;
    if (number.get(parameter) != simdjson::SUCCESS) {
      return wrong("parameters." + std::string(key), "a number");
    }
    out[std::string(key)] = parameter;
  }
  return ok_status();
}

Status take_truth(const element& value, std::string_view field, bool& out) {
  if (value.get(out) != simdjson::SUCCESS) return wrong(field, "true or false");
  return ok_status();
}

// Calls take(key, value) for each field of the body, which may be empty.
template <class Take>
Status read_body(const Call& call, Take&& take) {
  const std::string_view body = call.request.body();
  if (body.empty()) return ok_status();
  if (body.size() > kBodyBytesMax) {
    return Error(ErrorCode::kTooLarge,
                 "the body may have " + std::to_string(kBodyBytesMax) + " bytes");
  }
  thread_local codec::JsonParser parser;
  auto parsed = parser.parse(body, net::kBodyPadding);
  if (!parsed.ok()) return std::move(parsed).error().with_reason("invalid_json");
  simdjson::dom::object object;
  if (parsed->get(object) != simdjson::SUCCESS) return wrong("the body", "a JSON object");
  for (const auto [key, value] : object) VITRINE_TRY(take(key, value));
  return ok_status();
}

Status take_number(const element& value, std::string_view field, double most, double& out) {
  if (value.get(out) != simdjson::SUCCESS || !(out >= 0) || out > most) {
    return wrong(field, "a number of 0 to " + std::to_string(static_cast<std::uint64_t>(most)));
  }
  return ok_status();
}

Result<learn::JobRequest> read_training(const Call& call) {
  std::string kind = "ials";
  std::map<std::string, double> parameters;
  std::optional<double> search_seconds, search_trials;
  learn::JobRequest request;
  VITRINE_TRY(read_body(call, [&](std::string_view key, const element& value) -> Status {
    if (key == "parameters") return take_parameters(value, parameters);
    if (key == "warm") return take_truth(value, key, request.warm);
    if (key == "promote") return take_truth(value, key, request.promote);
    if (key == "learning_curve") return take_truth(value, key, request.learning_curve);
    if (key == "search_seconds") {
      return take_number(value, key, static_cast<double>(learn::kSearchTimeMost / kSecondUs),
                         search_seconds.emplace());
    }
    if (key == "search_trials") {
      return take_number(value, key, learn::kTrialsMost, search_trials.emplace());
    }
    if (key != "kind") {
      return wrong(key,
                   "absent: the fields are kind, parameters, warm, promote, learning_curve, "
                   "search_seconds, search_trials");
    }
    std::string_view text;
    if (value.get(text) != simdjson::SUCCESS) return wrong(key, "one of " + learn::kind_names());
    kind = text;
    return ok_status();
  }));
  const auto found = learn::find_kind(kind);
  if (!found) return wrong("kind", "one of " + learn::kind_names());
  VITRINE_TRY(request.recipe, learn::make_recipe(*found, parameters));
  if (!search_seconds && !search_trials) return request;
  learn::SearchRequest& search = request.search.emplace();
  if (search_seconds) search.time = static_cast<TimeUs>(*search_seconds * kSecondUs);
  if (search_trials) search.trials = static_cast<std::uint32_t>(*search_trials);
  if (search_trials && *search_trials != search.trials) {
    return wrong("search_trials", "a whole number");
  }
  for (const auto& [name, value] : parameters) search.fixed.push_back(name);
  VITRINE_TRY(learn::check_search(*found, search));
  return request;
}

struct ChangeBody {
  std::string model_id, reason;
  bool force = false;
};
Result<ChangeBody> read_change(const Call& call, bool with_force, bool with_model) {
  ChangeBody body;
  VITRINE_TRY(read_body(call, [&](std::string_view key, const element& value) -> Status {
    std::string_view text;
    if (key == "force" && with_force) return take_truth(value, key, body.force);
    if (key == "reason") {
      if (value.get(text) != simdjson::SUCCESS || text.size() > model::kReasonBytesMax) {
        return wrong(key, "a text of at most " + std::to_string(model::kReasonBytesMax) + " bytes");
      }
      body.reason = text;
      return ok_status();
    }
    if (key == "model_id" && with_model) {
      if (value.get(text) != simdjson::SUCCESS || !model::validate_model_id(text).ok()) {
        return wrong(key, "the id of the model that is live");
      }
      body.model_id = text;
      return ok_status();
    }
    return wrong(key, "absent");
  }));
  return body;
}

// Appends the change and answers with the states when it shows.
void append_change(const std::shared_ptr<TenantServices>& services, TenantId tenant,
                   const model::Change& change, const std::shared_ptr<net::Responder>& owed) {
  std::string payload;
  ByteWriter writer(payload);
  record::write_tenant(writer, tenant);
  model::encode_change(change, writer);
  const eventlog::RecordRef ref{static_cast<std::uint16_t>(record::RecordKind::kModelChange), 0,
                                payload};
  append_and_apply(services, std::span(&ref, 1),
                   [owed, services, tenant](Result<eventlog::PositionRange> applied) {
                     if (!applied.ok()) return owed->respond(problem_response(applied.error()));
                     const auto outcome = services->partition.outcome(applied->last);
                     if (outcome.code != apply::ApplyCode::kApplied) {
                       return owed->respond(problem_response(outcome_error(outcome)));
                     }
                     std::string body;
                     codec::JsonWriter json(body);
                     write_states(registry_of(*services, tenant), json);
                     json.finish();
                     owed->respond(json_response(std::move(body)));
                   });
}

void change_model(Call& call, net::Responder responder, model::Action action) {
  auto services = tenant_services(call, responder);
  if (!services) return;
  const bool promotes = action == model::Action::kPromote;
  auto body = read_change(call, promotes, false);
  if (!body.ok()) return responder.respond(problem_response(body.error()));
  auto owed = std::make_shared<net::Responder>(std::move(responder));
  const bool taken = call.platform.run_aside([owed, services, tenant = call.caller.tenant,
                                              id = call.arguments[0], body = *body, action,
                                              promotes, &store = call.platform.learner().store()] {
    const auto manifest = store.manifest(tenant, id);
    if (!manifest.ok()) return owed->respond(problem_response(manifest.error()));
    if (promotes && !body.force) {
      const Status may = learn::check_promotion(*manifest, registry_of(*services, tenant).live());
      if (!may.ok()) return owed->respond(problem_response(may.error()));
    }
    model::Change change{action, id, body.reason};
    if (promotes && change.reason.empty()) {
      change.reason = body.force ? "forced" : manifest->judgement.why;
      change.reason.resize(std::min(change.reason.size(), model::kReasonBytesMax));
    }
    append_change(services, tenant, change, owed);
  });
  if (!taken) owed->respond(busy());
}

net::Response job_response(const learn::Job& job, int status) {
  std::string body;
  codec::JsonWriter json(body);
  write_job(job, json);
  json.finish();
  return json_response(std::move(body), status);
}

}  // namespace

void list_models(Call& call, net::Responder responder) {
  auto services = tenant_services(call, responder);
  if (!services) return;
  const auto page = page_of(call);
  if (!page.ok()) return responder.respond(problem_response(page.error()));
  answer_aside(call, std::move(responder),
               [services, tenant = call.caller.tenant, page = *page,
                &store = call.platform.learner().store()]() -> Result<std::string> {
                 std::string next;
                 VITRINE_TRY(const auto models, newest(store, tenant, page, next));
                 const model::Registry registry = registry_of(*services, tenant);
                 std::string body;
                 codec::JsonWriter json(body);
                 json.begin_object();
                 json.key("states");
                 write_states(registry, json);
                 json.key("serving");
                 write_serving(*services->serving_model, json);
                 json.key("models").begin_array();
                 for (const auto& one : models) write_model(one, registry, false, json);
                 json.end_array();
                 write_next(next, json);
                 json.end_object();
                 json.finish();
                 return body;
               });
}

void get_model(Call& call, net::Responder responder) {
  auto services = tenant_services(call, responder);
  if (!services) return;
  answer_aside(call, std::move(responder),
               [services, tenant = call.caller.tenant, id = call.arguments[0],
                &store = call.platform.learner().store()]() -> Result<std::string> {
                 VITRINE_TRY(const auto manifest, store.manifest(tenant, id));
                 std::string body;
                 codec::JsonWriter json(body);
                 write_model(manifest, registry_of(*services, tenant), true, json);
                 json.finish();
                 return body;
               });
}

void list_evaluations(Call& call, net::Responder responder) {
  const auto page = page_of(call);
  if (!page.ok()) return responder.respond(problem_response(page.error()));
  answer_aside(call, std::move(responder),
               [tenant = call.caller.tenant, page = *page,
                &store = call.platform.learner().store()]() -> Result<std::string> {
                 std::string next;
                 VITRINE_TRY(const auto models, newest(store, tenant, page, next));
                 std::string body;
                 codec::JsonWriter json(body);
                 json.begin_object();
                 json.key("evaluations").begin_array();
                 for (const auto& one : models) write_evaluation(one, json);
                 json.end_array();
                 write_next(next, json);
                 json.end_object();
                 json.finish();
                 return body;
               });
}

void train_model(Call& call, net::Responder responder) {
  const auto request = read_training(call);
  if (!request.ok()) return responder.respond(problem_response(request.error()));
  auto services = tenant_services(call, responder);
  if (!services) return;
  const auto job = call.platform.learner().start(call.caller.tenant, *request);
  responder.respond(job.ok() ? job_response(*job, 202) : problem_response(job.error()));
}

void list_model_jobs(Call& call, net::Responder responder) {
  std::string body;
  codec::JsonWriter json(body);
  json.begin_object();
  json.key("jobs").begin_array();
  for (const auto& job : call.platform.learner().jobs(call.caller.tenant)) write_job(job, json);
  json.end_array();
  json.end_object();
  json.finish();
  responder.respond(json_response(std::move(body)));
}

void get_model_job(Call& call, net::Responder responder) {
  const auto job = call.platform.learner().find(call.caller.tenant, call.arguments[0]);
  responder.respond(job.ok() ? job_response(*job, 200) : problem_response(job.error()));
}

void stop_model_job(Call& call, net::Responder responder) {
  const auto job = call.platform.learner().stop(call.caller.tenant, call.arguments[0]);
  responder.respond(job.ok() ? job_response(*job, 200) : problem_response(job.error()));
}

void promote_model(Call& call, net::Responder responder) {
  change_model(call, std::move(responder), model::Action::kPromote);
}
void shadow_model(Call& call, net::Responder responder) {
  change_model(call, std::move(responder), model::Action::kShadow);
}
void retire_model(Call& call, net::Responder responder) {
  change_model(call, std::move(responder), model::Action::kRetire);
}

// Needs no artifact, so that it works when the disk with the models does not.
void rollback_models(Call& call, net::Responder responder) {
  const auto body = read_change(call, false, true);
  if (!body.ok()) return responder.respond(problem_response(body.error()));
  auto services = tenant_services(call, responder);
  if (!services) return;
  append_change(services, call.caller.tenant,
                {model::Action::kRollback, body->model_id, body->reason},
                std::make_shared<net::Responder>(std::move(responder)));
}

}  // namespace vitrine::api
