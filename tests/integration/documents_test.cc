// The pages of the documentation that hold requests, run as they stand there.
#include <filesystem>
#include <fstream>
#include <sstream>

#include <gtest/gtest.h>

#include "edge/api/api.h"
#include "tests/integration/document_page.h"

namespace vitrine::integration {
namespace {

constexpr const char* kTutorial = "docs/tutorial.md";

std::string text_of(const std::string& path) {
  std::ostringstream out;
  out << std::ifstream(path).rdbuf();
  return out.str();
}

// Each page on a server of its own; a page that goes on from the tutorial finds its shop. The
// routes that were asked for.
std::set<std::string> run_alone(const std::string& path) {
  TestServer server;
  std::map<std::string, std::string> words{{"ADMIN", server.admin_key()}};
  const bool goes_on = text_of(path).find("go on from the [tutorial]") != std::string::npos;
  if (goes_on || path == kTutorial) {
    const Shop shop = server.create_shop("shoes");
    words["PUBLISHABLE"] = shop.publishable;
    words["SECRET"] = shop.secret;
  }
  DocumentPage page(server, words);
  if (goes_on) page.run(kTutorial);
  EXPECT_GE(page.run(path), 2) << path << " holds no requests";
  return page.routes();
}

TEST(Documents, TheTutorialAnswersWhatItSays) { run_alone(kTutorial); }

TEST(Documents, EachPageOfTheApiAnswersWhatItSaysAndTogetherTheyShowEveryRoute) {
  std::set<std::string> shown;
  for (const auto& entry : std::filesystem::directory_iterator("docs/api")) {
    shown.merge(run_alone(entry.path().string()));
  }
  for (const api::Route& route : api::routes()) {
    EXPECT_TRUE(shown.contains(std::string(route.name)))
        << route.pattern << " (" << route.name << ") is asked for on no page of docs/api";
  }
}

}  // namespace
}  // namespace vitrine::integration
