// Gorse's users as users, and users back.
//
// {"UserId": "u", "Labels": {...} or [...], "Subscribe": ["..."], "Comment": "..."}: Labels become
// attributes as those of items do (gorse.h), Subscribe is the list `subscribe`, Comment the text
// `comment`.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "domain/person/person_json.h"

namespace vitrine::facade {

// The body is one user or an array of up to kGorseListMax; entry i is the i-th, with what is wrong
// with it. kInvalidArgument, kTooLarge.
Result<std::vector<person::Checked<person::User>>> translate_gorse_users(
    std::string_view body, std::size_t readable_behind);

// What PATCH changes: the fields that are there. An empty Comment takes it away.
Result<person::Checked<person::UserPatch>> translate_gorse_user_patch(std::string_view user_id,
                                                                      std::string_view body,
                                                                      std::size_t readable_behind);

// The user as Gorse would give it.
void append_gorse_user(const person::User& user, std::string& out);

}  // namespace vitrine::facade
