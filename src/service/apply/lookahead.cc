#include "service/apply/lookahead.h"

#include "base/bytes.h"
#include "domain/event/event_codec.h"
#include "domain/record/record.h"

namespace vitrine::apply {

void Lookahead::look_up_keys(const eventlog::RecordView& record, Guess& guess) {
  using record::RecordKind;
  const auto kind = static_cast<RecordKind>(record.kind);
  if (kind != RecordKind::kEvent && kind != RecordKind::kImportedEvent) guess.state = nullptr;
  if (guess.state == nullptr) return;
  ByteReader in(record.payload);
  (void)record::read_tenant(in);
  if (!in.ok() || !event::decode_event(in.raw(in.remaining()), guess.event).ok()) {
    guess.state = nullptr;  // apply() will say what is wrong with it
    return;
  }
  const event::Event& event = guess.event;
  guess.user_key = event.user_id.empty() ? profile::anonymous_key(event.anonymous_id)
                                         : profile::user_key(event.user_id);
  guess.state->event_ids().prefetch(event::event_id_hash(event.event_id));
  guess.state->profiles().prefetch_key(guess.user_key);
  guess.has_visitor = !event.user_id.empty() && !event.anonymous_id.empty();
  if (guess.has_visitor) {
    guess.visitor_key = profile::anonymous_key(event.anonymous_id);
    guess.state->profiles().prefetch_key(guess.visitor_key);
  }
  for (std::size_t i = 0; i < std::min(event.items.size(), kItemsMost); ++i) {
    guess.state->catalog().prefetch(event.items[i].item_id);
  }
}

void Lookahead::find_numbers(Guess& guess) {
  if (guess.state == nullptr) return;
  guess.user = guess.state->profiles().find_user(guess.user_key);
  if (guess.user != kNoUser) {
    guess.state->profiles().prefetch_user(guess.user);
    guess.state->conduct().prefetch_user(guess.user);
  }
  // Reading the visitor's number fetches its place, which apply() looks at.
  if (guess.has_visitor) (void)guess.state->profiles().find_user(guess.visitor_key);
  const auto& items = guess.event.items;
  guess.item_count = 0;
  for (std::size_t i = 0; i < std::min(items.size(), kItemsMost); ++i) {
    const auto item = guess.state->catalog().find(items[i].item_id);
    if (item) guess.items[guess.item_count++] = *item;
  }
}

void Lookahead::fetch_rows(const Guess& guess) {
  if (guess.state == nullptr) return;
  if (guess.user != kNoUser) {
    guess.state->profiles().prefetch_history(guess.user);
    guess.state->conduct().prefetch_row(guess.user);
  }
  const std::span items(guess.items.data(), guess.item_count);
  guess.state->covisit().prefetch(items);
  for (const ItemIndex item : items) {
    guess.state->trending().prefetch(item);
    guess.state->popular().prefetch(item);
  }
}

void Lookahead::fetch_neighbours(const Guess& guess) {
  if (guess.state == nullptr) return;
  std::array<ItemIndex, 8> newest;
  const std::size_t count =
      guess.user == kNoUser ? 0 : guess.state->profiles().newest_items(guess.user, newest);
  guess.state->covisit().prefetch(std::span(newest.data(), count));
  if (guess.user != kNoUser) guess.state->conduct().prefetch_contributions(guess.user);
  guess.state->covisit().prefetch_rows(std::span(guess.items.data(), guess.item_count));
}

}  // namespace vitrine::apply
