// Result<T>: a value or the reason there is none.
//
// The world failing (bad input, full disk, timeout, corrupt block) is a value, not an
// exception. A function that can fail returns Result<T> (or Status = Result<void>);
// the caller either handles it or passes it up with VITRINE_TRY, adding where it was
// with Error::context. Exceptions of foreign libraries are turned into a Result in the
// one file that wraps that library.
//
// An Error is one pointer, so a Result<T> costs one word beside the T when it is good.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "base/check.h"

namespace vitrine {

// A code exists only where some caller acts differently on it. Each has one HTTP status
// (edge/api/problem) and one metric label (error_code_name).
enum class ErrorCode {
  kInvalidArgument,  // the caller sent something wrong: what, where and what to do are in the
                     // message
  kNotFound,
  kConflict,          // the thing exists already, or with other contents
  kUnauthenticated,   // no credential, or not a valid one
  kPermissionDenied,  // a valid credential without the right
  kExhausted,         // a stated bound (quota, queue, disk) is reached: retry later or ask for less
  kTooLarge,          // one request above a stated limit: retrying does not help
  kUnavailable,       // not now: starting, draining, a peer is away
  kDeadlineExceeded,
  kGone,         // it existed and is past its retention
  kCorrupt,      // stored bytes are not what was written: file and offset are in the message
  kIo,           // the operating system refused: errno text is in the message
  kFenced,       // another writer has taken over
  kUnsupported,  // a version or format this build does not know
  kInternal,
};

// snake_case name, stable: it is the `code` of problem documents and a metric label.
std::string_view error_code_name(ErrorCode code);

class [[nodiscard]] Error {
 public:
  Error() = default;  // no error; only useful as the empty state of a member
  Error(ErrorCode code, std::string message);

  Error(Error&&) noexcept = default;
  Error& operator=(Error&&) noexcept = default;
  Error(const Error& other);
  Error& operator=(const Error& other);
  ~Error();

  explicit operator bool() const noexcept { return detail_ != nullptr; }
  ErrorCode code() const;              // must hold an error
  const std::string& message() const;  // must hold an error

  // A finer stable name where one code has several causes that a client tells apart, such as
  // "key_revoked" under kUnauthenticated: the `code` of the problem document. snake_case and a
  // literal (it is not copied). Without one it is error_code_name(code()).
  std::string_view reason() const;
  Error with_reason(std::string_view literal) &&;

  // Whole seconds after which the same request may succeed (Retry-After); 0 says nothing.
  std::uint32_t retry_after_s() const;
  Error with_retry_after(std::uint32_t seconds) &&;

  // "loading model 17: block 3: checksum differs": each layer puts itself in front, once.
  Error context(std::string_view where) &&;

  // "corrupt: loading model 17: ..."; for logs and command-line messages.
  std::string to_string() const;

 private:
  struct Detail {
    ErrorCode code;
    std::uint32_t retry_after_s = 0;
    std::string_view reason{};
    std::string message;
  };
  std::unique_ptr<Detail> detail_;
};

// An Error of kIo with the operation, its object and the text of `errno_value`.
// ENOSPC and EDQUOT become kExhausted, because callers refuse writes but go on reading.
Error io_error(std::string_view operation, std::string_view object, int errno_value);

template <class T>
class [[nodiscard]] Result {
 public:
  Result(T value) : value_(std::move(value)) {}     // NOLINT: a value is a Result
  Result(Error error) : error_(std::move(error)) {  // NOLINT: an error is a Result
    VITRINE_CHECK(static_cast<bool>(error_));
  }

  bool ok() const noexcept { return value_.has_value(); }
  explicit operator bool() const noexcept { return ok(); }

  T& value() & {
    require_value();
    return *value_;
  }
  const T& value() const& {
    require_value();
    return *value_;
  }
  T&& value() && {
    require_value();
    return std::move(*value_);
  }
  T& operator*() & { return value(); }
  const T& operator*() const& { return value(); }
  T* operator->() { return &value(); }
  const T* operator->() const { return &value(); }

  const Error& error() const& {
    VITRINE_CHECK(!ok());
    return error_;
  }
  Error&& error() && {
    VITRINE_CHECK(!ok());
    return std::move(error_);
  }

 private:
  void require_value() const { VITRINE_CHECK_MSG(ok(), error_.to_string()); }
  std::optional<T> value_;
  Error error_;
};

template <>
class [[nodiscard]] Result<void> {
 public:
  Result() = default;
  Result(Error error) : error_(std::move(error)) {  // NOLINT: an error is a Result
    VITRINE_CHECK(static_cast<bool>(error_));
  }
  bool ok() const noexcept { return !error_; }
  explicit operator bool() const noexcept { return ok(); }
  const Error& error() const& {
    VITRINE_CHECK(!ok());
    return error_;
  }
  Error&& error() && {
    VITRINE_CHECK(!ok());
    return std::move(error_);
  }

 private:
  Error error_;
};

using Status = Result<void>;
inline Status ok_status() { return {}; }

}  // namespace vitrine

#define VITRINE_CONCAT_INNER(a, b) a##b
#define VITRINE_CONCAT(a, b) VITRINE_CONCAT_INNER(a, b)

// VITRINE_TRY(expr);            leaves with the Error of a Status
// VITRINE_TRY(auto x, expr);    or unwraps the value of a Result<T>
#define VITRINE_TRY_1(expr)                                             \
  do {                                                                  \
    auto vitrine_status = (expr);                                       \
    if (!vitrine_status.ok()) return std::move(vitrine_status).error(); \
  } while (false)
#define VITRINE_TRY_2(decl, expr) \
  VITRINE_TRY_NAMED(VITRINE_CONCAT(vitrine_result_, __LINE__), decl, expr)
#define VITRINE_TRY_NAMED(name, decl, expr)       \
  auto name = (expr);                             \
  if (!name.ok()) return std::move(name).error(); \
  decl = std::move(name).value()
#define VITRINE_TRY_PICK(a, b, pick, ...) pick
#define VITRINE_TRY(...) VITRINE_TRY_PICK(__VA_ARGS__, VITRINE_TRY_2, VITRINE_TRY_1)(__VA_ARGS__)
