#include "domain/person/person_codec.h"
#include "domain/record/profile_version.h"
#include "domain/record/record.h"
#include "edge/api/problem.h"
#include "edge/api/routes.h"
#include "platform/codec/json_writer.h"
#include "platform/io/file_system.h"
#include "platform/net/url.h"
#include "service/privacy/person_export.h"

namespace vitrine::api {
namespace {

net::Response busy() {
  return problem_response(
      Error(ErrorCode::kExhausted, "other exports are being made; ask again in a second")
          .with_reason("export_busy")
          .with_retry_after(1));
}

// Export and order name the visitors that the state knows to be the person. So the state has to
// know what was acknowledged before they came: an event a moment ago may be what tied a device to
// it. Then `work` runs beside the requests, or `owed` is told that too much of that goes on.
void once_all_is_applied(Platform& platform, const std::shared_ptr<TenantServices>& services,
                         const std::shared_ptr<net::Responder>& owed, std::function<void()> work) {
  apply::Partition& partition = services->partition;
  partition.waiters().add(partition.durable(), [owed, &platform, work = std::move(work)] {
    if (!platform.run_aside(work)) owed->respond(busy());
  });
}

// The order to erase, in as many records as its keys need; each begins with the user's own.
std::vector<std::string> erasure_payloads(TenantId tenant, const std::vector<Hash128>& keys) {
  std::vector<std::string> payloads;
  std::size_t at = 1;
  do {
    person::Erasure erasure{{keys.front()}};
    while (at < keys.size() && erasure.keys.size() < person::kErasureKeysMax) {
      erasure.keys.push_back(keys[at++]);
    }
    ByteWriter writer(payloads.emplace_back());
    record::write_tenant(writer, tenant);
    person::encode_erasure(erasure, writer);
  } while (at < keys.size());
  return payloads;
}

using RenderErasure = std::function<net::Response(const ErasureOrdered&)>;

void erase_now(const std::shared_ptr<TenantServices>& services, TenantId tenant,
               std::uint32_t epoch, const std::string& user_id,
               const std::shared_ptr<net::Responder>& owed, const RenderErasure& render) {
  const auto runtime = services->partition.tenant(tenant);
  const auto keys = runtime ? privacy::keys_of_person(*runtime, user_id) : std::vector<Hash128>();
  if (keys.empty()) {
    return owed->respond(problem_response(404, "user_not_found", "nothing is known of this user"));
  }
  const auto payloads = erasure_payloads(tenant, keys);
  std::vector<eventlog::RecordRef> refs;
  for (const auto& payload : payloads) {
    refs.push_back({static_cast<std::uint16_t>(record::RecordKind::kUserErase), 0, payload});
  }
  append_and_apply(
      services, refs,
      [owed, user_id, epoch, render, ids = keys.size()](Result<eventlog::PositionRange> applied) {
        if (!applied.ok()) return owed->respond(problem_response(applied.error()));
        owed->respond(render({user_id, ids, *applied, epoch}));
      });
}

}  // namespace

void export_user(Call& call, net::Responder responder) {
  auto services = tenant_services(call, responder);
  if (!services) return;
  privacy::ExportCursor from;
  if (const auto text = net::query_value(call.request.query(), "cursor"); text && !text->empty()) {
    const auto cursor = privacy::parse_cursor(*text);
    if (!cursor) {
      return responder.respond(
          problem_response(400, "invalid_argument", "cursor must be one that an export gave"));
    }
    from = *cursor;
  }
  privacy::ExportSource source{&io::system_files(), &services->partition,
                               call.platform.answers().directory()};
  auto owed = std::make_shared<net::Responder>(std::move(responder));
  once_all_is_applied(
      call.platform, services, owed,
      [owed, services, source, from, tenant = call.caller.tenant, user_id = call.arguments[0]] {
        auto page = privacy::export_person(source, tenant, user_id, from);
        if (!page.ok()) return owed->respond(problem_response(page.error()));
        net::Response response;
        response.content_type = "application/x-ndjson";
        response.body = std::move(page->lines);
        owed->respond(std::move(response));
      });
}

void order_erasure(Call& call, net::Responder responder, RenderErasure render) {
  auto services = tenant_services(call, responder);
  if (!services) return;
  auto owed = std::make_shared<net::Responder>(std::move(responder));
  once_all_is_applied(call.platform, services, owed,
                      [owed, services, render = std::move(render), tenant = call.caller.tenant,
                       epoch = call.caller.view->tenant.epoch, user_id = call.arguments[0]] {
                        erase_now(services, tenant, epoch, user_id, owed, render);
                      });
}

void erase_user(Call& call, net::Responder responder) {
  order_erasure(call, std::move(responder), [](const ErasureOrdered& ordered) {
    std::string body;
    codec::JsonWriter json(body);
    json.begin_object();
    json.key("user_id").string(ordered.user_id);
    json.key("ids").number(ordered.ids);
    json.key("state").string("forgotten");
    json.key("files").string("pending");
    json.key("order").string(std::to_string(ordered.order.first));
    json.key("profile_version")
        .string(record::format_profile_version({ordered.epoch, ordered.order.last}));
    json.end_object();
    json.finish();
    return json_response(std::move(body), 202);
  });
}

}  // namespace vitrine::api
