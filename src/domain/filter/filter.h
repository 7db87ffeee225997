// The one expression language over item attributes: recommend, search, rules, segments.
//
//   category in ("shoes", "bags") and price < 100 and in_stock and not brand = "x"
//   created > now() - 7d or (has sale_price and title contains 'sale')
//
//   filter     := and-terms joined by `or`; `and` binds tighter, `not` tightest; parentheses
//   comparison := name (= | != | < | <= | > | >=) value | name [not] in (value, ...)
//               | name contains "text" | name starts_with "text" | has name | name
//   value      := "text" | 'text' | number | true | false | now() [(+ | -) number(s|m|h|d|w)]
//   text escapes: \" \' \\ \/ \n \r \t \uXXXX
//
// - Names are attributes, and item_id, in_stock, created, updated; `category` means categories.
//   Keywords in any case; names and texts are case-sensitive and compared byte by byte.
// - A time attribute is compared with a text ("2026-11-22T16:10:43Z", "2026-11-22") or now().
// - A list: `=`, `contains` and `in` hold if some entry is one of the values, `starts_with` if some
//   entry starts so; `!=` and `not in` if no entry is one of the values.
// - Logic has two values. A comparison (also `!=` and `not in`) with an attribute that the item
// does not
//   have is false, and `not` in front of it true.
// - Only listed items match, whatever the filter.
//
// Errors are kInvalidArgument; the message starts with "column N:" (from 1, in code points), says
// what to do, and ends with an excerpt and a caret on lines of their own. Their reason() is
// filter_syntax, filter_limit, filter_unknown_attribute or filter_type.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>

#include "base/ids.h"
#include "base/result.h"
#include "domain/catalog/catalog.h"
#include "domain/filter/ast.h"

namespace vitrine::filter {

inline constexpr std::size_t kFilterBytesMax = 64 * 1024;
inline constexpr std::size_t kTermsMax = 10'000;  // values of all comparisons together
inline constexpr std::size_t kDepthMax = 64;      // parentheses and `not` inside each other
inline constexpr TimeUs kNowOffsetMax = 36'500 * kDayUs;

// Immutable, cheap to copy, thread-safe: parse once, keep, bind for each request.
class ParsedFilter {
 public:
  explicit ParsedFilter(NodePtr root);

  const Node& root() const { return *root_; }
  const NodePtr& root_ptr() const { return root_; }
  // The same for filters that differ only in writing (spaces, quotes, order and repetition inside
  // `in`, redundant parentheses): a key for caches. parse(canonical()) gives an equal filter.
  const std::string& canonical() const { return *canonical_; }
  // True if an answer depends on the `now` given to bind.
  bool uses_now() const { return uses_now_; }

 private:
  NodePtr root_;
  std::shared_ptr<const std::string> canonical_;
  bool uses_now_ = false;
};

Result<ParsedFilter> parse(std::string_view text);

// Both must hold; for joining the request's filter with a policy's.
ParsedFilter combine_and(const ParsedFilter& a, const ParsedFilter& b);

// A filter made ready for one catalog at one moment. Points into the catalog and (for texts) into
// the ParsedFilter: valid only while the shared lock of that catalog is held without a break.
// Thread-safe: const throughout.
class BoundFilter {
 public:
  BoundFilter(BoundFilter&&) noexcept;
  BoundFilter& operator=(BoundFilter&&) noexcept;
  ~BoundFilter();

  // Tens of ns for a handful of comparisons. Any index, also kNoItem, may be asked.
  bool matches(ItemIndex item) const;

  // Not below the number of matches; exact for one equality. Some ns: it was computed by bind.
  std::uint64_t estimate() const;

  // Calls fn(ItemIndex) for each match, ascending. If fn gives a bool, false ends the walk.
  // Starts from the rarest values where the filter has some, otherwise looks at all listed items.
  template <class Fn>
  void for_each_match(Fn&& fn) const {
    struct Adapter final : Consumer {
      explicit Adapter(Fn& f) : call(f) {}
      bool take(std::span<const std::uint32_t> rows) override {
        for (const std::uint32_t row : rows) {
          if constexpr (std::is_same_v<std::invoke_result_t<Fn&, ItemIndex>, bool>) {
            if (!call(ItemIndex{row})) return false;
          } else {
            call(ItemIndex{row});
          }
        }
        return true;
      }
      Fn& call;
    } adapter(fn);
    walk(adapter);
  }
  std::uint64_t count_matches() const;
  // Replaces `out` by all matches. About a ns for each row that an index names and for each 64
  // items of the catalog; more where a comparison has no index and must look at the items.
  void evaluate(catalog::RowBits& out) const;
  // True if evaluate() takes about as long as looking at a bit of each item a few times: all that
  // indexes can answer. Depends on the catalog and the filter only.
  bool cheap_to_evaluate() const;

 private:
  friend class Binder;
  struct Impl;
  // Takes matches in blocks; false ends the walk.
  struct Consumer {
    virtual ~Consumer() = default;
    virtual bool take(std::span<const std::uint32_t> rows) = 0;
  };
  explicit BoundFilter(std::unique_ptr<Impl> impl);
  void walk(Consumer& consumer) const;
  std::unique_ptr<Impl> impl_;
};

// Types are checked here: an unknown name lists near ones, a wrong value says what would be right.
Result<BoundFilter> bind(const ParsedFilter& filter, const catalog::Catalog& catalog, TimeUs now);

}  // namespace vitrine::filter
