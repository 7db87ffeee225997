// Snapshot and digest of Conduct: version (u32), settings as JSON, what is usual, counts, the push
// guard, then the lists of rows from the oldest to the newest.
#include <algorithm>

#include "domain/conduct/conduct.h"
#include "platform/codec/utf8.h"

namespace vitrine::conduct {
namespace {

constexpr std::uint32_t kVersion = 1;

Error corrupt(std::string_view what) {
  return Error(ErrorCode::kCorrupt, "conduct: " + std::string(what));
}

bool plausible(const Contribution& c, std::size_t queries, std::uint32_t items) {
  // A gap's bucket is engine/repeat's; its count is below this.
  constexpr std::uint8_t kRepeatMost = Contribution::kAgain + 31;
  return (c.item == kNoItem || c.item.value < items) &&
         event::is_event_type(static_cast<std::uint8_t>(c.type)) && c.bits < 8 &&
         c.repeat <= kRepeatMost && c.query <= queries && c.zero == 0 &&
         (c.item != kNoItem || c.query != 0) && c.change >= -10 && c.change <= 10;
}

}  // namespace

void Conduct::save_row(Sink& sink, const Row& row) const {
  sink.value(row.user.value);
  sink.value(row.last);
  sink.value(row.linked);
  sink.value(row.only_item.value);
  sink.value(static_cast<std::uint8_t>(row.standing));
  sink.value<std::uint8_t>(row.details ? 1 : 0);
  sink.value(row.habits);
  if (row.details) {
    sink.value<std::uint64_t>(row.details->queries.size());
    for (const std::string& query : row.details->queries) sink.string(query);
    const Flag& flag = row.details->flag;
    sink.value(static_cast<std::uint8_t>(flag.reason));
    sink.value(flag.found);
    sink.value(flag.bound);
    sink.value(flag.position);
    sink.value(flag.since);
    sink.value(flag.events);
    sink.value<std::uint8_t>(flag.anonymous ? 1 : 0);
    sink.string(flag.id);
    sink.string(flag.note);
  }
  sink.value<std::uint64_t>(row.contributions.size());
  sink.write({reinterpret_cast<const char*>(row.contributions.data()),
              row.contributions.size() * sizeof(Contribution)});
}

void Conduct::save(Sink& sink) const {
  sink.value(kVersion);
  sink.string(print_settings(settings_));
  sink.value(usual_);
  sink.value(counts_);
  pushes_.save(sink);
  for (const List& list : lists_) {
    sink.value<std::uint64_t>(list.rows);
    for (std::uint32_t at = list.oldest; at != kNoRow; at = rows_[at].newer) {
      save_row(sink, rows_[at]);
    }
  }
}

void Conduct::clear() { *this = Conduct(options_); }

Status Conduct::load(Source& source, std::uint32_t users, std::uint32_t items) {
  clear();
  Status loaded = load_all(source, users, items);
  if (!loaded.ok()) clear();
  return loaded;
}

Status Conduct::load_all(Source& source, std::uint32_t users, std::uint32_t items) {
  std::uint32_t version = 0;
  VITRINE_TRY(source.value(version));
  if (version != kVersion) {
    return Error(ErrorCode::kUnsupported, "conduct: version " + std::to_string(version) +
                                              ", this build knows " + std::to_string(kVersion));
  }
  std::string settings;
  VITRINE_TRY(source.string(settings));
  VITRINE_TRY(settings_, parse_settings(settings));
  VITRINE_TRY(source.value(usual_));
  VITRINE_TRY(source.value(counts_));
  VITRINE_TRY(pushes_.load(source, users));
  for (int list = 0; list < kLists; ++list) {
    std::uint64_t rows = 0;
    VITRINE_TRY(source.value(rows));
    if (rows > source.remaining() / sizeof(Habits)) return corrupt("more rows than bytes");
    const std::uint32_t before = lists_[list].rows;
    for (std::uint64_t n = 0; n < rows; ++n) VITRINE_TRY(load_row(source, users, items));
    if (lists_[list].rows - before != rows) return corrupt("a row stands in the wrong list");
  }
  return ok_status();
}

Status Conduct::load_row(Source& source, std::uint32_t users, std::uint32_t items) {
  UserIndex user;
  std::uint32_t last = 0, linked = 0;
  ItemIndex only_item;
  std::uint8_t standing = 0, has_details = 0;
  VITRINE_TRY(source.value(user.value));
  VITRINE_TRY(source.value(last));
  VITRINE_TRY(source.value(linked));
  VITRINE_TRY(source.value(only_item.value));
  VITRINE_TRY(source.value(standing));
  VITRINE_TRY(source.value(has_details));
  if (user.value >= users || find(user) != nullptr) return corrupt("no such visitor");
  if (standing > static_cast<std::uint8_t>(Standing::kTrusted) || has_details > 1)
    return corrupt("a standing that this build does not know");
  if (stays(static_cast<Standing>(standing)) && has_details == 0)
    return corrupt("a flagged visitor without a reason");
  if (only_item != kNoItem && only_item.value >= items) return corrupt("no such item");
  Row row;
  VITRINE_TRY(source.value(row.habits));
  if (!row.habits.plausible()) return corrupt("habits that nobody has");
  if (has_details == 1) {
    Details& details = details_of(row);
    std::uint64_t queries = 0;
    VITRINE_TRY(source.value(queries));
    if (queries > kQueriesMost) return corrupt("too many queries");
    details.queries.resize(queries);
    for (std::string& query : details.queries) {
      VITRINE_TRY(source.string(query));
      if (query.empty() || query.size() > event::kObjectBytesMax) return corrupt("a query's size");
    }
    Flag& flag = details.flag;
    std::uint8_t reason = 0, anonymous = 0;
    VITRINE_TRY(source.value(reason));
    VITRINE_TRY(source.value(flag.found));
    VITRINE_TRY(source.value(flag.bound));
    VITRINE_TRY(source.value(flag.position));
    VITRINE_TRY(source.value(flag.since));
    VITRINE_TRY(source.value(flag.events));
    VITRINE_TRY(source.value(anonymous));
    VITRINE_TRY(source.string(flag.id));
    VITRINE_TRY(source.string(flag.note));
    flag.reason = static_cast<Reason>(reason);
    flag.anonymous = anonymous == 1;
    if (reason >= kReasons || anonymous > 1 || flag.id.size() > event::kIdBytesMax ||
        flag.note.size() > kNoteBytesMax || !codec::is_valid_utf8(flag.id) ||
        !codec::is_valid_utf8(flag.note)) {
      return corrupt("a flag that makes no sense");
    }
  }
  std::vector<Contribution> contributions;
  VITRINE_TRY(source.array(contributions));
  if (contributions.size() > kContributionsMost) return corrupt("too many contributions");
  const std::size_t queries = row.details ? row.details->queries.size() : 0;
  for (const Contribution& c : contributions) {
    if (!plausible(c, queries, items)) return corrupt("a contribution that makes no sense");
  }
  Row& own = ensure(user);
  own.habits = row.habits;
  own.details = std::move(row.details);
  own.last = last;
  own.only_item = only_item;
  contributions_ += contributions.size();
  own.contributions = std::move(contributions);
  change_standing(own, static_cast<Standing>(standing));
  own.linked = linked;
  return ok_status();
}

}  // namespace vitrine::conduct
