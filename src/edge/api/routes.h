// The functions behind the routes, by the file they are in.
#pragma once

#include <functional>

#include "edge/api/api.h"
#include "edge/facade/translation.h"
#include "platform/codec/json_writer.h"
#include "service/recommend/answer_record.h"

namespace vitrine::api {

// events_route.cc
void post_events(Call& call, net::Responder responder);
void import_events(Call& call, net::Responder responder);

// items_route.cc
void put_item(Call& call, net::Responder responder);
void patch_item(Call& call, net::Responder responder);
void delete_item(Call& call, net::Responder responder);
void post_inventory(Call& call, net::Responder responder);
void get_item(Call& call, net::Responder responder);
void list_items(Call& call, net::Responder responder);
void list_attributes(Call& call, net::Responder responder);

// items_import_route.cc
void import_items(Call& call, net::Responder responder);

// users_route.cc
void put_user(Call& call, net::Responder responder);
void patch_user(Call& call, net::Responder responder);
void delete_user(Call& call, net::Responder responder);
void get_user(Call& call, net::Responder responder);
void list_users(Call& call, net::Responder responder);
void merge_user(Call& call, net::Responder responder);
void patch_consents(Call& call, net::Responder responder);
void get_consents(Call& call, net::Responder responder);

// users_import_route.cc
void import_users(Call& call, net::Responder responder);

// abuse_route.cc
void list_flagged_visitors(Call& call, net::Responder responder);
void set_visitor_standing(Call& call, net::Responder responder);
void put_abuse_settings(Call& call, net::Responder responder);
void get_abuse_settings(Call& call, net::Responder responder);

// privacy_route.cc
void export_user(Call& call, net::Responder responder);
void erase_user(Call& call, net::Responder responder);
// What was ordered when a person was to be erased.
struct ErasureOrdered {
  std::string_view user_id;
  std::size_t ids = 0;
  eventlog::PositionRange order;
  std::uint32_t epoch = 0;
};
// Orders it for the path's first argument; `render` makes the answer when the state has forgotten.
void order_erasure(Call& call, net::Responder responder,
                   std::function<net::Response(const ErasureOrdered&)> render);

// recommend_route.cc
void post_recommend(Call& call, net::Responder responder);
void post_rank(Call& call, net::Responder responder);

// batch_route.cc
void post_batch(Call& call, net::Responder responder);

// decisions_route.cc
void get_decision(Call& call, net::Responder responder);
// The path's, or nothing after answering that it is none.
std::optional<recommend::RequestId> decision_id(const Call& call, net::Responder& responder);
net::Response decisions_busy();  // 429: too many are being looked up

// jobs_route.cc
void replay_decision(Call& call, net::Responder responder);
void get_job(Call& call, net::Responder responder);

// search_route.cc
void post_search(Call& call, net::Responder responder);
void put_search_settings(Call& call, net::Responder responder);
void get_search_settings(Call& call, net::Responder responder);

// suggest_route.cc
void get_suggest(Call& call, net::Responder responder);

// models_route.cc
void list_models(Call& call, net::Responder responder);
void get_model(Call& call, net::Responder responder);
void train_model(Call& call, net::Responder responder);
void promote_model(Call& call, net::Responder responder);
void shadow_model(Call& call, net::Responder responder);
void retire_model(Call& call, net::Responder responder);
void rollback_models(Call& call, net::Responder responder);
void list_evaluations(Call& call, net::Responder responder);
void list_model_jobs(Call& call, net::Responder responder);
void get_model_job(Call& call, net::Responder responder);
void stop_model_job(Call& call, net::Responder responder);

// segment_route.cc
void segment_track(Call& call, net::Responder responder);
void segment_page(Call& call, net::Responder responder);
void segment_screen(Call& call, net::Responder responder);
void segment_identify(Call& call, net::Responder responder);
void segment_group(Call& call, net::Responder responder);
void segment_alias(Call& call, net::Responder responder);
void segment_batch(Call& call, net::Responder responder);

// gorse_route.cc
void gorse_feedback(Call& call, net::Responder responder);
void gorse_put_items(Call& call, net::Responder responder);
void gorse_list_items(Call& call, net::Responder responder);
void gorse_get_item(Call& call, net::Responder responder);
void gorse_patch_item(Call& call, net::Responder responder);
void gorse_delete_item(Call& call, net::Responder responder);

// gorse_users_route.cc
void gorse_put_users(Call& call, net::Responder responder);
void gorse_patch_user(Call& call, net::Responder responder);
void gorse_get_user(Call& call, net::Responder responder);
void gorse_list_users(Call& call, net::Responder responder);
void gorse_delete_user(Call& call, net::Responder responder);

// gorse_recommend_route.cc
void gorse_recommend(Call& call, net::Responder responder);
void gorse_popular(Call& call, net::Responder responder);
void gorse_latest(Call& call, net::Responder responder);
void gorse_neighbors(Call& call, net::Responder responder);

// admin_route.cc
void create_tenant(Call& call, net::Responder responder);
void list_tenants(Call& call, net::Responder responder);
void get_tenant(Call& call, net::Responder responder);
void patch_tenant(Call& call, net::Responder responder);
void create_key(Call& call, net::Responder responder);
void list_keys(Call& call, net::Responder responder);
void rotate_key(Call& call, net::Responder responder);
void revoke_key(Call& call, net::Responder responder);

// operations_route.cc
void get_metrics(Call& call, net::Responder responder);
void get_healthz(Call& call, net::Responder responder);
void get_readyz(Call& call, net::Responder responder);
void get_openapi(Call& call, net::Responder responder);
void get_error_codes(Call& call, net::Responder responder);
void get_root(Call& call, net::Responder responder);

// common.cc

// The request's body as it is, or unpacked into `storage` where it is gzip. Nothing after answering
// with "unsupported_encoding", "invalid_gzip" or, above 8 MiB unpacked, "body_too_large".
struct PlainBody {
  std::string_view bytes;
  std::size_t readable_behind = 0;
};
std::optional<PlainBody> plain_body(const Call& call, net::Responder& responder,
                                    std::string& storage);
// What became of a translation's messages.
struct Taken {
  struct Rejected {
    std::uint32_t index;  // of the message
    Error error;          // with a reason
  };
  std::uint32_t accepted = 0;  // events that are new, and messages about people
  std::uint32_t duplicates = 0;
  std::vector<Rejected> rejected;  // in order of index
};
using RenderTaken = std::function<net::Response(const facade::Translation&, const Taken&)>;
// Appends translated events and changes of users to the caller's tenant, in the order of the
// messages: events as history with a secret key, live with another. `render` makes the answer, on
// whichever thread has the result: when the events are durable and the changes are applied.
void collect_translation(Call& call, net::Responder responder, facade::Translation translation,
                         RenderTaken render);

// One entry of a "rejected" array: {"index":..,"code":..,"detail":..}.
void write_rejection(codec::JsonWriter& json, std::size_t index, std::string_view code,
                     std::string_view detail);
// The whole array, with its key, of events.
void write_rejected(codec::JsonWriter& json, std::span<const collect::RejectedEvent> rejected);
// 200 (or another status) with a JSON body.
net::Response json_response(std::string body, int status = 200);
// The services of the caller's tenant, or nothing after answering with the problem.
std::shared_ptr<TenantServices> tenant_services(Call& call, net::Responder& responder);

// Appends catalog records of the caller's tenant and calls `done` on the applier's thread when they
// show, or with the error that refused them.
void append_and_apply(std::shared_ptr<TenantServices> services,
                      std::span<const eventlog::RecordRef> records,
                      std::function<void(Result<eventlog::PositionRange>)> done);
// Refuses new items above the tenant's items_max quota: `ids` are those about to be put. Soft, as
// quotas say: concurrent writers may pass it by one request each.
Status check_items_quota(const Call& call, const TenantServices& services,
                         std::span<const std::string_view> ids);
// The same for users_max: users and anonymous visitors that the tenant's events named, or `ids`.
Status check_users_quota(const Call& call, const TenantServices& services,
                         std::span<const std::string_view> ids);
// The Error that stands for a record that was not applied; none for kApplied.
Error outcome_error(const apply::ApplyOutcome& outcome);

}  // namespace vitrine::api
