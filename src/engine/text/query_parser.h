// Reads a query as people write it:
//
//   red shoe              both words, or either, as the caller's default says
//   red AND shoe, a OR b  in capitals; AND binds tighter than OR
//   NOT red, -red         without it
//   (red OR blue) shoe    parentheses
//   "running shoe"        these words in this order
//   runn*                 words that begin so: as typed, or as the analyser stems the word
//   title:red             in one field; also title:"...", title:run* and title:(red OR blue)
//   (red blue green)~2    at least 2 of these
//
// Words side by side are joined as with AND or OR, whichever is the default; what is excluded
// beside them is excluded from all of them: with OR as the default `red blue -green` means
// (red OR blue) AND NOT green. A backslash takes its meaning from the next character; what is in
// quotes has none but \" and \\. A minus within a word, a colon behind something that is no name,
// and + & / . and the like are part of the words, and the analyser makes of them what it makes of
// them in documents.
#pragma once

#include <string_view>

#include "base/result.h"
#include "engine/text/analyser.h"
#include "engine/text/query.h"
#include "engine/text/schema.h"

namespace vitrine::text {

inline constexpr std::size_t kQueryBytesMax = 16384;

struct ParseOptions {
  bool all_words = true;  // words side by side: all of them, else any
};

// Plain words give what Analyser::query_for() makes of them, synonyms included. Stop words drop
// out; kNothing where no word is left. A stop word within a phrase is a gap that can't be asked
// for: what stands before it and what stands behind it must each occur.
//
// kInvalidArgument "column N: what is wrong and what to do", with the place shown; also for unknown
// fields, for phrases without positions, and above the bounds: kQueryBytesMax, and those of
// query.h. Linear in the text, beside the analyser's work.
Result<Query> parse_query(std::string_view text, const Analyser& analyser, const Schema& schema,
                          const ParseOptions& options = {});

}  // namespace vitrine::text
