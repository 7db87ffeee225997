#include "engine/text/internal/segment_writer.h"

#include <algorithm>
#include <cstring>
#include <functional>

#include "base/bytes.h"
#include "base/check.h"
#include "engine/text/internal/dictionary.h"
#include "engine/text/segment.h"
#include "platform/codec/crc32c.h"

namespace vitrine::text::internal {

struct SegmentWriter::State {
  Meta meta;
  DocumentTable documents;
  std::vector<float> inverse;
  Classes classes;
  Scoring scoring;
  std::unique_ptr<ListEncoder> encoder;
  std::string terms, blocks, postings, positions;
  std::string previous;
};

SegmentWriter::SegmentWriter(Schema schema, DocumentTable documents)
    : state_(std::make_unique<State>()) {
  State& s = *state_;
  s.documents = std::move(documents);
  s.meta.schema = std::move(schema);
  const auto n = static_cast<std::uint32_t>(s.documents.ids.size());
  const auto fields = static_cast<std::uint32_t>(s.meta.schema.fields.size());
  s.meta.documents = n;
  for (std::size_t f = 0; f < fields; ++f) {
    s.meta.average[f] = s.documents.average[f];
    s.meta.tokens[f] = s.documents.tokens[f];
  }
  s.meta.ids_rise = std::adjacent_find(s.documents.ids.begin(), s.documents.ids.end(),
                                       std::greater_equal<>()) == s.documents.ids.end();
  s.meta.id_base = n > 0 ? s.documents.ids[0] : 0;
  s.inverse = make_inverse_norms(s.meta.schema, s.documents.average);
  s.classes = make_classes(n, fields, s.documents.lengths, s.inverse);
  s.scoring.documents = n;
  s.scoring.fields = fields;
  s.scoring.k1 = s.meta.schema.k1;
  s.scoring.inverse = s.inverse.data();
  s.scoring.lengths = s.documents.lengths.data();
  s.scoring.classes = s.classes.of_document.data();
  s.scoring.class_inverse = s.classes.inverse.data();
  s.scoring.combinations = s.documents.combinations.data();
  s.scoring.combination_count = static_cast<std::uint32_t>(s.documents.combinations.size());
  s.encoder =
      std::make_unique<ListEncoder>(s.scoring, s.meta.ids_rise ? nullptr : s.documents.ids.data());
}

SegmentWriter::~SegmentWriter() = default;

void SegmentWriter::add_term(std::string_view term, std::span<const RawPosting> postings,
                             std::string_view positions,
                             std::span<const std::uint32_t> position_ends) {
  State& s = *state_;
  VITRINE_CHECK(s.meta.terms == 0 || s.previous < term);
  const bool first = s.meta.terms % kTermsPerBlock == 0;
  DictionaryEntry entry;
  if (first) {
    DictionaryBlock block{};
    block.postings = s.postings.size();
    block.terms = static_cast<std::uint32_t>(s.terms.size());
    s.blocks.append(reinterpret_cast<const char*>(&block), sizeof block);
  } else {
    const std::size_t most = std::min(term.size(), s.previous.size());
    while (entry.shared < most && term[entry.shared] == s.previous[entry.shared]) ++entry.shared;
  }
  const std::size_t before = s.postings.size();
  s.encoder->encode(postings, s.postings);
  entry.rest = term.substr(entry.shared);
  entry.frequency = postings.size();
  entry.postings_bytes = s.postings.size() - before;
  entry.positions_at = s.positions.size();
  if (s.meta.schema.positions) {
    ByteWriter p(s.positions);
    for (std::size_t i = 0; i < postings.size(); i += kPositionsStep)
      p.u32(i == 0 ? 0 : position_ends[i - 1]);
    s.positions += positions;
    entry.positions_bytes = s.positions.size() - entry.positions_at;
  }
  write_entry(entry, s.meta.schema.positions, first, s.terms);
  s.previous = term;
  ++s.meta.terms;
  s.meta.postings += postings.size();
}

std::string SegmentWriter::finish() {
  State& s = *state_;
  std::string meta, ids, combinations;
  write_meta(s.meta, meta);
  bool consecutive = true;
  for (std::size_t d = 0; d < s.documents.ids.size() && consecutive; ++d)
    consecutive = s.documents.ids[d] == s.meta.id_base + d;
  if (!consecutive)
    ids.assign(reinterpret_cast<const char*>(s.documents.ids.data()), s.documents.ids.size() * 4);
  for (const Frequencies& tf : s.documents.combinations)
    combinations.append(reinterpret_cast<const char*>(tf.data()), tf.size());
  for (const std::uint64_t count : s.documents.combination_counts)
    ByteWriter(combinations).u64(count);
  const auto view = [](const std::vector<std::uint8_t>& v) {
    return std::string_view(reinterpret_cast<const char*>(v.data()), v.size());
  };
  const std::string_view sections[kSectionKinds] = {meta,
                                                    ids,
                                                    view(s.documents.lengths),
                                                    std::string_view(),
                                                    s.terms,
                                                    s.blocks,
                                                    s.postings,
                                                    s.positions,
                                                    combinations};
  std::string image("VTRTEXT1");
  std::string table;
  std::uint64_t offset = round_up(32 + kSectionKinds * 24, 64);
  for (std::uint32_t k = 0; k < kSectionKinds; ++k) {
    ByteWriter t(table);
    t.u32(k + 1);
    t.u32(codec::crc32c(sections[k]));
    t.u64(offset);
    t.u64(sections[k].size());
    offset = (offset + sections[k].size() + 63) / 64 * 64;
  }
  const std::uint64_t total = offset + kImagePadding;
  ByteWriter w(image);
  w.u32(kSegmentFormat);
  w.u32(kSectionKinds);
  w.u64(total);
  w.u32(codec::crc32c(table));
  w.u32(0);
  image += table;
  image.reserve(total);
  for (const std::string_view section : sections) {
    image.resize((image.size() + 63) / 64 * 64);
    image += section;
  }
  image.resize(total);
  return image;
}

}  // namespace vitrine::text::internal
