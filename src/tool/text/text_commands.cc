#include "tool/text/text_commands.h"

#include <algorithm>
#include <charconv>
#include <iomanip>
#include <sstream>

#include <sys/resource.h>

#include "base/clock.h"
#include "engine/text/analyser.h"
#include "engine/text/cost_model.h"
#include "engine/text/index.h"
#include "engine/text/query_parser.h"
#include "engine/text/search.h"
#include "platform/codec/line_reader.h"
#include "tool/text/document_lines.h"
#include "tool/text/opened_index.h"

namespace vitrine::text_tool {
namespace {

Result<std::vector<text::FieldSpec>> parse_fields(const std::string& list) {
  std::vector<text::FieldSpec> fields;
  std::istringstream in(list);
  for (std::string item; std::getline(in, item, ',');) {
    text::FieldSpec field;
    const std::size_t colon = item.find(':');
    field.name = item.substr(0, colon);
    if (colon != std::string::npos) {
      const char* end = item.data() + item.size();
      const auto parsed = std::from_chars(item.data() + colon + 1, end, field.weight);
      if (parsed.ec != std::errc() || parsed.ptr != end)
        return Error(ErrorCode::kInvalidArgument, "--fields: '" + item + "' is not name:weight");
    }
    fields.push_back(std::move(field));
  }
  return fields;
}

// What was typed, in the language of query_parser.h or as words alone.
template <class Options>
Result<text::Query> query_of(const Opened& o, std::string_view typed, const Options& options) {
  if (options.plain) return o.analyser->query_for(typed, !options.any_word);
  return text::parse_query(typed, *o.analyser, o.index->schema(), {.all_words = !options.any_word});
}

Status add_document(text::Index& index, const text::Analyser& analyser,
                    const DocumentLine& document) {
  const std::size_t fields = document.texts.size();
  std::vector<std::vector<text::AnalysedTerm>> terms(fields);
  std::vector<std::vector<text::Token>> tokens(fields);
  std::vector<text::FieldTokens> parts;
  for (std::uint8_t f = 0; f < fields; ++f) {
    analyser.analyse(document.texts[f], terms[f]);
    for (const text::AnalysedTerm& t : terms[f]) tokens[f].push_back({t.text, t.position});
    parts.push_back({f, tokens[f]});
  }
  return index.add(document.id, parts);
}

template <class Fn>
Status each_query(const std::string& path, Progress& progress, std::string_view phase, Fn fn) {
  VITRINE_TRY(auto input, codec::open_input_file(path));
  codec::LineReader reader(std::move(input));
  progress.start(phase, reader.input().bytes_total(), "B");
  for (std::string_view line;;) {
    VITRINE_TRY(const codec::LineRead read, reader.next(line));
    if (read == codec::LineRead::kEnd) break;
    if (read == codec::LineRead::kTooLong || line.empty()) continue;
    Status done = fn(line);
    if (!done.ok())
      return std::move(done).error().context(path + ":" + std::to_string(reader.line_number()));
    progress.update(reader.input().bytes_done());
  }
  progress.finish();
  return ok_status();
}

}  // namespace

Status run_build(io::FileSystem& files, const BuildOptions& options, Progress& progress,
                 std::ostream& out) {
  text::AnalyserOptions analysis;
  analysis.language = options.language;
  analysis.stop_words = options.stop_words;
  VITRINE_TRY(auto analyser, text::Analyser::make(analysis));
  text::Schema schema;
  VITRINE_TRY(schema.fields, parse_fields(options.fields));
  schema.positions = options.positions;
  schema.analyser = analyser->fingerprint();
  VITRINE_TRY(auto input, codec::open_input_file(options.input));
  VITRINE_TRY(auto index,
              text::Index::open(files, options.directory, schema, {.reorder = options.reorder}));
  if (index->info().documents > 0)
    return Error(ErrorCode::kConflict,
                 options.directory + " holds an index already: remove it first");
  codec::LineReader reader(std::move(input));
  DocumentLineReader documents(schema.fields, named_json(options.input), options.first_is_id);
  DocumentLine document;
  progress.start("indexing", reader.input().bytes_total(), "B");
  for (std::string_view line;;) {
    VITRINE_TRY(const codec::LineRead read, reader.next(line));
    if (read == codec::LineRead::kEnd) break;
    if (read == codec::LineRead::kTooLong)
      return Error(
          ErrorCode::kTooLarge,
          options.input + ":" + std::to_string(reader.line_number()) + ": a line above 1 MiB");
    Status added = documents.read(line, codec::LineReader::kReadableBehind,
                                  reader.line_number() - 1, document);
    if (added.ok()) added = add_document(*index, *analyser, document);
    if (!added.ok())
      return std::move(added).error().context(options.input + ":" +
                                              std::to_string(reader.line_number()));
    progress.update(reader.input().bytes_done());
  }
  progress.finish();
  VITRINE_TRY(index->compact(progress));
  VITRINE_TRY(index->flush());
  const std::string saved = options.language + " " + (options.stop_words ? "1" : "0") + "\n";
  VITRINE_TRY(auto file,
              files.open(io::join_path(options.directory, kAnalyserFile), io::OpenMode::kCreate));
  VITRINE_TRY(file->truncate(0));
  VITRINE_TRY(file->write_at(0, saved));
  VITRINE_TRY(file->sync_data());
  const text::Index::Info info = index->info();
  out << info.documents << " documents, " << human_bytes(static_cast<double>(info.bytes)) << " in "
      << options.directory << "\n";
  return ok_status();
}

Status run_search(io::FileSystem& files, const SearchOptions& options, bool json,
                  std::ostream& out) {
  VITRINE_TRY(const Opened o, open_index(files, options.directory));
  VITRINE_TRY(const text::Query query, query_of(o, options.query, options));
  text::Searcher searcher;
  text::SearchOptions wanted;
  wanted.k = options.k;
  wanted.exact_count = options.count;
  text::SearchResult result;
  VITRINE_TRY(searcher.search(*o.snapshot, query, wanted, result));
  if (json) {
    out << "{\"query\":" << json_text(to_string(query)) << ",\"count\":" << result.count
        << ",\"hits\":[";
    for (std::size_t i = 0; i < result.hits.size(); ++i)
      out << (i > 0 ? "," : "") << "{\"id\":" << result.hits[i].id
          << ",\"score\":" << result.hits[i].score << "}";
    out << "]}\n";
    return ok_status();
  }
  out << to_string(query) << "\n";
  for (const text::Hit& hit : result.hits) {
    out << std::setw(10) << hit.id << "  " << hit.score << "\n";
    if (!options.explain) continue;
    VITRINE_TRY(const auto parts, searcher.explain(*o.snapshot, query, hit.id));
    for (const auto& part : parts)
      out << "            " << part.what << ": " << part.score << " = idf " << part.idf << " * "
          << part.saturation << "\n";
  }
  out << (options.count ? "matches: " : "shown: ") << result.count << "; read "
      << result.stats.postings_touched << " of " << result.stats.postings_total << " postings\n";
  return ok_status();
}

Status run_bench(io::FileSystem& files, const LogOptions& options, bool json, Progress& progress,
                 std::ostream& out) {
  VITRINE_TRY(const Opened o, open_index(files, options.directory));
  text::Searcher searcher;
  text::SearchOptions wanted;
  wanted.k = options.k;
  text::SearchResult result;
  std::vector<double> us;
  rusage before{};
  getrusage(RUSAGE_THREAD, &before);
  const Status walked =
      each_query(options.queries, progress, "searching", [&](std::string_view line) -> Status {
        const std::int64_t begin = system_clock().steady_ns();
        VITRINE_TRY(const text::Query query, query_of(o, line, options));
        VITRINE_TRY(searcher.search(*o.snapshot, query, wanted, result));
        us.push_back(static_cast<double>(system_clock().steady_ns() - begin) * 1e-3);
        return ok_status();
      });
  if (!walked.ok()) return walked;
  if (us.empty()) return Error(ErrorCode::kInvalidArgument, options.queries + ": no queries");
  double sum = 0;
  for (const double v : us) sum += v;
  std::sort(us.begin(), us.end());
  const auto at = [&](double share) {
    return us[static_cast<std::size_t>(share * static_cast<double>(us.size() - 1))];
  };
  const double mean = sum / static_cast<double>(us.size());
  rusage after{};
  getrusage(RUSAGE_THREAD, &after);
  // Parts of the mapped files that were not in memory.
  const auto reads =
      static_cast<double>(after.ru_majflt - before.ru_majflt) / static_cast<double>(us.size());
  if (json)
    out << "{\"queries\":" << us.size() << ",\"mean_us\":" << mean << ",\"p50_us\":" << at(0.5)
        << ",\"p99_us\":" << at(0.99) << ",\"disk_reads\":" << reads << "}\n";
  else
    out << us.size() << " queries, k=" << options.k << ": mean " << mean << " us, p50 " << at(0.5)
        << " us, p99 " << at(0.99) << " us, " << human_count(1e6 / mean) << "/s on one thread, "
        << reads << " reads from disk a query\n";
  return ok_status();
}

Status run_model(io::FileSystem& files, const LogOptions& options, bool json, Progress& progress,
                 std::ostream& out) {
  VITRINE_TRY(const Opened o, open_index(files, options.directory));
  text::Searcher searcher;
  text::QueryCost total;
  std::uint64_t queries = 0;
  const Status walked =
      each_query(options.queries, progress, "modelling", [&](std::string_view line) -> Status {
        VITRINE_TRY(const text::Query query, query_of(o, line, options));
        VITRINE_TRY(const text::QueryCost cost,
                    text::model_query(*o.snapshot, query, options.k, searcher));
        total.everything.add(cost.everything);
        total.early.add(cost.early);
        ++queries;
        return ok_status();
      });
  if (!walked.ok()) return walked;
  if (queries == 0) return Error(ErrorCode::kInvalidArgument, options.queries + ": no queries");
  std::vector<text::Medium> media = text::published_media();
  if (options.bandwidth > 0)
    media.push_back({"given", options.bandwidth, options.latency_ns * 1e-9, 8});
  const auto n = static_cast<double>(queries);
  const auto each = [n](std::uint64_t v) { return static_cast<double>(v) / n; };
  if (json)
    out << "{\"queries\":" << queries << ",\"blocks\":" << each(total.everything.blocks)
        << ",\"bytes\":" << each(total.everything.bytes)
        << ",\"early_blocks\":" << each(total.early.blocks)
        << ",\"early_bytes\":" << each(total.early.bytes) << ",\"media\":[";
  else
    out << "model, per query of " << queries << " (nothing cached):\n"
        << "                       whole lists   early termination\n"
        << "  blocks        " << std::setw(18) << each(total.everything.blocks) << std::setw(20)
        << each(total.early.blocks) << "\n"
        << "  bytes         " << std::setw(18) << each(total.everything.bytes) << std::setw(20)
        << each(total.early.bytes) << "\n";
  static constexpr const char* kCodecs[] = {"varints", "elias-fano", "packed", "windowed"};
  for (std::size_t c = 0; c < std::size(kCodecs) && !json; ++c)
    out << "    " << std::left << std::setw(12) << kCodecs[c] << std::right << std::setw(18)
        << each(total.everything.bytes_by_codec[c]) << std::setw(20)
        << each(total.early.bytes_by_codec[c]) << "\n";
  for (std::size_t m = 0; m < media.size(); ++m) {
    const double whole = total.everything.seconds(media[m]) / n * 1e6,
                 early = total.early.seconds(media[m]) / n * 1e6;
    if (json)
      out << (m > 0 ? "," : "") << "{\"name\":" << json_text(media[m].name) << ",\"us\":" << whole
          << ",\"early_us\":" << early << "}";
    else
      out << "  us on " << std::left << std::setw(22) << media[m].name << std::right << std::setw(6)
          << whole << std::setw(20) << early << "\n";
  }
  if (json) out << "]}\n";
  return ok_status();
}

}  // namespace vitrine::text_tool
