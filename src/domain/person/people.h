// What a tenant's shop has said about its users, by their number in domain/profile.
//
// A described user costs about 80 bytes and its attributes as they lie in the log; one that is
// not described costs nothing here beyond 8 bytes in blocks of 4,096 numbers that hold any. The
// type of an attribute is fixed by its first use in the tenant, as for items.
//
// Bounds: Options. Not thread-safe; const functions from any number of threads at a time.
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/ids.h"
#include "base/stream.h"
#include "domain/person/person.h"

namespace vitrine::person {

struct PeopleOptions {
  // Of ids and attributes of all users together. Part of the meaning of the state.
  std::uint64_t bytes_max = 8ull << 30;
  std::size_t names_max = 256;  // different attribute names
};

enum class Outcome : std::uint8_t { kApplied, kNotFound, kTypeConflict, kLimit };

struct ApplyResult {
  Outcome outcome = Outcome::kApplied;
  std::string detail;  // for people; empty for kApplied
};

class People {
 public:
  explicit People(PeopleOptions options = {}) : options_(options) {}

  // `at`: append time of the record. An error is damage that can't come from a log.
  Result<ApplyResult> apply_user(UserIndex user, const User& given, TimeUs at);
  Result<ApplyResult> apply_patch(UserIndex user, const UserPatch& patch, TimeUs at);
  // False if nothing was known.
  bool remove(UserIndex user);

  bool known(UserIndex user) const { return find(user.value) != nullptr; }
  struct Description {
    User user;
    TimeUs created = 0;  // of the first description since the last removal
    TimeUs updated = 0;
  };
  std::optional<Description> get(UserIndex user) const;
  // The first described user with a number from `from` on; kNoUser at the end.
  UserIndex next(UserIndex from) const;
  std::uint64_t count() const { return count_; }
  const std::map<std::string, AttributeType, std::less<>>& types() const { return types_; }

  // Equal states give equal bytes.
  void save(Sink& sink) const;
  // After an error empty. `users`: numbers are below this.
  Status load(Source& source, std::uint32_t users);
  std::uint64_t memory_bytes() const;

 private:
  struct Person {
    TimeUs created = 0;
    TimeUs updated = 0;
    std::string bytes;  // encode_user()
  };
  static constexpr std::uint32_t kPerBlock = 4096;
  using Block = std::array<std::unique_ptr<Person>, kPerBlock>;

  const Person* find(std::uint32_t user) const {
    const std::uint32_t block = user / kPerBlock;
    if (block >= blocks_.size() || !blocks_[block]) return nullptr;
    return (*blocks_[block])[user % kPerBlock].get();
  }
  std::unique_ptr<Person>& slot(std::uint32_t user);
  std::optional<ApplyResult> take_types(const std::vector<AttributeEdit>& edits);
  Result<ApplyResult> put(UserIndex user, const User& given, TimeUs at);
  Status load_all(Source& source, std::uint32_t users);
  void clear();

  PeopleOptions options_;
  std::vector<std::unique_ptr<Block>> blocks_;
  std::map<std::string, AttributeType, std::less<>> types_;
  std::uint64_t count_ = 0;
  std::uint64_t bytes_ = 0;
};

}  // namespace vitrine::person
