// `vitrine import items`, `vitrine import events` and `vitrine import users`.
#include <deque>
#include <filesystem>
#include <fstream>

#include "base/hash.h"
#include "domain/catalog/item_json.h"
#include "domain/event/event_json.h"
#include "domain/person/person_json.h"
#include "tool/import/import_steps.h"
#include "tool/import/row_mapper.h"

namespace vitrine::importer {
namespace {

// As the routes are called, and the report.
std::string kind_name(RowKind kind) {
  switch (kind) {
    case RowKind::kItem: return "items";
    case RowKind::kEvent: return "events";
    case RowKind::kUser: return "users";
  }
  return {};
}

// How far an import came, beside its file: the line up to which everything was answered, under a
// mark of file and options. Only a hint that saves time: what is sent again counts once anyway.
class Checkpoint {
 public:
  Checkpoint(const TableOptions& options, RowKind kind)
      : path_(options.file + ".vitrine-resume"), wanted_(options.resume && !options.dry_run) {
    std::error_code ignored;
    std::string all = options.file + " " + kind_name(kind) + " " + options.url + " " + options.key +
                      " " + std::to_string(std::filesystem::file_size(options.file, ignored));
    for (const auto* list : {&options.map.columns, &options.map.constants, &options.map.types}) {
      for (const auto& text : *list) all += "\n" + text;
    }
    mark_ = std::to_string(hash64(all));
  }
  // The line to go on behind; 0: from the start.
  std::uint64_t load() const {
    std::string mark;
    std::uint64_t line = 0;
    std::ifstream in(path_);
    return wanted_ && in >> mark >> line && mark == mark_ ? line : 0;
  }
  // Replaces the file in one step, so that a crash leaves the old or the new one.
  void save(std::uint64_t line) {
    if (!wanted_ || line <= saved_ + kLinesBetween) return;
    saved_ = line;
    const std::string next = path_ + ".new";
    std::ofstream(next, std::ios::trunc) << mark_ << " " << line << "\n";
    std::error_code ignored;
    std::filesystem::rename(next, path_, ignored);
  }
  void remove() const {
    std::error_code ignored;
    if (wanted_) std::filesystem::remove(path_, ignored);
  }

 private:
  static constexpr std::uint64_t kLinesBetween = 10'000;
  std::string path_, mark_;
  bool wanted_;
  std::uint64_t saved_ = 0;
};

// What the server would say of a row, as far as that can be said without it.
class Check {
 public:
  Check(RowKind kind, TimeUs now) : kind_(kind), now_(now) {}

  bool good(const std::string& json, std::string& why) {
    switch (kind_) {
      case RowKind::kItem: return good_item(json, why);
      case RowKind::kEvent: return good_event(json, why);
      case RowKind::kUser: return good_user(json, why);
    }
    return false;
  }

  TimeUs first_time = 0;
  TimeUs last_time = 0;
  std::uint64_t late = 0;                              // events older than the one before
  std::map<std::string, std::uint64_t> unknown_types;  // only the server knows declared ones

 private:
  static bool good_item(const std::string& json, std::string& why) {
    const auto item = catalog::parse_item(json);
    if (!item.ok()) why = catalog::to_string(item.errors);
    return item.ok();
  }
  static bool good_user(const std::string& json, std::string& why) {
    const auto user = person::parse_user(json);
    if (!user.ok()) why = catalog::to_string(user.errors);
    return user.ok();
  }
  bool good_event(const std::string& json, std::string& why) {
    if (!reader_.read(json, 0, event::EventRules::imported(now_), event_, why_)) {
      if (why_.code != event::RejectCode::kUnknownType) {
        why = std::string(event::reject_code_name(why_.code)) + ": " + why_.detail;
        return false;
      }
      if (unknown_types.size() < 20) ++unknown_types[why_.detail];
      return true;
    }
    if (event_.event_time < previous_) ++late;
    previous_ = event_.event_time;
    if (first_time == 0 || event_.event_time < first_time) first_time = event_.event_time;
    last_time = std::max(last_time, event_.event_time);
    return true;
  }

  RowKind kind_;
  TimeUs now_;
  event::EventReader reader_;
  event::Event event_;
  event::Rejection why_;
  TimeUs previous_ = std::numeric_limits<TimeUs>::min();
};

class TableImport {
 public:
  TableImport(const TableOptions& options, RowKind kind, Progress& progress)
      : options_(options),
        kind_(kind),
        progress_(progress),
        checkpoint_(options, kind),
        check_(kind, options.clock->wall_us()) {}

  Status run(std::ostream& out) {
    const std::int64_t start_ns = options_.clock->steady_ns();
    VITRINE_TRY(auto source, RowSource::open(options_.file, options_.format));
    VITRINE_TRY(auto mapper, RowMapper::for_kind(kind_, options_.map, *source));
    report_.source = options_.file;
    if (!options_.dry_run) {
      VITRINE_TRY(sender_, start_sender(options_, "/v1/" + kind_name(kind_) + ":import"));
    }
    resume_behind_ = checkpoint_.load();
    progress_.start(options_.dry_run ? "reading rows" : "sending rows", source->bytes_total(), "B");
    VITRINE_TRY(read_all(*source, mapper));
    if (sender_) {
      SendTotals& totals = kind_ == RowKind::kEvent  ? report_.events
                           : kind_ == RowKind::kUser ? report_.users
                                                     : report_.items;
      VITRINE_TRY(totals, sender_->finish(no_progress()));
    }
    progress_.finish();
    if (report_.rows == 0 && skipped_ == 0) {
      return Error(
          ErrorCode::kInvalidArgument,
          options_.file + " holds no row" +
              (kind_ == RowKind::kEvent ? ""
                                        : "; expected a JSON object a line, or CSV with a head"));
    }
    add_notes();
    if (!options_.dry_run) {
      const Status done = conclude(options_, report_, start_ns, progress_, out);
      checkpoint_.remove();
      return done;
    }
    report_.seconds = static_cast<double>(options_.clock->steady_ns() - start_ns) / 1e9;
    print_report(report_, out);
    if (report_.rows_bad == 0 || options_.allow_errors) return ok_status();
    return Error(ErrorCode::kInvalidArgument,
                 std::to_string(report_.rows_bad) + " rows would not be imported (see the report)");
  }

 private:
  Status read_all(RowSource& source, RowMapper& mapper) {
    std::string json, why;
    for (;;) {
      auto read = source.next();
      if (!read.ok()) {
        return std::move(read).error().context(options_.file + " behind line " +
                                               std::to_string(source.line_number()));
      }
      if (*read == RowRead::kEnd) return ok_status();
      progress_.update(source.bytes_done());
      if (source.line_number() <= resume_behind_) {
        ++skipped_;
        continue;
      }
      ++report_.rows;
      if (*read == RowRead::kBadRow) {
        bad(source, source.problem());
      } else if (!mapper.run(source, json, why) || !check_.good(json, why)) {
        bad(source, why);
      } else if (sender_) {
        VITRINE_TRY(sender_->add(json, source.line_number(), hash64(user_of(source))));
        note_progress(source.line_number());
      } else if (samples_.size() < kSamples) {
        samples_.push_back(json);
      }
    }
  }

  // All events of a user go one way, so that they stay in order.
  std::string user_of(RowSource& source) const {
    if (kind_ != RowKind::kEvent || options_.connections == 1) return {};
    for (const char* name : {"user_id", "anonymous_id"}) {
      std::string column = name;
      for (const auto& text : options_.map.columns) {
        if (text.starts_with(column + "=")) column = text.substr(column.size() + 1);
      }
      const auto cell = source.cell(column);
      if (!cell.text.empty()) return std::string(cell.text);
    }
    return {};
  }

  void note_progress(std::uint64_t line) {
    if (options_.connections != 1) return;  // answers then come in no order
    under_way_.push_back(line);
    const std::uint64_t answered = sender_->answered();
    if (answered == taken_off_) return;
    std::uint64_t last = 0;
    for (; taken_off_ < answered && !under_way_.empty(); ++taken_off_) {
      last = under_way_.front();
      under_way_.pop_front();
    }
    checkpoint_.save(last);
  }

  void bad(const RowSource& source, const std::string& why) {
    if (report_.rows_bad++ < kBadRowsKept) report_.bad_rows.push_back({source.line_number(), why});
  }

  void add_notes() {
    report_.first_time = check_.first_time;
    report_.last_time = check_.last_time;
    if (skipped_ > 0) report_.skipped["sent before, as the resume file says"] = skipped_;
    if (check_.late > 0) {
      report_.notes.push_back(
          std::to_string(check_.late) +
          " events are older than the one before them: what follows what is learned best from a "
          "file in the order of time");
    }
    for (const auto& [detail, count] : check_.unknown_types) {
      if (options_.dry_run) {
        report_.notes.push_back(std::to_string(count) + " rows: " + detail +
                                "; map it with --type, or declare it");
      }
    }
    if (options_.dry_run) report_.notes.push_back("nothing was sent; the first rows would be");
    for (const std::string& sample : samples_) report_.notes.push_back(sample);
  }

  static constexpr std::size_t kSamples = 3;
  const TableOptions& options_;
  const RowKind kind_;
  Progress& progress_;
  Checkpoint checkpoint_;
  Check check_;
  ImportReport report_;
  std::unique_ptr<BatchSender> sender_;
  std::vector<std::string> samples_;
  std::deque<std::uint64_t> under_way_;  // lines added and not known to be answered
  std::uint64_t taken_off_ = 0;
  std::uint64_t resume_behind_ = 0;
  std::uint64_t skipped_ = 0;
};

}  // namespace

Status run_import_items(const TableOptions& options, Progress& progress, std::ostream& out) {
  return TableImport(options, RowKind::kItem, progress).run(out);
}

Status run_import_events(const TableOptions& options, Progress& progress, std::ostream& out) {
  return TableImport(options, RowKind::kEvent, progress).run(out);
}

Status run_import_users(const TableOptions& options, Progress& progress, std::ostream& out) {
  return TableImport(options, RowKind::kUser, progress).run(out);
}

}  // namespace vitrine::importer
