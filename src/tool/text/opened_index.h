// An index on disk with the analyser it was made with, for the text commands.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "base/result.h"
#include "engine/text/analyser.h"
#include "engine/text/index.h"
#include "platform/io/file_system.h"

namespace vitrine::text_tool {

// The index keeps its analyser's fingerprint only; the options stand in a small file beside it.
inline constexpr const char* kAnalyserFile = "analyser";

struct Opened {
  std::unique_ptr<text::Index> index;
  std::shared_ptr<const text::Analyser> analyser;
  std::shared_ptr<const text::Snapshot> snapshot;
};

// kConflict where this program's analyser gives other terms than the index has.
Result<Opened> open_index(io::FileSystem& files, const std::string& directory);

// In quotes, escaped.
std::string json_text(std::string_view text);

}  // namespace vitrine::text_tool
