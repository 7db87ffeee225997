#include "engine/vec/index_file.h"

#include <array>
#include <cmath>
#include <cstring>

#include "base/bytes.h"
#include "base/hash.h"
#include "engine/vec/kernels.h"
#include "platform/io/file_system.h"

namespace vitrine::vec {
namespace {

constexpr std::string_view kMagic = "VTRNVEC\n";
constexpr std::size_t kPage = 4096;
constexpr std::size_t kHeaderSum = kPage - sizeof(std::uint64_t);

// On disk: add, never renumber.
enum class Section : std::uint32_t {
  kMeta = 1,
  kCentroids = 2,
  kFirstBlock = 3,
  kSizes = 4,
  kListOfBlock = 5,
  kCodes = 6,
  kLow = 7,
  kIds = 8,
  kRows = 9,
  kGraphRecords = 10,
  kGraphEntries = 11,
  kFactors = 12,
  kWords = 13,
  kGraphWords = 14,
};
constexpr std::array<std::string_view, 15> kSectionNames{
    "?",       "meta",  "centroids",  "first blocks", "sizes",         "lists of blocks",
    "codes",   "low",   "ids",        "rows",         "graph records", "graph entries",
    "factors", "words", "graph words"};

struct Stored {
  std::uint64_t offset = 0;
  std::string_view bytes;
};
using Sections = std::array<Stored, kSectionNames.size()>;

void put_plan(ByteWriter& out, const Plan& plan) {
  out.u32(plan.probes);
  out.u32(plan.keep);
  out.u32(plan.exact);
  out.u32(plan.beam);
  out.fixed(plan.filter_growth);
  out.fixed(plan.volume);
}

Plan get_plan(ByteReader& in) {
  Plan plan;
  plan.probes = in.u32();
  plan.keep = in.u32();
  plan.exact = in.u32();
  plan.beam = in.u32();
  plan.filter_growth = in.fixed<float>();
  plan.volume = in.fixed<float>();
  return plan;
}

std::string meta_of(const Index& index) {
  std::string text;
  ByteWriter out(text);
  const Lists& lists = index.lists();
  out.u32(static_cast<std::uint32_t>(lists.metric));
  out.u32(lists.dim);
  out.u64(lists.count);
  out.u64(lists.rotation.seed());
  out.u32(static_cast<std::uint32_t>(lists.coarse.order()));
  out.u32(static_cast<std::uint32_t>(lists.list_count()));
  out.u64(index.options().seed);
  out.u32(index.options().lists);
  out.u32(static_cast<std::uint32_t>(index.options().graph));
  out.u32(static_cast<std::uint32_t>(index.plans().size()));
  for (const CalibratedPlan& plan : index.plans()) {
    out.fixed(plan.recall);
    out.fixed(plan.single_recall);
    out.fixed(plan.batch_recall);
    put_plan(out, plan.single);
    put_plan(out, plan.batch);
  }
  const CodeOptions& codes = lists.coding.options();
  out.u32(static_cast<std::uint32_t>(codes.family));
  out.u32(codes.width);
  out.u32(codes.second ? 1 : 0);
  return text;
}

template <class T>
std::string_view bytes_of(const Column<T>& column) {
  return {reinterpret_cast<const char*>(column.data()), column.bytes()};
}

Error corrupt(std::uint64_t offset, const std::string& what) {
  return Error(ErrorCode::kCorrupt, "offset " + std::to_string(offset) + ": " + what);
}

Error corrupt(const Sections& sections, Section kind, const std::string& what) {
  const auto at = static_cast<std::size_t>(kind);
  return corrupt(sections[at].offset, std::string(kSectionNames[at]) + ": " + what);
}

Result<Sections> read_sections(std::string_view file, const LoadOptions& options) {
  if (file.size() < kPage || file.substr(0, kMagic.size()) != kMagic)
    return corrupt(0, "this is no vector index");
  std::uint64_t sum = 0;
  std::memcpy(&sum, file.data() + kHeaderSum, sizeof(sum));
  ByteReader in(file.substr(kMagic.size(), kHeaderSum - kMagic.size()));
  const std::uint32_t version = in.u32();
  if (version != kIndexFileVersion)
    return Error(ErrorCode::kUnsupported, "the index has version " + std::to_string(version) +
                                              "; this program reads version " +
                                              std::to_string(kIndexFileVersion));
  if (hash64(file.substr(0, kHeaderSum)) != sum) return corrupt(0, "the header's checksum differs");
  const std::uint32_t count = in.u32();
  if (count > kSectionNames.size()) return corrupt(12, "too many sections");
  Sections out;
  for (std::uint32_t i = 0; i < count; ++i) {
    const std::uint32_t kind = in.u32();
    in.u32();
    const std::uint64_t offset = in.u64();
    const std::uint64_t bytes = in.u64();
    const std::uint64_t expected = in.u64();
    if (!in.ok() || kind == 0 || kind >= out.size()) return corrupt(16, "unknown section");
    if (offset % kPage != 0 || offset > file.size() || bytes > file.size() - offset)
      return corrupt(offset, "section '" + std::string(kSectionNames[kind]) +
                                 "' lies outside the file, which may be truncated");
    out[kind] = {offset, file.substr(offset, bytes)};
    const bool checked = static_cast<Section>(kind) != Section::kRows ||
                         (options.check_rows && !options.rows_on_disk);
    if (checked && hash64(out[kind].bytes) != expected)
      return corrupt(offset,
                     "the checksum of section '" + std::string(kSectionNames[kind]) + "' differs");
  }
  return out;
}

// A section as a column of exactly `count` values.
template <class T>
Status take(const Sections& sections, Section kind, std::size_t count,
            const std::shared_ptr<const void>& owner, Column<T>& out) {
  const std::string_view bytes = sections[static_cast<std::size_t>(kind)].bytes;
  if (bytes.size() != count * sizeof(T))
    return corrupt(sections, kind,
                   std::to_string(bytes.size()) + " bytes, " + std::to_string(count * sizeof(T)) +
                       " expected");
  out = Column<T>({reinterpret_cast<const T*>(bytes.data()), count}, owner);
  return ok_status();
}

Status take_words(const Sections& sections, Section kind, const CodeOptions& codes,
                  std::uint32_t dims, const std::shared_ptr<const void>& owner,
                  Column<float>& out) {
  VITRINE_TRY(take(sections, kind, word_floats(codes, dims), owner, out));
  for (const float value : out.span())
    if (!std::isfinite(value)) return corrupt(sections, kind, "not a finite number");
  return ok_status();
}

// Everything that searches index by must be in range: a checksum only proves that the file is what
// somebody wrote.
Status check_lists(const Lists& lists, const Sections& sections) {
  std::uint64_t vectors = 0;
  for (std::size_t list = 0; list < lists.list_count(); ++list) {
    const std::uint32_t first = lists.first_block[list];
    const std::uint32_t end = lists.first_block[list + 1];
    if (first > end || end > lists.block_count() || (list == 0 && first != 0))
      return corrupt(sections, Section::kFirstBlock, "list " + std::to_string(list));
    if ((std::uint64_t{lists.sizes[list]} + kLanes - 1) / kLanes != end - first)
      return corrupt(sections, Section::kSizes, "list " + std::to_string(list));
    vectors += lists.sizes[list];
    for (std::uint32_t block = first; block < end; ++block)
      if (lists.list_of_block[block] != list)
        return corrupt(sections, Section::kListOfBlock, "block " + std::to_string(block));
    for (std::size_t i = 0; i < (std::size_t{end} - first) * kLanes; ++i)
      if ((lists.ids[std::size_t{first} * kLanes + i] == kNoId) != (i >= lists.sizes[list]))
        return corrupt(sections, Section::kIds, "list " + std::to_string(list));
  }
  if (lists.first_block[lists.list_count()] != lists.block_count())
    return corrupt(sections, Section::kFirstBlock, "blocks without a list");
  for (const ListFactors& factors : lists.factors.span())
    if (!std::isfinite(factors.scale_step) || !std::isfinite(factors.bias_least) ||
        !std::isfinite(factors.bias_step))
      return corrupt(sections, Section::kFactors, "not a finite number");
  if (vectors != lists.count) return corrupt(sections, Section::kSizes, "the sum differs");
  for (std::size_t i = 0; i < lists.coarse.centroids().size(); ++i)
    if (!std::isfinite(lists.coarse.centroids()[i]))
      return corrupt(sections, Section::kCentroids, "not a finite number");
  return ok_status();
}

Status check_graph(const Graph& graph, const Lists& lists, const Sections& sections) {
  const auto valid = [&](std::uint32_t slot) {
    return slot == kNoId || (slot < lists.slot_count() && lists.ids[slot] != kNoId);
  };
  for (std::size_t slot = 0; slot < lists.slot_count(); ++slot)
    for (std::uint32_t i = 0; i < graph.degree(); ++i)
      if (!valid(graph.edges(static_cast<std::uint32_t>(slot))[i]))
        return corrupt(sections, Section::kGraphRecords, "slot " + std::to_string(slot));
  for (std::size_t slot = 0; slot < lists.slot_count(); ++slot) {
    const Graph::Factors factors = graph.factors(static_cast<std::uint32_t>(slot));
    if (!std::isfinite(factors.minus) || !std::isfinite(factors.scale) ||
        !std::isfinite(factors.codes.scale_step) || !std::isfinite(factors.codes.bias_least) ||
        !std::isfinite(factors.codes.bias_step))
      return corrupt(sections, Section::kGraphRecords,
                     "slot " + std::to_string(slot) + ": not a finite number");
  }
  for (std::size_t list = 0; list < lists.list_count(); ++list)
    if (!valid(graph.entry(static_cast<std::uint32_t>(list))))
      return corrupt(sections, Section::kGraphEntries, "list " + std::to_string(list));
  return ok_status();
}

bool plausible(const Plan& plan) {
  return plan.keep <= 1U << 20 && plan.exact <= 1U << 20 && plan.beam <= 1U << 20 &&
         plan.filter_growth >= 0 && plan.filter_growth <= 4 && plan.volume >= 0 &&
         plan.volume <= 1e9F;
}

// The numbers of the meta section.
struct Meta {
  Metric metric = Metric::kL2;
  std::uint32_t dim = 0;
  std::uint64_t count = 0;
  std::uint64_t rotation_seed = 0;
  CoarseOrder order = CoarseOrder::kDistance;
  std::uint32_t lists = 0;
  BuildOptions options;
  std::vector<CalibratedPlan> plans;
};

Result<Meta> read_meta(const Sections& sections) {
  ByteReader in(sections[static_cast<std::size_t>(Section::kMeta)].bytes);
  Meta meta;
  const std::uint32_t metric = in.u32();
  meta.dim = in.u32();
  meta.count = in.u64();
  meta.rotation_seed = in.u64();
  const std::uint32_t order = in.u32();
  meta.lists = in.u32();
  meta.options.seed = in.u64();
  meta.options.lists = in.u32();
  const std::uint32_t graph = in.u32();
  const std::uint32_t plans = in.u32();
  if (!in.ok() || metric > 2 || order > 1 || graph > 2 || plans > 64 || meta.dim < 1 ||
      meta.dim > kDimMax || meta.lists < 1 || meta.lists > 1U << 24 || meta.count >= kNoId)
    return corrupt(sections, Section::kMeta, "a number is out of range");
  meta.metric = meta.options.metric = static_cast<Metric>(metric);
  meta.order = meta.options.order = static_cast<CoarseOrder>(order);
  meta.options.graph = static_cast<GraphChoice>(graph);
  for (std::uint32_t i = 0; i < plans; ++i) {
    CalibratedPlan plan;
    plan.recall = in.fixed<float>();
    plan.single_recall = in.fixed<float>();
    plan.batch_recall = in.fixed<float>();
    plan.single = get_plan(in);
    plan.batch = get_plan(in);
    if (!plausible(plan.single) || !plausible(plan.batch))
      return corrupt(sections, Section::kMeta, "a plan is out of range");
    meta.plans.push_back(plan);
  }
  const std::uint32_t family = in.u32();
  CodeOptions& codes = meta.options.codes;
  codes.width = in.u32();
  codes.second = in.u32() != 0;
  codes.family = static_cast<CodeFamily>(family);
  const bool product = family != 0;
  if (family > 2 || (product && codes.width != 2 && codes.width != 4 && codes.width != 8) ||
      (!product && codes.width != 0))
    return corrupt(sections, Section::kMeta, "the codes are of no known kind");
  if (!in.at_end()) return corrupt(sections, Section::kMeta, "wrong length");
  return meta;
}

}  // namespace

Result<Index> index_from_bytes(std::span<const char> bytes, std::shared_ptr<const void> owner,
                               const LoadOptions& options) {
  VITRINE_TRY(const Sections sections, read_sections({bytes.data(), bytes.size()}, options));
  VITRINE_TRY(Meta meta, read_meta(sections));
  auto lists = std::make_shared<Lists>();
  lists->metric = meta.metric;
  lists->dim = meta.dim;
  lists->dims = Rotation::padded_dims(meta.dim);
  lists->count = meta.count;
  lists->rotation = Rotation(meta.dim, meta.rotation_seed);
  const std::size_t blocks =
      sections[static_cast<std::size_t>(Section::kListOfBlock)].bytes.size() / 4;
  const std::size_t slots = blocks * kLanes;
  const std::size_t dims = lists->dims;
  Column<float> centroids;
  VITRINE_TRY(take(sections, Section::kCentroids, meta.lists * dims, owner, centroids));
  VITRINE_TRY(
      take(sections, Section::kFirstBlock, std::size_t{meta.lists} + 1, owner, lists->first_block));
  VITRINE_TRY(take(sections, Section::kSizes, meta.lists, owner, lists->sizes));
  VITRINE_TRY(take(sections, Section::kListOfBlock, blocks, owner, lists->list_of_block));
  VITRINE_TRY(take(sections, Section::kFactors, meta.lists, owner, lists->factors));
  const CodeOptions& codes = meta.options.codes;
  Column<float> words;
  VITRINE_TRY(take_words(sections, Section::kWords, codes, lists->dims, owner, words));
  lists->coding = Coding(codes, lists->dims, std::move(words));
  VITRINE_TRY(
      take(sections, Section::kCodes, blocks * lists->coding.block_bytes(), owner, lists->codes));
  VITRINE_TRY(
      take(sections, Section::kLow, slots * lists->coding.second_bytes(), owner, lists->low));
  VITRINE_TRY(take(sections, Section::kIds, slots, owner, lists->ids));
  VITRINE_TRY(take(sections, Section::kRows, slots * meta.dim, owner, lists->rows));
  lists->rows_on_disk = options.rows_on_disk;
  if (options.rows_on_disk) expect_scattered_reads(lists->rows.data(), lists->rows.bytes());
  lists->coarse = CoarseTable(std::move(centroids), dims, meta.order);
  VITRINE_TRY(check_lists(*lists, sections));
  std::shared_ptr<const Graph> graph;
  if (!sections[static_cast<std::size_t>(Section::kGraphRecords)].bytes.empty()) {
    Column<std::uint8_t> records;
    Column<std::uint32_t> entries;
    Column<float> edge_words;
    const CodeOptions edge_codes = Graph::code_options();
    VITRINE_TRY(
        take_words(sections, Section::kGraphWords, edge_codes, lists->dims, owner, edge_words));
    Coding coding(edge_codes, lists->dims, std::move(edge_words));
    VITRINE_TRY(
        take(sections, Section::kGraphRecords, slots * Graph::stride_for(coding), owner, records));
    VITRINE_TRY(take(sections, Section::kGraphEntries, meta.lists, owner, entries));
    graph =
        std::make_shared<const Graph>(std::move(coding), std::move(records), std::move(entries));
    VITRINE_TRY(check_graph(*graph, *lists, sections));
  }
  return Index(lists, graph, std::move(meta.plans), meta.options);
}

Result<Index> load_index(io::FileSystem& files, const std::string& path,
                         const LoadOptions& options) {
  VITRINE_TRY(const auto file, files.open(path, io::OpenMode::kRead));
  VITRINE_TRY(const std::uint64_t size, file->size());
  if (size < kPage) return corrupt(0, "this is no vector index").context(path);
  VITRINE_TRY(auto mapping, file->map_shared(size));
  const std::shared_ptr<io::SharedMapping> shared = std::move(mapping);
  auto index = index_from_bytes(shared->bytes(), shared, options);
  if (!index.ok()) return std::move(index).error().context(path);
  return index;
}

Status save_index(io::FileSystem& files, const std::string& path, const Index& index) {
  const Lists& lists = index.lists();
  const std::string meta = meta_of(index);
  const std::pair<Section, std::string_view> parts[] = {
      {Section::kMeta, meta},
      {Section::kCentroids, bytes_of(lists.coarse.centroids())},
      {Section::kFirstBlock, bytes_of(lists.first_block)},
      {Section::kSizes, bytes_of(lists.sizes)},
      {Section::kListOfBlock, bytes_of(lists.list_of_block)},
      {Section::kFactors, bytes_of(lists.factors)},
      {Section::kCodes, bytes_of(lists.codes)},
      {Section::kLow, bytes_of(lists.low)},
      {Section::kIds, bytes_of(lists.ids)},
      {Section::kRows, bytes_of(lists.rows)},
      {Section::kGraphRecords, bytes_of(index.graph().records())},
      {Section::kGraphEntries, bytes_of(index.graph().entries())},
      {Section::kWords, bytes_of(lists.coding.words())},
      {Section::kGraphWords, bytes_of(index.graph().coding().words())},
  };
  std::string header(kMagic);
  ByteWriter out(header);
  out.u32(kIndexFileVersion);
  out.u32(static_cast<std::uint32_t>(std::size(parts)));
  const std::string temporary = path + ".tmp";
  VITRINE_TRY(const auto file, files.open(temporary, io::OpenMode::kCreate));
  VITRINE_TRY(file->truncate(0));
  std::uint64_t offset = kPage;
  for (const auto& [kind, bytes] : parts) {
    out.u32(static_cast<std::uint32_t>(kind));
    out.u32(0);
    out.u64(offset);
    out.u64(bytes.size());
    out.u64(hash64(bytes));
    VITRINE_TRY(file->write_at(offset, bytes));
    offset = (offset + bytes.size() + kPage - 1) / kPage * kPage;
  }
  // The last section may end inside its page, or be empty: the file reaches to its end.
  VITRINE_TRY(file->truncate(offset));
  header.resize(kHeaderSum);
  out.u64(hash64(header));
  VITRINE_TRY(file->write_at(0, header));
  VITRINE_TRY(file->sync_data());
  VITRINE_TRY(files.rename(temporary, path));
  return files.sync_directory(io::parent_path(path));
}

}  // namespace vitrine::vec
