// Any file is read row by row; each row is mapped to valid JSON or said to be bad. The same file
// gives the same events.
#include <cstdio>
#include <fstream>
#include <string>

#include <unistd.h>

#include "platform/codec/json_parse.h"
#include "tool/import/row_mapper.h"

namespace {

using namespace vitrine;

std::string map_all(const std::string& path, const importer::MapOptions& options,
                    importer::RowKind kind) {
  const auto source = importer::RowSource::open(path, importer::TableFormat::kDetect);
  if (!source.ok()) return source.error().message();
  auto mapper = importer::RowMapper::for_kind(kind, options, **source);
  if (!mapper.ok()) return mapper.error().message();
  std::string all, json, why;
  codec::JsonParser parser;
  for (;;) {
    const auto read = (*source)->next();
    if (!read.ok()) return read.error().message();
    if (*read == importer::RowRead::kEnd) return all;
    if (*read == importer::RowRead::kBadRow) {
      if ((*source)->problem().empty()) __builtin_trap();
      continue;
    }
    if (!mapper->run(**source, json, why)) {
      if (why.empty()) __builtin_trap();
      continue;
    }
    if (!parser.parse(json).ok()) __builtin_trap();
    all += json;
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const std::string path = "/tmp/vitrine-row-mapper-fuzz-" + std::to_string(::getpid());
  std::ofstream(path, std::ios::binary)
      .write(reinterpret_cast<const char*>(data), static_cast<std::streamsize>(size));
  importer::MapOptions events;
  events.constants = {"type=detail-page-view", "event_time=1", "user_id=u"};
  if (map_all(path, events, importer::RowKind::kEvent) !=
      map_all(path, events, importer::RowKind::kEvent)) {
    __builtin_trap();
  }
  map_all(path, {}, importer::RowKind::kItem);
  map_all(path, {}, importer::RowKind::kUser);
  std::remove(path.c_str());
  return 0;
}
