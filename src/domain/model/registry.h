// Which trained model answers: states of models, and the log records that change them.
//
//   candidate   trained and stored; what every model is that nothing was decided about
//   shadow      answers beside the live one and is only measured; at most one
//   live        its scores count in answers; at most one
//   retired     was live, or was put away
//
// The registry is part of a tenant's state: a function of the log, so that a replay has the same
// live model at each position. It knows names only; whether the artifact of a name can be loaded
// is the business of whoever serves it.
//
// Body of a record of kind kModelChange: version u8 = 1, action u8, model id string, reason string.
#pragma once

#include <algorithm>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/bytes.h"
#include "base/clock.h"
#include "base/result.h"
#include "base/stream.h"

namespace vitrine::model {

// Values are on disk: add, never renumber.
enum class State : std::uint8_t { kCandidate = 0, kShadow = 1, kLive = 2, kRetired = 3 };
std::string_view state_name(State state);  // "candidate", ...

enum class Action : std::uint8_t {
  kPromote = 1,   // becomes live; the one before is retired and remembered for a rollback
  kRollback = 2,  // the live one is retired, the one before it is live again, or none
  kShadow = 3,    // of a model that is not live
  kRetire = 4,    // of a model that is not live
};
std::string_view action_name(Action action);  // "promote", ...
std::optional<Action> find_action(std::string_view name);

struct Change {
  Action action = Action::kPromote;
  // Of kRollback: the model that is believed live, so that a second call can't roll back twice;
  // empty: whichever is.
  std::string model_id;
  std::string reason;  // for people, may be empty
  friend bool operator==(const Change&, const Change&) = default;
};

inline constexpr std::size_t kModelIdBytesMax = 80;
inline constexpr std::size_t kReasonBytesMax = 500;
// Models with a state of their own; the longest retired ones are forgotten beyond it.
inline constexpr std::size_t kEntriesMax = 256;
// How many rollbacks in a row find a model.
inline constexpr std::size_t kRememberedMax = 16;

// kInvalidArgument with the rule: 1 to kModelIdBytesMax of a-z, 0-9 and '-'.
Status validate_model_id(std::string_view id);

// `change` has passed validate_model_id and kReasonBytesMax.
void encode_change(const Change& change, ByteWriter& out);
// kCorrupt for anything encode_change() can't have written, kUnsupported for a later version.
Result<Change> decode_change(std::string_view body);

struct Entry {
  std::string model_id;
  State state = State::kCandidate;
  std::uint64_t position = 0;  // of the record that put it there
  TimeUs at = 0;               // its append time
  std::string reason;
  friend bool operator==(const Entry&, const Entry&) = default;
};

class Registry {
 public:
  // What is wrong with the change in the present state; then nothing was changed.
  std::optional<std::string> apply(const Change& change, std::uint64_t position, TimeUs at);

  // Empty: no model is live.
  const std::string& live() const { return live_; }
  const std::string& shadow() const { return shadow_; }
  State state_of(std::string_view model_id) const;
  // Null for a candidate.
  const Entry* find(std::string_view model_id) const;
  // The one that a rollback would make live; empty: none.
  std::string_view before_live() const {
    return before_.empty() ? std::string_view() : before_.back();
  }
  // A rollback may make it live.
  bool remembers(std::string_view model_id) const {
    return std::find(before_.begin(), before_.end(), model_id) != before_.end();
  }
  // In the order of their last change.
  const std::vector<Entry>& entries() const { return entries_; }
  bool empty() const { return entries_.empty(); }

  void save(Sink& sink) const;
  Status load(Source& source);

  friend bool operator==(const Registry&, const Registry&) = default;

 private:
  void put(std::string_view model_id, State state, std::string_view reason, std::uint64_t position,
           TimeUs at);
  void forget_oldest();

  std::string live_, shadow_;
  std::vector<std::string> before_;  // models that were live, the last one last
  std::vector<Entry> entries_;
};

}  // namespace vitrine::model
