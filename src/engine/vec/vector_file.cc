#include "engine/vec/vector_file.h"

#include <charconv>
#include <cstring>

#include "base/bytes.h"

namespace vitrine::vec {
namespace {

constexpr std::uint64_t kFileMax = std::uint64_t{1} << 40;

Error corrupt(std::size_t offset, const std::string& what) {
  return Error(ErrorCode::kCorrupt, "offset " + std::to_string(offset) + ": " + what);
}

void append_floats(std::string_view bytes, std::vector<float>& out) {
  const std::size_t at = out.size();
  out.resize(at + bytes.size() / sizeof(float));
  if (!bytes.empty()) std::memcpy(out.data() + at, bytes.data(), bytes.size());
}

void append_bytes(std::string_view bytes, std::vector<float>& out) {
  for (const char byte : bytes) out.push_back(static_cast<float>(static_cast<unsigned char>(byte)));
}

// Rows that each begin with their dimension (i32).
Result<VectorFile> parse_vecs(std::string_view bytes, bool floats) {
  VectorFile out;
  ByteReader in(bytes);
  while (in.remaining() > 0) {
    const std::size_t offset = bytes.size() - in.remaining();
    const std::uint32_t dim = in.u32();
    if (dim < 1 || dim > kDimMax || (out.dim != 0 && dim != out.dim))
      return corrupt(offset, "a row of " + std::to_string(dim) + " dimensions");
    out.dim = dim;
    const std::string_view row = in.raw(std::uint64_t{dim} * (floats ? 4 : 1));
    if (!in.ok()) return corrupt(offset, "the file ends inside a row");
    floats ? append_floats(row, out.values) : append_bytes(row, out.values);
  }
  return out;
}

// What follows `key` in the header of a .npy file, up to `end`.
std::string_view npy_field(std::string_view header, std::string_view key, char end) {
  const std::size_t at = header.find(key);
  if (at == std::string_view::npos) return {};
  const std::string_view rest = header.substr(at + key.size());
  return rest.substr(0, rest.find(end));
}

Result<VectorFile> parse_npy(std::string_view bytes) {
  if (bytes.size() < 10 || bytes.substr(0, 6) != "\x93NUMPY") return corrupt(0, "no .npy file");
  ByteReader in(bytes.substr(8));
  const std::uint64_t size = bytes[6] == 1 ? in.u16() : in.u32();
  const std::string_view header = in.raw(size);
  if (!in.ok()) return corrupt(8, "the header is cut off");
  const bool floats = header.find("'<f4'") != std::string_view::npos;
  if (!floats && header.find("'|u1'") == std::string_view::npos)
    return Error(ErrorCode::kUnsupported, "elements must be float32 or uint8");
  if (npy_field(header, "'fortran_order':", ',').find("False") == std::string_view::npos)
    return Error(ErrorCode::kUnsupported, "rows must lie one after another (fortran_order False)");
  const std::string_view shape = npy_field(header, "'shape': (", ')');
  std::uint64_t count = 0;
  std::uint64_t dim = 0;
  const char* end = shape.data() + shape.size();
  const auto first = std::from_chars(shape.data(), end, count);
  const char* at = first.ptr;
  while (at != end && (*at == ',' || *at == ' ')) ++at;
  const auto second = std::from_chars(at, end, dim);
  if (first.ec != std::errc{} || second.ec != std::errc{} || second.ptr != end || dim < 1 ||
      dim > kDimMax)
    return corrupt(10, "the shape must be (rows, dimensions), 1 to 2048 dimensions");
  if (count > in.remaining() || count * dim * (floats ? 4 : 1) != in.remaining())
    return corrupt(bytes.size() - in.remaining(), "the data has another length than the shape");
  VectorFile out;
  out.dim = static_cast<std::uint32_t>(dim);
  const std::string_view data = in.raw(in.remaining());
  floats ? append_floats(data, out.values) : append_bytes(data, out.values);
  return out;
}

// ---- Faiss ----

// The part that every Faiss index begins with, after its four letters.
struct FaissHeader {
  std::uint32_t dim = 0;
  std::uint64_t count = 0;
  Metric metric = Metric::kL2;
};

Result<FaissHeader> faiss_header(ByteReader& in) {
  FaissHeader out;
  out.dim = in.u32();
  out.count = in.u64();
  in.u64();
  in.u64();
  in.u8();  // trained
  const std::uint32_t metric = in.u32();
  if (!in.ok() || out.dim < 1 || out.dim > kDimMax || out.count >= kNoId)
    return corrupt(4, "dimensions or number of vectors are out of range");
  if (metric > 1) return Error(ErrorCode::kUnsupported, "Faiss metric " + std::to_string(metric));
  out.metric = metric == 0 ? Metric::kInnerProduct : Metric::kL2;
  return out;
}

Status faiss_flat(ByteReader& in, const FaissHeader& header, std::vector<float>& out) {
  // The length in floats; older versions wrote it as such, newer ones as codes in bytes / 4.
  const std::uint64_t floats = in.u64();
  if (floats > in.remaining() / 4 || floats != header.count * header.dim)
    return corrupt(37, "the vectors have another length than the header says");
  append_floats(in.raw(floats * 4), out);
  return ok_status();
}

Result<VectorFile> faiss_lists(ByteReader& in, std::size_t size) {
  VITRINE_TRY(const FaissHeader header, faiss_header(in));
  VectorFile out;
  out.dim = header.dim;
  out.metric = header.metric;
  const std::uint64_t lists = in.u64();
  in.u64();  // probes
  // The coarse quantizer, an index of its own.
  const std::string_view kind = in.raw(4);
  if (kind != "IxF2" && kind != "IxFI" && kind != "IxFl")
    return Error(ErrorCode::kUnsupported,
                 "a coarse quantizer of Faiss kind '" + std::string(kind) + "'");
  VITRINE_TRY(const FaissHeader coarse, faiss_header(in));
  std::vector<float> centroids;
  VITRINE_TRY(faiss_flat(in, coarse, centroids));
  const bool direct = in.u8() != 0;
  const std::uint64_t map = in.u64();
  if (direct || map != 0 || !in.ok())
    return Error(ErrorCode::kUnsupported, "a Faiss index with a direct map");
  if (in.raw(4) != "ilar")
    return Error(ErrorCode::kUnsupported, "inverted lists that are not stored in the file");
  const std::uint64_t stored = in.u64();
  const std::uint64_t code_size = in.u64();
  if (!in.ok() || stored != lists || coarse.count != lists || code_size != header.dim * 4ULL)
    return corrupt(size - in.remaining(), "the inverted lists don't fit the header");
  out.lists = static_cast<std::uint32_t>(lists);
  const std::string_view form = in.raw(4);
  const std::uint64_t entries = in.u64();
  if (entries > in.remaining() / 8 || (form != "full" && form != "sprs"))
    return corrupt(size - in.remaining(), "the table of list sizes");
  std::vector<std::uint64_t> sizes(form == "full" ? entries : 0);
  if (form == "full") {
    if (entries != lists) return corrupt(size - in.remaining(), "the table of list sizes");
    for (auto& s : sizes) s = in.u64();
  } else {
    for (std::uint64_t i = 0; i < entries / 2; ++i) {
      in.u64();
      sizes.push_back(in.u64());
    }
  }
  for (const std::uint64_t n : sizes) {
    if (n > in.remaining() / code_size)
      return corrupt(size - in.remaining(), "the file ends inside a list");
    append_floats(in.raw(n * code_size), out.values);
    for (std::uint64_t i = 0; i < n; ++i) {
      const std::uint64_t id = in.u64();
      if (!in.ok() || id >= kNoId)
        return corrupt(size - in.remaining(), "an id is missing or does not fit 32 bits");
      out.ids.push_back(static_cast<std::uint32_t>(id));
    }
  }
  if (out.ids.size() != header.count)
    return corrupt(size, "the lists hold another number of vectors than the header says");
  return out;
}

std::string_view ending_of(const std::string& path) {
  const std::size_t dot = path.rfind('.');
  return dot == std::string::npos ? std::string_view{} : std::string_view(path).substr(dot + 1);
}

}  // namespace

Result<VectorFile> parse_vectors(std::string_view bytes, std::string_view ending) {
  if (ending == "fvecs") return parse_vecs(bytes, true);
  if (ending == "bvecs") return parse_vecs(bytes, false);
  if (ending == "npy") return parse_npy(bytes);
  return Error(ErrorCode::kUnsupported,
               "'." + std::string(ending) + "' is not known; .fvecs, .bvecs and .npy are");
}

Result<VectorFile> parse_faiss(std::string_view bytes) {
  ByteReader in(bytes);
  const std::string_view kind = in.raw(4);
  if (kind == "IxF2" || kind == "IxFI" || kind == "IxFl") {
    VITRINE_TRY(const FaissHeader header, faiss_header(in));
    VectorFile out;
    out.dim = header.dim;
    out.metric = kind == "IxFI" ? Metric::kInnerProduct : Metric::kL2;
    VITRINE_TRY(faiss_flat(in, header, out.values));
    return out;
  }
  if (kind == "IwFl") return faiss_lists(in, bytes.size());
  return Error(ErrorCode::kUnsupported,
               "a Faiss index of kind '" + std::string(kind) + "'; Flat and IVFFlat are read");
}

Result<VectorFile> read_vectors(io::FileSystem& files, const std::string& path) {
  VITRINE_TRY(const std::string bytes, io::read_file(files, path, kFileMax));
  auto out = parse_vectors(bytes, ending_of(path));
  if (!out.ok()) return std::move(out).error().context(path);
  return out;
}

Result<VectorFile> read_faiss(io::FileSystem& files, const std::string& path) {
  VITRINE_TRY(const std::string bytes, io::read_file(files, path, kFileMax));
  auto out = parse_faiss(bytes);
  if (!out.ok()) return std::move(out).error().context(path);
  return out;
}

}  // namespace vitrine::vec
