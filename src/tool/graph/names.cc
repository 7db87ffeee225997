#include "tool/graph/names.h"

#include "platform/io/checked_file.h"

namespace vitrine::graphtool {
namespace {

constexpr std::string_view kName = "graph names";
// A node of the map with its string, the allocator's share included, and a pointer.
constexpr std::uint64_t kBytesPerName = 112;
constexpr std::uint64_t kReserveStep = 4 << 20;

}  // namespace

Result<std::uint32_t> Names::number_of(std::string_view id) {
  const auto at = numbers_.find(id);
  if (at != numbers_.end()) return at->second;
  const std::uint64_t bytes = kBytesPerName + id.size();
  if (free_ < bytes) {
    VITRINE_TRY(auto more, budget_.reserve("names", kReserveStep));
    held_.push_back(std::move(more));
    free_ += kReserveStep;
  }
  free_ -= bytes;
  const auto number = static_cast<std::uint32_t>(ids_.size());
  const auto [added, is_new] = numbers_.emplace(id, number);
  ids_.push_back(&added->first);
  return number;
}

Status save_names(io::FileSystem& files, const std::string& path, const Names& names) {
  io::CheckedFileOptions options;
  options.name = kName;
  VITRINE_TRY(auto out, io::CheckedFileWriter::create(files, path, options));
  out->value<std::uint64_t>(names.size());
  for (std::uint32_t i = 0; i < names.size(); ++i) out->string(names.id(i));
  return out->finish();
}

Result<std::vector<std::string>> load_names(io::FileSystem& files, const std::string& path) {
  VITRINE_TRY(auto in, io::CheckedFileReader::open(files, path, kName, 1));
  std::uint64_t count = 0;
  VITRINE_TRY(in->value(count));
  if (count > in->remaining()) return Error(ErrorCode::kCorrupt, path + ": too many names");
  std::vector<std::string> names(count);
  for (std::string& name : names) VITRINE_TRY(in->string(name));
  VITRINE_TRY(in->expect_end());
  return names;
}

}  // namespace vitrine::graphtool
