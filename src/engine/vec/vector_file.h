#pragma once
// Vectors in the files that others use: .fvecs, .bvecs, .npy (float32 or uint8, two dimensions, row
// after row). Those inside Faiss's indexes: faiss_index.h.

#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "engine/vec/types.h"
#include "platform/io/file_system.h"

namespace vitrine::vec {

struct VectorFile {
  std::uint32_t dim = 0;
  std::vector<float> values;       ///< row after row
  std::vector<std::uint32_t> ids;  ///< of the rows; empty: 0, 1, 2 ...
  Metric metric = Metric::kL2;     ///< what a Faiss index was made for
  std::uint32_t lists = 0;         ///< of a Faiss index; 0 for Flat and plain files

  std::size_t count() const { return dim == 0 ? 0 : values.size() / dim; }
  Rows rows() const { return {values.data(), count(), dim}; }
};

/// By the name's ending. kCorrupt with the offset where the bytes are not such a file,
/// kUnsupported for another ending or element type. Reads the whole file into memory.
Result<VectorFile> read_vectors(io::FileSystem& files, const std::string& path);

/// The same of bytes; `ending` is "fvecs", "bvecs" or "npy".
Result<VectorFile> parse_vectors(std::string_view bytes, std::string_view ending);

}  // namespace vitrine::vec
