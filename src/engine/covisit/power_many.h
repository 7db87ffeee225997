// fast_power() of many numbers at once: the same bits, several at a time where the machine can.
#pragma once

#include <span>

namespace vitrine::covisit {

// values[i] = fast_power(values[i] + offset, p); the sums are positive and normal.
void power_many(std::span<float> values, float offset, float p);

}  // namespace vitrine::covisit
