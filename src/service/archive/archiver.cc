#include "service/archive/archiver.h"

#include <map>

#include <sodium.h>

#include "domain/record/record.h"
#include "engine/blob/seal.h"
#include "platform/codec/time_format.h"

namespace vitrine::archive {
namespace {

constexpr std::uint64_t kObjectBytesMax = 1ull << 30;

// A running writer says what is durable; where none has run, every whole frame is.
Result<std::unique_ptr<eventlog::Reader>> open_reader(const ArchiveOptions& options,
                                                      eventlog::Position from) {
  auto reader = eventlog::Reader::open(*options.files, options.log_directory, from);
  if (!reader.ok() && reader.error().code() == ErrorCode::kUnavailable) {
    reader = eventlog::Reader::open(*options.files, options.log_directory, from,
                                    eventlog::ReadScope::kWholeFrames);
  }
  if (!reader.ok() && reader.error().code() == ErrorCode::kGone) {
    return std::move(reader).error().context("records were dropped before they were archived");
  }
  return reader;
}

Status write_line(const ArchiveOptions& options, const eventlog::RecordView& record,
                  std::uint32_t tenant, std::string& line) {
  line.clear();
  codec::JsonWriter json(line);
  json.begin_object();
  json.key("tenant").number(tenant);
  json.key("position").number(record.position);
  json.key("time").string(codec::format_rfc3339(record.append_time_us));
  json.key("kind").number(record.kind);
  Status printed = options.print(record, json);
  if (!printed.ok()) {
    return std::move(printed).error().context("record " + std::to_string(record.position));
  }
  json.end_object();
  json.newline();
  json.finish();
  return ok_status();
}

// Puts the object, or makes sure that the one which is there says the same. Fills sizes and hashes.
Status put_object(const ArchiveOptions& options, Rendered::Part& part) {
  ArchivedObject& object = part.object;
  const std::string key = object_key(options.log, object);
  VITRINE_TRY(std::string packed, blob::compress(part.text, options.level));
  VITRINE_TRY(const auto put, options.store->put(key, packed));
  if (put == blob::Put::kExisted) {
    // Of a run that was killed. Another version of the compressor may have made other bytes of the
    // same text; what is there counts.
    VITRINE_TRY(packed, options.store->get(key, kObjectBytesMax));
    const auto text = blob::decompress(packed, part.text.size());
    if (!text.ok() || text.value() != part.text) {
      return Error(ErrorCode::kCorrupt,
                   key + " is there with other contents than the log; remove it if it is damaged");
    }
  }
  object.raw_bytes = part.text.size();
  object.raw_hash = content_hash(part.text);
  object.bytes = packed.size();
  object.hash = content_hash(packed);
  return ok_status();
}

class Run {
 public:
  explicit Run(const ArchiveOptions& options) : options_(options), store_(*options.store) {}

  Result<ArchiveReport> run(Progress& progress) {
    if (sodium_init() < 0) return Error(ErrorCode::kInternal, "libsodium does not start");
    VITRINE_TRY(const bool exists, options_.files->exists(options_.log_directory));
    if (!exists) return report_;
    VITRINE_TRY(find_end());
    progress.start("archiving " + options_.log, 0, "records");
    while (options_.stop == nullptr || !*options_.stop) {
      VITRINE_TRY(const bool more, next_batch());
      if (!more) break;
      progress.update(report_.records);
    }
    progress.finish();
    return report_;
  }

 private:
  Status find_end() {
    VITRINE_TRY(const auto manifests, store_.list(manifest_prefix(options_.log)));
    // What is built upon has to last.
    VITRINE_TRY(store_.settle());
    if (manifests.empty()) return ok_status();
    VITRINE_TRY(const auto range, parse_manifest_key(manifests.back().key));
    VITRINE_TRY(const std::string last, store_.get(manifests.back().key, kArchiveManifestBytesMax));
    previous_ = content_hash(last);
    report_.archived = range.last;
    return ok_status();
  }

  // The plan of the batch that begins at `first`; nothing where there is none yet.
  Result<eventlog::PositionRange> existing_plan(eventlog::Position first) {
    const std::string key = plan_key(options_.log, first);
    VITRINE_TRY(const bool exists, store_.exists(key));
    if (!exists) return eventlog::PositionRange{};
    VITRINE_TRY(const std::string text, store_.get(key, 4096));
    auto plan = decode_plan(text);
    if (!plan.ok()) return std::move(plan).error().context(key);
    if (plan->first == first) return plan;
    return Error(ErrorCode::kCorrupt, key + ": is another batch's plan");
  }

  Result<Rendered> plan_and_render() {
    eventlog::PositionRange range{report_.archived + 1, 0};
    if (report_.archived == 0) {
      // An archive may begin in the middle of a log's life.
      auto oldest = eventlog::oldest_position(*options_.files, options_.log_directory);
      if (!oldest.ok() && oldest.error().code() == ErrorCode::kNotFound) return Rendered{};
      VITRINE_TRY(range.first, std::move(oldest));
    }
    VITRINE_TRY(const auto planned, existing_plan(range.first));
    if (planned.last > 0) return render_batch(options_, planned);
    VITRINE_TRY(Rendered rendered, render_batch(options_, range));
    if (rendered.parts.empty()) return rendered;
    VITRINE_TRY(const auto put, store_.put(plan_key(options_.log, rendered.range.first),
                                           encode_plan(rendered.range)));
    if (put == blob::Put::kStored) return rendered;
    // Somebody else was quicker: his batch it is.
    VITRINE_TRY(const auto theirs, existing_plan(rendered.range.first));
    return render_batch(options_, theirs);
  }

  Result<bool> next_batch() {
    VITRINE_TRY(Rendered rendered, plan_and_render());
    if (rendered.parts.empty()) return false;
    ArchiveManifest manifest{options_.log, rendered.range, previous_, {}};
    for (auto& part : rendered.parts) {
      VITRINE_TRY(put_object(options_, part));
      manifest.objects.push_back(part.object);
      report_.records += part.object.records;
      report_.raw_bytes += part.object.raw_bytes;
      report_.bytes += part.object.bytes;
    }
    const std::string text = encode_archive_manifest(manifest);
    VITRINE_TRY(const auto put, store_.put(manifest_key(manifest), text));
    previous_ = content_hash(text);
    if (put == blob::Put::kExisted) {
      VITRINE_TRY(const std::string there,
                  store_.get(manifest_key(manifest), kArchiveManifestBytesMax));
      previous_ = content_hash(there);
    }
    ++report_.batches;
    report_.objects += manifest.objects.size();
    report_.archived = rendered.range.last;
    return true;
  }

  const ArchiveOptions& options_;
  blob::ObjectStore& store_;
  std::string previous_;
  ArchiveReport report_;
};

}  // namespace

Result<Rendered> render_batch(const ArchiveOptions& options, eventlog::PositionRange range) {
  VITRINE_TRY(const auto reader, open_reader(options, range.first));
  std::map<std::pair<std::uint32_t, std::string>, Rendered::Part> parts;
  Rendered rendered{{range.first, range.first - 1}, {}};
  eventlog::RecordView record;
  std::string line;
  std::uint64_t bytes = 0;
  while (range.last == 0 || rendered.range.last < range.last) {
    VITRINE_TRY(const auto end, reader->next(record));
    if (end == eventlog::ReadEnd::kEndOfLog) {
      if (range.last == 0) break;
      return Error(ErrorCode::kCorrupt, "the log ends at position " +
                                            std::to_string(rendered.range.last) +
                                            ", a batch up to " + std::to_string(range.last) +
                                            " was begun: it is another log's archive");
    }
    ByteReader in(record.payload);
    const std::uint32_t tenant = record::read_tenant(in).value;
    if (!in.ok()) {
      return Error(ErrorCode::kCorrupt,
                   "record " + std::to_string(record.position) + " names no tenant");
    }
    std::string date = codec::format_rfc3339(record.append_time_us).substr(0, 10);
    auto& part = parts[{tenant, std::move(date)}];
    VITRINE_TRY(write_line(options, record, tenant, line));
    part.text += line;
    bytes += line.size();
    if (part.object.records++ == 0) part.object.range.first = record.position;
    part.object.range.last = record.position;
    rendered.range.last = record.position;
    if (range.last > 0) continue;
    const std::uint64_t records = record.position - range.first + 1;
    if (records >= options.batch_records || bytes >= options.batch_bytes) break;
  }
  for (auto& [name, part] : parts) {
    part.object.tenant = name.first;
    part.object.date = name.second;
    rendered.parts.push_back(std::move(part));
  }
  return rendered;
}

Result<ArchiveReport> archive_log(const ArchiveOptions& options, Progress& progress) {
  return Run(options).run(progress);
}

}  // namespace vitrine::archive
