#include "service/privacy/person_export.h"

#include <charconv>

#include "domain/conduct/standing.h"
#include "domain/event/event_codec.h"
#include "domain/event/event_json.h"
#include "domain/person/person_json.h"
#include "domain/record/record.h"
#include "engine/eventlog/reader.h"
#include "platform/codec/json_writer.h"
#include "platform/codec/time_format.h"
#include "service/privacy/answer_kind.h"
#include "service/privacy/person_match.h"
#include "service/recommend/answer_record.h"

namespace vitrine::privacy {
namespace {

using Part = ExportCursor::Part;

constexpr std::uint32_t kKeysAtATime = 1 << 20;
constexpr eventlog::Position kAll = ~eventlog::Position{0};

class Page {
 public:
  Page(const ExportSource& source, TenantId tenant, std::string_view user_id,
       const ExportLimits& limits)
      : source_(source), tenant_(tenant), user_id_(user_id), limits_(limits) {}

  Result<ExportPage> write(ExportCursor at) {
    const auto runtime = source_.partition->tenant(tenant_);
    if (!runtime) return not_found();
    keys_ = keys_of_person(*runtime, user_id_);
    if (keys_.empty()) return not_found();
    for (const Hash128& key : keys_) persons_.add(tenant_, key, kAll);
    if (at.part == Part::kState) {
      VITRINE_TRY(write_state(*runtime));
      at = {Part::kLog, 0};
    }
    if (at.part == Part::kLog) {
      VITRINE_TRY(const auto stopped, write_log(at.position));
      if (stopped != 0) return end(ExportCursor{Part::kLog, stopped});
      at = {Part::kAnswers, 0};
    }
    VITRINE_TRY(const auto stopped, write_answers(at.position));
    if (stopped != 0) return end(ExportCursor{Part::kAnswers, stopped});
    return end(std::nullopt);
  }

 private:
  Error not_found() const {
    return Error(ErrorCode::kNotFound, "nothing is known of this user")
        .with_reason("user_not_found");
  }

  Result<ExportPage> end(std::optional<ExportCursor> next) {
    line("end", [&](codec::JsonWriter& json) {
      json.key("next_cursor");
      if (next) {
        json.string(format_cursor(*next));
      } else {
        json.null();
      }
    });
    return ExportPage{std::move(lines_), next};
  }

  template <class Members>
  void line(std::string_view kind, Members&& members) {
    codec::JsonWriter json(lines_);
    json.begin_object();
    json.key("kind").string(kind);
    members(json);
    json.end_object();
    json.newline();
    json.finish();
  }

  Status write_state(const apply::TenantRuntime& runtime) {
    const auto state = runtime.read();
    const UserIndex user = state->profiles().find_user(keys_.front());
    const auto info = state->profiles().info(user);
    const auto described = state->people().get(user);
    line("user", [&](codec::JsonWriter& json) {
      json.key("user_id").string(user_id_);
      person::write_attributes(
          described ? described->user.attributes : std::vector<person::Attribute>(), json);
      person::write_consents(info.consents, json);
      json.key("events").number(info.events);
      json.key("purchases").number(info.purchases);
      json.key("merged_visitors").number(keys_.size() - 1);
      if (info.events > 0) {
        json.key("last_activity").string(codec::format_rfc3339(info.last_activity));
      }
      if (const conduct::Flag* flag = state->conduct().flag(user)) {
        json.key("standing").string(conduct::standing_name(state->conduct().standing(user)));
        json.key("standing_reason").string(conduct::reason_name(flag->reason));
      }
    });
    std::vector<profile::HistoryEntry> history;
    VITRINE_TRY(state->profiles().history(user, history));
    for (const auto& entry : history) {
      line("history", [&](codec::JsonWriter& json) {
        json.key("item_id").string(state->catalog().item_id(entry.item));
        json.key("type").string(event::event_type_name(entry.type));
        json.key("event_time").string(codec::format_rfc3339(entry.event_time()));
      });
    }
    for (const profile::Showing& showing : state->showings().of(user)) {
      line("shown", [&](codec::JsonWriter& json) {
        json.key("item_id").string(state->catalog().item_id(showing.item));
        json.key("looks").number(static_cast<double>(showing.looks) / profile::kLook);
        json.key("time").string(
            codec::format_rfc3339(static_cast<TimeUs>(showing.time_s) * kSecondUs));
      });
    }
    return ok_status();
  }

  bool full() { return lines_.size() >= limits_.page_bytes || scanned_ >= limits_.records_scanned; }

  // Gives the position to go on from, 0 at the end.
  Result<eventlog::Position> write_log(eventlog::Position from) {
    const std::string directory = source_.partition->log_directory();
    // Retention may have overtaken an older page's cursor.
    VITRINE_TRY(const auto oldest, eventlog::oldest_position(*source_.files, directory));
    if (from != 0 && from < oldest) from = oldest;
    return scan(directory, from,
                [this](const eventlog::RecordView& record) { return write_record(record); });
  }

  template <class Fn>
  Result<eventlog::Position> scan(const std::string& directory, eventlog::Position from, Fn&& fn) {
    VITRINE_TRY(const auto reader, eventlog::Reader::open(*source_.files, directory, from));
    eventlog::RecordView record;
    while (true) {
      if (full()) return reader->position();
      VITRINE_TRY(const auto read, reader->next(record));
      if (read == eventlog::ReadEnd::kEndOfLog) return eventlog::Position{0};
      ++scanned_;
      VITRINE_TRY(fn(record));
    }
  }

  Status write_record(const eventlog::RecordView& record) {
    VITRINE_TRY(const Match match, persons_.match(record));
    if (match.about != About::kPerson) return ok_status();
    const auto kind = static_cast<record::RecordKind>(record.kind);
    const std::string_view body = record.payload.substr(record::kTenantBytes);
    const bool imported = kind == record::RecordKind::kImportedEvent;
    const bool is_event = imported || kind == record::RecordKind::kEvent;
    Status written;
    line(is_event ? "event" : "change", [&](codec::JsonWriter& json) {
      json.key("position").number(record.position);
      json.key("received").string(codec::format_rfc3339(record.append_time_us));
      if (kind == record::RecordKind::kVisitorStanding) {
        const auto change = conduct::decode_change(body);
        if (!change.ok()) {
          written = change.error();
          return;
        }
        json.key("visitor_standing").begin_object();
        conduct::write_change(*change, json);
        json.end_object();
        return;
      }
      if (!is_event) {
        written = person::write_record(kind, body, json);
        return;
      }
      event::Event event;
      written = event::decode_event(body, event);
      if (!written.ok()) return;
      json.key("imported").boolean(imported);
      json.key("event");
      event::write_event_json(event, json);
    });
    return written;
  }

  Result<eventlog::Position> write_answers(eventlog::Position from) {
    VITRINE_TRY(const auto oldest,
                eventlog::oldest_position(*source_.files, source_.answers_directory));
    if (from != 0 && from < oldest) from = oldest;
    return scan(source_.answers_directory, from,
                [this](const eventlog::RecordView& record) { return write_answer(record); });
  }

  Status write_answer(const eventlog::RecordView& record) {
    if (record.kind != kAnswerKind) return ok_status();
    VITRINE_TRY(const auto answer, recommend::decode_answer(record.payload));
    if (!persons_.matches_answer(answer.tenant, answer.user_id, answer.anonymous_id, 0)) {
      return ok_status();
    }
    line("answer", [&](codec::JsonWriter& json) {
      json.key("request_id").string(recommend::format_request_id(answer.request_id));
      json.key("time").string(codec::format_rfc3339(answer.now));
      json.key("placement").string(answer.placement);
      if (!answer.user_id.empty()) json.key("user_id").string(answer.user_id);
      if (!answer.anonymous_id.empty()) json.key("anonymous_id").string(answer.anonymous_id);
      json.key("items").begin_array();
      for (const auto& item : answer.items) json.string(item.item_id);
      json.end_array();
    });
    return ok_status();
  }

  const ExportSource& source_;
  const TenantId tenant_;
  const std::string_view user_id_;
  const ExportLimits limits_;
  std::vector<Hash128> keys_;
  Persons persons_;
  std::string lines_;
  std::uint64_t scanned_ = 0;
};

}  // namespace

std::vector<Hash128> keys_of_person(const apply::TenantRuntime& runtime, std::string_view user_id) {
  const Hash128 own = profile::user_key(user_id);
  std::vector<Hash128> keys;
  for (std::uint32_t at = 0;;) {
    const auto state = runtime.read();
    const auto& profiles = state->profiles();
    const UserIndex user = profiles.find_user(own);
    if (user == kNoUser) return {};
    if (keys.empty()) keys.push_back(own);
    if (profiles.merged_count() == 0) return keys;
    at = profiles.append_merged_keys(user, at, kKeysAtATime, keys);
    if (at >= profiles.user_count()) return keys;
  }
}

std::string format_cursor(const ExportCursor& cursor) {
  return (cursor.part == Part::kAnswers ? "answers-" : "log-") + std::to_string(cursor.position);
}

std::optional<ExportCursor> parse_cursor(std::string_view text) {
  ExportCursor cursor;
  for (const Part part : {Part::kLog, Part::kAnswers}) {
    const std::string_view prefix = part == Part::kLog ? "log-" : "answers-";
    if (!text.starts_with(prefix)) continue;
    text.remove_prefix(prefix.size());
    const auto [end, code] =
        std::from_chars(text.data(), text.data() + text.size(), cursor.position);
    if (code != std::errc{} || end != text.data() + text.size()) return std::nullopt;
    cursor.part = part;
    return cursor;
  }
  return std::nullopt;
}

Result<ExportPage> export_person(const ExportSource& source, TenantId tenant,
                                 std::string_view user_id, const ExportCursor& from,
                                 const ExportLimits& limits) {
  return Page(source, tenant, user_id, limits).write(from);
}

}  // namespace vitrine::privacy
