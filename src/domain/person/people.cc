#include "domain/person/people.h"

#include <algorithm>

#include "domain/person/person_codec.h"

namespace vitrine::person {
namespace {

constexpr std::uint32_t kVersion = 1;

Error corrupt(std::uint64_t user, const std::string& what) {
  return Error(ErrorCode::kCorrupt, "people: user " + std::to_string(user) + ": " + what);
}

User apply_edits(User user, const UserPatch& patch) {
  for (const auto& [name, value] : patch.edits) {
    const auto at = std::lower_bound(user.attributes.begin(), user.attributes.end(), name,
                                     [](const Attribute& a, const auto& n) { return a.name < n; });
    const bool here = at != user.attributes.end() && at->name == name;
    if (!value) {
      if (here) user.attributes.erase(at);
    } else if (here) {
      at->value = *value;
    } else {
      user.attributes.insert(at, {name, *value});
    }
  }
  return user;
}

}  // namespace

std::unique_ptr<People::Person>& People::slot(std::uint32_t user) {
  const std::uint32_t block = user / kPerBlock;
  if (block >= blocks_.size()) blocks_.resize(block + 1);
  if (!blocks_[block]) blocks_[block] = std::make_unique<Block>();
  return (*blocks_[block])[user % kPerBlock];
}

// Fixes the types of new names; nothing is changed where one is refused.
std::optional<ApplyResult> People::take_types(const std::vector<AttributeEdit>& edits) {
  std::size_t added = 0;
  for (const auto& [name, value] : edits) {
    if (!value) continue;
    const auto known = types_.find(name);
    if (known == types_.end()) {
      ++added;
    } else if (known->second != catalog::type_of(*value)) {
      return ApplyResult{Outcome::kTypeConflict,
                         "attribute " + name + " is a " +
                             std::string(catalog::attribute_type_name(known->second)) +
                             " for this tenant's users, not a " +
                             std::string(catalog::attribute_type_name(catalog::type_of(*value)))};
    }
  }
  if (types_.size() + added > options_.names_max) {
    return ApplyResult{Outcome::kLimit, "users have " + std::to_string(types_.size()) +
                                            " different attributes and may have " +
                                            std::to_string(options_.names_max)};
  }
  for (const auto& [name, value] : edits) {
    if (value) types_.emplace(name, catalog::type_of(*value));
  }
  return std::nullopt;
}

Result<ApplyResult> People::apply_user(UserIndex user, const User& given, TimeUs at) {
  std::vector<AttributeEdit> edits;
  for (const auto& [name, value] : given.attributes) edits.push_back({name, value});
  if (auto refused = take_types(edits)) return *std::move(refused);
  return put(user, given, at);
}

Result<ApplyResult> People::apply_patch(UserIndex user, const UserPatch& patch, TimeUs at) {
  const Person* person = find(user.value);
  if (person == nullptr) {
    return ApplyResult{Outcome::kNotFound, "no user of this id was described; PUT makes one"};
  }
  VITRINE_TRY(User now, decode_user(person->bytes));
  now = apply_edits(std::move(now), patch);
  if (auto good = check_user(now); !good.ok()) {
    return ApplyResult{Outcome::kLimit, "the user then " + good.error().message()};
  }
  if (auto refused = take_types(patch.edits)) return *std::move(refused);
  return put(user, now, at);
}

Result<ApplyResult> People::put(UserIndex user, const User& given, TimeUs at) {
  std::string bytes;
  ByteWriter writer(bytes);
  encode_user(given, writer);
  const Person* before = find(user.value);
  const std::uint64_t released = before == nullptr ? 0 : before->bytes.size();
  if (bytes_ - released + bytes.size() > options_.bytes_max) {
    return ApplyResult{Outcome::kLimit, "the attributes of all users take " +
                                            std::to_string(bytes_) + " bytes and may take " +
                                            std::to_string(options_.bytes_max)};
  }
  bytes_ += bytes.size() - released;
  bytes.shrink_to_fit();
  auto& person = slot(user.value);
  if (!person) {
    person = std::make_unique<Person>();
    person->created = at;
    ++count_;
  }
  person->updated = at;
  person->bytes = std::move(bytes);
  return ApplyResult{};
}

bool People::remove(UserIndex user) {
  const Person* person = find(user.value);
  if (person == nullptr) return false;
  bytes_ -= person->bytes.size();
  --count_;
  slot(user.value).reset();
  return true;
}

std::optional<People::Description> People::get(UserIndex user) const {
  const Person* person = find(user.value);
  if (person == nullptr) return std::nullopt;
  auto decoded = decode_user(person->bytes);
  VITRINE_CHECK(decoded.ok());  // load() has looked at it
  return Description{std::move(decoded).value(), person->created, person->updated};
}

UserIndex People::next(UserIndex from) const {
  for (std::uint64_t block = from.value / kPerBlock; block < blocks_.size(); ++block) {
    if (!blocks_[block]) continue;
    const std::uint64_t first = std::max<std::uint64_t>(from.value, block * kPerBlock);
    for (std::uint64_t user = first; user < (block + 1) * kPerBlock; ++user) {
      if ((*blocks_[block])[user % kPerBlock]) return UserIndex{static_cast<std::uint32_t>(user)};
    }
  }
  return kNoUser;
}

void People::save(Sink& sink) const {
  sink.value(kVersion);
  sink.value(std::uint32_t{0});
  sink.value(std::uint64_t{types_.size()});
  for (const auto& [name, type] : types_) {
    sink.string(name);
    sink.value(std::uint64_t{static_cast<std::uint8_t>(type)});
  }
  sink.value(count_);
  for (UserIndex user = next(UserIndex{0}); user != kNoUser;
       user = next(UserIndex{user.value + 1})) {
    const Person& person = *find(user.value);
    sink.value(std::uint64_t{user.value});
    sink.value(person.created);
    sink.value(person.updated);
    sink.string(person.bytes);
  }
}

Status People::load(Source& source, std::uint32_t users) {
  clear();
  Status loaded = load_all(source, users);
  if (!loaded.ok()) clear();
  return loaded;
}

Status People::load_all(Source& source, std::uint32_t users) {
  std::uint32_t version = 0;
  std::uint32_t zero = 0;
  std::uint64_t names = 0;
  std::uint64_t count = 0;
  VITRINE_TRY(source.value(version));
  if (version != kVersion) {
    return Error(ErrorCode::kUnsupported, "people: version " + std::to_string(version) +
                                              ", this build knows " + std::to_string(kVersion));
  }
  VITRINE_TRY(source.value(zero));
  if (zero != 0) return Error(ErrorCode::kCorrupt, "people: the reserved field is not 0");
  VITRINE_TRY(source.value(names));
  for (std::uint64_t i = 0; i < names; ++i) {
    std::string name;
    std::uint64_t type = 0;
    VITRINE_TRY(source.string(name));
    VITRINE_TRY(source.value(type));
    const bool ordered = types_.empty() || types_.rbegin()->first < name;
    if (type > 4 || !ordered || !catalog::check_attribute_name(name).ok()) {
      return Error(ErrorCode::kCorrupt, "people: an attribute's type makes no sense");
    }
    types_.emplace(std::move(name), static_cast<AttributeType>(type));
  }
  VITRINE_TRY(source.value(count));
  std::uint64_t least = 0;
  for (std::uint64_t i = 0; i < count; ++i) {
    std::uint64_t user = 0;
    Person person;
    VITRINE_TRY(source.value(user));
    VITRINE_TRY(source.value(person.created));
    VITRINE_TRY(source.value(person.updated));
    VITRINE_TRY(source.string(person.bytes));
    if (user < least || user >= users) return corrupt(user, "its number is out of order");
    least = user + 1;
    if (!decode_user(person.bytes).ok()) return corrupt(user, "its attributes can't be read");
    bytes_ += person.bytes.size();
    ++count_;
    slot(static_cast<std::uint32_t>(user)) = std::make_unique<Person>(std::move(person));
  }
  return ok_status();
}

void People::clear() {
  blocks_.clear();
  types_.clear();
  count_ = 0;
  bytes_ = 0;
}

std::uint64_t People::memory_bytes() const {
  std::uint64_t bytes = sizeof(*this) + blocks_.capacity() * sizeof(blocks_[0]);
  for (const auto& block : blocks_) bytes += block ? sizeof(Block) : 0;
  return bytes + count_ * (sizeof(Person) + 16) + bytes_;
}

}  // namespace vitrine::person
