// Who is kept out of what is counted, and the tenant's bounds of normal conduct.
#include <charconv>

#include "domain/catalog/time_text.h"
#include "domain/conduct/settings.h"
#include "domain/conduct/standing.h"
#include "domain/record/profile_version.h"
#include "domain/record/record.h"
#include "edge/api/problem.h"
#include "edge/api/routes.h"
#include "platform/codec/json_writer.h"
#include "platform/net/url.h"

namespace vitrine::api {
namespace {

constexpr std::size_t kListLimitMax = 1'000;

void write_visitor(const conduct::Conduct::Kept& kept, codec::JsonWriter& json) {
  const conduct::Flag& flag = *kept.flag;
  json.begin_object();
  json.key(flag.anonymous ? "anonymous_id" : "user_id").string(flag.id);
  json.key("standing").string(conduct::standing_name(kept.standing));
  json.key("reason").string(conduct::reason_name(flag.reason));
  if (flag.reason != conduct::Reason::kOperator) {
    json.key("found").number(flag.found);
    json.key("bound").number(flag.bound);
  }
  json.key("since").string(catalog::format_time(flag.since));
  json.key("position").number(flag.position);
  json.key("events_kept_out").number(flag.events);
  json.key("last_event");
  if (kept.last == 0) {
    json.null();
  } else {
    json.string(catalog::format_time(kept.last));
  }
  json.key("note").string(flag.note);
  json.end_object();
}

void write_counts(const conduct::Conduct& conduct, codec::JsonWriter& json) {
  const conduct::ConductCounts& counts = conduct.counts();
  json.key("counts").begin_object();
  json.key("flagged_now").number(conduct.flagged_count());
  json.key("watched_now").number(conduct.watched_count());
  json.key("flagged").number(counts.flagged);
  json.key("waited").number(counts.waiting);
  json.key("events_kept_out").number(counts.events_kept_out);
  json.key("taken_back").number(counts.taken_back);
  json.key("counted_again").number(counts.counted_again);
  json.end_object();
}

bool read_number(const Call& call, std::string_view name, std::size_t& out) {
  const auto text = net::query_value(call.request.query(), name);
  if (!text || text->empty()) return true;
  const auto [end, code] = std::from_chars(text->data(), text->data() + text->size(), out);
  return code == std::errc{} && end == text->data() + text->size();
}

}  // namespace

void list_flagged_visitors(Call& call, net::Responder responder) {
  std::size_t skip = 0;
  std::size_t limit = 100;
  if (!read_number(call, "cursor", skip) || !read_number(call, "limit", limit) || limit == 0 ||
      limit > kListLimitMax) {
    return responder.respond(
        problem_response(400, "invalid_argument",
                         "cursor must be one that a list gave, limit a number of 1 to 1000"));
  }
  auto services = tenant_services(call, responder);
  if (!services) return;
  std::string body;
  codec::JsonWriter json(body);
  static const conduct::Conduct kNone;
  const auto write = [&](const conduct::Conduct& conduct) {
    json.begin_object();
    json.key("visitors").begin_array();
    const auto kept = conduct.kept(skip, limit);
    for (const auto& visitor : kept) write_visitor(visitor, json);
    json.end_array();
    json.key("next_cursor");
    if (skip + kept.size() < conduct.kept_count() && !kept.empty()) {
      json.string(std::to_string(skip + kept.size()));
    } else {
      json.null();
    }
    write_counts(conduct, json);
    json.end_object();
  };
  if (const auto runtime = services->partition.tenant(call.caller.tenant)) {
    write(runtime->read()->conduct());
  } else {
    write(kNone);
  }
  json.finish();
  responder.respond(json_response(std::move(body)));
}

void set_visitor_standing(Call& call, net::Responder responder) {
  const auto change = conduct::parse_change(call.request.body(), net::kBodyPadding);
  if (!change.ok()) return responder.respond(problem_response(change.error()));
  auto services = tenant_services(call, responder);
  if (!services) return;
  if (!change->anonymous) {
    const std::string_view id = change->id;
    const Status room = check_users_quota(call, *services, std::span(&id, 1));
    if (!room.ok()) return responder.respond(problem_response(room.error()));
  }
  std::string payload;
  ByteWriter writer(payload);
  record::write_tenant(writer, call.caller.tenant);
  conduct::encode_change(*change, writer);
  const eventlog::RecordRef ref{static_cast<std::uint16_t>(record::RecordKind::kVisitorStanding), 0,
                                payload};
  auto owed = std::make_shared<net::Responder>(std::move(responder));
  append_and_apply(
      services, std::span(&ref, 1),
      [owed, services, said = *change,
       epoch = call.caller.view->tenant.epoch](Result<eventlog::PositionRange> applied) {
        if (!applied.ok()) return owed->respond(problem_response(applied.error()));
        const Error refused = outcome_error(services->partition.outcome(applied->last));
        if (refused) return owed->respond(problem_response(refused));
        std::string body;
        codec::JsonWriter json(body);
        json.begin_object();
        conduct::write_change(said, json);
        json.key("profile_version").string(record::format_profile_version({epoch, applied->last}));
        json.end_object();
        json.finish();
        owed->respond(json_response(std::move(body)));
      });
}

void put_abuse_settings(Call& call, net::Responder responder) {
  const auto settings = conduct::parse_settings(call.request.body(), net::kBodyPadding);
  if (!settings.ok()) return responder.respond(problem_response(settings.error()));
  auto services = tenant_services(call, responder);
  if (!services) return;
  auto printed = std::make_shared<std::string>(conduct::print_settings(*settings));
  std::string payload;
  ByteWriter writer(payload);
  record::write_tenant(writer, call.caller.tenant);
  payload += *printed;
  const eventlog::RecordRef ref{static_cast<std::uint16_t>(record::RecordKind::kAbuseSettings), 0,
                                payload};
  auto owed = std::make_shared<net::Responder>(std::move(responder));
  append_and_apply(
      services, std::span(&ref, 1), [owed, printed](Result<eventlog::PositionRange> applied) {
        owed->respond(applied.ok() ? json_response(*printed) : problem_response(applied.error()));
      });
}

void get_abuse_settings(Call& call, net::Responder responder) {
  auto services = tenant_services(call, responder);
  if (!services) return;
  conduct::Settings settings;
  if (const auto runtime = services->partition.tenant(call.caller.tenant)) {
    settings = runtime->read()->conduct().settings();
  }
  responder.respond(json_response(conduct::print_settings(settings)));
}

}  // namespace vitrine::api
