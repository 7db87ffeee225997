// Where a request carries its key.
#pragma once

#include <string_view>

#include "base/result.h"

namespace vitrine::gateway {

// The key text from `Authorization: Bearer KEY` or an API key header (either value may be
// empty; blanks around are ignored; "bearer" in any case). Both may be sent if they agree.
// kUnauthenticated with reason
//   credential_missing    neither is there
//   credential_malformed  an Authorization of another form, and no API key header
//   credential_ambiguous  two different keys: which tenant is meant is not to be guessed
// The view points into the arguments.
Result<std::string_view> find_credential(std::string_view authorization, std::string_view api_key);

}  // namespace vitrine::gateway
