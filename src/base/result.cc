#include "base/result.h"

#include <cerrno>
#include <cstring>

namespace vitrine {

std::string_view error_code_name(ErrorCode code) {
  switch (code) {
    case ErrorCode::kInvalidArgument: return "invalid_argument";
    case ErrorCode::kNotFound: return "not_found";
    case ErrorCode::kConflict: return "conflict";
    case ErrorCode::kUnauthenticated: return "unauthenticated";
    case ErrorCode::kPermissionDenied: return "permission_denied";
    case ErrorCode::kExhausted: return "exhausted";
    case ErrorCode::kTooLarge: return "too_large";
    case ErrorCode::kUnavailable: return "unavailable";
    case ErrorCode::kDeadlineExceeded: return "deadline_exceeded";
    case ErrorCode::kGone: return "gone";
    case ErrorCode::kCorrupt: return "corrupt";
    case ErrorCode::kIo: return "io";
    case ErrorCode::kFenced: return "fenced";
    case ErrorCode::kUnsupported: return "unsupported";
    case ErrorCode::kInternal: return "internal";
  }
  return "internal";
}

Error::Error(ErrorCode code, std::string message)
    : detail_(std::make_unique<Detail>(Detail{.code = code, .message = std::move(message)})) {}

Error::Error(const Error& other)
    : detail_(other.detail_ ? std::make_unique<Detail>(*other.detail_) : nullptr) {}

Error& Error::operator=(const Error& other) {
  if (this != &other) detail_ = other.detail_ ? std::make_unique<Detail>(*other.detail_) : nullptr;
  return *this;
}

Error::~Error() = default;

ErrorCode Error::code() const {
  VITRINE_CHECK(detail_ != nullptr);
  return detail_->code;
}

const std::string& Error::message() const {
  VITRINE_CHECK(detail_ != nullptr);
  return detail_->message;
}

std::string_view Error::reason() const {
  VITRINE_CHECK(detail_ != nullptr);
  return detail_->reason.empty() ? error_code_name(detail_->code) : detail_->reason;
}

Error Error::with_reason(std::string_view literal) && {
  VITRINE_CHECK(detail_ != nullptr);
  detail_->reason = literal;
  return std::move(*this);
}

std::uint32_t Error::retry_after_s() const {
  VITRINE_CHECK(detail_ != nullptr);
  return detail_->retry_after_s;
}

Error Error::with_retry_after(std::uint32_t seconds) && {
  VITRINE_CHECK(detail_ != nullptr);
  detail_->retry_after_s = seconds;
  return std::move(*this);
}

Error Error::context(std::string_view where) && {
  VITRINE_CHECK(detail_ != nullptr);
  detail_->message.insert(0, std::string(where) + ": ");
  return std::move(*this);
}

std::string Error::to_string() const {
  if (!detail_) return "no error";
  return std::string(error_code_name(detail_->code)) + ": " + detail_->message;
}

Error io_error(std::string_view operation, std::string_view object, int errno_value) {
  const bool full = errno_value == ENOSPC || errno_value == EDQUOT;
  std::string message;
  message.append(operation).append(" ").append(object).append(": ").append(
      std::strerror(errno_value));
  return {full ? ErrorCode::kExhausted : ErrorCode::kIo, std::move(message)};
}

}  // namespace vitrine
