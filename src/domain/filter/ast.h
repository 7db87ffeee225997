// What a filter says, before it is known what the names stand for.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <variant>
#include <vector>

#include "base/clock.h"

namespace vitrine::filter {

// `now() - 7d`: a time relative to the `now` given to bind.
struct NowOffset {
  TimeUs offset_us = 0;
  friend auto operator<=>(const NowOffset&, const NowOffset&) = default;
};

using Literal = std::variant<std::string, double, bool, NowOffset>;

struct Value {
  Literal literal;
  std::uint32_t offset = 0;  // in the source text, for messages
};

enum class Operator : std::uint8_t {
  kEqual,
  kNotEqual,
  kLess,
  kLessEqual,
  kGreater,
  kGreaterEqual,
  kIn,     // at least two values, ascending, each once
  kNotIn,  // the same
  kContains,
  kStartsWith,
  kHas,     // no value
  kIsTrue,  // a boolean standing alone; no value
};

struct Comparison {
  std::string field;  // `categories` where the text says `category`
  Operator op = Operator::kEqual;
  std::vector<Value> values;
  std::uint32_t field_offset = 0;
  std::uint32_t op_offset = 0;
  std::shared_ptr<const std::string> source;  // the whole text, for messages
};

// Immutable and shared: combining filters copies no tree.
struct Node;
using NodePtr = std::shared_ptr<const Node>;
struct Node {
  enum class Kind : std::uint8_t { kAnd, kOr, kNot, kComparison };
  Kind kind = Kind::kComparison;
  std::vector<NodePtr>
      children;           // kAnd, kOr: at least two, none of the same kind; kNot: one, no kNot
  Comparison comparison;  // kComparison
};

}  // namespace vitrine::filter
