// The README's five minutes, command by command as they stand there, and its table of settings.
#include <fstream>
#include <sstream>
#include <vector>

#include <gmock/gmock.h>

#include "platform/codec/json_parse.h"
#include "platform/io/child_process.h"
#include "tests/integration/test_server.h"

namespace vitrine::integration {
namespace {

std::string readme() {
  std::ostringstream out;
  out << std::ifstream("README.md").rdbuf();
  return out.str();
}

// What lies between two marks; a failure where one of them is missing.
std::string between(const std::string& text, const std::string& begin, const std::string& end) {
  const std::size_t from = text.find(begin);
  const std::size_t to = text.find(end, from == std::string::npos ? 0 : from + begin.size());
  EXPECT_NE(from, std::string::npos) << begin;
  EXPECT_NE(to, std::string::npos) << end;
  if (from == std::string::npos || to == std::string::npos) return {};
  return text.substr(from + begin.size(), to - from - begin.size());
}

// The fenced blocks of a section.
std::vector<std::string> blocks_of(const std::string& section) {
  std::vector<std::string> out;
  std::istringstream lines(section);
  std::string line;
  bool inside = false;
  while (std::getline(lines, line)) {
    if (line.starts_with("```")) {
      inside = !inside;
      if (inside) out.emplace_back();
    } else if (inside) {
      out.back() += line + "\n";
    }
  }
  return out;
}

std::string run(const std::string& program, std::vector<std::string> arguments) {
  io::ChildCommand command;
  command.program = program;
  command.arguments = std::move(arguments);
  command.without_environment = "VITRINE_";
  const auto result = io::run_child(command, std::atomic<bool>(false));
  if (!result.ok()) {
    ADD_FAILURE() << result.error().to_string();
    return {};
  }
  EXPECT_EQ(result->exit_code, 0) << result->output << result->errors;
  return result->output;
}

std::vector<std::string> item_ids(const std::string& answer) {
  codec::JsonParser parser;
  std::vector<std::string> out;
  const auto parsed = parser.parse(answer);
  simdjson::dom::array items;
  if (!parsed.ok() || (*parsed)["items"].get(items) != simdjson::SUCCESS) {
    ADD_FAILURE() << answer;
    return out;
  }
  for (const auto item : items) {
    std::string_view id;
    EXPECT_EQ(item["item_id"].get(id), simdjson::SUCCESS) << answer;
    out.emplace_back(id);
  }
  return out;
}

TEST(Readme, ItsFiveMinutesAnswerWhatItSays) {
  TestServer server;
  const Shop shop = server.create_shop("shoes");
  const std::string variables = "URL=http://127.0.0.1:" + std::to_string(server.port()) +
                                "\nPUB=" + shop.publishable + "\nSEC=" + shop.secret + "\n";
  std::vector<std::string> requests, answers;
  std::string events_answer;
  for (const std::string& block : blocks_of(between(readme(), "## Five minutes", "\n## "))) {
    if (block.starts_with("{")) events_answer = block;
    if (!block.starts_with("curl ")) continue;
    requests.push_back(block);
    answers.push_back(run("/bin/bash", {"-c", variables + block}));
  }
  ASSERT_EQ(requests.size(), 4u);
  EXPECT_THAT(answers[0], testing::HasSubstr("\"accepted\":4"));
  EXPECT_EQ(answers[1] + "\n", events_answer);
  EXPECT_THAT(item_ids(answers[2]), testing::ElementsAre("boot-2", "sock-1"));
  EXPECT_THAT(answers[2], testing::HasSubstr("\"reasons\":[\"alike-by-description\"]"));
  EXPECT_THAT(item_ids(answers[3]), testing::ElementsAre("boot-2"));
  EXPECT_THAT(answers[3], testing::HasSubstr("\"sources\":{"));
  const std::string again = run("/bin/bash", {"-c", variables + requests[1]});
  EXPECT_THAT(again, testing::HasSubstr("\"accepted\":0,\"duplicates\":3"));
}

TEST(Readme, ItsTableOfSettingsIsThatOfTheProgram) {
  EXPECT_EQ(between(readme(), "<!-- config:begin -->\n", "<!-- config:end -->"),
            run(VITRINE_BINARY, {"config", "--markdown"}));
}

}  // namespace
}  // namespace vitrine::integration
