// What does Vitrine bring a shop, against what else it could show?
//
// Five simulated shops (docs/simulate.md) in a closed loop: random, popularity, item-item, Vitrine
// over its HTTP API, and an oracle that knows every taste. Each runs in a copy of the same shop
// with the same visitors. Runs `vitrine simulate`, whose last line is JSON: `lift_over_popularity`,
// `lift_over_random`, `regret_share`, each with its 95 % interval in the key that ends in `_ci`.
//
// Environment: BENCH_SEEDS (5), BENCH_DAYS (21), BENCH_VISITORS (4000).
#include <cstdio>

#include "bench/support/report.h"
#include "bench/support/server_process.h"
#include "bench/support/subprocess.h"

using namespace vitrine;
using namespace vitrine::bench;

int main(int, char** argv) {
  const auto number = [](const char* name, double otherwise) {
    return fixed(number_from_environment(name, otherwise), 0);
  };
  auto binary = find_vitrine(argv[0]);
  if (!binary.ok()) give_up(binary.error().to_string());
  auto child =
      spawn({.command = {*binary, "simulate", "--seeds", number("BENCH_SEEDS", 5), "--days",
                         number("BENCH_DAYS", 21), "--visitors", number("BENCH_VISITORS", 4000)},
             .output = ""});
  if (!child.ok()) give_up(child.error().to_string());
  const int status = wait_exit(*child, std::chrono::hours(3));
  if (status == -1) give_up("the simulation did not end");
  return status;
}
