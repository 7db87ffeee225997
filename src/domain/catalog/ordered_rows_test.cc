// Goal: rows stand in the order of their values whatever was added and taken away, and any range
// of values is exactly the rows that a look at every value finds.
#include "domain/catalog/ordered_rows.h"

#include <random>
#include <set>

#include <gtest/gtest.h>

namespace vitrine::catalog {
namespace {

using Rows = std::vector<std::uint32_t>;

Rows rows_of(const OrderedRows<double>& order, const OrderedRows<double>::Range& range) {
  Rows rows;
  order.for_each(range, [&](auto piece) { rows.insert(rows.end(), piece.begin(), piece.end()); });
  return rows;
}

void expect_ranges(const OrderedRows<double>& order, const std::vector<double>& values,
                   const std::set<std::pair<double, std::uint32_t>>& twin, double low,
                   double high) {
  Rows expected;
  for (const auto& [value, row] : twin) {
    if (value >= low && value < high) expected.push_back(row);
  }
  const OrderedRows<double>::Range range{order.not_below(low, values),
                                         order.not_below(high, values)};
  ASSERT_EQ(rows_of(order, range), expected) << low << " " << high;
  ASSERT_EQ(order.count(range), expected.size());
  Rows above;
  for (const auto& [value, row] : twin) {
    if (value > low) above.push_back(row);
  }
  ASSERT_EQ(rows_of(order, {order.above(low, values), order.end()}), above) << low;
}

void change_at_random(unsigned distinct, unsigned rows, unsigned steps) {
  std::mt19937 random(distinct);
  std::vector<double> values(rows);
  std::set<std::pair<double, std::uint32_t>> twin;
  std::vector<bool> in(rows, false);
  OrderedRows<double> order;
  for (unsigned step = 0; step < steps; ++step) {
    const std::uint32_t row = random() % rows;
    if (in[row]) {
      order.remove(row, values[row], values);
      twin.erase({values[row], row});
    } else {
      const double value = static_cast<double>(random() % distinct) - distinct / 3;
      order.add(row, value, values);
      values[row] = value;
      twin.emplace(value, row);
    }
    in[row] = !in[row];
    ASSERT_EQ(order.size(), twin.size());
    if (step % (steps / 40) != 0) continue;
    const double low = static_cast<double>(random() % distinct) - distinct / 3;
    ASSERT_NO_FATAL_FAILURE(
        expect_ranges(order, values, twin, low, low + static_cast<double>(random() % distinct)));
    ASSERT_NO_FATAL_FAILURE(expect_ranges(order, values, twin, -1e300, 1e300));
    ASSERT_NO_FATAL_FAILURE(expect_ranges(order, values, twin, low, low - 1));
  }
  OrderedRows<double> built;
  Rows all;
  for (const auto& [value, row] : twin) all.push_back(row);
  std::shuffle(all.begin(), all.end(), random);
  built.build(all, values);
  ASSERT_EQ(rows_of(built, {built.begin(), built.end()}),
            rows_of(order, {order.begin(), order.end()}));
}

TEST(OrderedRows, AgreeWithASetWhereValuesDiffer) { change_at_random(100'000, 5'000, 40'000); }
TEST(OrderedRows, AgreeWithASetWhereManyShareAValue) { change_at_random(4, 5'000, 40'000); }
TEST(OrderedRows, AgreeWithASetWhileSmall) { change_at_random(9, 6, 20'000); }

TEST(OrderedRows, FillBlocksWhenRowsOfOneValueComeInOrder) {
  constexpr std::uint32_t kRows = 100'000;
  const std::vector<double> values(kRows, 5.0);
  OrderedRows<double> order;
  for (std::uint32_t row = 0; row < kRows; ++row) order.add(row, 5.0, values);
  EXPECT_EQ(order.count({order.not_below(5, values), order.above(5, values)}), kRows);
  EXPECT_LT(order.memory_bytes(), kRows * 6);
}

}  // namespace
}  // namespace vitrine::catalog
