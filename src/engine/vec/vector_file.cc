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

Result<VectorFile> read_vectors(io::FileSystem& files, const std::string& path) {
  VITRINE_TRY(const std::string bytes, io::read_file(files, path, kFileMax));
  auto out = parse_vectors(bytes, ending_of(path));
  if (!out.ok()) return std::move(out).error().context(path);
  return out;
}

}  // namespace vitrine::vec
