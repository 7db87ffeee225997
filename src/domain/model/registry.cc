#include "domain/model/registry.h"

#include <algorithm>

namespace vitrine::model {
namespace {

constexpr std::uint8_t kVersion = 1;

Error corrupt(std::string_view what) {
  return {ErrorCode::kCorrupt, "a change of models: " + std::string(what)};
}

}  // namespace

std::string_view state_name(State state) {
  switch (state) {
    case State::kCandidate: return "candidate";
    case State::kShadow: return "shadow";
    case State::kLive: return "live";
    case State::kRetired: return "retired";
  }
  return "unknown";
}

std::string_view action_name(Action action) {
  switch (action) {
    case Action::kPromote: return "promote";
    case Action::kRollback: return "rollback";
    case Action::kShadow: return "shadow";
    case Action::kRetire: return "retire";
  }
  return "unknown";
}

std::optional<Action> find_action(std::string_view name) {
  for (const Action action :
       {Action::kPromote, Action::kRollback, Action::kShadow, Action::kRetire}) {
    if (action_name(action) == name) return action;
  }
  return std::nullopt;
}

Status validate_model_id(std::string_view id) {
  const bool good =
      !id.empty() && id.size() <= kModelIdBytesMax && std::all_of(id.begin(), id.end(), [](char c) {
        return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-';
      });
  if (good) return ok_status();
  return Error(ErrorCode::kInvalidArgument,
               "'" + std::string(id.substr(0, kModelIdBytesMax)) + "' is no model id: 1 to " +
                   std::to_string(kModelIdBytesMax) + " of a-z, 0-9 and '-'")
      .with_reason("invalid_request");
}

void encode_change(const Change& change, ByteWriter& out) {
  out.u8(kVersion);
  out.u8(static_cast<std::uint8_t>(change.action));
  out.string(change.model_id);
  out.string(change.reason);
}

Result<Change> decode_change(std::string_view body) {
  ByteReader in(body);
  const std::uint8_t version = in.u8();
  if (in.ok() && version > kVersion) {
    return Error(ErrorCode::kUnsupported,
                 "a change of models of version " + std::to_string(version));
  }
  const std::uint8_t action = in.u8();
  Change change;
  change.model_id = in.string();
  change.reason = in.string();
  if (!in.ok() || version == 0) return corrupt("a field is cut off");
  if (!in.at_end()) return corrupt(std::to_string(in.remaining()) + " bytes too many");
  // Of a later version, perhaps: to skip it could change answers.
  if (action < 1 || action > static_cast<std::uint8_t>(Action::kRetire)) {
    return Error(ErrorCode::kUnsupported,
                 "a change of models with action " + std::to_string(action));
  }
  change.action = static_cast<Action>(action);
  const bool may_be_empty = change.action == Action::kRollback;
  if (!(may_be_empty && change.model_id.empty()) && !validate_model_id(change.model_id).ok()) {
    return corrupt("a model id that is none");
  }
  if (change.reason.size() > kReasonBytesMax) return corrupt("a reason that is too long");
  return change;
}

const Entry* Registry::find(std::string_view model_id) const {
  const auto at = std::find_if(entries_.begin(), entries_.end(),
                               [&](const Entry& entry) { return entry.model_id == model_id; });
  return at == entries_.end() ? nullptr : &*at;
}

State Registry::state_of(std::string_view model_id) const {
  const Entry* entry = find(model_id);
  return entry == nullptr ? State::kCandidate : entry->state;
}

void Registry::put(std::string_view model_id, State state, std::string_view reason,
                   std::uint64_t position, TimeUs at) {
  Entry entry{std::string(model_id), state, position, at, std::string(reason)};
  std::erase_if(entries_, [&](const Entry& old) { return old.model_id == entry.model_id; });
  if (state == State::kCandidate) return;
  entries_.push_back(std::move(entry));
  forget_oldest();
}

void Registry::forget_oldest() {
  if (entries_.size() <= kEntriesMax) return;
  const auto at = std::find_if(entries_.begin(), entries_.end(), [this](const Entry& entry) {
    return entry.state == State::kRetired &&
           std::find(before_.begin(), before_.end(), entry.model_id) == before_.end();
  });
  if (at != entries_.end()) entries_.erase(at);
}

std::optional<std::string> Registry::apply(const Change& change, std::uint64_t position,
                                           TimeUs at) {
  const std::string id = change.model_id;
  switch (change.action) {
    case Action::kPromote:
      if (id == live_) return "model " + id + " is live already";
      if (id == shadow_) shadow_.clear();
      if (!live_.empty()) {
        put(live_, State::kRetired, "replaced by " + id, position, at);
        before_.push_back(live_);
        if (before_.size() > kRememberedMax) before_.erase(before_.begin());
      }
      live_ = id;
      put(id, State::kLive, change.reason, position, at);
      return std::nullopt;
    case Action::kRollback: {
      if (live_.empty()) return "no model is live: there is nothing to roll back";
      if (!id.empty() && id != live_) return "model " + id + " is not live, " + live_ + " is";
      put(live_, State::kRetired, change.reason, position, at);
      live_.clear();
      if (before_.empty()) return std::nullopt;
      live_ = before_.back();
      before_.pop_back();
      if (live_ == shadow_) shadow_.clear();
      put(live_, State::kLive, "rolled back to", position, at);
      return std::nullopt;
    }
    case Action::kShadow:
      if (id == live_) return "model " + id + " is live: it needs no shadow";
      if (id == shadow_) return "model " + id + " is the shadow already";
      if (!shadow_.empty()) put(shadow_, State::kCandidate, {}, position, at);
      shadow_ = id;
      put(id, State::kShadow, change.reason, position, at);
      return std::nullopt;
    case Action::kRetire:
      if (id == live_) return "model " + id + " is live: roll back, or promote another one";
      if (state_of(id) == State::kRetired) return "model " + id + " is retired already";
      if (id == shadow_) shadow_.clear();
      put(id, State::kRetired, change.reason, position, at);
      return std::nullopt;
  }
  return "an unknown action";
}

void Registry::save(Sink& sink) const {
  sink.string(live_);
  sink.string(shadow_);
  sink.value<std::uint64_t>(before_.size());
  for (const std::string& id : before_) sink.string(id);
  sink.value<std::uint64_t>(entries_.size());
  for (const Entry& entry : entries_) {
    sink.string(entry.model_id);
    sink.value(static_cast<std::uint8_t>(entry.state));
    sink.value(entry.position);
    sink.value(entry.at);
    sink.string(entry.reason);
  }
}

Status Registry::load(Source& source) {
  Registry loaded;
  VITRINE_TRY(source.string(loaded.live_));
  VITRINE_TRY(source.string(loaded.shadow_));
  std::uint64_t count = 0;
  VITRINE_TRY(source.value(count));
  if (count > kRememberedMax) return corrupt("more remembered models than there may be");
  loaded.before_.resize(count);
  for (std::string& id : loaded.before_) VITRINE_TRY(source.string(id));
  VITRINE_TRY(source.value(count));
  if (count > kEntriesMax + kRememberedMax) return corrupt("more models than there may be");
  loaded.entries_.resize(count);
  for (Entry& entry : loaded.entries_) {
    std::uint8_t state = 0;
    VITRINE_TRY(source.string(entry.model_id));
    VITRINE_TRY(source.value(state));
    if (state < 1 || state > static_cast<std::uint8_t>(State::kRetired)) {
      return corrupt("a state that is none");
    }
    entry.state = static_cast<State>(state);
    VITRINE_TRY(source.value(entry.position));
    VITRINE_TRY(source.value(entry.at));
    VITRINE_TRY(source.string(entry.reason));
  }
  *this = std::move(loaded);
  return ok_status();
}

}  // namespace vitrine::model
