#include "tool/text/text_commands.h"

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>

#include <gtest/gtest.h>

namespace vitrine::text_tool {
namespace {

struct Folder {
  Folder() {
    std::string name = (std::filesystem::temp_directory_path() / "text-XXXXXX").string();
    path = mkdtemp(name.data());
  }
  ~Folder() { std::filesystem::remove_all(path); }
  std::filesystem::path path;
};

TEST(TextCommands, BuildSearchInfoBenchAndModelWorkTogether) {
  const Folder folder;
  const std::string input = folder.path / "shop.tsv", index = folder.path / "index",
                    queries = folder.path / "queries";
  std::ofstream(input) << "7\tRed shoe\ta shoe for running\n9\tBlue hat\twarm\n";
  std::ofstream(queries) << "shoes\nblue hat\n";
  BuildOptions build;
  build.input = input;
  build.directory = index;
  build.fields = "title:3,description";
  build.language = "english";
  build.first_is_id = true;
  std::ostringstream out;
  const Status built = run_build(io::system_files(), build, no_progress(), out);
  ASSERT_TRUE(built.ok()) << built.error().message();
  EXPECT_FALSE(run_build(io::system_files(), build, no_progress(), out).ok())
      << "it is there already";
  SearchOptions search;
  search.directory = index;
  search.query = "Shoes";
  search.count = true;
  std::ostringstream hits;
  ASSERT_TRUE(run_search(io::system_files(), search, true, hits).ok());
  EXPECT_NE(hits.str().find("\"count\":1,\"hits\":[{\"id\":7,"), std::string::npos) << hits.str();
  std::ostringstream info;
  ASSERT_TRUE(run_info(io::system_files(), index, "Shoes", true, info).ok());
  EXPECT_NE(info.str().find("\"documents\":2"), std::string::npos);
  EXPECT_NE(info.str().find("\"term\":\"shoe\",\"postings\":1"), std::string::npos) << info.str();
  EXPECT_NE(info.str().find("\"codec\":\"varints\""), std::string::npos) << info.str();
  EXPECT_NE(info.str().find("\"varints\":{\"lists\":8,\"postings\":8,"), std::string::npos)
      << info.str();
  EXPECT_NE(info.str().find("\"elias-fano\":{\"lists\":0,"), std::string::npos) << info.str();
  EXPECT_NE(info.str().find("\"dictionary_lookup_ns\":"), std::string::npos) << info.str();
  LogOptions log;
  log.directory = index;
  log.queries = queries;
  std::ostringstream bench, model;
  ASSERT_TRUE(run_bench(io::system_files(), log, true, no_progress(), bench).ok());
  EXPECT_NE(bench.str().find("\"queries\":2"), std::string::npos);
  ASSERT_TRUE(run_model(io::system_files(), log, true, no_progress(), model).ok());
  EXPECT_NE(model.str().find("\"early_bytes\":"), std::string::npos);
}

TEST(TextCommands, QueriesHaveOperatorsUnlessTheyArePlain) {
  const Folder folder;
  std::ofstream(folder.path / "shop.tsv") << "Red shoe\twarm\nBlue hat\tnot red\n";
  BuildOptions build;
  build.input = folder.path / "shop.tsv";
  build.directory = folder.path / "index";
  build.fields = "title,text";
  std::ostringstream out;
  ASSERT_TRUE(run_build(io::system_files(), build, no_progress(), out).ok());
  SearchOptions search;
  search.directory = build.directory;
  const auto found = [&](const std::string& query) {
    std::ostringstream hits;
    search.query = query;
    const Status searched = run_search(io::system_files(), search, true, hits);
    return searched.ok() ? hits.str() : searched.error().message();
  };
  EXPECT_NE(found("title:red").find("\"count\":1,\"hits\":[{\"id\":0,"), std::string::npos);
  EXPECT_NE(found("red -shoe").find("\"count\":1,\"hits\":[{\"id\":1,"), std::string::npos);
  EXPECT_EQ(found("red AND (shoe").substr(0, 9), "column 9:");
  search.plain = true;
  EXPECT_NE(found("red -shoe").find("\"count\":1,\"hits\":[{\"id\":0,"), std::string::npos);
  std::ofstream(folder.path / "queries") << "red shoe\nred )\n";
  LogOptions log;
  log.directory = build.directory;
  log.queries = folder.path / "queries";
  const Status refused = run_bench(io::system_files(), log, true, no_progress(), out);
  ASSERT_FALSE(refused.ok());
  EXPECT_NE(refused.error().message().find("queries:2: column 5"), std::string::npos)
      << refused.error().message();
  log.plain = true;
  EXPECT_TRUE(run_bench(io::system_files(), log, true, no_progress(), out).ok());
}

TEST(TextCommands, BuildReadsJsonLines) {
  const Folder folder;
  std::ofstream(folder.path / "shop.ndjson")
      << "{\"id\":5,\"title\":\"Red \\u0073hoe\",\"tags\":[\"warm\",\"dry\"],\"more\":1}\n"
      << "{\"tags\":null,\"title\":\"Blue hat\",\"id\":4294967294}\n";
  BuildOptions build;
  build.input = folder.path / "shop.ndjson";
  build.directory = folder.path / "index";
  build.fields = "title,tags";
  build.first_is_id = true;
  std::ostringstream out;
  const Status built = run_build(io::system_files(), build, no_progress(), out);
  ASSERT_TRUE(built.ok()) << built.error().message();
  SearchOptions search;
  search.directory = build.directory;
  search.query = "dry shoe";
  std::ostringstream hits;
  ASSERT_TRUE(run_search(io::system_files(), search, true, hits).ok());
  EXPECT_NE(hits.str().find("\"hits\":[{\"id\":5,"), std::string::npos) << hits.str();
  for (const char* bad : {"[1]", "{\"id\":-1}", "{\"title\":\"x\"}", "{\"id\":1,\"title\":7}",
                          "{\"id\":1,\"tags\":[7]}", "{\"id\":1", "{\"id\":4294967295}"}) {
    std::ofstream(folder.path / "bad.jsonl") << "{\"id\":0}\n" << bad << "\n";
    build.input = folder.path / "bad.jsonl";
    build.directory = folder.path / "other";
    const Status refused = run_build(io::system_files(), build, no_progress(), out);
    ASSERT_FALSE(refused.ok()) << bad;
    EXPECT_NE(refused.error().message().find("bad.jsonl:2"), std::string::npos)
        << refused.error().message();
  }
}

TEST(TextCommands, SayWhichLineIsWrong) {
  const Folder folder;
  std::ofstream(folder.path / "bad.tsv") << "1\tfine\nx\tnot a number\n";
  BuildOptions build;
  build.input = folder.path / "bad.tsv";
  build.directory = folder.path / "index";
  build.first_is_id = true;
  std::ostringstream out;
  const Status built = run_build(io::system_files(), build, no_progress(), out);
  ASSERT_FALSE(built.ok());
  EXPECT_NE(built.error().message().find("bad.tsv:2"), std::string::npos)
      << built.error().message();
}

}  // namespace
}  // namespace vitrine::text_tool
