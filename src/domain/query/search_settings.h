// What a tenant says about its search box: language, synonyms, redirects, and how much each part
// of the score counts. One JSON object, kept in the tenant's state.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace vitrine::query {

inline constexpr std::size_t kSynonymGroupsMax = 2'000;
inline constexpr std::size_t kSynonymWordsMax = 20;  // of a group
inline constexpr std::size_t kRedirectsMax = 2'000;
inline constexpr std::size_t kRuleBytesMax = 120;  // of a synonym or a redirect's query
inline constexpr std::size_t kUrlBytesMax = 2'048;
inline constexpr std::size_t kSettingsBytesMax = 512 * 1024;

struct Redirect {
  std::string query;  // compared after normalise()
  std::string url;    // absolute path, or http(s)
  bool whole = true;  // else: wherever its words stand in the query
  friend bool operator==(const Redirect&, const Redirect&) = default;
};

struct SearchSettings {
  // Of the texts; see text::AnalyserOptions. A change makes the index anew.
  std::string language = "none";
  bool stop_words = false;
  std::vector<std::vector<std::string>> synonyms;
  std::vector<Redirect> redirects;

  // Strengths in the score (docs/search.md), each 0 (off) .. 4.
  double personal = 1;
  double affinity = 0.3;  // nearness to the visitor by vectors
  double popularity = 0.5;
  double clicks = 1;
  double out_of_stock = 0.5;  // factor of items that are sold out, 0 .. 1

  bool typo_tolerance = true;
  bool fallback = true;           // popular items where nothing is found
  std::uint32_t suggest_min = 3;  // searches by changing visitors before a query is suggested

  friend bool operator==(const SearchSettings&, const SearchSettings&) = default;
};

// kInvalidArgument names the field and what it must be. Unknown fields are refused; absent ones
// have the values above. Whether the language is known is for the caller to check.
Result<SearchSettings> parse_search_settings(std::string_view json,
                                             std::size_t readable_behind = 0);
// parse(print(s)) == s.
std::string print_search_settings(const SearchSettings& settings);

}  // namespace vitrine::query
