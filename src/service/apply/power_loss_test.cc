#include <gtest/gtest.h>

#include "service/apply/power_loss_trial.h"

namespace vitrine::apply {
namespace {

// Goal: no acknowledged event is lost or counts twice in the state, wherever power is cut: in
// appends, new segments, recovery, snapshots, pruning, spilled event ids.
// Method: many life stories of several cuts each; see power_loss_trial.h for the witnesses.
TEST(PowerLoss, EachEventIdCountsExactlyOnceInStateWhereverPowerIsCut) {
  testing::PowerLossReport sum;
  for (std::uint64_t seed = 1; seed <= 40; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    const auto report = testing::PowerLossTrial(seed).run(6);
    ASSERT_EQ(report.error, "");
    ASSERT_EQ(report.lost, 0u);
    ASSERT_EQ(report.duplicated, 0u);
    sum.power_cuts += report.power_cuts;
    sum.snapshots_loaded += report.snapshots_loaded;
    sum.torn_bytes += report.torn_bytes;
    sum.resent += report.resent;
    sum.events += report.events;
  }
  // The stories must have had their adventures, else they prove nothing.
  EXPECT_GT(sum.power_cuts, 120u);
  EXPECT_GT(sum.snapshots_loaded, 40u);
  EXPECT_GT(sum.torn_bytes, 0u);
  EXPECT_GT(sum.resent, 200u);
  EXPECT_GT(sum.events, 4000u);
}

}  // namespace
}  // namespace vitrine::apply
