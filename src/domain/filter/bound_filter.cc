// bind(), and what a bound filter does: testing one item, and walking all matches.
//
// Binding pushes `not` down to the comparisons (De Morgan), so the tree consists of `and`, `or` and
// leaves that may be negated. For single items the tree becomes jump code: each leaf knows
// which one to test next when it passes and when it fails, so there is no stack and no recursion.
// For walks the planner takes a set of rows that surely holds all matches from the postings
// (the smallest side of an `and`, the union of an `or`) and tests what the set leaves open.
// evaluate() goes the same way with one bit a row, which is faster where many match.
#include <algorithm>
#include <array>
#include <bit>

#include "base/check.h"
#include "domain/filter/filter.h"
#include "domain/filter/leaf_binder.h"

namespace vitrine::filter {

namespace {

enum class Kind : std::uint8_t { kAnd, kOr, kLeaf };

struct BoundNode {
  Kind kind = Kind::kLeaf;
  std::uint32_t leaf = 0;               // kLeaf
  std::vector<std::uint32_t> children;  // nodes
  std::uint64_t bound = 0;              // not below the number of matches
  std::uint32_t cost = 0;
};

constexpr std::uint32_t kAccept = 0xFFFFFFFFu;
constexpr std::uint32_t kReject = 0xFFFFFFFEu;

struct Jump {
  std::uint32_t pass = kAccept;
  std::uint32_t fail = kReject;
};

// Rows that hold all matches of a node.
struct Driver {
  bool all = true;     // no set is known: every listed item may match
  bool exact = false;  // each row of the set matches
  Roaring rows;
};

// The same as bits, for evaluate(): narrowed node by node.
struct Narrowed {
  bool all = true;  // every listed item, `bits` is not made yet
  catalog::RowBits bits;
  std::uint64_t bound = 0;  // not below their number; set unless `all`
};

// Below this many rows, testing each is cheaper than cutting the set with another bitmap.
constexpr std::uint64_t kIntersectRowsMin = 256;

// Testing a row costs about as much as putting this many into a set.
constexpr std::uint64_t kTestCost = 4;

// Where fewer than a row in so many can match, a walk costs less than going over all bits.
constexpr std::uint64_t kRareMatch = 256;

}  // namespace

struct BoundFilter::Impl {
  NodePtr source;  // texts of the leaves point into it
  const catalog::Catalog* catalog = nullptr;
  std::vector<Leaf> leaves;
  std::vector<BoundNode> nodes;
  std::vector<Jump> jumps;  // by leaf
  std::uint32_t root = 0;
  std::uint32_t first = kAccept;  // leaf to test first

  bool run(std::uint32_t at, Row row) const {
    while (at < kReject) {
      const Leaf& leaf = leaves[at];
      at = leaf.test(leaf, row) != leaf.negated ? jumps[at].pass : jumps[at].fail;
    }
    return at == kAccept;
  }

  std::uint32_t emit(std::uint32_t node, std::uint32_t pass, std::uint32_t fail);
  Driver drive(std::uint32_t node) const;
  Driver drive_and(const BoundNode& node) const;
  Driver drive_or(const BoundNode& node) const;
  Driver drive_leaf(const Leaf& leaf) const;
  bool deliver(std::span<Row> rows, bool exact, Consumer& consumer) const;

  void narrow(std::uint32_t node, Narrowed& rows) const;
  void narrow_leaf(const Leaf& leaf, Narrowed& rows) const;
  void narrow_or(const BoundNode& node, Narrowed& rows) const;
  // What narrow() does, in rows put into sets or tested kTestCost times as dear. `rows` are what it
  // starts from and becomes what is left at most.
  std::uint64_t narrowing_cost(std::uint32_t node, std::uint64_t& rows) const;
  void materialise(Narrowed& rows) const;
  void test_rows(const Leaf& leaf, catalog::RowBits& bits) const;
};

class Binder {
 public:
  Binder(const catalog::Catalog& catalog, TimeUs now)
      : now_(now), impl_(std::make_unique<BoundFilter::Impl>()) {
    impl_->catalog = &catalog;
  }

  Result<BoundFilter> bind(const NodePtr& root) {
    impl_->source = root;
    VITRINE_TRY(impl_->root, add(*root, false));
    impl_->jumps.resize(impl_->leaves.size());
    impl_->first = impl_->emit(impl_->root, kAccept, kReject);
    return BoundFilter(std::move(impl_));
  }

 private:
  Result<std::uint32_t> add(const Node& node, bool negated) {
    if (node.kind == Node::Kind::kNot) return add(*node.children.front(), !negated);
    BoundNode bound;
    if (node.kind == Node::Kind::kComparison) {
      VITRINE_TRY(Leaf leaf, bind_leaf(node.comparison, *impl_->catalog, now_));
      leaf.negated = negated;
      leaf.complement = negated && leaf.indexed;
      if (negated) leaf.indexed = false;
      bound.leaf = static_cast<std::uint32_t>(impl_->leaves.size());
      bound.bound = leaf.indexed ? leaf.bound : impl_->catalog->listed_count();
      bound.cost = leaf.cost;
      impl_->leaves.push_back(std::move(leaf));
      return push(std::move(bound));
    }
    bound.kind = (node.kind == Node::Kind::kAnd) != negated ? Kind::kAnd : Kind::kOr;
    for (const NodePtr& child : node.children) {
      VITRINE_TRY(const std::uint32_t index, add(*child, negated));
      bound.children.push_back(index);
    }
    if (bound.kind == Kind::kAnd) merge_ranges(bound);
    settle(bound);
    return push(std::move(bound));
  }

  std::uint32_t push(BoundNode node) {
    node.bound = std::min<std::uint64_t>(node.bound, impl_->catalog->listed_count());
    impl_->nodes.push_back(std::move(node));
    return static_cast<std::uint32_t>(impl_->nodes.size() - 1);
  }

  // `price >= 10 and price < 20`: one range is known better than two. The leaves go on testing what
  // they say; only the rows that the planner takes them to pass are those of all.
  void merge_ranges(const BoundNode& node) {
    const auto ranged = [&](std::uint32_t child) -> Leaf* {
      if (impl_->nodes[child].kind != Kind::kLeaf) return nullptr;
      Leaf& leaf = impl_->leaves[impl_->nodes[child].leaf];
      return leaf.indexed && leaf.ranges.size() == 1 ? &leaf : nullptr;
    };
    for (std::size_t i = 0; i < node.children.size(); ++i) {
      Leaf* const first = ranged(node.children[i]);
      if (first == nullptr || first->covered) continue;
      auto range = first->ranges.front();
      for (std::size_t k = i + 1; k < node.children.size(); ++k) {
        Leaf* const other = ranged(node.children[k]);
        if (other == nullptr || other->order != first->order) continue;
        range.begin = std::max(range.begin, other->ranges.front().begin);
        range.end = std::min(range.end, other->ranges.front().end);
        other->covered = true;
        first->merged = true;
      }
      first->ranges.front() = range;
      first->bound = first->order->count(range);
      impl_->nodes[node.children[i]].bound = first->bound;
    }
  }

  // Bound and cost from the children; of an `and` the rarest child is tested first (it ends most
  // tests), of equally rare ones the cheapest.
  void settle(BoundNode& node) {
    const auto& nodes = impl_->nodes;
    const bool is_and = node.kind == Kind::kAnd;
    node.bound = is_and ? nodes[node.children.front()].bound : 0;
    for (const std::uint32_t child : node.children) {
      node.bound =
          is_and ? std::min(node.bound, nodes[child].bound) : node.bound + nodes[child].bound;
      node.cost += nodes[child].cost;
    }
    std::stable_sort(node.children.begin(), node.children.end(),
                     [&](std::uint32_t a, std::uint32_t b) {
                       if (is_and && nodes[a].bound != nodes[b].bound)
                         return nodes[a].bound < nodes[b].bound;
                       return nodes[a].cost < nodes[b].cost;
                     });
  }

  const TimeUs now_;
  std::unique_ptr<BoundFilter::Impl> impl_;
};

// Gives the leaf to begin with, for going to `pass` if the node holds and to `fail` if not.
std::uint32_t BoundFilter::Impl::emit(std::uint32_t index, std::uint32_t pass, std::uint32_t fail) {
  const BoundNode& node = nodes[index];
  if (node.kind == Kind::kLeaf) {
    jumps[node.leaf] = {pass, fail};
    return node.leaf;
  }
  // From the last child to the first: each one's successor is known when it is emitted.
  std::uint32_t next = node.kind == Kind::kAnd ? pass : fail;
  for (std::size_t i = node.children.size(); i-- > 0;) {
    next = node.kind == Kind::kAnd ? emit(node.children[i], next, fail)
                                   : emit(node.children[i], pass, next);
  }
  return next;
}

Driver BoundFilter::Impl::drive_leaf(const Leaf& leaf) const {
  Driver out;
  if (!leaf.indexed) return out;
  out.all = false;
  out.exact = true;
  if (leaf.bitmap != nullptr) out.rows = *leaf.bitmap;
  for (const catalog::Posting* posting : leaf.postings) posting->unite_into(out.rows);
  for (const auto& range : leaf.ranges) {
    leaf.order->for_each(range, [&](auto rows) { out.rows.addMany(rows.size(), rows.data()); });
  }
  if (leaf.rows_are_index) out.rows.addMany(leaf.rows.values.size(), leaf.rows.values.data());
  return out;
}

Driver BoundFilter::Impl::drive_and(const BoundNode& node) const {
  // Children come rarest first.
  Driver out = drive(node.children.front());
  for (std::size_t i = 1; i < node.children.size(); ++i) {
    const BoundNode& child = nodes[node.children[i]];
    if (out.all) {
      // The first ones had nothing to start from; exactness is lost with them.
      out = drive(node.children[i]);
      out.exact = false;
      continue;
    }
    const Leaf* leaf = child.kind == Kind::kLeaf ? &leaves[child.leaf] : nullptr;
    if (leaf != nullptr && leaf->covered) continue;  // its range is part of another's
    const Roaring* bitmap = nullptr;
    if (leaf != nullptr && leaf->indexed) {
      bitmap = leaf->bitmap;
      if (leaf->postings.size() == 1) bitmap = leaf->postings.front()->bitmap();
    }
    if (bitmap != nullptr && out.rows.cardinality() >= kIntersectRowsMin) {
      out.rows &= *bitmap;
    } else {
      out.exact = false;
    }
  }
  return out;
}

Driver BoundFilter::Impl::drive_or(const BoundNode& node) const {
  Driver out;
  out.all = false;
  out.exact = true;
  for (const std::uint32_t child : node.children) {
    const Driver part = drive(child);
    if (part.all) return Driver{};
    out.exact = out.exact && part.exact;
    out.rows |= part.rows;
  }
  return out;
}

Driver BoundFilter::Impl::drive(std::uint32_t index) const {
  const BoundNode& node = nodes[index];
  if (node.kind == Kind::kLeaf) return drive_leaf(leaves[node.leaf]);
  return node.kind == Kind::kAnd ? drive_and(node) : drive_or(node);
}

void BoundFilter::Impl::materialise(Narrowed& rows) const {
  if (!rows.all) return;
  rows.all = false;
  rows.bits = catalog->listed_bits();
  rows.bound = catalog->listed_count();
}

// Keeps the rows that pass, in blocks of whole words.
void BoundFilter::Impl::test_rows(const Leaf& leaf, catalog::RowBits& bits) const {
  constexpr std::size_t kWords = 64;
  constexpr std::uint32_t kWordBits = catalog::RowBits::kWordBits;
  std::array<Row, kWords * kWordBits> block;
  const std::span<std::uint64_t> words = bits.words();
  for (std::size_t begin = 0; begin < words.size(); begin += kWords) {
    const std::size_t end = std::min(words.size(), begin + kWords);
    std::size_t count = 0;
    for (std::size_t i = begin; i < end; ++i) {
      for (std::uint64_t word = words[i]; word != 0; word &= word - 1) {
        block[count++] = static_cast<Row>(i * kWordBits) + static_cast<Row>(std::countr_zero(word));
      }
      words[i] = 0;
    }
    const std::size_t kept = leaf.filter(leaf, block.data(), count);
    for (std::size_t i = 0; i < kept; ++i) {
      words[block[i] / kWordBits] |= std::uint64_t{1} << (block[i] % kWordBits);
    }
  }
}

namespace {

// What the index of a leaf names.
catalog::RowBits indexed_rows(const Leaf& leaf, std::size_t rows) {
  if (leaf.bits != nullptr) return *leaf.bits;
  catalog::RowBits out;
  out.reset(rows);
  const std::span<std::uint64_t> words = out.words();
  const auto add = [words](Row row) { words[row / 64] |= std::uint64_t{1} << (row % 64); };
  std::array<Row, 1024> block;
  std::vector<Row> few;
  for (const catalog::Posting* posting : leaf.postings) {
    const Roaring* bitmap = posting->bitmap();
    if (bitmap == nullptr) {
      few.clear();
      posting->append_to(few);
      for (const Row row : few) add(row);
      continue;
    }
    roaring_uint32_iterator_t at;
    roaring_init_iterator(&bitmap->roaring, &at);
    while (const std::uint32_t count =
               roaring_read_uint32_iterator(&at, block.data(), block.size())) {
      for (std::uint32_t i = 0; i < count; ++i) add(block[i]);
    }
  }
  for (const auto& range : leaf.ranges) {
    leaf.order->for_each(range, [&](std::span<const Row> piece) {
      for (const Row row : piece) add(row);
    });
  }
  if (leaf.rows_are_index) {
    for (const Row row : leaf.rows.values) add(row);
  }
  return out;
}

}  // namespace

void BoundFilter::Impl::narrow_leaf(const Leaf& leaf, Narrowed& rows) const {
  const bool test_instead = !leaf.merged && !rows.all && rows.bound * kTestCost < leaf.bound;
  if ((!leaf.indexed && !leaf.complement) || test_instead) {
    materialise(rows);
    test_rows(leaf, rows.bits);
    return;
  }
  catalog::RowBits named = indexed_rows(leaf, catalog->item_count());
  if (leaf.complement) {
    materialise(rows);
    rows.bits.subtract(named);
    return;
  }
  if (rows.all) {
    rows.bits = std::move(named);
    rows.bound = leaf.bound;
    rows.all = false;
    return;
  }
  rows.bits.intersect(named);
  rows.bound = std::min(rows.bound, leaf.bound);
}

void BoundFilter::Impl::narrow_or(const BoundNode& node, Narrowed& rows) const {
  Narrowed any{.all = false, .bits = {}, .bound = 0};
  for (const std::uint32_t child : node.children) {
    Narrowed part = rows;
    narrow(child, part);
    materialise(part);
    any.bits.unite(part.bits);
    any.bound += part.bound;
  }
  rows = std::move(any);
}

// Leaves of `rows` those that match the node.
void BoundFilter::Impl::narrow(std::uint32_t index, Narrowed& rows) const {
  const BoundNode& node = nodes[index];
  if (node.kind == Kind::kLeaf) return narrow_leaf(leaves[node.leaf], rows);
  if (node.kind == Kind::kOr) return narrow_or(node, rows);
  for (const std::uint32_t child : node.children) {  // rarest first
    if (nodes[child].kind == Kind::kLeaf && leaves[nodes[child].leaf].covered) continue;
    narrow(child, rows);
  }
}

std::uint64_t BoundFilter::Impl::narrowing_cost(std::uint32_t index, std::uint64_t& rows) const {
  const BoundNode& node = nodes[index];
  const std::uint64_t start = rows;
  std::uint64_t cost = 0;
  if (node.kind == Kind::kLeaf) {
    const Leaf& leaf = leaves[node.leaf];
    if (leaf.covered) return 0;
    const std::uint64_t tests = rows * kTestCost * std::max<std::uint8_t>(leaf.cost, 1);
    const bool named = leaf.indexed || leaf.complement;
    if (leaf.indexed) rows = std::min(rows, leaf.bound);
    if (leaf.bits != nullptr) return 0;
    if (leaf.merged) return leaf.bound;
    return named ? std::min(leaf.bound, tests) : tests;
  }
  std::uint64_t sum = 0;
  for (const std::uint32_t child : node.children) {
    std::uint64_t left = node.kind == Kind::kAnd ? rows : start;
    cost += narrowing_cost(child, left);
    sum += left;
    if (node.kind == Kind::kAnd) rows = left;
  }
  if (node.kind == Kind::kOr) rows = std::min(start, sum);
  return cost;
}

bool BoundFilter::cheap_to_evaluate() const {
  constexpr std::uint64_t kAlways = 50'000;
  const std::uint64_t listed = impl_->catalog->listed_count();
  std::uint64_t rows = listed;
  // Each node goes over the bits of the whole catalog besides.
  const std::uint64_t passes = impl_->nodes.size() * (impl_->catalog->item_count() / 64);
  return impl_->narrowing_cost(impl_->root, rows) + passes <= listed + kAlways;
}

void BoundFilter::evaluate(catalog::RowBits& out) const {
  const std::size_t rows = impl_->catalog->item_count();
  if (estimate() * kRareMatch < rows) {
    out.reset(rows);
    for_each_match([&out](ItemIndex item) { out.add(item.value); });
    return;
  }
  Narrowed narrowed;
  impl_->narrow(impl_->root, narrowed);
  impl_->materialise(narrowed);
  out = std::move(narrowed.bits);
}

bool BoundFilter::Impl::deliver(std::span<Row> rows, bool exact, Consumer& consumer) const {
  std::size_t kept = rows.size();
  const BoundNode& top = nodes[root];
  if (!exact && top.kind != Kind::kOr) {
    // Leaf by leaf over the block: a tight loop over one column each.
    const std::span<const std::uint32_t> parts =
        top.kind == Kind::kAnd ? std::span<const std::uint32_t>(top.children) : std::span(&root, 1);
    for (const std::uint32_t part : parts) {
      if (nodes[part].kind != Kind::kLeaf) continue;
      const Leaf& leaf = leaves[nodes[part].leaf];
      kept = leaf.filter(leaf, rows.data(), kept);
    }
  }
  const bool leaves_only =
      exact || top.kind == Kind::kLeaf ||
      (top.kind == Kind::kAnd &&
       std::all_of(top.children.begin(), top.children.end(),
                   [&](std::uint32_t c) { return nodes[c].kind == Kind::kLeaf; }));
  if (!leaves_only) {
    const auto end = std::remove_if(rows.begin(), rows.begin() + static_cast<std::ptrdiff_t>(kept),
                                    [&](Row row) { return !run(first, row); });
    kept = static_cast<std::size_t>(end - rows.begin());
  }
  return kept == 0 || consumer.take(rows.first(kept));
}

void BoundFilter::walk(Consumer& consumer) const {
  const Driver driver = impl_->drive(impl_->root);
  const Roaring& rows = driver.all ? impl_->catalog->listed_items() : driver.rows;
  std::array<Row, 1024> block;
  roaring_uint32_iterator_t at;
  roaring_init_iterator(&rows.roaring, &at);
  while (true) {
    const std::uint32_t count = roaring_read_uint32_iterator(&at, block.data(), block.size());
    if (count == 0) return;
    if (!impl_->deliver({block.data(), count}, driver.exact, consumer)) return;
  }
}

std::uint64_t BoundFilter::count_matches() const {
  struct Counter final : Consumer {
    bool take(std::span<const std::uint32_t> rows) override {
      count += rows.size();
      return true;
    }
    std::uint64_t count = 0;
  } counter;
  walk(counter);
  return counter.count;
}

bool BoundFilter::matches(ItemIndex item) const {
  return impl_->catalog->listed(item) && impl_->run(impl_->first, item.value);
}

std::uint64_t BoundFilter::estimate() const { return impl_->nodes[impl_->root].bound; }

BoundFilter::BoundFilter(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
BoundFilter::BoundFilter(BoundFilter&&) noexcept = default;
BoundFilter& BoundFilter::operator=(BoundFilter&&) noexcept = default;
BoundFilter::~BoundFilter() = default;

Result<BoundFilter> bind(const ParsedFilter& filter, const catalog::Catalog& catalog, TimeUs now) {
  return Binder(catalog, now).bind(filter.root_ptr());
}

}  // namespace vitrine::filter
