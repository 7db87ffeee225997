// The pages of the documentation that hold requests, run as they stand there.
//
// A page has blocks of two kinds, in turns: "http", a request (first line, headers, an empty line,
// a body), and "json STATUS", what of the answer the page shows. A string "..." matches anything,
// as the last element of an array any number of elements. Words in capitals are put in (the keys),
// or kept: a string of the answer where the page has VERSION or REQUEST stands for it in the
// requests that follow.
#include <fstream>
#include <map>
#include <sstream>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "platform/codec/json_parse.h"
#include "tests/integration/answers.h"
#include "tests/integration/test_server.h"

namespace vitrine::integration {
namespace {

using simdjson::dom::element;

struct Block {
  std::string kind;  // "http", "json 200"
  std::string text;
  int line = 0;
};

std::vector<Block> blocks_of(const std::string& path) {
  std::ifstream file(path);
  EXPECT_TRUE(file.good()) << path;
  std::vector<Block> out;
  bool inside = false;
  std::string line;
  for (int number = 1; std::getline(file, line); ++number) {
    if (!line.starts_with("```")) {
      if (inside) out.back().text += line + "\n";
    } else if (inside) {
      inside = false;
    } else {
      inside = true;
      out.push_back({line.substr(3), {}, number});
    }
  }
  std::erase_if(out, [](const Block& block) {
    return block.kind != "http" && !block.kind.starts_with("json ");
  });
  return out;
}

class Page {
 public:
  explicit Page(std::map<std::string, std::string> words) : words_(std::move(words)) {}

  std::string put_words(std::string text) const {
    for (const auto& [word, value] : words_) {
      for (std::size_t at = 0; (at = text.find(word, at)) != std::string::npos;) {
        text.replace(at, word.size(), value);
        at += value.size();
      }
    }
    return text;
  }

  Call call_of(const std::string& text) const {
    std::istringstream in(put_words(text));
    Call call;
    in >> call.method >> call.target;
    std::string line;
    std::getline(in, line);
    while (std::getline(in, line) && !line.empty()) {
      const std::string value = line.substr(line.find(": ") + 2);
      if (line.starts_with("Authorization: Bearer ")) call.key = line.substr(22);
      if (line.starts_with("Content-Type: ")) call.content_type = value;
    }
    std::ostringstream body;
    body << in.rdbuf();
    call.body = body.str();
    return call;
  }

  // All that `expected` says is so in `actual`.
  void expect_within(element expected, element actual, const std::string& where) {
    simdjson::dom::object object;
    simdjson::dom::array array;
    std::string_view text;
    if (expected.get(text) == simdjson::SUCCESS) return expect_text(text, actual, where);
    if (expected.get(object) == simdjson::SUCCESS) {
      for (const auto [key, value] : object) {
        element present;
        const std::string below = where + "/" + std::string(key);
        if (actual[key].get(present) != simdjson::SUCCESS) {
          ADD_FAILURE() << below << " is not there: " << simdjson::minify(actual);
          continue;
        }
        expect_within(value, present, below);
      }
      return;
    }
    if (expected.get(array) == simdjson::SUCCESS) return expect_list(array, actual, where);
    EXPECT_EQ(simdjson::minify(expected), simdjson::minify(actual)) << where;
  }

 private:
  void expect_text(std::string_view text, element actual, const std::string& where) {
    if (text == "...") return;
    std::string_view is;
    ASSERT_EQ(actual.get(is), simdjson::SUCCESS) << where;
    if (text == "VERSION" || text == "REQUEST") {
      words_[std::string(text)] = is;
      return;
    }
    EXPECT_EQ(is, text) << where;
  }

  void expect_list(simdjson::dom::array expected, element actual, const std::string& where) {
    simdjson::dom::array present;
    ASSERT_EQ(actual.get(present), simdjson::SUCCESS) << where;
    std::size_t at = 0;
    bool open = false;
    for (const element value : expected) {
      std::string_view text;
      open = value.get(text) == simdjson::SUCCESS && text == "...";
      if (open) break;
      ASSERT_LT(at, present.size()) << where << ": " << simdjson::minify(actual);
      expect_within(value, present.at(at), where + "/" + std::to_string(at));
      ++at;
    }
    if (!open) {
      EXPECT_EQ(at, present.size()) << where << ": " << simdjson::minify(actual);
    }
  }

  std::map<std::string, std::string> words_;
};

// Runs the page's requests; how many.
int run_page(const std::string& path, TestServer& server, Page& page) {
  const auto blocks = blocks_of(path);
  int requests = 0;
  for (std::size_t i = 0; i + 1 < blocks.size(); i += 2) {
    SCOPED_TRACE(path + ":" + std::to_string(blocks[i].line));
    EXPECT_EQ(blocks[i].kind, "http");
    EXPECT_TRUE(blocks[i + 1].kind.starts_with("json ")) << "a request without its answer";
    const Answer answer = server.call(page.call_of(blocks[i].text));
    EXPECT_EQ("json " + std::to_string(answer.status), blocks[i + 1].kind) << answer.body;
    codec::JsonParser expected, actual;
    const auto wanted = expected.parse(blocks[i + 1].text);
    const auto given = actual.parse(answer.body);
    EXPECT_TRUE(wanted.ok() && given.ok()) << blocks[i + 1].text << answer.body;
    if (wanted.ok() && given.ok()) page.expect_within(*wanted, *given, "");
    ++requests;
  }
  EXPECT_EQ(blocks.size() % 2, 0u) << path;
  return requests;
}

TEST(Documents, TheTutorialAndThePagesThatGoOnFromItAnswerWhatTheySay) {
  TestServer server;
  const Shop shop = server.create_shop("shoes");
  Page page(
      {{"PUBLISHABLE", shop.publishable}, {"SECRET", shop.secret}, {"ADMIN", server.admin_key()}});
  EXPECT_GE(run_page("docs/tutorial.md", server, page), 12);
  EXPECT_GE(run_page("docs/api/placements.md", server, page), 2);
}

}  // namespace
}  // namespace vitrine::integration
