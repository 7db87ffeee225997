// The request's filter, asked about one item after the other.
#pragma once

#include "service/recommend/answer.h"
#include "service/recommend/context.h"

namespace vitrine::recommend {

// Lives for one answer, whose counts it keeps. It comes before every other test: what does not pass
// counts as kFilter whatever else is against it, so that later reasons are about items that the
// visitor asked for.
class FilterGate {
 public:
  FilterGate(const Context& context, Answer& answer)
      : set_(context.matches.get()),
        test_(context.filter ? &*context.filter : nullptr),
        answer_(answer) {}

  // A ns with a set of matches or without a filter, else tens of ns.
  bool passes(ItemIndex item) {
    if (set_ != nullptr ? set_->contains(item) : test_ == nullptr || test_->matches(item)) {
      return true;
    }
    ++answer_.tested;
    ++answer_.drops[static_cast<std::size_t>(Drop::kFilter)];
    return false;
  }

 private:
  const filter::MatchSet* set_;
  const filter::BoundFilter* test_;
  Answer& answer_;
};

}  // namespace vitrine::recommend
