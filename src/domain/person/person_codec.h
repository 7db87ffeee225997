// What is said about users as bytes of log records, after the tenant (domain/record/record.h).
//
//   kUserUpsert   version u8 = 1, id string, count varint, count x {name string, value}
//   kUserPatch    the same, where a value may also be "remove". Version 2: a user that is not
//                 described is described by it
//   kUserDelete   version u8 = 1, id string
//   kUserMerge    version u8 = 1, user id string, anonymous id string
//   kUserConsent  version u8 = 1, user id string, consents u8 (event::Consents, not 0)
//   kUserErase    version u8 = 1, count varint (1 and more), count x {low u64, high u64}
// Values are as in domain/catalog/item_codec.h. Layouts are on disk.
#pragma once

#include <string>
#include <string_view>

#include "base/bytes.h"
#include "base/result.h"
#include "domain/person/person.h"

namespace vitrine::person {

// Arguments have passed the checks of person.h.
void encode_user(const User& user, ByteWriter& out);
void encode_patch(const UserPatch& patch, ByteWriter& out);
// The patch that makes a user of nobody: what facades write, whose clients know no difference.
void encode_describing_patch(const UserPatch& patch, ByteWriter& out);
void encode_delete(std::string_view user_id, ByteWriter& out);
void encode_merge(const Merge& merge, ByteWriter& out);
void encode_consent(const ConsentChange& change, ByteWriter& out);
void encode_erasure(const Erasure& erasure, ByteWriter& out);

// The body of a record, all of it. kCorrupt for anything the encoders can't have written,
// kUnsupported for a later version. What they give has passed the checks.
Result<User> decode_user(std::string_view body);
Result<UserPatch> decode_patch(std::string_view body);  // of either version
// Of a body that decode_patch() takes: was it written by encode_describing_patch()?
bool describes_anybody(std::string_view patch_body);
Result<std::string> decode_delete(std::string_view body);
Result<Merge> decode_merge(std::string_view body);
Result<ConsentChange> decode_consent(std::string_view body);
Result<Erasure> decode_erasure(std::string_view body);

// The id a body of kUserUpsert ... kUserConsent begins with; empty if it is none of them.
std::string_view user_id_of(std::string_view body);

}  // namespace vitrine::person
