#include "edge/facade/segment_people.h"

#include <algorithm>
#include <optional>
#include <utility>
#include <vector>

#include "domain/event/consent.h"
#include "domain/person/person_json.h"

namespace vitrine::facade {
namespace {

using codec::JsonWriter;

constexpr std::string_view kNeedsSecretKey =
    "attributes of users are written with a secret key; this one may only tie visitors to users";

Error invalid_user(std::string message) {
  return Error(ErrorCode::kInvalidArgument, std::move(message)).with_reason("invalid_user");
}

bool is_list_of_texts(const element& value) {
  simdjson::dom::array list;
  if (value.get(list) != simdjson::SUCCESS) return false;
  return std::ranges::all_of(list, [](const element& entry) { return entry.is_string(); });
}

bool is_time(const element& value) {
  object time;
  return value.get(time) == simdjson::SUCCESS && time.size() == 1 &&
         time.at_key("$time").error() == simdjson::SUCCESS;
}

bool is_value(const element& value) {
  return value.is_string() || value.is_number() || value.is_bool() || value.is_null() ||
         is_list_of_texts(value) || is_time(value);
}

// Traits on their way to attributes; names what can't be one.
class Traits {
 public:
  explicit Traits(std::string& out) : json_(out) {
    json_.begin_object().key("attributes").begin_object();
  }
  void add(const object& traits) {
    for (const auto field : traits) {
      object parts;
      if (is_value(field.value) || field.value.get(parts) != simdjson::SUCCESS) {
        add_one(attribute_name_of(field.key), field.key, field.value);
        continue;
      }
      for (const auto part : parts) {
        const std::string path = std::string(field.key) + "." + std::string(part.key);
        add_one(attribute_name_of(path), path, part.value);
      }
    }
  }
  void add_group(const std::string& group) {
    json_.key("group").string(group);
    ++count_;
  }
  void finish() {
    json_.end_object().end_object();
    json_.finish();
  }
  std::size_t count() const { return count_; }
  const std::string& dropped() const { return dropped_; }

 private:
  void add_one(std::string name, std::string_view written, const element& value) {
    if (name.empty() || !is_value(value) || std::ranges::find(used_, name) != used_.end()) {
      drop(written);
      return;
    }
    json_.escaped_key(name);
    copy_value(value, json_);
    used_.push_back(std::move(name));
    ++count_;
  }
  void drop(std::string_view name) {
    constexpr std::size_t kNamedBytesMax = 200;
    if (dropped_.size() > kNamedBytesMax) return;
    dropped_ += (dropped_.empty() ? "" : ", ") + std::string(name.substr(0, 64));
  }

  JsonWriter json_;
  std::vector<std::string> used_;
  std::string dropped_;
  std::size_t count_ = 0;
};

// One message about a person.
class PersonMessage {
 public:
  PersonMessage(const object& message, std::uint32_t index, bool describes_users, Translation& out)
      : message_(message), index_(index), describes_users_(describes_users), out_(out) {}

  void run(SegmentCall call) {
    const auto user_id = id_member(message_, "userId");
    if (!user_id) {
      if (call == SegmentCall::kAlias) return refuse(invalid_user("userId: is missing"));
      return ignore("without a userId it says nothing about a user");
    }
    if (const Status good = person::check_id(*user_id); !good.ok()) {
      return refuse(invalid_user("userId: " + good.error().message()));
    }
    user_id_ = *user_id;
    switch (call) {
      case SegmentCall::kAlias: alias(); break;
      case SegmentCall::kGroup: group(); break;
      default: identify();
    }
    if (error_) return refuse(std::move(error_));
    if (changes_.empty() && ignored_.empty()) ignored_ = "it says nothing about the user";
    if (!ignored_.empty()) ignore(std::move(ignored_));
    for (auto& change : changes_) out_.people.push_back(std::move(change));
  }

 private:
  void refuse(Error error) { out_.refused.push_back({index_, std::move(error)}); }
  void ignore(std::string why) { out_.ignored.push_back({index_, std::move(why)}); }

  template <class What>
  void change(What what, bool may_be_elsewhere = false) {
    changes_.push_back({index_, static_cast<std::uint32_t>(out_.origin.size()), std::move(what),
                        may_be_elsewhere});
  }

  void merge(std::string_view field, bool may_be_elsewhere) {
    const auto visitor = id_member(message_, field);
    if (!visitor) return;
    if (const Status good = person::check_id(*visitor); !good.ok()) {
      error_ = invalid_user(std::string(field) + ": " + good.error().message());
      return;
    }
    change(person::Merge{user_id_, *visitor}, may_be_elsewhere);
  }

  void alias() {
    merge("previousId", false);
    if (!error_ && changes_.empty()) error_ = invalid_user("previousId: is missing");
  }

  void identify() {
    merge("anonymousId", true);
    take_consents();
    const auto traits = object_member(message_, "traits");
    describe(traits ? &*traits : nullptr, std::nullopt);
  }

  void group() {
    const auto group = id_member(message_, "groupId");
    if (!group) {
      error_ =
          Error(ErrorCode::kInvalidArgument, "groupId: is missing").with_reason("missing_field");
      return;
    }
    describe(nullptr, *group);
    if (!changes_.empty() && object_member(message_, "traits")) {
      ignored_ = "traits: they describe the group, not the user";
    }
  }

  // As events do: a name that is no purpose is refused, so that a misspelt denial is not
  // overlooked; objects (Segment's categoryPreferences) are let through and mean nothing.
  void take_consents() {
    const auto context = object_member(message_, "context");
    const auto consent = context ? object_member(*context, "consent") : std::nullopt;
    if (!consent) return;
    person::ConsentChange said{user_id_, {}};
    for (const auto field : *consent) {
      if (field.value.is_object() || field.value.is_null()) continue;
      const std::string where = "context.consent." + std::string(field.key.substr(0, 64));
      const auto purpose = event::find_purpose(field.key);
      bool granted = false;
      if (!purpose) {
        error_ = Error(ErrorCode::kInvalidArgument,
                       where + ": is no purpose; there are analytics, personalization, marketing")
                     .with_reason("unknown_field");
      } else if (field.value.get(granted) != simdjson::SUCCESS) {
        error_ = Error(ErrorCode::kInvalidArgument, where + ": must be true or false")
                     .with_reason("wrong_type");
      } else {
        said.consents.set(*purpose, granted);
      }
    }
    if (said.consents.any()) change(std::move(said));
  }

  void describe(const object* traits, const std::optional<std::string>& group) {
    if (!describes_users_) {
      // An identify without traits asks for nothing that this key may not do.
      if (group || (traits != nullptr && traits->size() > 0) || changes_.empty()) {
        ignored_ = kNeedsSecretKey;
      }
      return;
    }
    std::string json;
    Traits attributes(json);
    if (traits != nullptr) attributes.add(*traits);
    if (group) attributes.add_group(*group);
    attributes.finish();
    if (!attributes.dropped().empty()) {
      ignored_ = "traits: no attributes can be made of " + attributes.dropped();
    }
    auto patch = person::parse_patch(json, user_id_);
    if (patch.ok()) return change(std::move(patch.value));
    std::string detail;
    for (const auto& [field, reason] : patch.errors) {
      if (!detail.empty()) detail += "; ";
      detail += (field.empty() ? std::string("traits") : field + ":") + " " + reason;
    }
    error_ = invalid_user(std::move(detail));
  }

  const object& message_;
  const std::uint32_t index_;
  const bool describes_users_;
  Translation& out_;
  std::string user_id_;
  std::vector<PersonChange> changes_;
  std::string ignored_;
  Error error_;
};

}  // namespace

std::string attribute_name_of(std::string_view name) {
  std::string out;
  char before = '_';
  for (const char c : name) {
    if (out.size() >= catalog::kAttributeNameBytesMax) break;
    const bool small = (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
    if (c >= 'A' && c <= 'Z') {
      if ((before >= 'a' && before <= 'z') || (before >= '0' && before <= '9')) out += '_';
      if (out.size() < catalog::kAttributeNameBytesMax) out += static_cast<char>(c + 32);
    } else if (small) {
      out += c;
    } else if (!out.empty() && out.back() != '_') {
      out += '_';
    }
    before = c;
  }
  while (!out.empty() && out.back() == '_') out.pop_back();
  return out;
}

void translate_person(SegmentCall call, const object& message, std::uint32_t index,
                      bool describes_users, Translation& out) {
  PersonMessage(message, index, describes_users, out).run(call);
}

}  // namespace vitrine::facade
