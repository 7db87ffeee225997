#include "domain/person/people.h"

#include <map>
#include <random>

#include <gtest/gtest.h>

#include "domain/person/person_codec.h"

namespace vitrine::person {
namespace {

std::string saved(const People& people) {
  StringSink sink;
  people.save(sink);
  return sink.bytes();
}

ApplyResult put(People& people, std::uint32_t user, const User& given, TimeUs at = 1) {
  return people.apply_user(UserIndex{user}, given, at).value();
}

// Goal: puts, patches and removals end where a map of maps ends. Method: random changes, compared
// after each, with a restart now and then.
TEST(People, AgreesWithAMapOfMaps) {
  std::mt19937_64 random(5);
  std::map<std::uint32_t, std::map<std::string, AttributeValue>> naive;
  auto people = std::make_unique<People>();
  const auto pick_name = [&] { return std::string(1, static_cast<char>('a' + random() % 5)); };
  const auto pick_value = [&] { return AttributeValue(static_cast<double>(random() % 100)); };
  for (int step = 0; step < 3000; ++step) {
    const auto user = static_cast<std::uint32_t>(random() % 40 * 977);
    const std::string id = "user " + std::to_string(user);
    switch (random() % 4) {
      case 0: {
        std::map<std::string, AttributeValue> given;
        for (std::uint64_t i = random() % 4; i > 0; --i) given[pick_name()] = pick_value();
        User value{id, {}};
        for (const auto& [name, v] : given) value.attributes.push_back({name, v});
        ASSERT_EQ(put(*people, user, value, step).outcome, Outcome::kApplied);
        naive[user] = given;
        break;
      }
      case 1:
      case 2: {
        const std::string name = pick_name();
        UserPatch patch{id, {{name, std::nullopt}}};
        if (random() % 3 != 0) patch.edits[0].value = pick_value();
        const auto result = people->apply_patch(UserIndex{user}, patch, step).value();
        ASSERT_EQ(result.outcome, naive.contains(user) ? Outcome::kApplied : Outcome::kNotFound);
        if (!naive.contains(user)) break;
        if (patch.edits[0].value) {
          naive[user][name] = *patch.edits[0].value;
        } else {
          naive[user].erase(name);
        }
        break;
      }
      default: ASSERT_EQ(people->remove(UserIndex{user}), naive.erase(user) == 1);
    }
    if (step % 100 == 0) {
      const std::string bytes = saved(*people);
      people = std::make_unique<People>();
      StringSource source(bytes);
      ASSERT_TRUE(people->load(source, 40 * 977).ok());
      ASSERT_EQ(saved(*people), bytes);
    }
    ASSERT_EQ(people->count(), naive.size());
  }
  UserIndex at = people->next(UserIndex{0});
  for (const auto& [user, attributes] : naive) {
    ASSERT_EQ(at.value, user);
    const auto found = people->get(at);
    ASSERT_TRUE(found);
    EXPECT_EQ(found->user.id, "user " + std::to_string(user));
    std::map<std::string, AttributeValue> got;
    for (const auto& [name, value] : found->user.attributes) got[name] = value;
    EXPECT_EQ(got, attributes);
    at = people->next(UserIndex{at.value + 1});
  }
  EXPECT_EQ(at, kNoUser);
}

TEST(People, TheFirstUseOfANameFixesItsTypeAndARefusedChangeChangesNothing) {
  People people;
  ASSERT_EQ(put(people, 1, {"u", {{"age", 30.0}}}).outcome, Outcome::kApplied);
  const std::string before = saved(people);
  EXPECT_EQ(put(people, 1, {"u", {{"age", std::string("30")}, {"new", true}}}).outcome,
            Outcome::kTypeConflict);
  EXPECT_EQ(saved(people), before);
  EXPECT_EQ(people.types().size(), 1u);
}

TEST(People, NothingGrowsPastItsBound) {
  People people({.bytes_max = 200, .names_max = 2});
  ASSERT_EQ(put(people, 1, {"u", {{"a", std::string(100, 'x')}}}).outcome, Outcome::kApplied);
  EXPECT_EQ(put(people, 2, {"v", {{"a", std::string(100, 'x')}}}).outcome, Outcome::kLimit);
  EXPECT_EQ(put(people, 1, {"u", {{"a", std::string(120, 'y')}}}).outcome, Outcome::kApplied);
  EXPECT_EQ(put(people, 1, {"u", {{"a", std::string()}, {"b", true}, {"c", true}}}).outcome,
            Outcome::kLimit);
  EXPECT_EQ(people.types().size(), 1u);
  // A patch is held to the bound of a whole user.
  UserPatch patch{"u", {}};
  for (int i = 0; i < 3; ++i) {
    patch.edits = {{"a", std::string(7000, static_cast<char>('a' + i))}};
    People big;
    ASSERT_EQ(
        put(big, 1, {"u", {{"b", std::string(8000, 'x')}, {"c", std::string(8000, 'x')}}}).outcome,
        Outcome::kApplied);
    EXPECT_EQ(big.apply_patch(UserIndex{1}, patch, 2).value().outcome, Outcome::kLimit);
  }
}

TEST(PeopleLoad, EveryTruncationAndEveryFlippedNumberIsRefusedAndLeavesNothing) {
  People people;
  for (std::uint32_t user : {3u, 4u, 9000u}) {
    put(people, user, {"user " + std::to_string(user), {{"a", 1.0}, {"b", std::string("x")}}});
  }
  const std::string bytes = saved(people);
  for (std::size_t size = 0; size < bytes.size(); ++size) {
    StringSource source(std::string_view(bytes).substr(0, size));
    ASSERT_FALSE(people.load(source, 10'000).ok()) << size;
    ASSERT_EQ(people.count(), 0u);
    ASSERT_EQ(people.next(UserIndex{0}), kNoUser);
  }
  StringSource source(bytes);
  EXPECT_FALSE(people.load(source, 9000).ok());  // a number that no user has
}

}  // namespace
}  // namespace vitrine::person
