// Exponential decay that gives the same bits on every machine.
//
// libm's exp2 may differ in the last bit between processors (it picks FMA variants at run
// time), and counters are part of `state digest`. So 2^-x is a product of factors that
// come from repeated square roots, which IEEE 754 rounds correctly everywhere.
#pragma once

#include <cstdint>

namespace vitrine {

// 2^-(elapsed / half_life), in [0, 1]; 1 for elapsed <= 0, 0 from 64 half-lives on.
// Resolution: 1/4096 half-life. half_life must be positive.
double decay_factor(std::int64_t elapsed, std::int64_t half_life);

}  // namespace vitrine
