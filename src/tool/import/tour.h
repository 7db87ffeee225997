// `vitrine tour`: a walk through a shop's windows over its API, as tables for people.
//
// Home of a known customer; what changes there within milliseconds after three clicks; similar
// items; bought together; a filtered answer; a new visitor. It sends three live detail-page-view
// events of that customer, so the shop knows them afterwards.
#pragma once

#include <cstdint>
#include <ostream>
#include <string>

#include "base/clock.h"
#include "base/result.h"

namespace vitrine::importer {

struct TourOptions {
  std::string url;
  std::string ca_file;         // PEM: whom to trust with https; empty: the system's authorities
  std::string key;             // may write events and ask for windows and items: secret
  std::string user = "17850";  // a customer of the Online Retail data
  std::uint32_t rows = 8;      // of a table, 3..20
  const Clock* clock = &system_clock();
};

// kNotFound if the shop has no items to show.
Status run_tour(const TourOptions& options, std::ostream& out);

}  // namespace vitrine::importer
