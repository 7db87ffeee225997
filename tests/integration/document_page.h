// A page of the documentation whose requests are run as they stand there.
//
// A page has blocks of two kinds, in turns. "http" is a request: first line, headers, an empty
// line, a body. What follows is its answer: "json STATUS" and "ndjson STATUS" say what of it the
// page shows, "text STATUS" holds lines that come in it, in this order, "empty STATUS" nothing. A
// string "..." matches anything, as the last element of an array any number of elements; in text a
// line "..." does nothing. Words in capitals are put in (the keys), or kept: where the page has one
// of kKeptWords in an answer, what came stands for it in the requests that follow.
#pragma once

#include <map>
#include <set>
#include <string>
#include <vector>

#include "platform/codec/json_parse.h"
#include "tests/integration/test_server.h"

namespace vitrine::integration {

inline constexpr std::string_view kKeptWords[] = {"VERSION", "REQUEST", "CURSOR",
                                                  "JOB",     "NEW_KEY", "KEY_ID"};

class DocumentPage {
 public:
  // `words` by what they stand for.
  DocumentPage(TestServer& server, std::map<std::string, std::string> words);

  // Runs the page's requests, each failure as one of the test; how many.
  int run(const std::string& path);
  // The names of the routes that were asked for.
  const std::set<std::string>& routes() const { return routes_; }

 private:
  struct Block {
    std::string kind;  // "http", "json 200"
    std::string text;
    int line = 0;
  };
  using Wrong = std::vector<std::string>;

  static std::vector<Block> blocks_of(const std::string& path);
  std::string put_words(std::string text) const;
  Answer send(const std::string& text);
  void note_route(std::string_view method, std::string_view target);
  void compare(const Block& expected, const Answer& answer, Wrong& wrong);
  void compare_json(std::string_view expected, std::string_view actual, Wrong& wrong);
  void within(simdjson::dom::element expected, simdjson::dom::element actual,
              const std::string& where, Wrong& wrong);
  void text_within(std::string_view text, simdjson::dom::element actual, const std::string& where,
                   Wrong& wrong);
  void list_within(simdjson::dom::array expected, simdjson::dom::element actual,
                   const std::string& where, Wrong& wrong);

  TestServer& server_;
  net::Client client_;
  std::map<std::string, std::string> words_;
  std::set<std::string> routes_;
};

}  // namespace vitrine::integration
