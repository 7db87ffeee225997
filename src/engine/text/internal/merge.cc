#include "engine/text/internal/merge.h"

#include <algorithm>
#include <numeric>

#include "base/bytes.h"
#include "engine/text/internal/combination_table.h"
#include "engine/text/internal/list_view.h"
#include "engine/text/internal/segment_impl.h"
#include "engine/text/internal/segment_writer.h"

namespace vitrine::text::internal {
namespace {

constexpr std::uint32_t kGone = 0xFFFFFFFFu;

// One segment on its way into the merged one.
struct Source {
  const Segment::Impl* segment;
  std::vector<std::uint32_t> new_number;  // of each local number, or kGone
  std::vector<std::uint32_t> new_combination;
  std::unique_ptr<TermCursor> cursor;
  bool more = false;
};

struct Merger {
  Schema schema;
  std::vector<Source> sources;
  bool several = false;

  // Scratch of one term.
  std::vector<RawPosting> postings, decoded;
  std::vector<std::string_view> places;  // positions of each posting, with their length in front
  std::vector<std::uint32_t> order;

  void number_documents(std::span<const Snapshot::Part> parts, std::span<const DocumentId> wanted,
                        DocumentTable& table);
  void count_combinations(DocumentTable& table);
  void add_source_term(Source& source);
  void write_term(std::string_view term, SegmentWriter& writer);
};

void Merger::number_documents(std::span<const Snapshot::Part> parts,
                              std::span<const DocumentId> wanted, DocumentTable& table) {
  struct Origin {
    DocumentId id;
    std::uint32_t source, local;
  };
  std::vector<Origin> kept;
  const std::size_t fields = schema.fields.size();
  table.tokens.assign(fields, 0);
  for (std::uint32_t p = 0; p < parts.size(); ++p) {
    const Segment::Impl& s = parts[p].segment->impl();
    sources[p].new_number.assign(s.meta.documents, kGone);
    for (std::size_t f = 0; f < fields; ++f) table.tokens[f] += s.meta.tokens[f];
    for (std::uint32_t d = 0; d < s.meta.documents; ++d) {
      const bool gone =
          parts[p].removed_count > 0 && ((*parts[p].removed)[d / 64] >> (d % 64) & 1) != 0;
      if (!gone) {
        kept.push_back({s.id(d), p, d});
        continue;
      }
      for (std::size_t f = 0; f < fields; ++f)
        table.tokens[f] -=
            std::min<std::uint64_t>(table.tokens[f], parts[p].segment->field_length(d, f));
    }
  }
  std::sort(kept.begin(), kept.end(), [](const Origin& a, const Origin& b) { return a.id < b.id; });
  if (!wanted.empty()) {
    std::vector<Origin> ordered;
    for (const DocumentId id : wanted) {
      const auto at = std::lower_bound(kept.begin(), kept.end(), id,
                                       [](const Origin& o, DocumentId v) { return o.id < v; });
      if (at != kept.end() && at->id == id) ordered.push_back(*at);
    }
    if (ordered.size() == kept.size()) kept.swap(ordered);
  }
  table.lengths.resize(fields * kept.size());
  for (std::uint32_t n = 0; n < kept.size(); ++n) {
    table.ids.push_back(kept[n].id);
    const Segment::Impl& s = *sources[kept[n].source].segment;
    sources[kept[n].source].new_number[kept[n].local] = n;
    for (std::size_t f = 0; f < fields; ++f)
      table.lengths[f * kept.size() + n] = s.scoring.lengths[f * s.meta.documents + kept[n].local];
  }
}

void Merger::count_combinations(DocumentTable& table) {
  several = schema.fields.size() > 1;
  if (!several) return;
  CombinationTable combinations;
  for (Source& source : sources) {
    const Scoring& scoring = source.segment->scoring;
    const std::string_view bytes = source.segment->section(SectionKind::kCombinations);
    for (std::uint32_t c = 0; c < scoring.combination_count; ++c) {
      const auto count =
          load<std::uint64_t>(bytes.data() + 8ull * scoring.combination_count + 8ull * c);
      source.new_combination.push_back(combinations.number_of(scoring.combinations[c], count));
    }
  }
  const std::vector<std::uint32_t> renumbered = combinations.finish(table);
  for (Source& source : sources)
    for (std::uint32_t& c : source.new_combination) c = renumbered[c];
}

// Appends the source's postings of the term its cursor is on.
void Merger::add_source_term(Source& source) {
  const TermEntry& entry = source.cursor->entry();
  decode_list(entry.postings, entry.frequency, source.segment->meta.documents, decoded);
  ByteReader r(entry.positions);
  if (schema.positions) r.raw(4ull * ((entry.frequency + kPositionsStep - 1) / kPositionsStep));
  for (const RawPosting& p : decoded) {
    std::string_view place;
    if (schema.positions) {
      const std::size_t before = r.remaining();
      r.raw(r.varint());
      place = entry.positions.substr(entry.positions.size() - before, before - r.remaining());
    }
    const std::uint32_t number = source.new_number[p.document];
    if (number == kGone) continue;
    postings.push_back({number, several ? source.new_combination[p.combination] : p.combination});
    places.push_back(place);
  }
}

void Merger::write_term(std::string_view term, SegmentWriter& writer) {
  if (postings.empty()) return;
  order.resize(postings.size());
  std::iota(order.begin(), order.end(), 0u);
  const auto before = [this](std::uint32_t a, std::uint32_t b) {
    return postings[a].document < postings[b].document;
  };
  if (!std::is_sorted(order.begin(), order.end(), before))
    std::sort(order.begin(), order.end(), before);
  std::vector<RawPosting> sorted;
  std::string positions;
  std::vector<std::uint32_t> ends;
  for (const std::uint32_t i : order) {
    sorted.push_back(postings[i]);
    if (!schema.positions) continue;
    positions += places[i];
    ends.push_back(static_cast<std::uint32_t>(positions.size()));
  }
  writer.add_term(term, sorted, positions, ends);
  postings.clear();
  places.clear();
}

}  // namespace

std::string merge_parts(const Schema& schema, std::span<const Snapshot::Part> parts,
                        std::span<const float> reference_average, std::span<const DocumentId> order,
                        Progress& progress) {
  Merger merger;
  merger.schema = schema;
  std::uint64_t postings_total = 0, done = 0;
  for (const Snapshot::Part& part : parts) {
    Source source;
    source.segment = &part.segment->impl();
    postings_total += source.segment->meta.postings;
    merger.sources.push_back(std::move(source));
  }
  DocumentTable table;
  merger.number_documents(parts, order, table);
  merger.count_combinations(table);
  table.average.assign(reference_average.begin(), reference_average.end());
  if (table.average.empty()) table.average = average_lengths(table.tokens, table.ids.size());
  SegmentWriter writer(schema, std::move(table));
  for (Source& source : merger.sources) {
    source.cursor = std::make_unique<TermCursor>(*source.segment, 0);
    source.more = source.cursor->next();
  }
  progress.start("merging", postings_total, "postings");
  std::string term;
  for (;;) {
    bool any = false;
    for (const Source& source : merger.sources)
      if (source.more && (!any || source.cursor->text() < term)) {
        term = source.cursor->text();
        any = true;
      }
    if (!any) break;
    for (Source& source : merger.sources) {
      if (!source.more || source.cursor->text() != term) continue;
      done += source.cursor->entry().frequency;
      merger.add_source_term(source);
      source.more = source.cursor->next();
    }
    merger.write_term(term, writer);
    progress.update(done);
  }
  progress.finish();
  return writer.finish();
}

}  // namespace vitrine::text::internal
