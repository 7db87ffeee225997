#include "engine/kv/internal/id_run.h"

#include <algorithm>
#include <cstring>

namespace vitrine::kv::internal {

struct IdRun::Header {
  std::uint64_t magic = kMagic;
  std::uint64_t number = 0;
  std::uint64_t entries = 0;
  std::uint64_t first_generation = 0;
  std::uint64_t generations = 0;
  std::uint64_t index_hash = 0;
  std::uint64_t hash = 0;  // of the fields before it

  static constexpr std::uint64_t kMagic = 0x3153'4449'5254'4956;  // "VITRIDS1"
  std::uint64_t own_hash() const {
    return hash64({reinterpret_cast<const char*>(this), offsetof(Header, hash)});
  }
};

namespace {

// Pages written by one call.
constexpr std::uint64_t kPagesAtOnce = 256;

template <class T>
std::string_view bytes_of(const std::vector<T>& values) {
  return {reinterpret_cast<const char*>(values.data()), values.size() * sizeof(T)};
}

bool before(const IdEntry& a, std::uint64_t low, std::uint64_t high) {
  return a.low != low ? a.low < low : (a.high & IdEntry::kHighMask) < high;
}

}  // namespace

std::string IdRun::file_name(std::uint64_t number) {
  return "run-" + std::to_string(number) + ".ids";
}

Error IdRun::corrupt(const std::string& what) const {
  return Error(ErrorCode::kCorrupt, path_ + ": " + what);
}

std::size_t IdRun::entries_in(std::uint64_t page) const {
  return static_cast<std::size_t>(
      std::min<std::uint64_t>(kPerPage, reference_.entries - page * kPerPage));
}

std::uint64_t IdRun::index_hash() const {
  Hasher hasher;
  hasher.update(bytes_of(fences_));
  hasher.update(bytes_of(page_hashes_));
  hasher.update(bytes_of(filter_));
  return hasher.finish().low;
}

IdRun::Header IdRun::header() const {
  Header header{.number = reference_.number,
                .entries = reference_.entries,
                .first_generation = reference_.first_generation,
                .generations = reference_.generations,
                .index_hash = index_hash()};
  header.hash = header.own_hash();
  return header;
}

Result<std::unique_ptr<IdRun>> IdRun::write(io::FileSystem& files, const std::string& directory,
                                            const IdRunReference& name,
                                            const std::vector<IdEntry>& sorted) {
  std::unique_ptr<IdRun> run(new IdRun());
  run->path_ = io::join_path(directory, file_name(name.number));
  run->reference_ = name;
  run->reference_.entries = sorted.size();
  // A file of this number is of a life before the last restart: no snapshot in use knows it.
  VITRINE_TRY(const bool exists, files.exists(run->path_));
  if (exists) VITRINE_TRY(files.remove(run->path_));
  VITRINE_TRY(run->file_, files.open(run->path_, io::OpenMode::kCreateNew));
  run->filter_.assign(blocks_for(sorted.size()), Block{});
  VITRINE_TRY(run->write_pages(sorted));
  VITRINE_TRY(run->write_header());
  run->page_hashes_ = {};
  return run;
}

Status IdRun::write_pages(const std::vector<IdEntry>& sorted) {
  const std::uint64_t pages = pages_for(reference_.entries);
  std::vector<Page> buffer;
  for (std::uint64_t first = 0; first < pages; first += kPagesAtOnce) {
    buffer.assign(std::min(kPagesAtOnce, pages - first), Page{});
    for (std::uint64_t i = 0; i < buffer.size(); ++i) {
      const std::size_t from = (first + i) * kPerPage;
      Page& page = buffer[i];
      std::copy_n(&sorted[from], entries_in(first + i), page.entries);
      page.hash = hash64({reinterpret_cast<const char*>(&page), offsetof(Page, hash)});
      fences_.push_back(page.entries[0].low);
      page_hashes_.push_back(page.hash);
    }
    VITRINE_TRY(file_->write_at((1 + first) * kPageBytes, bytes_of(buffer)));
  }
  for (const IdEntry& entry : sorted) {
    Block* block = block_of(entry.low);
    for (int word = 0; word < 8; ++word)
      block->words[word] |= 1ull << (entry.high >> (6 * word) & 63);
  }
  return ok_status();
}

Status IdRun::write_header() {
  std::uint64_t at = (1 + fences_.size()) * kPageBytes;
  for (const std::string_view part :
       {bytes_of(fences_), bytes_of(page_hashes_), bytes_of(filter_)}) {
    VITRINE_TRY(file_->write_at(at, part));
    at += part.size();
  }
  const Header written = header();
  std::string page(kPageBytes, '\0');
  std::memcpy(page.data(), &written, sizeof(written));
  reference_.header_hash = written.hash;
  return file_->write_at(0, page);
}

Result<std::unique_ptr<IdRun>> IdRun::open(io::FileSystem& files, const std::string& directory,
                                           const IdRunReference& reference) {
  std::unique_ptr<IdRun> run(new IdRun());
  run->path_ = io::join_path(directory, file_name(reference.number));
  run->reference_ = reference;
  auto file = files.open(run->path_, io::OpenMode::kRead);
  if (!file.ok() && file.error().code() == ErrorCode::kNotFound) {
    return run->corrupt("a snapshot refers to this file, and it is missing");
  }
  VITRINE_TRY(run->file_, std::move(file));
  VITRINE_TRY(run->read_index());
  return run;
}

Status IdRun::read_exactly(std::uint64_t offset, char* out, std::size_t size,
                           std::string_view what) const {
  VITRINE_TRY(const std::size_t got, file_->read_at(offset, {out, size}));
  if (got != size) {
    return corrupt(std::string(what) + " at offset " + std::to_string(offset) + " is cut off");
  }
  return ok_status();
}

Status IdRun::read_index() {
  Header stored;
  VITRINE_TRY(read_exactly(0, reinterpret_cast<char*>(&stored), sizeof(stored), "the header"));
  if (stored.hash != reference_.header_hash || stored.hash != stored.own_hash() ||
      stored.magic != Header::kMagic || stored.number != reference_.number ||
      stored.entries != reference_.entries || stored.generations != reference_.generations ||
      stored.first_generation != reference_.first_generation) {
    return corrupt("the header is not that of the run the snapshot refers to");
  }
  // The counts are those that were hashed when the file was written; compared with the size all
  // the same, so that a cut file is refused before memory is taken for its index.
  const std::uint64_t pages = pages_for(reference_.entries);
  const std::uint64_t blocks = blocks_for(reference_.entries);
  VITRINE_TRY(const std::uint64_t size, file_->size());
  if (pages > size / kPageBytes ||
      size != (1 + pages) * kPageBytes + pages * 16 + blocks * sizeof(Block)) {
    return corrupt("it has " + std::to_string(size) + " bytes, which " +
                   std::to_string(reference_.entries) + " ids don't take");
  }
  fences_.resize(pages);
  page_hashes_.resize(pages);
  filter_.resize(blocks);
  std::uint64_t at = (1 + pages) * kPageBytes;
  const auto part = [&](auto& values) {
    const std::size_t bytes = bytes_of(values).size();
    const Status read =
        read_exactly(at, reinterpret_cast<char*>(values.data()), bytes, "the index");
    at += bytes;
    return read;
  };
  VITRINE_TRY(part(fences_));
  VITRINE_TRY(part(page_hashes_));
  VITRINE_TRY(part(filter_));
  if (index_hash() != stored.index_hash) return corrupt("the checksum of the index differs");
  page_hashes_ = {};
  return ok_status();
}

bool IdRun::may_contain(const Hash128& id) const {
  const Block* block = block_of(id.low);
  std::uint64_t all = 1;
  for (int word = 0; word < 8; ++word) all &= block->words[word] >> (id.high >> (6 * word) & 63);
  return all != 0;
}

Status IdRun::read_page(std::uint64_t page, Page& out) const {
  const std::uint64_t offset = (1 + page) * kPageBytes;
  VITRINE_TRY(read_exactly(offset, reinterpret_cast<char*>(&out), sizeof(out), "a page"));
  if (out.hash != hash64({reinterpret_cast<const char*>(&out), offsetof(Page, hash)})) {
    return corrupt("the checksum of the page at offset " + std::to_string(offset) + " differs");
  }
  return ok_status();
}

Result<bool> IdRun::find(const Hash128& id, IdEntry& out) const {
  // Equal `low`s may lie across pages: start at the last page that begins before `low`.
  const auto fence = std::lower_bound(fences_.begin(), fences_.end(), id.low);
  std::uint64_t page =
      fence == fences_.begin() ? 0 : static_cast<std::uint64_t>(fence - fences_.begin()) - 1;
  const std::uint64_t high = id.high & IdEntry::kHighMask;
  for (; page < fences_.size() && fences_[page] <= id.low; ++page) {
    Page read;
    VITRINE_TRY(read_page(page, read));
    const IdEntry* begin = read.entries;
    const IdEntry* end = begin + entries_in(page);
    const IdEntry* found = std::partition_point(
        begin, end, [&](const IdEntry& entry) { return before(entry, id.low, high); });
    if (found == end) continue;
    if (!found->is(id)) return false;
    out = *found;
    return true;
  }
  return false;
}

Status IdRun::for_each(const std::function<void(const IdEntry&)>& visit) const {
  for (std::uint64_t page = 0; page < fences_.size(); ++page) {
    Page read;
    VITRINE_TRY(read_page(page, read));
    for (std::size_t i = 0; i < entries_in(page); ++i) visit(read.entries[i]);
  }
  return ok_status();
}

std::uint64_t IdRun::memory_bytes() const {
  return sizeof(*this) + fences_.size() * sizeof(fences_[0]) + filter_.size() * sizeof(Block);
}

}  // namespace vitrine::kv::internal
