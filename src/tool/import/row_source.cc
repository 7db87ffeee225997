#include "tool/import/row_source.h"

#include <algorithm>
#include <deque>
#include <map>

#include "platform/codec/csv.h"
#include "platform/codec/json_parse.h"
#include "platform/codec/line_reader.h"

namespace vitrine::importer {
namespace {

constexpr std::size_t kLineBytesMax = 1 << 20;

class CsvRows final : public RowSource {
 public:
  CsvRows(std::unique_ptr<codec::ByteInput> input, char separator)
      : reader_(std::move(input), {.separator = separator}) {}

  Status read_head(const std::string& path) {
    VITRINE_TRY(const auto read, reader_.next(fields_));
    if (read != codec::CsvRead::kRow) {
      return Error(ErrorCode::kInvalidArgument, path + ": the first line must name the columns");
    }
    for (const std::string_view name : fields_) {
      if (!index_.emplace(name, columns_.size()).second) {
        return Error(ErrorCode::kInvalidArgument,
                     path + ": two columns are called '" + std::string(name) + "'");
      }
      columns_.emplace_back(name);
    }
    return ok_status();
  }

  Result<RowRead> next() override {
    VITRINE_TRY(const auto read, reader_.next(fields_));
    if (read == codec::CsvRead::kEnd) return RowRead::kEnd;
    if (read == codec::CsvRead::kBadRow) {
      problem_ = reader_.problem();
      return RowRead::kBadRow;
    }
    if (fields_.size() == columns_.size()) return RowRead::kRow;
    problem_ = "the row has " + std::to_string(fields_.size()) + " cells, the head has " +
               std::to_string(columns_.size());
    return RowRead::kBadRow;
  }
  const std::string& problem() const override { return problem_; }
  std::uint64_t line_number() const override { return reader_.line_number(); }
  std::uint64_t bytes_done() const override { return reader_.input().bytes_done(); }
  std::uint64_t bytes_total() const override { return reader_.input().bytes_total(); }
  const std::vector<std::string>& columns() const override { return columns_; }
  const std::vector<std::string>& names() override { return columns_; }
  facade::Cell cell(std::string_view name) override {
    const auto found = index_.find(name);
    return found == index_.end() ? facade::Cell{} : facade::Cell{fields_[found->second]};
  }

 private:
  codec::CsvReader reader_;
  std::vector<std::string_view> fields_;
  std::vector<std::string> columns_;
  std::map<std::string, std::size_t, std::less<>> index_;
  std::string problem_;
};

class JsonRows final : public RowSource {
 public:
  explicit JsonRows(std::unique_ptr<codec::ByteInput> input)
      : reader_(std::move(input), kLineBytesMax) {}

  Result<RowRead> next() override {
    names_.clear();
    texts_.clear();
    std::string_view line;
    for (;;) {
      VITRINE_TRY(const auto read, reader_.next(line));
      if (read == codec::LineRead::kEnd) return RowRead::kEnd;
      if (read == codec::LineRead::kTooLong) return bad("the line is longer than 1 MiB");
      if (line.starts_with("\xEF\xBB\xBF") && reader_.line_number() == 1) line.remove_prefix(3);
      if (line.find_first_not_of(" \t\r") != std::string_view::npos) break;
    }
    const auto parsed = parser_.parse(line, codec::LineReader::kReadableBehind);
    if (!parsed.ok()) return bad(parsed.error().message());
    if (parsed->get(row_) != simdjson::SUCCESS) return bad("the line is no JSON object");
    return RowRead::kRow;
  }
  const std::string& problem() const override { return problem_; }
  std::uint64_t line_number() const override { return reader_.line_number(); }
  std::uint64_t bytes_done() const override { return reader_.input().bytes_done(); }
  std::uint64_t bytes_total() const override { return reader_.input().bytes_total(); }
  const std::vector<std::string>& columns() const override { return no_columns_; }
  const std::vector<std::string>& names() override {
    if (names_.empty()) {
      for (const auto field : row_) names_.emplace_back(field.key);
    }
    return names_;
  }
  facade::Cell cell(std::string_view name) override {
    simdjson::dom::element value;
    if (row_.at_key(name).get(value) != simdjson::SUCCESS && !descend(name, value)) return {};
    if (value.is_null()) return {};
    if (std::string_view text; value.get(text) == simdjson::SUCCESS) return {text};
    return {texts_.emplace_back(simdjson::minify(value)), true};
  }

 private:
  RowRead bad(std::string_view why) {
    problem_ = why;
    return RowRead::kBadRow;
  }
  bool descend(std::string_view path, simdjson::dom::element& out) const {
    simdjson::dom::object of = row_;
    for (;;) {
      const std::size_t dot = path.find('.');
      if (of.at_key(path.substr(0, dot)).get(out) != simdjson::SUCCESS) return false;
      if (dot == std::string_view::npos) return true;
      if (out.get(of) != simdjson::SUCCESS) return false;
      path.remove_prefix(dot + 1);
    }
  }

  codec::LineReader reader_;
  codec::JsonParser parser_;
  simdjson::dom::object row_;
  std::vector<std::string> names_, no_columns_;
  std::deque<std::string> texts_;  // of cells that are no strings
  std::string problem_;
};

Result<TableFormat> detect(const std::string& path) {
  VITRINE_TRY(auto input, codec::open_input_file(path));
  codec::LineReader reader(std::move(input), kLineBytesMax);
  std::string_view line;
  for (;;) {
    VITRINE_TRY(const auto read, reader.next(line));
    if (read == codec::LineRead::kEnd) {
      return Error(ErrorCode::kInvalidArgument, path + " is empty");
    }
    if (read == codec::LineRead::kTooLong) return TableFormat::kNdjson;
    if (line.starts_with("\xEF\xBB\xBF")) line.remove_prefix(3);
    const std::size_t at = line.find_first_not_of(" \t\r");
    if (at == std::string_view::npos) continue;
    if (line[at] == '{') return TableFormat::kNdjson;
    const auto tabs = std::ranges::count(line, '\t');
    const auto semicolons = std::ranges::count(line, ';');
    const auto commas = std::ranges::count(line, ',');
    if (tabs > commas && tabs >= semicolons) return TableFormat::kTsv;
    return semicolons > commas ? TableFormat::kSemicolon : TableFormat::kCsv;
  }
}

}  // namespace

Result<std::unique_ptr<RowSource>> RowSource::open(const std::string& path, TableFormat format) {
  if (format == TableFormat::kDetect) {
    VITRINE_TRY(format, detect(path));
  }
  VITRINE_TRY(auto input, codec::open_input_file(path));
  if (format == TableFormat::kNdjson) {
    return std::unique_ptr<RowSource>(std::make_unique<JsonRows>(std::move(input)));
  }
  const char separator = format == TableFormat::kTsv         ? '\t'
                         : format == TableFormat::kSemicolon ? ';'
                                                             : ',';
  auto rows = std::make_unique<CsvRows>(std::move(input), separator);
  VITRINE_TRY(rows->read_head(path));
  return std::unique_ptr<RowSource>(std::move(rows));
}

}  // namespace vitrine::importer
