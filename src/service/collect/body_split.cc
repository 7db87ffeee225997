#include "service/collect/body_split.h"

#include <cstdint>
#include <string>

namespace vitrine::collect {
namespace {

bool is_blank(char c) { return c == ' ' || c == '\n' || c == '\r' || c == '\t'; }

Error broken(std::string_view what, std::size_t offset) {
  return Error(ErrorCode::kInvalidArgument,
               "the body is not readable as JSON: " + std::string(what) + " at byte " +
                   std::to_string(offset))
      .with_reason("invalid_json");
}

// Which kinds of brackets are open: one bit for each of the innermost 64 of the outermost levels.
// Deeper ones are only counted; an event that deep is refused by itself later.
class OpenBrackets {
 public:
  void open(char c) {
    if (depth_ < 64) set(depth_, c == '{');
    ++depth_;
  }
  // False if `c` does not close what is open.
  bool close(char c) {
    if (depth_ == 0) return false;
    --depth_;
    return depth_ >= 64 || ((is_object_ >> depth_) & 1) == (c == '}');
  }
  std::size_t depth() const { return depth_; }

 private:
  void set(std::size_t level, bool is_object) {
    is_object_ = (is_object_ & ~(std::uint64_t{1} << level)) |
                 (static_cast<std::uint64_t>(is_object) << level);
  }
  std::uint64_t is_object_ = 0;
  std::size_t depth_ = 0;
};

// Offset of the quote that closes the string whose opening quote is at `at`; npos if there is none.
std::size_t end_of_string(std::string_view text, std::size_t at) {
  for (++at; at < text.size(); ++at) {
    if (text[at] == '\\') {
      ++at;
    } else if (text[at] == '"') {
      return at;
    }
  }
  return std::string_view::npos;
}

class Splitter {
 public:
  Splitter(std::string_view body, std::size_t elements_max)
      : body_(body), elements_max_(elements_max) {}

  Result<std::vector<std::string_view>> run() {
    std::size_t at = 0;
    while (at < body_.size() && is_blank(body_[at])) ++at;
    if (at == body_.size()) return broken("it is empty", at);
    const bool is_array = body_[at] == '[';
    if (!is_array && body_[at] != '{') {
      return broken("it must be an event, an array of events, or NDJSON; something else begins",
                    at);
    }
    start_ = is_array ? at + 1 : at;
    for (; at < body_.size(); ++at) {
      const char c = body_[at];
      if (c == '"') {
        const std::size_t end = end_of_string(body_, at);
        if (end == std::string_view::npos) return broken("a string is not closed that begins", at);
        at = end;
      } else if (c == '{' || c == '[') {
        brackets_.open(c);
      } else if (c == '}' || c == ']') {
        if (!brackets_.close(c)) return broken(std::string("'") + c + "' closes nothing", at);
        if (brackets_.depth() == 0) return finish(is_array, at);
      } else if (c == ',' && is_array && brackets_.depth() == 1) {
        if (auto added = add(at); !added.ok()) return Error(added.error());
      }
    }
    return broken("it ends within an array or object", at);
  }

 private:
  // The element from start_ to `end`, where a comma or the closing bracket is.
  Status add(std::size_t end) {
    const std::string_view element = trim_json(body_.substr(start_, end - start_));
    if (element.empty()) return broken("an element is missing", end);
    if (elements_.size() == elements_max_) return too_many_events(elements_max_);
    elements_.push_back(element);
    start_ = end + 1;
    return ok_status();
  }

  Result<std::vector<std::string_view>> finish(bool is_array, std::size_t end) {
    const bool is_empty =
        is_array && elements_.empty() && trim_json(body_.substr(start_, end - start_)).empty();
    if (!is_empty) {
      if (auto added = add(is_array ? end : end + 1); !added.ok()) return Error(added.error());
    }
    std::size_t rest = end + 1;
    while (rest < body_.size() && is_blank(body_[rest])) ++rest;
    if (rest == body_.size()) return std::move(elements_);
    return broken("more follows the value (for one event a line, send application/x-ndjson)", rest);
  }

  std::string_view body_;
  std::size_t elements_max_;
  OpenBrackets brackets_;
  std::size_t start_ = 0;  // of the element being scanned
  std::vector<std::string_view> elements_;
};

}  // namespace

std::string_view trim_json(std::string_view text) {
  if (text.starts_with("\xEF\xBB\xBF")) text.remove_prefix(3);
  while (!text.empty() && is_blank(text.front())) text.remove_prefix(1);
  while (!text.empty() && is_blank(text.back())) text.remove_suffix(1);
  return text;
}

Error too_many_events(std::size_t elements_max) {
  return Error(ErrorCode::kTooLarge, "more than " + std::to_string(elements_max) +
                                         " events in one request: split them over several requests")
      .with_reason("too_many_events");
}

Result<std::vector<std::string_view>> split_json_body(std::string_view body,
                                                      std::size_t elements_max) {
  return Splitter(body, elements_max).run();
}

}  // namespace vitrine::collect
