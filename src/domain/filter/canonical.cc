// The one way to write a filter.
#include <charconv>

#include "domain/filter/filter.h"
#include "platform/codec/json_writer.h"

namespace vitrine::filter {

namespace {

void write_text(std::string_view text, std::string& out) { codec::JsonWriter(out).string(text); }

void write_number(double number, std::string& out) {
  char buffer[32];
  out.append(buffer, std::to_chars(buffer, buffer + sizeof buffer, number).ptr);
}

// In the largest unit that divides it; parts of a microsecond do not exist.
void write_offset(TimeUs offset, std::string& out) {
  out += "now()";
  if (offset == 0) return;
  out += offset < 0 ? " - " : " + ";
  offset = offset < 0 ? -offset : offset;
  struct Unit {
    TimeUs us;
    char letter;
  };
  for (const auto& [us, letter] :
       {Unit{7 * kDayUs, 'w'}, Unit{kDayUs, 'd'}, Unit{kHourUs, 'h'}, Unit{kMinuteUs, 'm'}}) {
    if (offset % us != 0) continue;
    out += std::to_string(offset / us) + letter;
    return;
  }
  std::string fraction = std::to_string(kSecondUs + offset % kSecondUs).substr(1);
  while (!fraction.empty() && fraction.back() == '0') fraction.pop_back();
  out += std::to_string(offset / kSecondUs) + (fraction.empty() ? "" : "." + fraction) + "s";
}

void write_literal(const Literal& literal, std::string& out) {
  if (const auto* text = std::get_if<std::string>(&literal)) {
    write_text(*text, out);
  } else if (const auto* number = std::get_if<double>(&literal)) {
    write_number(*number, out);
  } else if (const auto* boolean = std::get_if<bool>(&literal)) {
    out += *boolean ? "true" : "false";
  } else {
    write_offset(std::get<NowOffset>(literal).offset_us, out);
  }
}

std::string_view symbol(Operator op) {
  switch (op) {
    case Operator::kEqual: return " = ";
    case Operator::kNotEqual: return " != ";
    case Operator::kLess: return " < ";
    case Operator::kLessEqual: return " <= ";
    case Operator::kGreater: return " > ";
    case Operator::kGreaterEqual: return " >= ";
    case Operator::kIn: return " in ";
    case Operator::kNotIn: return " not in ";
    case Operator::kContains: return " contains ";
    case Operator::kStartsWith: return " starts_with ";
    case Operator::kHas:
    case Operator::kIsTrue: return "";
  }
  return "";
}

void write_comparison(const Comparison& comparison, std::string& out) {
  if (comparison.op == Operator::kHas) out += "has ";
  out += comparison.field;
  out += symbol(comparison.op);
  const bool list = comparison.op == Operator::kIn || comparison.op == Operator::kNotIn;
  if (list) out += "(";
  for (std::size_t i = 0; i < comparison.values.size(); ++i) {
    if (i > 0) out += ", ";
    write_literal(comparison.values[i].literal, out);
  }
  if (list) out += ")";
}

void write_node(const Node& node, std::string& out) {
  if (node.kind == Node::Kind::kComparison) return write_comparison(node.comparison, out);
  const std::string_view word = node.kind == Node::Kind::kAnd ? " and " : " or ";
  if (node.kind == Node::Kind::kNot) out += "not ";
  for (std::size_t i = 0; i < node.children.size(); ++i) {
    if (i > 0) out += word;
    const Node& child = *node.children[i];
    // `or` inside anything, and `and` inside `not`.
    const bool parentheses = (child.kind == Node::Kind::kOr) ||
                             (child.kind == Node::Kind::kAnd && node.kind == Node::Kind::kNot);
    if (parentheses) out += "(";
    write_node(child, out);
    if (parentheses) out += ")";
  }
}

bool mentions_now(const Node& node) {
  for (const Value& value : node.comparison.values) {
    if (std::holds_alternative<NowOffset>(value.literal)) return true;
  }
  for (const NodePtr& child : node.children) {
    if (mentions_now(*child)) return true;
  }
  return false;
}

}  // namespace

ParsedFilter::ParsedFilter(NodePtr root) : root_(std::move(root)), uses_now_(mentions_now(*root_)) {
  std::string text;
  write_node(*root_, text);
  canonical_ = std::make_shared<const std::string>(std::move(text));
}

}  // namespace vitrine::filter
