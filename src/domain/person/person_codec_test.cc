#include "domain/person/person_codec.h"

#include <gtest/gtest.h>

namespace vitrine::person {
namespace {

template <class Encode>
std::string bytes_of(Encode&& encode) {
  std::string out;
  ByteWriter writer(out);
  encode(writer);
  return out;
}

// The value comes back, and no shorter or longer body does.
template <class T>
void expect_round_trip(const T& value, const std::string& bytes,
                       Result<T> (*decode)(std::string_view)) {
  const auto back = decode(bytes);
  ASSERT_TRUE(back.ok()) << back.error().to_string();
  EXPECT_EQ(*back, value);
  for (std::size_t size = 0; size < bytes.size(); ++size) {
    const auto cut = decode(std::string_view(bytes).substr(0, size));
    ASSERT_FALSE(cut.ok()) << size;
    EXPECT_EQ(cut.error().code(), ErrorCode::kCorrupt);
  }
  EXPECT_FALSE(decode(bytes + '\0').ok());
  std::string later = bytes;
  later[0] = 3;
  const auto unknown = decode(later);
  ASSERT_FALSE(unknown.ok());
  EXPECT_EQ(unknown.error().code(), ErrorCode::kUnsupported);
}

TEST(PersonCodec, EveryRecordComesBack) {
  const User user{"u/1",
                  {{"country", std::string("DE")},
                   {"newsletter", true},
                   {"points", 12.5},
                   {"since", catalog::Time{1'700'000'000'000'000}},
                   {"sizes", std::vector<std::string>{"M", "L"}}}};
  expect_round_trip(user, bytes_of([&](auto& w) { encode_user(user, w); }), &decode_user);
  const UserPatch patch{"u", {{"a", std::nullopt}, {"b", std::string("x")}}};
  const auto plain = bytes_of([&](auto& w) { encode_patch(patch, w); });
  expect_round_trip(patch, plain, &decode_patch);
  EXPECT_FALSE(describes_anybody(plain));
  const auto describing = bytes_of([&](auto& w) { encode_describing_patch(patch, w); });
  const auto described = decode_patch(describing);
  ASSERT_TRUE(described.ok());
  EXPECT_EQ(*described, patch);
  EXPECT_TRUE(describes_anybody(describing));
  EXPECT_EQ(user_id_of(describing), "u");
  EXPECT_FALSE(decode_user(describing).ok()) << "only a patch has this version";
  const std::string id = "somebody";
  expect_round_trip(id, bytes_of([&](auto& w) { encode_delete(id, w); }), &decode_delete);
  const Merge merge{"u", "a"};
  expect_round_trip(merge, bytes_of([&](auto& w) { encode_merge(merge, w); }), &decode_merge);
  ConsentChange change{"u", {}};
  change.consents.set(event::Purpose::kMarketing, false);
  expect_round_trip(change, bytes_of([&](auto& w) { encode_consent(change, w); }), &decode_consent);
  const Erasure erasure{{{1, 2}, {3, 4}}};
  expect_round_trip(erasure, bytes_of([&](auto& w) { encode_erasure(erasure, w); }),
                    &decode_erasure);
}

TEST(PersonCodec, WhatBreaksARuleIsCorrupt) {
  const auto refused = [](const User& user) {
    const auto back = decode_user(bytes_of([&](auto& w) { encode_user(user, w); }));
    return !back.ok() && back.error().code() == ErrorCode::kCorrupt;
  };
  EXPECT_TRUE(refused({"", {}}));
  EXPECT_TRUE(refused({std::string(257, 'x'), {}}));
  EXPECT_TRUE(refused({"a\nb", {}}));
  EXPECT_TRUE(refused({"u", {{"b", 1.0}, {"a", 1.0}}}));
  EXPECT_TRUE(refused({"u", {{"a", 1.0}, {"a", 1.0}}}));
  EXPECT_TRUE(refused({"u", {{"No", 1.0}}}));
  EXPECT_TRUE(refused({"u", {{"a", std::string(9000, 'x')}}}));
  const auto silent = bytes_of([](auto& w) { encode_consent({"u", {}}, w); });
  EXPECT_FALSE(decode_consent(silent).ok());
  const auto nobody = bytes_of([](auto& w) { encode_erasure({}, w); });
  EXPECT_FALSE(decode_erasure(nobody).ok());
}

}  // namespace
}  // namespace vitrine::person
