#include <array>

#include <sodium.h>

#include "edge/api/problem.h"
#include "edge/api/routes.h"
#include "edge/facade/segment.h"
#include "platform/codec/json_writer.h"

namespace vitrine::api {
namespace {

using facade::SegmentCall;

net::Response answer(bool is_single, const facade::Translation& translation, const Taken& taken) {
  if (is_single && !taken.rejected.empty()) return problem_response(taken.rejected.front().error);
  std::string body;
  codec::JsonWriter json(body);
  json.begin_object();
  json.key("success").boolean(true);
  json.key("accepted").number(taken.accepted);
  json.key("duplicates").number(taken.duplicates);
  json.key("ignored").begin_array();
  for (const auto& ignored : translation.ignored) {
    json.begin_object();
    json.key("index").number(ignored.index);
    json.key("detail").string(ignored.reason);
    json.end_object();
  }
  json.end_array();
  json.key("rejected").begin_array();
  for (const auto& [index, error] : taken.rejected) {
    write_rejection(json, index, error.reason(), error.message());
  }
  json.end_array();
  json.end_object();
  json.finish();
  return json_response(std::move(body));
}

void take(SegmentCall kind, Call& call, net::Responder responder) {
  std::string storage;
  const auto body = plain_body(call, responder, storage);
  if (!body) return;
  const auto& tenant = call.caller.view->tenant;
  const event::TypeNames custom_types(tenant.event_types.begin(), tenant.event_types.end());
  std::array<char, 16> salt;
  randombytes_buf(salt.data(), salt.size());
  auto translation =
      facade::translate_segment(kind, body->bytes, body->readable_behind,
                                {&custom_types, std::string_view(salt.data(), salt.size()),
                                 tenant::allows(call.caller.scope, tenant::Right::kManageUsers)});
  if (!translation.ok()) return responder.respond(problem_response(translation.error()));
  const bool is_single = kind != SegmentCall::kBatch;
  collect_translation(call, std::move(responder), std::move(translation).value(),
                      [is_single](const auto& messages, const auto& taken) {
                        return answer(is_single, messages, taken);
                      });
}

}  // namespace

void segment_track(Call& call, net::Responder responder) {
  take(SegmentCall::kTrack, call, std::move(responder));
}
void segment_page(Call& call, net::Responder responder) {
  take(SegmentCall::kPage, call, std::move(responder));
}
void segment_screen(Call& call, net::Responder responder) {
  take(SegmentCall::kScreen, call, std::move(responder));
}
void segment_identify(Call& call, net::Responder responder) {
  take(SegmentCall::kIdentify, call, std::move(responder));
}
void segment_group(Call& call, net::Responder responder) {
  take(SegmentCall::kGroup, call, std::move(responder));
}
void segment_alias(Call& call, net::Responder responder) {
  take(SegmentCall::kAlias, call, std::move(responder));
}
void segment_batch(Call& call, net::Responder responder) {
  take(SegmentCall::kBatch, call, std::move(responder));
}

}  // namespace vitrine::api
