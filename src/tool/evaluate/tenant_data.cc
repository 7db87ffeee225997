#include "tool/evaluate/tenant_data.h"

#include <algorithm>

#include "domain/event/event_codec.h"
#include "domain/profile/interaction.h"
#include "domain/record/record.h"
#include "engine/eventlog/info.h"
#include "engine/eventlog/reader.h"
#include "engine/kv/id_window.h"
#include "service/apply/partition_set.h"
#include "service/apply/tenant_state.h"
#include "service/control/control_store.h"
#include "service/evaluate/interner.h"

namespace vitrine::evaluate {
namespace {

using record::RecordKind;

bool is_event(const eventlog::RecordView& record) {
  return record.kind == static_cast<std::uint16_t>(RecordKind::kEvent) ||
         record.kind == static_cast<std::uint16_t>(RecordKind::kImportedEvent);
}

class TenantReader {
 public:
  explicit TenantReader(TenantId tenant)
      : tenant_(tenant), items_(data_.items), users_(data_.users), ids_({}) {
    data_.has_times = true;
    data_.live = true;
  }

  Status add(const eventlog::RecordView& record) {
    if (!is_event(record)) return ok_status();
    ByteReader in(record.payload);
    if (record::read_tenant(in) != tenant_) return ok_status();
    const std::string_view body = in.raw(in.remaining());
    VITRINE_TRY(event::decode_event(body, event_));
    VITRINE_TRY(const bool fresh, remember(body, record.append_time_us));
    const double weight = apply::counted_weight(event_.type, event_.value);
    if (!fresh || weight == 0) {
      data_.skipped += event_.items.size();
      return ok_status();
    }
    const UserIndex user{users_(event_.user_id.empty()
                                    ? "anonymous:" + std::string(event_.anonymous_id)
                                    : std::string(event_.user_id))};
    for (const event::EventItem& item : event_.items) {
      data_.interactions.push_back({user, ItemIndex{items_(item.item_id)}, events_,
                                    event_.event_time, static_cast<float>(weight)});
    }
    ++events_;
    return ok_status();
  }

  Dataset finish() {
    std::stable_sort(data_.interactions.begin(), data_.interactions.end(),
                     [](const Interaction& a, const Interaction& b) { return a.time < b.time; });
    return std::move(data_);
  }

 private:
  // True for an event id that the applier would take.
  Result<bool> remember(std::string_view body, TimeUs append_time) {
    const Hash128 id = event::event_id_hash(event_.event_id);
    const std::uint64_t body_hash = event::body_hash(body);
    ids_.expire(append_time);
    VITRINE_TRY(const auto verdict, ids_.find(id, body_hash));
    if (verdict != kv::IdVerdict::kNew) return false;
    VITRINE_TRY(ids_.insert(id, body_hash, append_time));
    return true;
  }

  TenantId tenant_;
  Dataset data_;
  Interner items_;
  Interner users_;
  kv::IdWindow ids_;
  event::Event event_;
  std::uint32_t events_ = 0;
};

std::string known_names(const std::vector<tenant::Tenant>& tenants) {
  std::string names;
  for (const auto& one : tenants) {
    if (one.status == tenant::TenantStatus::kDeleted) continue;
    names += (names.empty() ? "" : ", ") + one.name;
  }
  return names.empty() ? "there are none" : "known are " + names;
}

}  // namespace

Result<Dataset> read_tenant_log(io::FileSystem& files, const std::string& log_directory,
                                TenantId tenant, Progress& progress) {
  VITRINE_TRY(const auto info, eventlog::log_info(files, log_directory));
  VITRINE_TRY(auto reader,
              eventlog::Reader::open(files, log_directory, 0, eventlog::ReadScope::kWholeFrames));
  progress.start("reading " + log_directory, info.last + 1 - info.oldest, "records");
  TenantReader tenant_reader(tenant);
  eventlog::RecordView record;
  for (;;) {
    VITRINE_TRY(const auto end, reader->next(record));
    if (end == eventlog::ReadEnd::kEndOfLog) break;
    if (Status added = tenant_reader.add(record); !added.ok()) {
      return std::move(added).error().context("record " + std::to_string(record.position));
    }
    progress.update(record.position + 1 - info.oldest);
  }
  progress.finish();
  return tenant_reader.finish();
}

Result<Dataset> read_tenant(const std::string& data_directory, std::string_view tenant,
                            Progress& progress) {
  io::FileSystem& files = io::system_files();
  control::StoreOptions options;
  options.path = io::join_path(data_directory, "control.db");
  VITRINE_TRY(const bool present, files.exists(options.path));
  if (!present) {
    return Error(ErrorCode::kNotFound,
                 data_directory + " is no data directory: there is no " + options.path);
  }
  VITRINE_TRY(const auto store, control::ControlStore::open(options));
  VITRINE_TRY(const auto tenants, store->list_tenants());
  const auto found = std::find_if(tenants.begin(), tenants.end(), [&](const auto& one) {
    return one.name == tenant && one.status != tenant::TenantStatus::kDeleted;
  });
  if (found == tenants.end()) {
    return Error(ErrorCode::kNotFound, "there is no tenant '" + std::string(tenant) + "' in " +
                                           data_directory + "; " + known_names(tenants));
  }
  const std::string log =
      io::join_path(apply::PartitionSet::directory_of(data_directory, found->partition), "log");
  auto read = read_tenant_log(files, log, found->id, progress);
  if (!read.ok() && read.error().code() != ErrorCode::kNotFound) return std::move(read).error();
  Dataset data = read.ok() ? std::move(read).value() : Dataset{};
  data.name = "tenant " + found->name;
  if (data.interactions.size() < kTenantInteractionsMin) {
    return Error(ErrorCode::kInvalidArgument,
                 data.name + " has " + std::to_string(data.interactions.size()) +
                     " events with items that say something of interest, of " +
                     std::to_string(data.users.size()) + " visitors; at least " +
                     std::to_string(kTenantInteractionsMin) +
                     " are needed: send more, or import history");
  }
  return data;
}

}  // namespace vitrine::evaluate
