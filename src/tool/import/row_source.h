// The rows of a CSV or NDJSON file, cell by cell, whatever the file is.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "edge/facade/table.h"

namespace vitrine::importer {

enum class TableFormat { kDetect, kCsv, kTsv, kSemicolon, kNdjson };

enum class RowRead { kRow, kBadRow, kEnd };

// Not thread-safe.
class RowSource {
 public:
  // Plain or gzip. kDetect looks at the first line: a brace begins NDJSON; else of tab, semicolon
  // and comma the one that occurs most separates CSV. kInvalidArgument for a CSV without a head, or
  // with a name twice in it.
  static Result<std::unique_ptr<RowSource>> open(const std::string& path, TableFormat format);
  virtual ~RowSource() = default;

  // Errors are those of the file. A bad row is skipped; problem() says why.
  virtual Result<RowRead> next() = 0;
  virtual const std::string& problem() const = 0;
  virtual std::uint64_t line_number() const = 0;  // of the row, from 1
  virtual std::uint64_t bytes_done() const = 0;
  virtual std::uint64_t bytes_total() const = 0;

  // The columns that every row has, in the order of the file; empty for NDJSON, whose rows are
  // free.
  virtual const std::vector<std::string>& columns() const = 0;
  // The names of the present row's cells: the columns, or the keys of the object.
  virtual const std::vector<std::string>& names() = 0;
  // The cell of the present row, empty if it has none. Of JSON "a.b" is b within a. Lives until
  // next().
  virtual facade::Cell cell(std::string_view name) = 0;
};

}  // namespace vitrine::importer
