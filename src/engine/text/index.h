// A living text index: documents come, change and go; snapshots are searched (search.h).
//
// An index is a list of immutable segments. New documents wait in a buffer; snapshot() turns the
// buffer into a small segment, so that what was added before is found after. Small segments are
// merged as they gather, large ones by merge_step(), which a background task calls (start_merging)
// and which never stands in the way of readers or writers. A change is a removal from the old
// segment and an addition to the newest. The same calls in the same order give the same bytes.
//
// Threads: all calls may come from any thread; writers take turns. A Snapshot is immutable and
// lives as long as someone holds it.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/executor.h"
#include "base/progress.h"
#include "base/result.h"
#include "engine/text/schema.h"
#include "engine/text/segment.h"
#include "platform/io/file_system.h"

namespace vitrine::text {

// The tokens of one field of a document, positions not falling.
struct FieldTokens {
  std::uint8_t field = 0;  // index into Schema::fields
  std::span<const Token> tokens;
};

// Documents as of one moment.
class Snapshot {
 public:
  struct Part {
    std::shared_ptr<const Segment> segment;
    // A bit per document of the segment, set where it is removed; null if none is.
    std::shared_ptr<const std::vector<std::uint64_t>> removed;
    std::uint32_t removed_count = 0;
  };

  Snapshot(Schema schema, std::vector<Part> parts);

  const Schema& schema() const { return schema_; }
  std::span<const Part> parts() const { return parts_; }
  std::uint64_t documents() const { return documents_; }
  bool contains(DocumentId id) const;
  // Documents with the term, removed ones included until a merge forgets them.
  std::uint64_t document_frequency(std::string_view term) const;
  // Terms from `from` on in byte order with their document frequency, until `fn` returns false.
  void for_each_term(std::string_view from,
                     const std::function<bool(std::string_view, std::uint64_t)>& fn) const;

 private:
  Schema schema_;
  std::vector<Part> parts_;
  std::uint64_t documents_ = 0;
};

struct IndexOptions {
  // A buffer of so many tokens becomes a segment by itself.
  std::uint64_t buffer_tokens_max = 64'000'000;
  // Segments of about the same size that are merged at a time.
  std::uint32_t merge_width = 8;
  // Segments up to so many documents are merged at once by snapshot(), larger ones by merge_step().
  std::uint32_t merge_inline_documents = 4'000;
  // Reorder documents so that similar ones are near (recursive graph bisection) in merges of at
  // least reorder_documents_min documents. Costs build time, makes queries faster and files
  // smaller.
  bool reorder = false;
  std::uint32_t reorder_documents_min = 50'000;
};

class Index {
 public:
  // In memory only.
  static Result<std::unique_ptr<Index>> create(Schema schema, IndexOptions options = {});
  // In `directory`, created where absent. kConflict if it holds an index of another schema or
  // analyser, or if another process has it open; kCorrupt and kUnsupported say which file and
  // where.
  static Result<std::unique_ptr<Index>> open(io::FileSystem& files, std::string directory,
                                             Schema schema, IndexOptions options = {});
  // An existing index, with the schema it was made with.
  static Result<std::unique_ptr<Index>> open_existing(io::FileSystem& files, std::string directory,
                                                      IndexOptions options = {});
  ~Index();

  // Adds the document or replaces the one of the same id. kInvalidArgument for unknown fields,
  // empty or too long terms.
  Status add(DocumentId id, std::span<const FieldTokens> fields);
  // Whether there was one.
  bool remove(DocumentId id);

  // Everything added so far. Cheap when nothing changed, else it builds a segment of the buffer:
  // about 0.3 us a token.
  std::shared_ptr<const Snapshot> snapshot();
  // As of the last snapshot() or flush(); never builds anything.
  std::shared_ptr<const Snapshot> latest() const;

  // snapshot(), then makes it durable (in a directory). After a crash the index opens as of the
  // last flush: with its documents and its note. Segments that have a file stay as they are, so
  // frequent flushes cost what changed.
  Status flush();
  // The same with another note of up to kNoteBytesMax bytes. What an index follows (a log, a
  // table) can put its position here, taken before the flush: whoever opens the index goes on from
  // there and adds again what came in between, which changes nothing.
  Status flush(std::string_view note);
  static constexpr std::size_t kNoteBytesMax = 64 << 10;
  // Of the last flush, also of the one the index was opened from; empty at first.
  std::string note() const;

  // One merge of large segments if there is something to merge; whether there was. Readers and
  // writers go on meanwhile.
  Result<bool> merge_step(Progress& progress = no_progress());
  // Merges everything into one segment without removed documents.
  Status compact(Progress& progress = no_progress());
  // Runs merge_step() on a thread of `executor` whenever segments gather, until destruction.
  void start_merging(Executor& executor);

  const Schema& schema() const;
  struct Info {
    std::uint64_t documents = 0, removed = 0, buffered = 0, segments = 0, bytes = 0;
    std::uint64_t merges = 0;
  };
  Info info() const;

 private:
  struct State;
  explicit Index(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace vitrine::text
