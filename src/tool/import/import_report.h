// What an import did, for people.
#pragma once

#include <cstdint>
#include <map>
#include <ostream>
#include <string>
#include <vector>

#include "base/clock.h"
#include "tool/import/batch_sender.h"
#include "tool/import/online_retail.h"

namespace vitrine::importer {

struct ImportReport {
  std::string source;  // file, or "generated shop, seed 1"
  std::uint64_t rows = 0;
  std::map<std::string, std::uint64_t> skipped;        // rows, by reason
  std::map<std::string, std::uint64_t> skipped_codes;  // of the rows that were no product
  std::uint64_t rows_bad = 0;
  std::vector<BadRow> bad_rows;  // the first of them
  SendTotals items;
  SendTotals events;
  SendTotals users;
  std::uint64_t customers = 0;
  std::uint64_t anonymous = 0;  // visitors without a customer id
  TimeUs first_time = 0;        // of the events as sent; 0 without events
  TimeUs last_time = 0;
  TimeUs shift_us = 0;
  std::string sample_customer;
  std::vector<std::string> notes;  // what a reader must know about derived data
  double applied_ms = -1;          // from the last answer until the state showed it; -1: unknown
  double seconds = 0;
};

// Events that were imported before with other contents: with a time shift, that is every second
// import of the same file. They keep what they were.
std::uint64_t already_imported(const SendTotals& events);

// Rejected lines that are a failure of this import.
std::uint64_t failed_lines(const ImportReport& report);

// A table of figures, then what was skipped, then the first bad rows and rejections with line,
// code and reason.
void print_report(const ImportReport& report, std::ostream& out);

}  // namespace vitrine::importer
