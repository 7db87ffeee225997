#include "service/privacy/erasure_list.h"

#include <gtest/gtest.h>

#include "domain/person/person_codec.h"
#include "domain/profile/profiles.h"
#include "domain/record/record.h"

namespace vitrine::privacy {
namespace {

const ErasureList kList = {
    {1'760'000'000'000'000, TenantId{1}, {profile::user_key("ada"), profile::anonymous_key("a-1")}},
    {1'760'000'000'000'001, TenantId{7}, {{0, 1}}}};

std::string bytes_of(const ErasureList& list) {
  std::string out;
  ByteWriter writer(out);
  encode_erasures(list, writer);
  return out;
}

TEST(ErasureList, ComesBackFromBytesAndFromText) {
  const std::string bytes = bytes_of(kList);
  ByteReader in(bytes);
  EXPECT_EQ(decode_erasures(in), kList);
  EXPECT_TRUE(in.at_end());
  for (std::size_t size = 0; size < bytes.size(); ++size) {
    ByteReader cut(std::string_view(bytes).substr(0, size));
    EXPECT_TRUE(decode_erasures(cut).empty());
    EXPECT_FALSE(cut.ok()) << size;
  }
  const auto back = parse_erasures(erasures_text(kList));
  ASSERT_TRUE(back.ok()) << back.error().to_string();
  EXPECT_EQ(*back, kList);
  EXPECT_EQ(erasures_text(kList).find("ada"), std::string::npos) << "hashes, no ids";
}

TEST(ErasureList, ListsBehindEachOtherAreOneInOrderOfTime) {
  const std::string text = erasures_text(kList);
  const auto both = parse_erasures(erasures_text({kList[1]}) + "\n" + text + text);
  ASSERT_TRUE(both.ok());
  EXPECT_EQ(*both, kList);
}

TEST(ErasureList, ALineThatIsNoneIsNamed) {
  const std::string good = erasures_text({kList[1]});
  for (const std::string bad :
       {"x", "{}", R"({"tenant":0,"time_us":1,"keys":["00000000000000000000000000000001"]})",
        R"({"tenant":1,"time_us":1,"keys":[]})", R"({"tenant":1,"time_us":1,"keys":["01"]})",
        R"({"tenant":1,"time_us":1,"keys":["0000000000000000000000000000000g"]})",
        R"({"tenant":1,"time_us":"1","keys":["00000000000000000000000000000001"]})"}) {
    const auto read = parse_erasures(good + bad + "\n");
    ASSERT_FALSE(read.ok()) << bad;
    EXPECT_NE(read.error().message().find("line 2"), std::string::npos);
  }
}

TEST(ErasureList, ARecordOfAnOrderIsAnEntryAndOthersAreNone) {
  std::string payload;
  ByteWriter writer(payload);
  record::write_tenant(writer, kList[0].tenant);
  person::encode_erasure({kList[0].keys}, writer);
  const auto kind = static_cast<std::uint16_t>(record::RecordKind::kUserErase);
  const auto entry = erasure_of({5, kList[0].time, kind, 0, payload});
  ASSERT_TRUE(entry.ok());
  EXPECT_EQ(**entry, kList[0]);
  EXPECT_FALSE(erasure_of({5, 1, kind, 0, payload.substr(0, 9)}).ok());
  EXPECT_FALSE(*erasure_of({5, 1, 1, 0, payload}));
}

}  // namespace
}  // namespace vitrine::privacy
