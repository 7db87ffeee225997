#include "engine/text/segment_builder.h"

#include <algorithm>
#include <boost/unordered/unordered_flat_map.hpp>
#include <numeric>

#include "base/check.h"
#include "engine/text/internal/combination_table.h"
#include "engine/text/internal/segment_writer.h"
#include "engine/text/internal/term_table.h"

namespace vitrine::text {

using namespace internal;  // NOLINT: the parts of this module

namespace {

constexpr std::uint64_t kPoolMax = 0xF0000000ull;
constexpr std::size_t kStatesAhead = 8;  // tokens

// Writes v as LEB128, gives the end.
std::uint8_t* put_varint(std::uint8_t* at, std::uint32_t v) {
  while (v >= 0x80) {
    *at++ = static_cast<std::uint8_t>(v | 0x80);
    v >>= 7;
  }
  *at++ = static_cast<std::uint8_t>(v);
  return at;
}

std::uint32_t get_varint(const std::uint8_t*& at) {
  std::uint32_t v = 0;
  for (int shift = 0;; shift += 7) {
    const std::uint8_t byte = *at++;
    v |= static_cast<std::uint32_t>(byte & 0x7F) << shift;
    if (byte < 0x80) return v;
  }
}

}  // namespace

struct SegmentBuilder::State {
  explicit State(Schema s) : schema(std::move(s)), lengths(schema.fields.size()) {}

  // A term of the document that is being added.
  struct Occurring {
    std::uint32_t term;
    Frequencies tf{};
    std::uint32_t positions = 0;  // how many
    std::uint32_t at = 0;         // in ordered_positions
  };
  struct Position {
    std::uint32_t slot, value;
  };

  void count_token(std::uint32_t field, const Token& token, std::uint32_t hash);
  void write_postings(std::uint32_t local);

  Schema schema;
  TermTable terms;
  CombinationTable combinations;
  std::vector<std::uint32_t> ids;
  std::vector<std::vector<std::uint8_t>> lengths;  // per field
  std::vector<std::uint64_t> field_tokens = std::vector<std::uint64_t>(schema.fields.size());
  std::uint64_t tokens = 0;
  std::uint32_t serial = 0;
  std::vector<Occurring> occurring;
  std::vector<Position> positions;
  std::vector<std::uint32_t> ordered_positions;
  std::vector<std::uint8_t> bytes;
  std::vector<std::uint32_t> hashes;  // of the document's tokens
};

SegmentBuilder::SegmentBuilder(Schema schema)
    : state_(std::make_unique<State>(std::move(schema))) {}
SegmentBuilder::~SegmentBuilder() = default;
SegmentBuilder::SegmentBuilder(SegmentBuilder&&) noexcept = default;
SegmentBuilder& SegmentBuilder::operator=(SegmentBuilder&&) noexcept = default;

std::uint32_t SegmentBuilder::documents() const {
  return static_cast<std::uint32_t>(state_->ids.size());
}
std::uint64_t SegmentBuilder::tokens() const { return state_->tokens; }

void SegmentBuilder::State::count_token(std::uint32_t field, const Token& token,
                                        std::uint32_t hash) {
  const std::uint32_t term = terms.find_or_add(token.term, hash);
  TermState& t = terms.state(term);
  if (t.mark != serial) {
    t.mark = serial;
    t.slot = static_cast<std::uint32_t>(occurring.size());
    occurring.push_back({term});
    terms.fetch_tail(t);
  }
  Occurring& o = occurring[t.slot];
  if (o.tf[field] == kOccurrencesMax) return;
  ++o.tf[field];
  if (!schema.positions) return;
  ++o.positions;
  positions.push_back(
      {t.slot, field * (kPositionMax + 1) + std::min(token.position, kPositionMax)});
}

// A posting: varint of local number less the one expected, combination, and with positions their
// number of bytes and the deltas of their values.
void SegmentBuilder::State::write_postings(std::uint32_t local) {
  std::uint32_t at = 0;
  for (Occurring& o : occurring) {
    o.at = at;
    at += o.positions;
  }
  ordered_positions.resize(at);
  for (const Position& p : positions) ordered_positions[occurring[p.slot].at++] = p.value;
  const bool several = schema.fields.size() > 1;
  for (const Occurring& o : occurring) {
    TermState& t = terms.state(o.term);
    bytes.resize(24 + 5 * std::size_t{o.positions});
    std::uint8_t* end = put_varint(bytes.data(), local - t.next);
    end = put_varint(end, several ? combinations.number_of(o.tf) : o.tf[0] - 1u);
    if (schema.positions) {
      std::uint8_t deltas[5 * kOccurrencesMax * kFieldsMax];
      std::uint8_t* d = deltas;
      std::uint32_t before = 0;
      for (std::uint32_t i = o.at - o.positions; i < o.at; ++i) {
        d = put_varint(d, ordered_positions[i] - before);
        before = ordered_positions[i];
      }
      end = put_varint(end, static_cast<std::uint32_t>(d - deltas));
      end = std::copy(deltas, d, end);
    }
    terms.append(t, bytes.data(), static_cast<std::uint32_t>(end - bytes.data()));
    t.next = local + 1;
    ++t.frequency;
  }
}

Status SegmentBuilder::add(DocumentId id, std::span<const FieldTokens> fields) {
  State& s = *state_;
  if (id == kNoDocument)
    return Error(ErrorCode::kInvalidArgument, "document id 4294967295 is not allowed");
  if (s.terms.pool_bytes() > kPoolMax || s.ids.size() >= kSegmentDocumentsMax)
    return Error(ErrorCode::kTooLarge, "the segment in memory is full");
  std::uint32_t seen = 0;
  s.hashes.clear();
  for (const FieldTokens& field : fields) {
    if (field.field >= s.schema.fields.size() || (seen >> field.field & 1) != 0)
      return Error(ErrorCode::kInvalidArgument, "field " + std::to_string(field.field) +
                                                    " is not in the schema, or comes twice");
    seen |= 1u << field.field;
    std::uint32_t before = 0;
    for (const Token& token : field.tokens) {
      if (token.term.empty() || token.term.size() > kTermBytesMax)
        return Error(ErrorCode::kInvalidArgument,
                     "a term has 1 to 255 bytes, not " + std::to_string(token.term.size()));
      if (token.position < before)
        return Error(ErrorCode::kInvalidArgument, "positions must not fall within a field");
      before = token.position;
      s.hashes.push_back(TermTable::hash(token.term));
      s.terms.fetch_slot(s.hashes.back());
    }
  }
  const auto local = static_cast<std::uint32_t>(s.ids.size());
  ++s.serial;
  s.occurring.clear();
  s.positions.clear();
  std::uint32_t field_lengths[kFieldsMax] = {};
  // Fields in their order, so that positions rise whatever order the caller gives them in.
  for (std::uint32_t f = 0; f < s.schema.fields.size(); ++f) {
    std::size_t at = 0;  // in hashes
    for (const FieldTokens& field : fields) {
      at += field.tokens.size();
      if (field.field != f) continue;
      std::uint32_t before = ~0u;
      const std::span hashes = std::span(s.hashes).subspan(at - field.tokens.size());
      for (std::size_t i = 0; i < field.tokens.size(); ++i) {
        if (i + kStatesAhead < field.tokens.size()) s.terms.fetch_state(hashes[i + kStatesAhead]);
        const Token& token = field.tokens[i];
        if (token.position != before) ++field_lengths[f];
        before = token.position;
        s.count_token(f, token, hashes[i]);
      }
    }
  }
  for (std::size_t f = 0; f < s.schema.fields.size(); ++f) {
    s.lengths[f].push_back(encode_length(field_lengths[f]));
    s.field_tokens[f] += field_lengths[f];
    s.tokens += field_lengths[f];
  }
  s.ids.push_back(id);
  s.write_postings(local);
  return ok_status();
}

std::string SegmentBuilder::build(std::span<const float> reference_average) {
  State& s = *state_;
  DocumentTable table;
  table.ids = std::move(s.ids);
  for (const auto& codes : s.lengths)
    table.lengths.insert(table.lengths.end(), codes.begin(), codes.end());
  table.tokens = s.field_tokens;
  table.average.assign(reference_average.begin(), reference_average.end());
  if (table.average.empty()) table.average = average_lengths(table.tokens, table.ids.size());
  const std::vector<std::uint32_t> renumbered = s.combinations.finish(table);
  const bool several = s.schema.fields.size() > 1;
  SegmentWriter writer(s.schema, std::move(table));

  std::string stream, positions;
  std::vector<RawPosting> postings;
  std::vector<std::uint32_t> ends;
  for (const std::uint32_t term : s.terms.sorted()) {
    const TermState& t = s.terms.state(term);
    s.terms.read(t, stream);
    postings.clear();
    positions.clear();
    ends.clear();
    const auto* at = reinterpret_cast<const std::uint8_t*>(stream.data());
    std::uint32_t next = 0;
    for (std::uint32_t i = 0; i < t.frequency; ++i) {
      const std::uint32_t document = next + get_varint(at);
      const std::uint32_t combination = get_varint(at);
      postings.push_back({document, several ? renumbered[combination] : combination});
      next = document + 1;
      if (!s.schema.positions) continue;
      const std::uint8_t* begin = at;
      at += get_varint(at);
      positions.append(reinterpret_cast<const char*>(begin), static_cast<std::size_t>(at - begin));
      ends.push_back(static_cast<std::uint32_t>(positions.size()));
    }
    writer.add_term(s.terms.text(term), postings, positions, ends);
  }
  Schema schema = s.schema;
  std::string image = writer.finish();
  state_ = std::make_unique<State>(std::move(schema));
  return image;
}

}  // namespace vitrine::text
