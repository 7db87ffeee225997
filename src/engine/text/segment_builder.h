// Collects documents in memory and turns them into the image of a segment.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>

#include "engine/text/index.h"
#include "engine/text/schema.h"

namespace vitrine::text {

// Not thread-safe. Memory: about 3 bytes a posting, 60 bytes a term, 10 bytes a document.
class SegmentBuilder {
 public:
  explicit SegmentBuilder(Schema schema);
  ~SegmentBuilder();
  SegmentBuilder(SegmentBuilder&&) noexcept;
  SegmentBuilder& operator=(SegmentBuilder&&) noexcept;

  // Local numbers follow the order of calls; ids must differ. kInvalidArgument for unknown fields
  // and terms that are empty or too long: then nothing was added. kTooLarge when the memory bound
  // (4 GiB of postings) is reached: build first.
  Status add(DocumentId id, std::span<const FieldTokens> fields);

  std::uint32_t documents() const;
  std::uint64_t tokens() const;

  // The image of what was added; the builder is empty afterwards. `reference_average` (per field)
  // is what lengths are compared with; where empty, the average of these documents.
  std::string build(std::span<const float> reference_average = {});

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace vitrine::text
