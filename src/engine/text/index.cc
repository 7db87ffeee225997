#include "engine/text/index.h"

#include <algorithm>

#include "base/check.h"
#include "engine/text/internal/bisection.h"
#include "engine/text/internal/index_state.h"
#include "engine/text/internal/merge.h"

namespace vitrine::text {

Index::Index(std::unique_ptr<State> state) : state_(std::move(state)) {
  std::lock_guard held(state_->mutex);
  state_->publish();
}

Index::~Index() {
  {
    std::lock_guard held(state_->mutex);
    state_->stopping = true;
    state_->changed.notify_all();
  }
  state_->merger.reset();
}

Result<std::unique_ptr<Index>> Index::create(Schema schema, IndexOptions options) {
  VITRINE_TRY(schema.check());
  return std::unique_ptr<Index>(new Index(std::make_unique<State>(std::move(schema), options)));
}

const Schema& Index::schema() const { return state_->schema; }

bool Index::State::remove_from_members(DocumentId id) {
  if (const auto found = buffered.find(id); found != buffered.end()) {
    buffered_removed.push_back(found->second);
    buffered.erase(found);
    return true;
  }
  for (const auto& member : members) {
    const std::uint32_t local = member->segment->local_of(id);
    if (local != kNoDocument && member->remove(local)) return true;
  }
  return false;
}

Status Index::add(DocumentId id, std::span<const FieldTokens> fields) {
  State& s = *state_;
  std::lock_guard held(s.mutex);
  Status added = s.builder.add(id, fields);
  if (!added.ok() && added.error().code() == ErrorCode::kTooLarge) {
    s.build_buffer();
    added = s.builder.add(id, fields);
  }
  VITRINE_TRY(std::move(added));
  const std::uint32_t number = s.builder.documents() - 1;
  s.remove_from_members(id);
  s.buffered[id] = number;
  s.dirty = true;
  if (s.builder.tokens() >= s.options.buffer_tokens_max) s.build_buffer();
  return ok_status();
}

bool Index::remove(DocumentId id) {
  std::lock_guard held(state_->mutex);
  const bool removed = state_->remove_from_members(id);
  state_->dirty |= removed;
  return removed;
}

// What lengths of new segments are compared with: those of the largest part of the index.
std::vector<float> Index::State::reference_average(
    const std::vector<std::shared_ptr<Member>>& without) const {
  constexpr std::uint32_t kEnough = 1000;
  const Member* largest = nullptr;
  std::uint64_t outside = 0;
  for (const auto& member : without) outside += member->live();
  for (const auto& member : members) {
    if (std::find(without.begin(), without.end(), member) != without.end()) continue;
    if (largest == nullptr || member->segment->documents() > largest->segment->documents())
      largest = member.get();
  }
  std::vector<float> average;
  if (largest == nullptr ||
      largest->segment->documents() < std::max<std::uint64_t>(kEnough, outside))
    return average;
  for (std::size_t f = 0; f < schema.fields.size(); ++f)
    average.push_back(largest->segment->average_length(f));
  return average;
}

void Index::State::build_buffer() {
  if (builder.documents() == 0) return;
  auto segment = Segment::from_bytes(builder.build(reference_average({})), Verify::kNothing);
  VITRINE_CHECK_MSG(segment.ok(), segment.error().to_string());
  auto member = std::make_shared<Member>();
  member->segment = std::move(segment).value();
  for (const std::uint32_t local : buffered_removed) member->remove(local);
  buffered.clear();
  buffered_removed.clear();
  if (member->live() > 0) members.push_back(std::move(member));
  merge_small();
}

void Index::State::publish() {
  std::vector<Snapshot::Part> parts;
  for (const auto& member : members) parts.push_back(member->part());
  current = std::make_shared<const Snapshot>(schema, std::move(parts));
  dirty = false;
}

// Segments of one size class, if there are enough of them; or one that is mostly removed.
std::vector<std::shared_ptr<Member>> Index::State::choose(bool small) const {
  const auto tier = [this](const Member& m) {
    std::uint32_t t = 0;
    for (std::uint64_t n = m.segment->documents(); n >= options.merge_width;
         n /= options.merge_width)
      ++t;
    return t;
  };
  for (const auto& member : members)
    if (!member->merging && member->removed_count * 2 > member->segment->documents() &&
        (member->segment->documents() <= options.merge_inline_documents) == small)
      return {member};
  for (std::uint32_t t = 0; t < 32; ++t) {
    std::vector<std::shared_ptr<Member>> same;
    std::uint64_t documents = 0;
    for (const auto& member : members) {
      if (member->merging || tier(*member) != t) continue;
      same.push_back(member);
      documents += member->segment->documents();
      if (same.size() < options.merge_width) continue;
      if ((documents <= options.merge_inline_documents) != small ||
          documents > kSegmentDocumentsMax)
        break;
      return same;
    }
  }
  return {};
}

std::shared_ptr<Member> Index::State::merge(const std::vector<std::shared_ptr<Member>>& chosen,
                                            std::span<const Snapshot::Part> parts,
                                            std::span<const float> average,
                                            Progress& progress) const {
  std::uint64_t live = 0;
  for (const Snapshot::Part& part : parts) live += part.segment->documents() - part.removed_count;
  if (live == 0) return nullptr;
  auto merged = std::make_shared<Member>();
  std::string image = merge_parts(schema, parts, average, {}, progress);
  if (options.reorder && live >= options.reorder_documents_min && !chosen.empty()) {
    auto plain = Segment::from_bytes(std::move(image), Verify::kNothing);
    VITRINE_CHECK(plain.ok());
    const std::vector<DocumentId> order = bisection_order(**plain, progress);
    const Snapshot::Part part{std::move(plain).value(), nullptr, 0};
    image = merge_parts(schema, std::span(&part, 1), average, order, progress);
  }
  auto segment = Segment::from_bytes(std::move(image), Verify::kNothing);
  VITRINE_CHECK_MSG(segment.ok(), segment.error().to_string());
  merged->segment = std::move(segment).value();
  return merged;
}

// Puts the merged segment in the place of the chosen ones. What was removed from them since `parts`
// were taken is removed from it too.
void Index::State::replace(const std::vector<std::shared_ptr<Member>>& chosen,
                           std::span<const Snapshot::Part> parts, std::shared_ptr<Member> merged) {
  for (std::size_t i = 0; i < chosen.size(); ++i) {
    const Member& old = *chosen[i];
    if (!merged || old.removed_count == parts[i].removed_count) continue;
    for (std::uint32_t d = 0; d < old.segment->documents(); ++d) {
      if ((old.removed[d / 64] >> (d % 64) & 1) == 0) continue;
      const std::uint32_t local = merged->segment->local_of(old.segment->id_of(d));
      const bool before = parts[i].removed && ((*parts[i].removed)[d / 64] >> (d % 64) & 1) != 0;
      if (!before && local != kNoDocument) merged->remove(local);
    }
  }
  const auto first = std::find(members.begin(), members.end(), chosen[0]);
  if (merged)
    *first = merged;
  else
    members.erase(first);
  for (std::size_t i = 1; i < chosen.size(); ++i) std::erase(members, chosen[i]);
  ++merges;
}

void Index::State::merge_small() {
  for (auto chosen = choose(true); !chosen.empty(); chosen = choose(true)) {
    std::vector<Snapshot::Part> parts;
    for (const auto& member : chosen) parts.push_back(member->part());
    replace(chosen, parts, merge(chosen, parts, reference_average(chosen), no_progress()));
  }
}

std::shared_ptr<const Snapshot> Index::snapshot() {
  State& s = *state_;
  std::lock_guard held(s.mutex);
  if (!s.dirty) return s.current;
  s.build_buffer();
  s.publish();
  s.changed.notify_all();
  return s.current;
}

std::shared_ptr<const Snapshot> Index::latest() const {
  std::lock_guard held(state_->mutex);
  return state_->current;
}

bool Index::State::merge_chosen(std::unique_lock<std::mutex>& held,
                                std::vector<std::shared_ptr<Member>> chosen, Progress& progress) {
  if (chosen.empty()) return false;
  std::vector<Snapshot::Part> parts;
  for (const auto& member : chosen) {
    member->merging = true;
    parts.push_back(member->part());
  }
  const std::vector<float> average = reference_average(chosen);
  held.unlock();
  std::shared_ptr<Member> merged = merge(chosen, parts, average, progress);
  held.lock();
  replace(chosen, parts, std::move(merged));
  // Removed documents whose new forms are in the buffer must not be shown as missing.
  build_buffer();
  publish();
  return true;
}

Result<bool> Index::merge_step(Progress& progress) {
  std::lock_guard one(state_->merge_mutex);
  std::unique_lock held(state_->mutex);
  return state_->merge_chosen(held, state_->choose(false), progress);
}

Status Index::compact(Progress& progress) {
  std::lock_guard one(state_->merge_mutex);
  std::unique_lock held(state_->mutex);
  state_->build_buffer();
  state_->publish();
  if (state_->members.empty()) return ok_status();
  if (state_->members.size() == 1 && state_->members[0]->removed_count == 0 &&
      !state_->options.reorder)
    return ok_status();
  state_->merge_chosen(held, state_->members, progress);
  return ok_status();
}

void Index::start_merging(Executor& executor) {
  VITRINE_CHECK(!state_->merger);
  state_->merger = executor.run_thread("text-merge", [s = state_.get(), this] {
    for (;;) {
      {
        std::unique_lock held(s->mutex);
        s->changed.wait(held, [s] { return s->stopping || !s->choose(false).empty(); });
        if (s->stopping) return;
      }
      const Result<bool> merged = merge_step();
      VITRINE_CHECK_MSG(merged.ok(), merged.error().to_string());
    }
  });
}

Index::Info Index::info() const {
  std::lock_guard held(state_->mutex);
  Info info;
  info.buffered = state_->buffered.size();
  info.segments = state_->members.size();
  info.merges = state_->merges;
  for (const auto& member : state_->members) {
    info.documents += member->live();
    info.removed += member->removed_count;
    info.bytes += member->segment->bytes().size();
  }
  return info;
}

}  // namespace vitrine::text
