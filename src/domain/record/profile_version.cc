#include "domain/record/profile_version.h"

#include <charconv>

namespace vitrine::record {
namespace {

// A number as to_string writes it, all of `text`.
bool parse_number(std::string_view text, std::uint64_t& out) {
  if (text.empty() || (text.size() > 1 && text.front() == '0')) return false;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), out);
  return error == std::errc{} && end == text.data() + text.size();
}

}  // namespace

std::string format_profile_version(ProfileVersion version) {
  return std::to_string(version.epoch) + "-" + std::to_string(version.position);
}

Result<ProfileVersion> parse_profile_version(std::string_view text) {
  const std::size_t dash = text.find('-');
  ProfileVersion version;
  if (dash == std::string_view::npos || !parse_number(text.substr(0, dash), version.epoch) ||
      !parse_number(text.substr(dash + 1), version.position)) {
    return Error(ErrorCode::kInvalidArgument,
                 "this is not a profile_version: pass on unchanged what an earlier answer gave");
  }
  return version;
}

}  // namespace vitrine::record
