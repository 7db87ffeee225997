#include "service/apply/tenant_state.h"

#include <algorithm>

#include "domain/catalog/item_codec.h"
#include "domain/event/consent.h"
#include "domain/event/event_codec.h"
#include "domain/profile/interaction.h"
#include "domain/query/query_text.h"
#include "domain/record/record.h"

namespace vitrine::apply {
namespace {

// What a refusal takes back: a refund what its purchase gave, a dislike a view.
constexpr double kRefundWeight = -5;
constexpr double kDislikeWeight = -1;

// Of an event id in memory (engine/kv/id_window.h).
constexpr std::uint64_t kBytesPerId = 38;

profile::ProfilesOptions profile_options(TenantId id, const TenantOptions& options,
                                         const TenantStores& stores) {
  profile::ProfilesOptions out;
  out.max_entries = options.history_entries;
  out.users_max = options.users_max;
  if (stores.cold != nullptr) out.row_budget_bytes = options.history_memory_bytes;
  out.cold = stores.cold;
  out.cold_space = id.value;
  return out;
}

kv::IdWindowOptions id_window_options(const TenantOptions& options, const TenantStores& stores) {
  kv::IdWindowOptions out;
  out.files = stores.files;
  out.directory = stores.ids_directory;
  out.memory_ids = options.id_window_memory_bytes / kBytesPerId;
  return out;
}

ApplyOutcome from_catalog(catalog::ApplyResult result) {
  using catalog::ApplyOutcome;
  switch (result.outcome) {
    case ApplyOutcome::kApplied: return {};
    case ApplyOutcome::kNotFound: return {ApplyCode::kNotFound, std::move(result.detail)};
    case ApplyOutcome::kTypeConflict: return {ApplyCode::kTypeConflict, std::move(result.detail)};
    case ApplyOutcome::kTooManyItems:
    case ApplyOutcome::kTooManyAttributes:
    case ApplyOutcome::kItemTooLarge: return {ApplyCode::kLimit, std::move(result.detail)};
  }
  return {ApplyCode::kLimit, std::move(result.detail)};
}

// Which events leave an entry in the user's history: those that say something about their items,
// and taking something out of the cart. What was merely displayed does not.
bool leaves_entry(event::EventType type, std::uint8_t flags) {
  return flags != 0 || type == event::EventType::kRemoveFromCart;
}

// An item on two lines of one order is bought once.
bool first_in(const std::vector<ItemIndex>& items, std::size_t at) {
  return std::find(items.begin(), items.begin() + static_cast<std::ptrdiff_t>(at), items[at]) ==
         items.begin() + static_cast<std::ptrdiff_t>(at);
}

}  // namespace

double counted_weight(event::EventType type, std::optional<double> value) {
  const profile::Interaction interaction = profile::classify(type, value);
  if (!interaction.negative()) return static_cast<double>(interaction.weight);
  return type == event::EventType::kRefund ? kRefundWeight : kDislikeWeight;
}

TenantState::TenantState(TenantId id, const TenantOptions& options, const TenantStores& stores)
    : id_(id),
      catalog_(options.catalog),
      profiles_(profile_options(id, options, stores)),
      people_(options.people),
      showings_(options.showings_max),
      covisit_(options.covisit),
      baskets_(options.baskets),
      trending_(options.trending_half_life),
      popular_(options.popular_half_life),
      queries_(options.queries),
      conduct_(options.conduct),
      event_ids_(id_window_options(options, stores)) {}

Result<ApplyOutcome> TenantState::apply(const eventlog::RecordView& record) {
  ByteReader in(record.payload);
  const TenantId tenant = record::read_tenant(in);
  VITRINE_CHECK(tenant == id_);
  const std::string_view body = in.raw(in.remaining());

  position_ = record.position;
  last_append_time_ = record.append_time_us;
  using record::RecordKind;
  switch (static_cast<RecordKind>(record.kind)) {
    case RecordKind::kEvent: return apply_event(record, body, false);
    case RecordKind::kImportedEvent: return apply_event(record, body, true);
    case RecordKind::kItemUpsert:
    case RecordKind::kItemPatch:
    case RecordKind::kItemDelete:
    case RecordKind::kInventory: {
      VITRINE_TRY(auto outcome, apply_catalog(record, body));
      ++(outcome.code == ApplyCode::kApplied ? counts_.catalog_changes : counts_.catalog_refused);
      return outcome;
    }
    case RecordKind::kUserUpsert:
    case RecordKind::kUserPatch:
    case RecordKind::kUserDelete:
    case RecordKind::kUserMerge:
    case RecordKind::kUserConsent:
    case RecordKind::kUserErase: {
      VITRINE_TRY(auto outcome, apply_person(record, body));
      ++(outcome.code == ApplyCode::kApplied ? people_counts_.changes : people_counts_.refused);
      return outcome;
    }
    case RecordKind::kSearchSettings: return apply_search_settings(body);
    case RecordKind::kAbuseSettings: return apply_abuse_settings(body);
    case RecordKind::kVisitorStanding: return apply_standing(record, body);
    case RecordKind::kModelChange: return apply_model_change(record, body);
    case RecordKind::kErased: ++people_counts_.erased_records; return ApplyOutcome{};
  }
  return Error(ErrorCode::kUnsupported,
               "record " + std::to_string(record.position) + " is of kind " +
                   std::to_string(record.kind) +
                   ", which this version does not know; start the version that wrote it");
}

Result<ApplyOutcome> TenantState::apply_event(const eventlog::RecordView& record,
                                              std::string_view body, bool imported) {
  VITRINE_TRY(event::decode_event(body, event_));

  const Hash128 id = event::event_id_hash(event_.event_id);
  const std::uint64_t body_hash = event::body_hash(body);
  event_ids_.expire(record.append_time_us);
  VITRINE_TRY(const auto verdict, event_ids_.find(id, body_hash));
  if (verdict == kv::IdVerdict::kDuplicate) {
    ++counts_.duplicates;
    return ApplyOutcome{ApplyCode::kDuplicate, {}};
  }
  if (verdict == kv::IdVerdict::kConflict) {
    ++counts_.id_conflicts;
    return ApplyOutcome{ApplyCode::kIdConflict, "the event id was used with another body"};
  }
  VITRINE_TRY(event_ids_.insert(id, body_hash, record.append_time_us));

  ++counts_.events;
  if (imported) ++counts_.imported_events;
  VITRINE_TRY(const UserIndex who, note_user());
  Doer doer{.who = who, .user = who};
  bool fresh = false;
  if (who != kNoUser) {
    const event::Consents consents = profiles_.consents(who);
    doer.consented = consents.allows(event::Purpose::kAnalytics);
    if (!doer.consented) ++people_counts_.not_counted;
    fresh = profiles_.info(who).events == 0;
    if (consents.allows(event::Purpose::kPersonalization)) {
      profiles_.note_event(who, event_.event_time, event_.type);
    } else {
      doer.user = kNoUser;
      ++people_counts_.not_remembered;
    }
  }

  items_.clear();
  for (const auto& item : event_.items) {
    const ItemIndex index = catalog_.intern(item.item_id);
    if (index == kNoItem) {
      ++counts_.items_over_limit;
    } else {
      items_.push_back(index);
    }
  }
  doer.counted = doer.consented && !(doer.watched() && keep_out(who, fresh, imported));
  query_text_.clear();
  if (doer.consented) note_query(doer);
  if (!items_.empty()) VITRINE_TRY(note_items(doer, imported));
  return ApplyOutcome{};
}

void TenantState::note_query(const Doer& doer) {
  const TimeUs at = std::min(event_.event_time, last_append_time_);
  if (!event_.search.empty()) query_text_ = query::query_of_search(event_.search);
  if (event_.type == event::EventType::kSearch) {
    if (query_text_.empty()) return;
    const bool counts = doer.counted && queries_.note_search(query_text_, doer.user, at);
    if (doer.watched()) {
      conduct::Contribution search{.at = at};
      search.type = event_.type;
      search.bits = counts ? conduct::Contribution::kNewSearch : std::uint8_t{0};
      conduct_.add(doer.who, search, query_text_);
    }
    return;
  }
  if (!doer.counted) return;
  const double weight = counted_weight(event_.type, event_.value);
  for (const ItemIndex item : items_) {
    queries_.note_interest(query_text_, doer.user, item, weight, at);
  }
}

// The sender was told what is wrong before this became a record.
Result<ApplyOutcome> TenantState::apply_search_settings(std::string_view body) {
  VITRINE_TRY(search_settings_, query::parse_search_settings(body));
  return ApplyOutcome{};
}

Result<ApplyOutcome> TenantState::apply_model_change(const eventlog::RecordView& record,
                                                     std::string_view body) {
  VITRINE_TRY(const auto change, model::decode_change(body));
  auto problem = models_.apply(change, record.position, record.append_time_us);
  if (problem) return ApplyOutcome{ApplyCode::kModelConflict, std::move(*problem)};
  return ApplyOutcome{};
}

Result<UserIndex> TenantState::note_user() {
  const bool signed_in = !event_.user_id.empty();
  const UserIndex user = profiles_.intern_user(
      signed_in ? profile::user_key(event_.user_id) : profile::anonymous_key(event_.anonymous_id));
  if (user == kNoUser) {
    ++people_counts_.users_over_limit;
    return user;
  }
  if (signed_in && !event_.anonymous_id.empty()) {
    const Hash128 visitor = profile::anonymous_key(event_.anonymous_id);
    VITRINE_TRY(const auto link, profiles_.link(visitor, user));
    if (link == profile::Profiles::Link::kMerged) merge_visitor(visitor, user);
  }
  if (!event_.context.empty()) {
    const event::Consents said = event::read_consents(event_.context);
    if (said.any()) profiles_.update_consents(user, said);
  }
  return user;
}

Status TenantState::collect_recent(UserIndex user, TimeUs until) {
  VITRINE_TRY(profiles_.history(user, history_));
  const auto add_once = [](std::vector<ItemIndex>& list, ItemIndex item, std::size_t most) {
    if (list.size() < most && std::find(list.begin(), list.end(), item) == list.end()) {
      list.push_back(item);
    }
  };
  const std::size_t most = covisit_.options().window + 1;  // one may be the item itself
  const std::size_t most_bought = baskets_.options().window + 1;
  for (auto entry = history_.rbegin(); entry != history_.rend(); ++entry) {
    if (entry->event_time() > until || !entry->positive()) continue;
    add_once(recent_, entry->item, most);
    if (entry->bought()) add_once(recent_bought_, entry->item, most_bought);
    if (recent_.size() >= most && recent_bought_.size() >= most_bought) break;
  }
  return ok_status();
}

std::uint8_t TenantState::note_purchase(ItemIndex item, TimeUs at, bool counted) {
  using conduct::Contribution;
  for (auto entry = history_.rbegin(); entry != history_.rend(); ++entry) {
    if (entry->item != item || !entry->bought() || entry->event_time() > at) continue;
    const TimeUs gap = at - entry->event_time();
    if (counted) repeats_.again(item, gap);
    const std::size_t bucket = repeat::bucket_of(gap);
    if (bucket == repeat::kBuckets) return Contribution::kNoRepeat;
    return static_cast<std::uint8_t>(Contribution::kAgain + bucket);
  }
  if (counted) repeats_.first_purchase(item);
  return Contribution::kFirstPurchase;
}

void TenantState::note_showings(UserIndex user, const profile::Interaction& interaction) {
  if (event_.type == event::EventType::kImpression) {
    if (items_.size() != event_.items.size()) return;  // the catalog is full
    for (std::size_t i = 0; i < items_.size(); ++i) {
      showings_.shown(user, items_[i], event_.items[i].position, event_.event_time);
    }
  } else if (interaction.positive() && !showings_.empty()) {
    for (const ItemIndex item : items_) showings_.opened(user, item);
  }
}

Status TenantState::note_items(const Doer& doer, bool imported) {
  using conduct::Contribution;
  const profile::Interaction interaction = profile::classify(event_.type, event_.value);
  const double change = counted_weight(event_.type, event_.value);
  const TimeUs at = event_.event_time;
  const bool personal = doer.user != kNoUser;
  if (personal) note_showings(doer.user, interaction);
  // A clock that runs ahead must not make the counters forget everything else.
  const TimeUs counted_at = std::min(at, last_append_time_);
  if (interaction.positive()) {
    for (ItemIndex item : items_) {
      trending_.prefetch(item);
      popular_.prefetch(item);
    }
    recent_.clear();
    recent_bought_.clear();
    if (personal && doer.consented) VITRINE_TRY(collect_recent(doer.user, at));
  }
  for (std::size_t i = 0; i < items_.size(); ++i) {
    const ItemIndex item = items_[i];
    std::uint8_t repeat = Contribution::kNoRepeat;
    if (interaction.positive() && doer.consented) {
      // An item does not follow itself: looking at it again says nothing new about others.
      std::erase(recent_, item);
      if (doer.counted) covisit_.observe(recent_, item, counted_at);
      recent_.insert(recent_.begin(), item);
      if (interaction.bought()) {
        if (personal && first_in(items_, i)) repeat = note_purchase(item, at, doer.counted);
        std::erase(recent_bought_, item);
        if (doer.counted) baskets_.observe(recent_bought_, item, counted_at);
        recent_bought_.insert(recent_bought_.begin(), item);
      }
    }
    if (doer.counted && change != 0) {
      trending_.add(item, change, counted_at);
      popular_.add(item, change, counted_at);
    }
    if (doer.watched() && change != 0) {
      Contribution counts{.at = counted_at, .item = item, .change = static_cast<float>(change)};
      counts.type = event_.type;
      counts.bits =
          static_cast<std::uint8_t>((interaction.positive() ? Contribution::kPositive : 0) |
                                    (interaction.bought() ? Contribution::kBought : 0));
      counts.repeat = repeat;
      conduct_.add(doer.who, counts, query_text_);
    }
    if (personal && leaves_entry(event_.type, interaction.flags)) {
      VITRINE_TRY(profiles_.append(
          doer.user, profile::make_entry(item, at, event_.type, event_.value, imported)));
    }
  }
  return ok_status();
}

Result<ApplyOutcome> TenantState::apply_catalog(const eventlog::RecordView& record,
                                                std::string_view body) {
  using record::RecordKind;
  const TimeUs at = record.append_time_us;
  switch (static_cast<RecordKind>(record.kind)) {
    case RecordKind::kItemUpsert: {
      VITRINE_TRY(const auto item, catalog::decode_upsert(body));
      return from_catalog(catalog_.apply_upsert(item, at));
    }
    case RecordKind::kItemPatch: {
      VITRINE_TRY(const auto patch, catalog::decode_patch(body));
      return from_catalog(catalog_.apply_patch(patch, at));
    }
    case RecordKind::kInventory: {
      VITRINE_TRY(const auto patch, catalog::decode_inventory(body));
      return from_catalog(catalog_.apply_inventory(patch, at));
    }
    case RecordKind::kItemDelete: {
      VITRINE_TRY(const auto item_id, catalog::decode_delete(body));
      return from_catalog(catalog_.apply_delete(item_id, at));
    }
    default: break;
  }
  return Error(ErrorCode::kInternal, "not a catalog record");
}

void TenantState::save(Sink& sink) const {
  sink.value(id_.value);
  sink.value(position_);
  sink.value(last_append_time_);
  sink.value(counts_);
  catalog_.save(sink);
  profiles_.save(sink);
  covisit_.save(sink);
  baskets_.save(sink);
  trending_.save(sink);
  popular_.save(sink);
  repeats_.save(sink);
  event_ids_.save(sink);
  sink.value(people_counts_);
  people_.save(sink);
  showings_.save(sink);
  queries_.save(sink);
  sink.string(query::print_search_settings(search_settings_));
  conduct_.save(sink);
  models_.save(sink);
}

Status TenantState::load(Source& source, std::uint32_t format) {
  std::uint32_t id = 0;
  VITRINE_TRY(source.value(id));
  if (id != id_.value) {
    return Error(ErrorCode::kCorrupt, "the state is of tenant " + std::to_string(id) + ", not of " +
                                          std::to_string(id_.value));
  }
  VITRINE_TRY(source.value(position_));
  VITRINE_TRY(source.value(last_append_time_));
  VITRINE_TRY(source.value(counts_));
  VITRINE_TRY(catalog_.load(source));
  VITRINE_TRY(profiles_.load(source));
  VITRINE_TRY(covisit_.load(source));
  VITRINE_TRY(baskets_.load(source));
  VITRINE_TRY(trending_.load(source));
  VITRINE_TRY(popular_.load(source));
  VITRINE_TRY(repeats_.load(source));
  VITRINE_TRY(event_ids_.load(source));
  if (format < 3) return ok_status();
  VITRINE_TRY(source.value(people_counts_));
  VITRINE_TRY(people_.load(source, profiles_.user_count()));
  if (format < 4) return ok_status();
  VITRINE_TRY(showings_.load(source, profiles_.user_count()));
  if (format < 5) return ok_status();
  VITRINE_TRY(queries_.load(source));
  std::string settings;
  VITRINE_TRY(source.string(settings));
  VITRINE_TRY(search_settings_, query::parse_search_settings(settings));
  if (format < 6) return ok_status();
  VITRINE_TRY(conduct_.load(source, profiles_.user_count(), catalog_.item_count()));
  if (format < 7) return ok_status();
  return models_.load(source);
}

Result<Hash128> TenantState::digest() const {
  HashSink sink;
  sink.value(id_.value);
  sink.value(position_);
  sink.value(last_append_time_);
  sink.value(counts_);
  catalog_.save(sink);
  VITRINE_TRY(profiles_.digest(sink));
  covisit_.save(sink);
  baskets_.save(sink);
  trending_.save(sink);
  popular_.save(sink);
  repeats_.save(sink);
  VITRINE_TRY(event_ids_.digest(sink));
  sink.value(people_counts_);
  people_.save(sink);
  showings_.save(sink);
  queries_.save(sink);
  sink.string(query::print_search_settings(search_settings_));
  conduct_.save(sink);
  models_.save(sink);
  return sink.finish();
}

std::uint64_t TenantState::memory_bytes() const {
  return catalog_.memory_bytes() + profiles_.memory_bytes() + people_.memory_bytes() +
         showings_.memory_bytes() + queries_.memory_bytes() + conduct_.memory_bytes() +
         covisit_.memory_bytes() + baskets_.memory_bytes() + trending_.memory_bytes() +
         popular_.memory_bytes() + repeats_.memory_bytes() + event_ids_.memory_bytes();
}

}  // namespace vitrine::apply
