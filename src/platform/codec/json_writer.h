// Appends JSON text to a string. Answers are written with it, so it is made for speed: no tree,
// no allocation but the growth of the string.
//
//   std::string out;
//   JsonWriter json(out);
//   json.begin_object();
//   json.key("item_id").string(id);
//   json.key("score").number(score);
//   json.end_object();
//   json.finish();
//
// Commas are put where they belong. The text may lie behind what `out` held before; `out` is only
// to be read after finish() (or the destructor), because the buffer grows ahead of its contents.
// Whether objects and arrays are closed and each key has one value is the caller's business.
// Not thread-safe.
#pragma once

#include <charconv>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>
#include <type_traits>

namespace vitrine::codec {

class JsonWriter {
 public:
  explicit JsonWriter(std::string& out) : out_(out), used_(out.size()), start_(out.size()) {
    reserve(kRoom);
  }
  ~JsonWriter() { finish(); }
  JsonWriter(const JsonWriter&) = delete;
  JsonWriter& operator=(const JsonWriter&) = delete;

  JsonWriter& begin_object() { return open('{'); }
  JsonWriter& end_object() { return close('}'); }
  JsonWriter& begin_array() { return open('['); }
  JsonWriter& end_array() { return close(']'); }

  // A key written in the code: printable ASCII without quote and backslash.
  JsonWriter& key(std::string_view name) {
    reserve(name.size() + kRoom);
    comma();
    char* p = at();
    *p++ = '"';
    std::memcpy(p, name.data(), name.size());
    p += name.size();
    *p++ = '"';
    *p++ = ':';
    advance_to(p);
    return *this;
  }
  // A key that is data.
  JsonWriter& escaped_key(std::string_view name) {
    string(name);
    put(':');
    return *this;
  }

  // Escapes quote, backslash and control characters; bytes that are not UTF-8 become U+FFFD, one
  // for each wrong byte, so the result is always valid JSON.
  JsonWriter& string(std::string_view text);

  // Shortest text that reads back as the same value; null for NaN and infinities, which JSON
  // does not have.
  template <class T>
  requires std::is_arithmetic_v<T> &&
      (!std::is_same_v<T, bool>)&&(!std::is_same_v<T, char>)JsonWriter& number(T value) {
    if constexpr (std::is_floating_point_v<T>) {
      if (!std::isfinite(value)) return null();
    }
    reserve(kRoom);
    comma();
    char* p = at();
    if constexpr (std::is_floating_point_v<T>) {
      // Written out, a large float would look like an integer that no reader holds in 64 bits.
      if (std::abs(value) >= T(1e18)) {
        advance_to(std::to_chars(p, p + kRoom / 2, value, std::chars_format::scientific).ptr);
        return *this;
      }
    }
    advance_to(std::to_chars(p, p + kRoom / 2, value).ptr);
    return *this;
  }
  JsonWriter& boolean(bool value) { return raw(value ? "true" : "false"); }
  JsonWriter& null() { return raw("null"); }
  // One value that is JSON already.
  JsonWriter& raw(std::string_view json) {
    reserve(json.size() + kRoom);
    comma();
    std::memcpy(at(), json.data(), json.size());
    used_ += json.size();
    return *this;
  }
  // Ends one document of an NDJSON stream.
  JsonWriter& newline() {
    put('\n');
    return *this;
  }

  // Bytes written by this writer so far.
  std::size_t size() const { return used_ - start_; }
  // Makes `out` end with the last byte written. More may be written afterwards, then again
  // finish().
  void finish() { out_.resize(used_); }

 private:
  // Longest number of to_chars for double is 24 characters; with comma, quotes and colon far below.
  static constexpr std::size_t kRoom = 64;

  char* at() { return out_.data() + used_; }
  void advance_to(const char* p) { used_ = static_cast<std::size_t>(p - out_.data()); }
  void reserve(std::size_t bytes) {
    if (out_.size() - used_ < bytes) grow(bytes);
  }
  void grow(std::size_t bytes);
  void put(char c) {
    reserve(kRoom);
    *at() = c;
    ++used_;
  }
  // A value or key needs a comma in front unless it is the first behind an opening or a colon.
  void comma() {
    if (used_ == start_) return;
    const char last = out_[used_ - 1];
    if (last != '{' && last != '[' && last != ':' && last != '\n') out_[used_++] = ',';
  }
  JsonWriter& open(char c) {
    reserve(kRoom);
    comma();
    out_[used_++] = c;
    return *this;
  }
  JsonWriter& close(char c) {
    put(c);
    return *this;
  }

  std::string& out_;  // invariant: used_ <= out_.size(); the bytes behind used_ are room
  std::size_t used_;
  const std::size_t start_;
};

}  // namespace vitrine::codec
