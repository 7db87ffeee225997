#include "tool/text/opened_index.h"

#include <sstream>

#include "platform/codec/json_writer.h"

namespace vitrine::text_tool {
namespace {

Result<std::shared_ptr<const text::Analyser>> analyser_of(io::FileSystem& files,
                                                          const std::string& directory) {
  VITRINE_TRY(const std::string saved,
              io::read_file(files, io::join_path(directory, kAnalyserFile), 4096));
  text::AnalyserOptions options;
  std::istringstream in(saved);
  int stop = 0;
  if (!(in >> options.language >> stop))
    return Error(ErrorCode::kCorrupt,
                 directory + "/" + kAnalyserFile + ": not an analyser's options");
  options.stop_words = stop != 0;
  return text::Analyser::make(options);
}

}  // namespace

Result<Opened> open_index(io::FileSystem& files, const std::string& directory) {
  Opened o;
  VITRINE_TRY(o.analyser, analyser_of(files, directory));
  VITRINE_TRY(o.index, text::Index::open_existing(files, directory));
  if (o.index->schema().analyser != o.analyser->fingerprint())
    return Error(ErrorCode::kConflict, directory + ": made with analyser " +
                                           o.index->schema().analyser + ", this is " +
                                           o.analyser->fingerprint() + ": build the index anew");
  o.snapshot = o.index->snapshot();
  return o;
}

std::string json_text(std::string_view text) {
  std::string out;
  codec::JsonWriter(out).string(text).finish();
  return out;
}

}  // namespace vitrine::text_tool
