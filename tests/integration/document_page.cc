#include "tests/integration/document_page.h"

#include <algorithm>
#include <fstream>
#include <sstream>
#include <thread>

#include <gtest/gtest.h>

#include "edge/api/router.h"

namespace vitrine::integration {
namespace {

using simdjson::dom::element;

bool is_word(char c) { return (c >= 'A' && c <= 'Z') || c == '_' || (c >= '0' && c <= '9'); }

// What is not said in the answer to the write, but follows soon after it.
bool follows_later(std::string_view request) {
  for (const std::string_view path : {"POST /v1/search/", "GET /v1/suggest", "GET /v1/jobs/"}) {
    if (request.starts_with(path)) return true;
  }
  return false;
}

}  // namespace

DocumentPage::DocumentPage(TestServer& server, std::map<std::string, std::string> words)
    : server_(server), client_(server.client()), words_(std::move(words)) {}

std::vector<DocumentPage::Block> DocumentPage::blocks_of(const std::string& path) {
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
    for (const std::string_view kind : {"json ", "ndjson ", "text ", "empty "}) {
      if (block.kind.starts_with(kind)) return false;
    }
    return block.kind != "http";
  });
  return out;
}

std::string DocumentPage::put_words(std::string text) const {
  for (const auto& [word, value] : words_) {
    for (std::size_t at = 0; (at = text.find(word, at)) != std::string::npos;) {
      const bool inside = (at > 0 && is_word(text[at - 1])) ||
                          (at + word.size() < text.size() && is_word(text[at + word.size()]));
      if (!inside) text.replace(at, word.size(), value);
      at += inside ? word.size() : value.size();
    }
  }
  return text;
}

void DocumentPage::note_route(std::string_view method, std::string_view target) {
  static const api::RouteIndex index = [] {
    std::vector<api::RouteIndex::Pattern> patterns;
    for (const api::Route& route : api::routes()) patterns.push_back({route.method, route.pattern});
    return api::RouteIndex(std::move(patterns));
  }();
  std::string_view path = target.substr(0, target.find('?'));
  if (path.starts_with("/api/") && path.ends_with('/')) path.remove_suffix(1);
  for (const api::Route& route : api::routes()) {
    if (net::method_name(route.method) != method) continue;
    api::RouteIndex::Miss miss;
    const auto match = index.find(route.method, path, miss);
    if (match) routes_.insert(std::string(api::routes()[match->route].name));
    return;
  }
}

Answer DocumentPage::send(const std::string& text) {
  std::istringstream in(text);
  std::string method, target, line;
  in >> method >> target;
  std::getline(in, line);
  std::vector<std::pair<std::string, std::string>> lines;
  while (std::getline(in, line) && !line.empty()) {
    const std::size_t colon = line.find(": ");
    EXPECT_NE(colon, std::string::npos) << line;
    if (colon == std::string::npos) break;
    lines.emplace_back(line.substr(0, colon), line.substr(colon + 2));
  }
  std::ostringstream body;
  body << in.rdbuf();
  std::vector<net::Header> headers;
  bool typed = false;
  for (const auto& [name, value] : lines) {
    headers.push_back({name, value});
    typed = typed || name == "Content-Type";
  }
  if (!typed && !body.str().empty()) headers.push_back({"Content-Type", "application/json"});
  note_route(method, target);
  auto answer = client_.request(method, target, headers, body.str());
  if (answer.ok()) return std::move(answer).value();
  ADD_FAILURE() << answer.error().to_string();
  return {};
}

int DocumentPage::run(const std::string& path) {
  const auto blocks = blocks_of(path);
  int requests = 0;
  for (std::size_t i = 0; i + 1 < blocks.size(); i += 2) {
    SCOPED_TRACE(path + ":" + std::to_string(blocks[i].line));
    EXPECT_EQ(blocks[i].kind, "http");
    EXPECT_NE(blocks[i + 1].kind, "http") << "a request without its answer";
    const auto until = std::chrono::steady_clock::now() + std::chrono::seconds(10);
    Wrong wrong;
    Answer answer;
    while (true) {
      wrong.clear();
      answer = send(put_words(blocks[i].text));
      compare(blocks[i + 1], answer, wrong);
      const bool again = !wrong.empty() && follows_later(blocks[i].text) &&
                         std::chrono::steady_clock::now() < until;
      if (!again) break;
      std::this_thread::sleep_for(std::chrono::milliseconds(20));
    }
    for (const std::string& what : wrong) ADD_FAILURE() << what << "\n" << answer.body;
    ++requests;
  }
  EXPECT_EQ(blocks.size() % 2, 0u) << path;
  return requests;
}

void DocumentPage::compare(const Block& expected, const Answer& answer, Wrong& wrong) {
  const std::string kind = expected.kind.substr(0, expected.kind.find(' '));
  const std::string status = std::to_string(answer.status);
  if (expected.kind != kind + " " + status) {
    return wrong.push_back("the status is " + status + ", not " + expected.kind);
  }
  if (kind == "json") return compare_json(expected.text, answer.body, wrong);
  if (kind == "empty") {
    if (!answer.body.empty()) wrong.push_back("the answer has a body");
    return;
  }
  std::istringstream lines(expected.text);
  std::istringstream given(answer.body);
  std::string line, present;
  std::size_t at = 0;
  while (std::getline(lines, line)) {
    if (line == "...") continue;
    if (kind == "ndjson") {
      if (!std::getline(given, present)) return wrong.push_back("there is no line for " + line);
      compare_json(line, present, wrong);
      continue;
    }
    const std::size_t found = answer.body.find(line, at);
    if (found == std::string::npos) return wrong.push_back("there is no line " + line);
    at = found + line.size();
  }
}

void DocumentPage::compare_json(std::string_view expected, std::string_view actual, Wrong& wrong) {
  codec::JsonParser one, other;
  const auto wanted = one.parse(expected);
  const auto given = other.parse(actual);
  if (!wanted.ok() || !given.ok()) {
    return wrong.push_back("not JSON: " + std::string(wanted.ok() ? actual : expected));
  }
  within(*wanted, *given, "", wrong);
}

// All that `expected` says is so in `actual`.
void DocumentPage::within(element expected, element actual, const std::string& where,
                          Wrong& wrong) {
  simdjson::dom::object object;
  simdjson::dom::array array;
  std::string_view text;
  if (expected.get(text) == simdjson::SUCCESS) return text_within(text, actual, where, wrong);
  if (expected.get(array) == simdjson::SUCCESS) return list_within(array, actual, where, wrong);
  if (expected.get(object) != simdjson::SUCCESS) {
    const std::string wanted = simdjson::minify(expected), given = simdjson::minify(actual);
    if (wanted != given) wrong.push_back(where + " is " + given + ", not " + wanted);
    return;
  }
  for (const auto [key, value] : object) {
    element present;
    const std::string below = where + "/" + std::string(key);
    if (actual[key].get(present) != simdjson::SUCCESS) {
      wrong.push_back(below + " is not there");
    } else {
      within(value, present, below, wrong);
    }
  }
}

void DocumentPage::text_within(std::string_view text, element actual, const std::string& where,
                               Wrong& wrong) {
  if (text == "...") return;
  std::string_view is;
  if (actual.get(is) != simdjson::SUCCESS) return wrong.push_back(where + " is no text");
  if (std::find(std::begin(kKeptWords), std::end(kKeptWords), text) != std::end(kKeptWords)) {
    words_[std::string(text)] = is;
    return;
  }
  if (is != text) {
    wrong.push_back(where + " is '" + std::string(is) + "', not '" + std::string(text) + "'");
  }
}

void DocumentPage::list_within(simdjson::dom::array expected, element actual,
                               const std::string& where, Wrong& wrong) {
  simdjson::dom::array present;
  if (actual.get(present) != simdjson::SUCCESS) return wrong.push_back(where + " is no list");
  std::size_t at = 0;
  for (const element value : expected) {
    std::string_view text;
    if (value.get(text) == simdjson::SUCCESS && text == "...") return;
    if (at == present.size()) return wrong.push_back(where + " is too short");
    within(value, present.at(at), where + "/" + std::to_string(at), wrong);
    ++at;
  }
  if (at != present.size()) wrong.push_back(where + " is longer");
}

}  // namespace vitrine::integration
