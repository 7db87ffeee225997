// What the imports of items and users have in common: many records from the lines of one body, each
// taken or rejected by itself.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/bytes.h"
#include "domain/record/record.h"
#include "edge/api/routes.h"

namespace vitrine::api {

inline constexpr std::size_t kImportLinesMax = 1000;

struct LineImport {
  struct BadLine {
    std::size_t index;  // of the line, from 0, empty lines not counted
    std::string code;
    std::string detail;
  };
  std::vector<std::string> payloads;
  std::vector<std::string> ids;
  std::vector<std::size_t> lines;  // of each payload
  std::vector<BadLine> bad;

  // A record of the caller's tenant about `id`; `encode` writes what follows the tenant.
  template <class Encode>
  void add(const Call& call, std::string_view id, std::size_t index, Encode&& encode) {
    ByteWriter writer(payloads.emplace_back());
    record::write_tenant(writer, call.caller.tenant);
    encode(writer);
    lines.push_back(index);
    ids.emplace_back(id);
  }
};

// Calls take(line, index) for each line that holds something. How many there were; kImportLinesMax
// + 1, and the rest not looked at, if there are more.
template <class Take>
std::size_t for_each_line(std::string_view body, Take&& take) {
  std::size_t count = 0;
  while (!body.empty()) {
    const std::size_t end = body.find('\n');
    std::string_view line = body.substr(0, end);
    body.remove_prefix(end == std::string_view::npos ? body.size() : end + 1);
    if (line.ends_with('\r')) line.remove_suffix(1);
    if (line.find_first_not_of(" \t") == std::string_view::npos) continue;
    if (count == kImportLinesMax) return count + 1;
    take(line, count++);
  }
  return count;
}

// Appends the records, waits until they are applied, and answers how many were and which were not.
// `room` refuses more than the quota (given the ids).
void finish_import(Call& call, std::shared_ptr<TenantServices> services,
                   std::shared_ptr<LineImport> import, record::RecordKind kind,
                   Status (*room)(const Call&, const TenantServices&,
                                  std::span<const std::string_view>),
                   net::Responder responder);

}  // namespace vitrine::api
