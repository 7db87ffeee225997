// The simulation for people (tables and charts of text, a page with charts) and for programs.
#pragma once

#include <ostream>
#include <string>
#include <vector>

#include "tool/simulate/comparison.h"

namespace vitrine::simulate {

// While it runs: a head, then a line a day with the conversion so far of each policy.
void print_day_head(std::ostream& out, const SimulationResult& run);
void print_day(std::ostream& out, int day, const SimulationResult& so_far);

// Figures of each policy, bars of conversion, conversion over time, Vitrine against the others.
void print_report(std::ostream& out, const std::vector<SimulationResult>& runs,
                  const Comparison& comparison);

// One line: {"lift_over_popularity":1.4,"lift_over_popularity_ci":[1.3,1.5],...}.
std::string json_line(const std::vector<SimulationResult>& runs, const Comparison& comparison);

// The report as one HTML page (tool/evaluate/html_page.h), with the numbers of print_report().
std::string report_page(const std::vector<SimulationResult>& runs, const Comparison& comparison);

// Conversion over the last seven days (or as many as there are) up to each day, all runs together.
std::vector<double> weekly_conversion(const std::vector<SimulationResult>& runs,
                                      std::size_t policy);

}  // namespace vitrine::simulate
