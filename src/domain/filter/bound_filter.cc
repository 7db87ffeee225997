// bind(), and what a bound filter does: testing one item, and walking all matches.
//
// Binding pushes `not` down to the comparisons (De Morgan), so the tree consists of `and`, `or` and
// leaves that may be negated. For single items the tree becomes jump code: each leaf knows
// which one to test next when it passes and when it fails, so there is no stack and no recursion.
// For walks the planner takes a set of rows that surely holds all matches from the postings
// (the smallest side of an `and`, the union of an `or`) and tests what the set leaves open.
#include <algorithm>
#include <array>

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

// Below this many rows, testing each is cheaper than cutting the set with another bitmap.
constexpr std::uint64_t kIntersectRowsMin = 256;

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
    settle(bound);
    return push(std::move(bound));
  }

  std::uint32_t push(BoundNode node) {
    node.bound = std::min<std::uint64_t>(node.bound, impl_->catalog->listed_count());
    impl_->nodes.push_back(std::move(node));
    return static_cast<std::uint32_t>(impl_->nodes.size() - 1);
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
