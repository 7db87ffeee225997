// Reading what Faiss's write_index wrote. Every length is checked before anything is allocated for
// it, and every number that later code counts on: files come from anywhere.
#include <cmath>

#include "base/bytes.h"
#include "engine/vec/faiss_index.h"

namespace vitrine::vec {

class FaissReader {
 public:
  explicit FaissReader(std::string_view bytes) : in_(bytes), size_(bytes.size()) {}

  Result<FaissIndex> index() {
    const std::string kind(in_.raw(4));
    if (kind == "IxF2" || kind == "IxFI" || kind == "IxFl") {
      VITRINE_TRY(flat(kind));
    } else if (kind == "IwFl") {
      out_.kind_ = FaissKind::kLists;
      VITRINE_TRY(const std::size_t lists, lists_header());
      VITRINE_TRY(stored_lists(lists, out_.dim_ * sizeof(float)));
    } else if (kind == "IwPQ" || kind == "IwPf") {
      out_.kind_ = kind == "IwPQ" ? FaissKind::kProduct : FaissKind::kFastScan;
      VITRINE_TRY(const std::size_t lists, lists_header());
      VITRINE_TRY(product(lists));
    } else {
      return Error(
          ErrorCode::kUnsupported,
          "a Faiss index of kind '" + kind + "'; Flat, IVFFlat, IVFPQ and IVFPQFastScan are read");
    }
    if (out_.ids_.size() != count_)
      return corrupt("another number of vectors than the header says");
    return std::move(out_);
  }

 private:
  Error corrupt(const std::string& what) const {
    return Error(ErrorCode::kCorrupt,
                 "offset " + std::to_string(size_ - in_.remaining()) + ": " + what);
  }

  struct Header {
    std::uint32_t dim = 0;
    std::uint64_t count = 0;
    Metric metric = Metric::kL2;
  };

  // The part that every index begins with, after its four letters.
  Result<Header> header() {
    Header out;
    out.dim = in_.u32();
    out.count = in_.u64();
    in_.u64();
    in_.u64();
    in_.u8();  // trained
    const std::uint32_t metric = in_.u32();
    if (!in_.ok() || out.dim < 1 || out.dim > kDimMax || out.count >= kNoId)
      return corrupt("dimensions or number of vectors are out of range");
    if (metric > 1) return Error(ErrorCode::kUnsupported, "Faiss metric " + std::to_string(metric));
    out.metric = metric == 0 ? Metric::kInnerProduct : Metric::kL2;
    return out;
  }

  // `count` floats, appended. Numbers that are not finite would make rankings meaningless.
  Status floats(std::uint64_t count, std::vector<float>& out) {
    if (count > in_.remaining() / sizeof(float)) return corrupt("the file ends inside floats");
    const std::string_view bytes = in_.raw(count * sizeof(float));
    const std::size_t at = out.size();
    out.resize(at + count);
    if (count > 0) std::memcpy(out.data() + at, bytes.data(), bytes.size());
    for (std::size_t i = at; i < out.size(); ++i)
      if (!std::isfinite(out[i])) return corrupt("a value that is not a finite number");
    return ok_status();
  }

  // The vectors of a Flat index: their number of floats, then those.
  Status flat_rows(const Header& header, std::vector<float>& out) {
    const std::uint64_t stored = in_.u64();
    if (!in_.ok() || stored != header.count * header.dim)
      return corrupt("the vectors have another length than the header says");
    return floats(stored, out);
  }

  Status flat(const std::string& kind) {
    VITRINE_TRY(const Header own, header());
    take(own);
    out_.kind_ = FaissKind::kFlat;
    out_.metric_ = kind == "IxFI" ? Metric::kInnerProduct : Metric::kL2;
    VITRINE_TRY(flat_rows(own, out_.rows_));
    for (std::uint32_t i = 0; i < own.count; ++i) out_.ids_.push_back(i);
    out_.begin_ = {0, out_.ids_.size()};
    return ok_status();
  }

  void take(const Header& header) {
    out_.dim_ = header.dim;
    out_.metric_ = header.metric;
    count_ = header.count;
  }

  // Up to the inverted lists or what is special about the codes; returns the number of lists.
  Result<std::size_t> lists_header() {
    VITRINE_TRY(const Header own, header());
    take(own);
    const std::uint64_t lists = in_.u64();
    out_.probes_ = in_.u64();
    const std::string kind(in_.raw(4));
    if (kind != "IxF2" && kind != "IxFI" && kind != "IxFl")
      return Error(ErrorCode::kUnsupported, "a coarse quantizer of Faiss kind '" + kind + "'");
    out_.coarse_inner_product_ = kind == "IxFI";
    VITRINE_TRY(const Header coarse, header());
    VITRINE_TRY(flat_rows(coarse, out_.centroids_));
    const bool direct = in_.u8() != 0;
    const std::uint64_t map = in_.u64();
    if (direct || map != 0 || !in_.ok())
      return Error(ErrorCode::kUnsupported, "a Faiss index with a direct map");
    if (lists < 1 || coarse.count != lists || coarse.dim != own.dim)
      return corrupt("the coarse quantizer doesn't fit the header");
    return static_cast<std::size_t>(lists);
  }

  Status product(std::size_t lists) {
    const bool packed = out_.kind_ == FaissKind::kFastScan;
    out_.by_residual_ = in_.u8() != 0;
    const std::uint64_t code_size = in_.u64();
    std::uint32_t group = 0;
    if (packed) {
      group = in_.u32();
      in_.u64();  // parts, rounded up to an even number
      in_.u32();  // which of its kernels
      in_.u64();
    }
    ProductQuantizer& pq = out_.quantizer_;
    const std::uint64_t dim = in_.u64();
    const std::uint64_t parts = in_.u64();
    const std::uint64_t bits = in_.u64();
    if (!in_.ok() || dim != out_.dim_ || parts < 1 || parts > dim || dim % parts != 0)
      return corrupt("the product quantizer doesn't fit the dimensions");
    if (bits != 4 && (bits != 8 || packed))
      return Error(ErrorCode::kUnsupported, "codes of " + std::to_string(bits) + " bits a part");
    pq.dim = out_.dim_;
    pq.parts = static_cast<std::uint32_t>(parts);
    pq.bits = static_cast<std::uint32_t>(bits);
    const std::uint64_t words = in_.u64();
    if (!in_.ok() || words != std::uint64_t{pq.book_size()} * pq.dim)
      return corrupt("the codewords have another length than the quantizer says");
    VITRINE_TRY(floats(words, pq.words));
    if (packed) return packed_lists(lists, group);
    if (code_size != pq.code_bytes()) return corrupt("the code size doesn't fit the quantizer");
    return stored_lists(lists, code_size);
  }

  Status ids(std::uint64_t count) {
    if (count > in_.remaining() / sizeof(std::uint64_t)) return corrupt("the file ends inside ids");
    for (std::uint64_t i = 0; i < count; ++i) {
      const std::uint64_t id = in_.u64();
      if (id >= kNoId) return corrupt("an id does not fit 32 bits");
      out_.ids_.push_back(static_cast<std::uint32_t>(id));
    }
    return ok_status();
  }

  Status stored_lists(std::size_t lists, std::uint64_t code_size) {
    if (in_.raw(4) != "ilar")
      return Error(ErrorCode::kUnsupported, "inverted lists that are not stored in the file");
    const std::uint64_t stored = in_.u64();
    const std::uint64_t stored_code_size = in_.u64();
    if (!in_.ok() || stored != lists || stored_code_size != code_size)
      return corrupt("the inverted lists don't fit the header");
    VITRINE_TRY(const std::vector<std::uint64_t> sizes, list_sizes(lists));
    for (const std::uint64_t n : sizes) {
      out_.begin_.push_back(out_.ids_.size());
      if (n > in_.remaining() / code_size) return corrupt("the file ends inside a list");
      if (out_.kind_ == FaissKind::kLists) {
        VITRINE_TRY(floats(n * out_.dim_, out_.rows_));
      } else {
        const std::string_view bytes = in_.raw(n * code_size);
        out_.codes_.insert(out_.codes_.end(), bytes.begin(), bytes.end());
      }
      VITRINE_TRY(ids(n));
    }
    out_.begin_.push_back(out_.ids_.size());
    return ok_status();
  }

  // Either all sizes, or pairs of list and size where most lists are empty.
  Result<std::vector<std::uint64_t>> list_sizes(std::size_t lists) {
    const std::string_view form = in_.raw(4);
    const std::uint64_t entries = in_.u64();
    const bool full = form == "full";
    if (!in_.ok() || entries > in_.remaining() / 8 || (!full && form != "sprs") ||
        (full ? entries != lists : entries % 2 != 0))
      return corrupt("the table of list sizes");
    std::vector<std::uint64_t> sizes(lists);
    std::uint64_t next = 0;
    for (std::uint64_t i = 0; i < (full ? entries : entries / 2); ++i) {
      const std::uint64_t list = full ? i : in_.u64();
      if (list < next || list >= lists) return corrupt("the table of list sizes");
      next = list + 1;
      sizes[list] = in_.u64();
    }
    return sizes;
  }

  // Fast scan interleaves the codes of 32 vectors: for each pair of parts 32 bytes, 16 for either;
  // byte j of them holds vector v = 0, 8, 1, 9 .. 7, 15 in its low and v + 16 in its high nibble.
  Status packed_lists(std::size_t lists, std::uint32_t group) {
    if (in_.raw(4) != "ilbl")
      return Error(ErrorCode::kUnsupported, "inverted lists that are not stored in the file");
    const std::uint64_t stored = in_.u64();
    in_.u64();  // no code size
    const std::uint64_t in_block = in_.u64();
    const std::uint64_t block = in_.u64();
    const std::size_t pairs = (out_.quantizer_.parts + 1) / 2;
    if (!in_.ok() || stored != lists || in_block != group || group < 32 || group > 1024 ||
        group % 32 != 0 || block != group * pairs)
      return corrupt("the inverted lists don't fit the header");
    for (std::size_t list = 0; list < lists; ++list) {
      out_.begin_.push_back(out_.ids_.size());
      const std::uint64_t count = in_.u64();
      VITRINE_TRY(ids(count));
      const std::uint64_t bytes = in_.u64();
      if (!in_.ok() || bytes > in_.remaining() || bytes / block < (count + group - 1) / group)
        return corrupt("the file ends inside a list");
      unpack(in_.raw(bytes), count, group, pairs);
    }
    out_.begin_.push_back(out_.ids_.size());
    return ok_status();
  }

  void unpack(std::string_view packed, std::uint64_t count, std::size_t group, std::size_t pairs) {
    const bool odd = out_.quantizer_.parts % 2 != 0;
    for (std::uint64_t v = 0; v < count; ++v) {
      const std::size_t in_32 = v % 32;
      const std::size_t column = in_32 % 16 < 8 ? in_32 % 16 * 2 : (in_32 % 16 - 8) * 2 + 1;
      for (std::size_t pair = 0; pair < pairs; ++pair) {
        const std::size_t at =
            (v / group * pairs * (group / 32) + pair * (group / 32) + v % group / 32) * 32 + column;
        const auto nibble = [&](std::size_t offset) {
          const auto byte = static_cast<unsigned char>(packed[offset]);
          return static_cast<std::uint8_t>(in_32 < 16 ? byte & 15 : byte >> 4);
        };
        const bool alone = odd && pair + 1 == pairs;
        const int high = alone ? 0 : nibble(at + 16) << 4;
        out_.codes_.push_back(static_cast<std::uint8_t>(nibble(at) | high));
      }
    }
  }

  ByteReader in_;
  std::size_t size_;
  std::uint64_t count_ = 0;
  FaissIndex out_;
};

Result<FaissIndex> FaissIndex::parse(std::string_view bytes) { return FaissReader(bytes).index(); }

Result<FaissIndex> FaissIndex::read(io::FileSystem& files, const std::string& path) {
  VITRINE_TRY(const std::string bytes, io::read_file(files, path, std::uint64_t{1} << 40));
  auto out = parse(bytes);
  if (!out.ok()) return std::move(out).error().context(path);
  return out;
}

}  // namespace vitrine::vec
