#include <algorithm>
#include <map>

#include "engine/text/index.h"
#include "engine/text/internal/segment_impl.h"

namespace vitrine::text {

Snapshot::Snapshot(Schema schema, std::vector<Part> parts)
    : schema_(std::move(schema)), parts_(std::move(parts)) {
  for (const Part& part : parts_) documents_ += part.segment->documents() - part.removed_count;
}

bool Snapshot::contains(DocumentId id) const {
  for (const Part& part : parts_) {
    const std::uint32_t local = part.segment->local_of(id);
    if (local == kNoDocument) continue;
    if (part.removed_count == 0 || ((*part.removed)[local / 64] >> (local % 64) & 1) == 0)
      return true;
  }
  return false;
}

std::uint64_t Snapshot::document_frequency(std::string_view term) const {
  std::uint64_t sum = 0;
  for (const Part& part : parts_) sum += part.segment->document_frequency(term);
  return sum;
}

void Snapshot::for_each_term(std::string_view from,
                             const std::function<bool(std::string_view, std::uint64_t)>& fn) const {
  std::vector<std::unique_ptr<internal::TermCursor>> cursors;
  for (const Part& part : parts_) {
    const Segment::Impl& s = part.segment->impl();
    if (s.meta.terms == 0) continue;
    auto cursor = std::make_unique<internal::TermCursor>(s, s.block_of(from));
    bool more = cursor->next();
    while (more && cursor->text() < from) more = cursor->next();
    if (more) cursors.push_back(std::move(cursor));
  }
  while (!cursors.empty()) {
    std::string term(cursors[0]->text());
    for (const auto& cursor : cursors)
      if (cursor->text() < term) term = cursor->text();
    std::uint64_t frequency = 0;
    for (auto& cursor : cursors) {
      if (cursor->text() != term) continue;
      frequency += cursor->entry().frequency;
      if (!cursor->next()) cursor.reset();
    }
    std::erase(cursors, nullptr);
    if (!fn(term, frequency)) return;
  }
}

}  // namespace vitrine::text
