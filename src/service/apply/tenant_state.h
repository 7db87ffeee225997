// Everything one tenant's answers depend on, as a function of the log up to one position.
//
// apply() is the only way to change it, and it reads nothing but the record: no clock, no
// random source, no other tenant. Equal logs give equal states: digest().
//
// Not thread-safe by itself: the partition holds the tenant's ReadWriteLock exclusively around
// apply(), readers hold it shared (TenantRuntime::read()).
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/ids.h"
#include "base/result.h"
#include "base/stream.h"
#include "domain/catalog/catalog.h"
#include "domain/conduct/conduct.h"
#include "domain/event/event.h"
#include "domain/model/registry.h"
#include "domain/person/people.h"
#include "domain/profile/interaction.h"
#include "domain/profile/profiles.h"
#include "domain/profile/showings.h"
#include "domain/query/query_log.h"
#include "domain/query/search_settings.h"
#include "engine/counters/counters.h"
#include "engine/covisit/covisit.h"
#include "engine/eventlog/types.h"
#include "engine/kv/cold_rows.h"
#include "engine/kv/id_window.h"
#include "engine/repeat/repeat.h"
#include "platform/io/file_system.h"

namespace vitrine::apply {

struct TenantOptions {
  // Older entries of a user fall out. More: better long-term taste, more memory (12 B each).
  std::uint32_t history_entries = 100;
  // Histories past this many bytes of memory go to disk, longest unused first.
  std::uint64_t history_memory_bytes = 1ull << 30;
  // Ids of users and anonymous visitors that are told apart (64 bytes each); what is done under
  // further ones counts towards the aggregates only.
  std::uint32_t users_max = 500'000'000;
  person::PeopleOptions people;
  // What visitors were shown lately and did not open: 12 bytes each, at most 96 a visitor.
  std::uint64_t showings_max = 2'000'000;
  // Event ids past this many bytes of memory go to disk, oldest first.
  std::uint64_t id_window_memory_bytes = 256ull << 20;
  catalog::CatalogOptions catalog;
  // How fast interest fades: half of an event's weight is left after this long.
  TimeUs trending_half_life = 1 * kDayUs;
  TimeUs popular_half_life = 30 * kDayUs;
  query::QueryLogOptions queries;
  conduct::ConductOptions conduct;
  covisit::Options covisit;
  // Baskets are unordered and small: every pair of one purchase counts the same, both ways.
  covisit::Options baskets = {
      .window = 32, .max_neighbours = 64, .gap_half_power = 0, .backward = 1};
};

// Where a tenant keeps what doesn't stay in memory.
struct TenantStores {
  io::FileSystem* files = nullptr;
  kv::ColdRows* cold =
      nullptr;                // shared by the partition's tenants; null: everything stays in memory
  std::string ids_directory;  // run files of the event id window
};

// What became of one record.
enum class ApplyCode : std::uint8_t {
  kApplied,
  kDuplicate,        // an event id that was applied before, with the same body
  kIdConflict,       // an event id that was applied before, with another body
  kNotFound,         // a change to an item that is not in the catalog
  kUserNotFound,     // a change to a user that is not described
  kTypeConflict,     // an attribute's value of another type than before
  kLimit,            // a bound of the tenant is reached
  kUserLimit,        // a bound of its users
  kMergedElsewhere,  // the visitor is another user already
  kModelConflict,    // a change of models that the present states don't allow
};

struct ApplyOutcome {
  ApplyCode code = ApplyCode::kApplied;
  std::string detail;  // for people; empty for kApplied
};

struct TenantCounts {
  std::uint64_t events = 0;           // applied, live and imported
  std::uint64_t imported_events = 0;  // of those
  std::uint64_t duplicates = 0;       // records that were dropped as duplicates
  std::uint64_t id_conflicts = 0;
  std::uint64_t catalog_changes = 0;  // applied
  std::uint64_t catalog_refused = 0;
  std::uint64_t items_over_limit = 0;  // event items that got no index: catalog.items_max
};

// Of records about users.
struct PeopleCounts {
  std::uint64_t changes = 0;  // applied
  std::uint64_t refused = 0;
  std::uint64_t merges = 0;            // visitors that became a user, by event or by record
  std::uint64_t users_over_limit = 0;  // events of somebody who got no number: users_max
  std::uint64_t not_remembered = 0;    // events without consent to personalization
  std::uint64_t not_counted = 0;       // events without consent to analytics
  std::uint64_t erased_records = 0;    // met in the log
};

// What an event of this type adds to the counters of its items: its interaction's weight, below 0
// where it takes something back (refund, dislike), 0 where it says nothing.
double counted_weight(event::EventType type, std::optional<double> value);

// 3: what is said about users, at the end. 4: after it what was shown to them.
// 5: after that queries and search settings. 6: after those how visitors behave. 7: after that the
// registry of models.
inline constexpr std::uint32_t kStateFormat = 7;

class TenantState {
 public:
  TenantState(TenantId id, const TenantOptions& options, const TenantStores& stores);

  TenantId id() const { return id_; }

  // An error means that the record can't be applied by this build or that a store failed: the
  // applier must stop, skipping would change answers. The state is then not to be used.
  Result<ApplyOutcome> apply(const eventlog::RecordView& record);

  // --- What answers read ------------------------------------------------------------------
  const catalog::Catalog& catalog() const { return catalog_; }
  const profile::Profiles& profiles() const { return profiles_; }
  // What the shop says about users; by the numbers of profiles().
  const person::People& people() const { return people_; }
  // What visitors were shown and did not open.
  const profile::Showings& showings() const { return showings_; }
  // What people turned to after an item: directional.
  const covisit::Covisit& covisit() const { return covisit_; }
  // What was bought together or by the same person: symmetric.
  const covisit::Covisit& baskets() const { return baskets_; }
  const counters::Counters& trending() const { return trending_; }
  const counters::Counters& popular() const { return popular_; }
  // When who is due to buy what again.
  const repeat::Repeat& repeats() const { return repeats_; }
  // What is searched for, and what people then turn to.
  const query::QueryLog& queries() const { return queries_; }
  const query::SearchSettings& search_settings() const { return search_settings_; }
  // Who is flagged, and what the tenant takes for abuse.
  const conduct::Conduct& conduct() const { return conduct_; }
  // Which trained model answers.
  const model::Registry& models() const { return models_; }
  const kv::IdWindow& event_ids() const { return event_ids_; }

  // Position and append_time of the last record of this tenant; 0 before the first.
  eventlog::Position position() const { return position_; }
  TimeUs last_append_time() const { return last_append_time_; }
  const TenantCounts& counts() const { return counts_; }
  const PeopleCounts& people_counts() const { return people_counts_; }

  // Snapshot. save() touches no file and takes no lock, so that a forked child can write it; rows
  // and run files that left memory are referred to, their stores are checkpointed beside it.
  void save(Sink& sink) const;
  // `format`: of the file, PartitionState's numbering; earlier ones lack their later parts.
  Status load(Source& source, std::uint32_t format = kStateFormat);
  // Equal states give equal digests wherever their parts lie.
  Result<Hash128> digest() const;
  std::uint64_t memory_bytes() const;

 private:
  Result<ApplyOutcome> apply_event(const eventlog::RecordView& record, std::string_view body,
                                   bool imported);
  Result<ApplyOutcome> apply_catalog(const eventlog::RecordView& record, std::string_view body);
  // The number of who did event_, with what the event says about it taken note of; kNoUser when
  // there are too many.
  Result<UserIndex> note_user();
  Result<ApplyOutcome> apply_person(const eventlog::RecordView& record, std::string_view body);
  Result<ApplyOutcome> apply_description(const eventlog::RecordView& record, std::string_view body);
  Result<ApplyOutcome> apply_merge(std::string_view body);
  Result<ApplyOutcome> apply_consent(std::string_view body);
  Result<ApplyOutcome> apply_delete(std::string_view body);
  Result<ApplyOutcome> apply_erasure(std::string_view body);
  // Whose event it is, and what becomes of it.
  struct Doer {
    UserIndex who = kNoUser;   // kNoUser: one too many to be told apart
    UserIndex user = kNoUser;  // whose history grows; kNoUser: nobody's
    bool consented = true;     // to being counted
    bool counted = true;       // towards the aggregates: consented, and not kept out
    // Then what it counts for is remembered, so that it can be taken back or be counted later.
    bool watched() const { return consented && who != kNoUser; }
  };
  // What the event says about searching. Of items_.
  void note_query(const Doer& doer);
  Result<ApplyOutcome> apply_search_settings(std::string_view body);
  Result<ApplyOutcome> apply_model_change(const eventlog::RecordView& record,
                                          std::string_view body);
  Status note_items(const Doer& doer, bool imported);

  // Takes note of how the visitor behaves: is the event to be kept out? `fresh`: nothing was known
  // of the visitor before.
  bool keep_out(UserIndex who, bool fresh, bool imported);
  Result<ApplyOutcome> apply_abuse_settings(std::string_view body);
  Result<ApplyOutcome> apply_standing(const eventlog::RecordView& record, std::string_view body);
  void change_standing(UserIndex who, conduct::Standing to, conduct::Flag flag);
  // All that the visitor's events added to what is counted for all, taken back out or added.
  void take_back(UserIndex who) { recount(who, true); }
  void count_again(UserIndex who) { recount(who, false); }
  void recount(UserIndex who, bool back);
  void recount_item(const conduct::Contribution& contribution, bool back);
  // The visitor `from` turned out to be `into`.
  void merge_visitor(const Hash128& from, UserIndex into);
  // What the items of event_ say about what the user was shown.
  void note_showings(UserIndex user, const profile::Interaction& interaction);
  // The user's entry of buying the item before `at`, or that there is none, to repeats_ where it is
  // counted. Reads history_. What it was, as Contribution::repeat.
  std::uint8_t note_purchase(ItemIndex item, TimeUs at, bool counted);
  // Items of the user's positive entries up to `until`, newest first, each once.
  Status collect_recent(UserIndex user, TimeUs until);

  TenantId id_;
  catalog::Catalog catalog_;
  profile::Profiles profiles_;
  person::People people_;
  profile::Showings showings_;
  covisit::Covisit covisit_;
  covisit::Covisit baskets_;
  counters::Counters trending_;
  counters::Counters popular_;
  repeat::Repeat repeats_;
  query::QueryLog queries_;
  query::SearchSettings search_settings_;
  conduct::Conduct conduct_;
  model::Registry models_;
  kv::IdWindow event_ids_;
  eventlog::Position position_ = 0;
  TimeUs last_append_time_ = 0;
  TenantCounts counts_;
  PeopleCounts people_counts_;

  // Scratch of apply(), kept so that an event allocates nothing.
  event::Event event_;
  std::vector<ItemIndex> items_;
  std::vector<profile::HistoryEntry> history_;
  std::vector<ItemIndex> recent_;         // positive, newest first
  std::vector<ItemIndex> recent_bought_;  // bought, newest first
  std::string query_text_;                // that the event names
};

}  // namespace vitrine::apply
