#include "engine/text/segment.h"

#include <algorithm>
#include <numeric>

#include "base/bytes.h"
#include "engine/text/internal/list_view.h"
#include "engine/text/internal/positions.h"
#include "engine/text/internal/segment_impl.h"
#include "platform/codec/crc32c.h"

namespace vitrine::text {

using namespace internal;  // NOLINT: the parts of this module

Status Segment::Impl::parse_table(Verify verify) {
  const auto bad = [](std::uint64_t at, std::string what) {
    return Error(ErrorCode::kCorrupt, "text segment, offset " + std::to_string(at) + ": " + what);
  };
  if (image.size() < 32 || image.substr(0, 8) != "VTRTEXT1") return bad(0, "not a text segment");
  ByteReader r(image.substr(8));
  const std::uint32_t format = r.u32();
  if (format != kSegmentFormat)
    return Error(ErrorCode::kUnsupported, "text segment of format " + std::to_string(format) +
                                              "; this build reads format " +
                                              std::to_string(kSegmentFormat));
  const std::uint32_t count = r.u32();
  if (count != kSectionKinds) return bad(12, std::to_string(count) + " sections");
  if (r.u64() != image.size()) return bad(16, "the file has another length than it says");
  const std::uint32_t table_crc = r.u32();
  if (image.size() < 32 + 24ull * count + kImagePadding) return bad(32, "it ends within the table");
  if (codec::crc32c(image.substr(32, 24ull * count)) != table_crc)
    return bad(32, "checksum differs");
  for (std::uint32_t k = 0; k < count; ++k) {
    ByteReader t(image.substr(32 + 24ull * k, 24));
    const std::uint32_t kind = t.u32();
    const std::uint32_t crc = t.u32();
    const std::uint64_t offset = t.u64(), size = t.u64();
    if (kind != k + 1 || offset % 64 != 0 || offset > image.size() ||
        size > image.size() - kImagePadding || offset > image.size() - kImagePadding - size)
      return bad(32 + 24ull * k, "section " + std::to_string(kind) + " does not fit in the file");
    sections[kind] = image.substr(offset, size);
    if (verify != Verify::kNothing && codec::crc32c(sections[kind]) != crc)
      return bad(offset, "checksum of section " + std::to_string(kind) + " differs");
  }
  return ok_status();
}

Status Segment::Impl::bind() {
  const auto bad = [](SectionKind kind, std::string what) {
    return Error(
        ErrorCode::kCorrupt,
        "text segment, section " + std::to_string(static_cast<std::uint32_t>(kind)) + ": " + what);
  };
  const auto fields = static_cast<std::uint32_t>(meta.schema.fields.size());
  if (meta.documents > kSegmentDocumentsMax) return bad(SectionKind::kMeta, "too many documents");
  const std::string_view id_bytes = section(SectionKind::kIds);
  if (!id_bytes.empty() && id_bytes.size() != 4ull * meta.documents)
    return bad(SectionKind::kIds, "another number of ids than documents");
  if (id_bytes.empty() && std::uint64_t{meta.id_base} + meta.documents > kNoDocument)
    return bad(SectionKind::kMeta, "ids beyond the largest");
  if (!id_bytes.empty()) ids = reinterpret_cast<const std::uint32_t*>(id_bytes.data());
  if (section(SectionKind::kLengths).size() != std::uint64_t{fields} * meta.documents)
    return bad(SectionKind::kLengths, "another number of lengths than documents");
  const std::uint64_t blocks = (meta.terms + kTermsPerBlock - 1) / kTermsPerBlock;
  if (meta.terms > section(SectionKind::kTerms).size() ||
      section(SectionKind::kBlocks).size() != blocks * sizeof(DictionaryBlock))
    return bad(SectionKind::kBlocks, "another number of blocks than terms need");
  if (section(SectionKind::kCombinations).size() % 16 != 0)
    return bad(SectionKind::kCombinations, "not a whole number of entries");
  inverse = make_inverse_norms(meta.schema, std::span(meta.average, fields));
  scoring.documents = meta.documents;
  scoring.fields = fields;
  scoring.k1 = meta.schema.k1;
  scoring.inverse = inverse.data();
  scoring.lengths = reinterpret_cast<const std::uint8_t*>(section(SectionKind::kLengths).data());
  classes = make_classes(meta.documents, fields,
                         std::span(scoring.lengths, std::size_t{fields} * meta.documents), inverse);
  // Kernels read four at a time.
  classes.of_document.resize(round_up(meta.documents, kWindow) + 64);
  scoring.classes = classes.of_document.data();
  scoring.exact_classes = classes.exact && fields == 1;
  scoring.class_inverse = classes.inverse.data();
  scoring.combinations =
      reinterpret_cast<const Frequencies*>(section(SectionKind::kCombinations).data());
  scoring.combination_count =
      fields > 1 ? static_cast<std::uint32_t>(section(SectionKind::kCombinations).size() / 16)
                 : kOccurrencesMax;
  code_bounds = make_code_bounds(scoring);
  scoring.code_bounds = code_bounds.data();
  prefixes.resize(blocks);
  for (std::uint64_t b = 0; b < blocks; ++b) {
    if (block(b).terms > section(SectionKind::kTerms).size())
      return bad(SectionKind::kBlocks, "a block begins behind the terms");
    prefixes[b] = term_prefix(first_term(b));
  }
  find_starts();
  if (!meta.ids_rise) {
    by_id.resize(meta.documents);
    std::iota(by_id.begin(), by_id.end(), 0u);
    // A document that was replaced in the buffer stands twice: its latest form first.
    std::sort(by_id.begin(), by_id.end(), [this](std::uint32_t a, std::uint32_t b) {
      return id(a) != id(b) ? id(a) < id(b) : a > b;
    });
  }
  return ok_status();
}

Status Segment::Impl::parse(std::string_view bytes, Verify verify) {
  image = bytes;
  VITRINE_TRY(parse_table(verify));
  auto read = read_meta(section(SectionKind::kMeta));
  if (!read.ok()) return std::move(read).error().context("text segment, section 1");
  meta = std::move(read).value();
  VITRINE_TRY(bind());
  if (verify != Verify::kAll) return ok_status();
  VITRINE_TRY(check_documents(*this));
  return check_dictionary(*this);
}

Segment::Segment(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Segment::~Segment() = default;

Result<std::shared_ptr<const Segment>> Segment::from_bytes(std::string bytes, Verify verify) {
  auto impl = std::make_unique<Impl>();
  impl->owned = std::move(bytes);
  VITRINE_TRY(impl->parse(impl->owned, verify));
  return std::shared_ptr<const Segment>(new Segment(std::move(impl)));
}

Result<std::shared_ptr<const Segment>> Segment::open(io::FileSystem& files, const std::string& path,
                                                     Verify verify) {
  auto impl = std::make_unique<Impl>();
  VITRINE_TRY(impl->file, files.open(path, io::OpenMode::kRead));
  VITRINE_TRY(const std::uint64_t size, impl->file->size());
  if (size < 32) return Error(ErrorCode::kCorrupt, path + ": not a text segment");
  VITRINE_TRY(impl->mapping, impl->file->map_shared(size));
  const Status parsed = impl->parse(
      std::string_view(impl->mapping->bytes().data(), impl->mapping->bytes().size()), verify);
  if (!parsed.ok()) return Error(parsed.error()).context(path);
  return std::shared_ptr<const Segment>(new Segment(std::move(impl)));
}

std::uint32_t Segment::documents() const { return impl_->meta.documents; }
const Schema& Segment::schema() const { return impl_->meta.schema; }
std::uint64_t Segment::terms() const { return impl_->meta.terms; }
std::uint64_t Segment::field_tokens(std::size_t f) const { return impl_->meta.tokens[f]; }
float Segment::average_length(std::size_t f) const { return impl_->meta.average[f]; }
DocumentId Segment::id_of(std::uint32_t local) const { return impl_->id(local); }
std::string_view Segment::bytes() const { return impl_->image; }

std::uint32_t Segment::local_of(DocumentId id) const {
  const Impl& s = *impl_;
  const std::uint32_t n = s.meta.documents;
  if (s.ids == nullptr)
    return id >= s.meta.id_base && id - s.meta.id_base < n ? id - s.meta.id_base : kNoDocument;
  if (s.by_id.empty()) {
    const std::uint32_t* found = std::lower_bound(s.ids, s.ids + n, id);
    return found != s.ids + n && *found == id ? static_cast<std::uint32_t>(found - s.ids)
                                              : kNoDocument;
  }
  const auto found =
      std::lower_bound(s.by_id.begin(), s.by_id.end(), id,
                       [&s](std::uint32_t d, DocumentId wanted) { return s.id(d) < wanted; });
  return found != s.by_id.end() && s.id(*found) == id ? *found : kNoDocument;
}

std::uint64_t Segment::document_frequency(std::string_view term) const {
  TermEntry entry;
  return impl_->find(term, entry) ? entry.frequency : 0;
}

void Segment::for_each_term(std::string_view from,
                            const std::function<bool(std::string_view, std::uint64_t)>& fn) const {
  if (impl_->meta.terms == 0) return;
  TermCursor cursor(*impl_, impl_->block_of(from));
  while (cursor.next())
    if (cursor.text() >= from && !fn(cursor.text(), cursor.entry().frequency)) return;
}

std::uint32_t Segment::field_length(std::uint32_t local, std::size_t f) const {
  return decode_length(impl_->scoring.lengths[f * impl_->meta.documents + local]);
}

void Segment::for_each_posting(std::string_view term,
                               const std::function<void(const Posting&)>& fn) const {
  TermEntry entry;
  if (!impl_->find(term, entry)) return;
  std::vector<RawPosting> postings;
  decode_list(entry.postings, entry.frequency, impl_->meta.documents, postings);
  PositionReader positions(entry, impl_->meta.schema.positions);
  std::vector<std::uint32_t> values;
  for (const RawPosting& p : postings) {
    Posting posting{p.document, {}, {}};
    const Frequencies tf = impl_->scoring.frequencies(p.combination);
    for (std::size_t f = 0; f < kFieldsMax; ++f) posting.frequency[f] = tf[f];
    positions.next(tf, values);
    posting.positions = values;
    fn(posting);
  }
}

}  // namespace vitrine::text
