#include "tool/vec/commands.h"

#include <cstdio>
#include <fstream>
#include <sstream>

#include <gtest/gtest.h>

#include "tool/vec/generate.h"

namespace vitrine::vec {
namespace {

std::string temporary(const std::string& name) { return testing::TempDir() + "vec_" + name; }

void write_fvecs(const std::string& path, const std::vector<float>& rows, std::uint32_t dim) {
  std::ofstream out(path, std::ios::binary);
  for (std::size_t i = 0; i < rows.size(); i += dim) {
    out.write(reinterpret_cast<const char*>(&dim), 4);
    out.write(reinterpret_cast<const char*>(rows.data() + i), dim * 4);
  }
}

TEST(VecCommands, BuildThenSearchFindsEachVectorFirst) {
  const auto rows = generate_rows(Shape::kClustered, 5, 0, 2000, 16, {});
  write_fvecs(temporary("rows.fvecs"), rows, 16);
  VecBuildOptions build;
  build.input = temporary("rows.fvecs");
  build.output = temporary("index");
  std::ostringstream said;
  const auto status = run_vec_build(build, no_progress(), said);
  ASSERT_TRUE(status.ok()) << status.error().message();
  EXPECT_NE(said.str().find("2000 vectors of 16"), std::string::npos);

  VecSearchOptions search;
  search.index = build.output;
  search.queries = build.input;
  search.k = 1;
  search.json = true;
  std::ostringstream found;
  ASSERT_TRUE(run_vec_search(search, found).ok());
  EXPECT_EQ(found.str().find("{\"query\":0,\"neighbors\":[{\"id\":0,\"score\":0.000000}]}"), 0U);

  std::ostringstream info;
  ASSERT_TRUE(run_vec_info(build.output, true, info).ok());
  EXPECT_NE(info.str().find("\"vectors\":2000,\"dimensions\":16,\"metric\":\"l2\""),
            std::string::npos);

  VecBenchOptions bench;
  bench.index = build.output;
  bench.queries = build.input;
  bench.limit = 50;
  std::ostringstream table;
  ASSERT_TRUE(run_vec_bench(bench, table).ok());
  EXPECT_NE(table.str().find("0.950"), std::string::npos);

  VecModelOptions model;
  model.index = build.output;
  model.queries = build.input;
  std::ostringstream modelled;
  ASSERT_TRUE(run_vec_model(model, modelled).ok());
  EXPECT_NE(modelled.str().find("accelerator of the paper"), std::string::npos);
}

TEST(VecCommands, InfoSaysHowVectorsAreCoded) {
  const auto rows = generate_rows(Shape::kClustered, 5, 0, 600, 16, {});
  write_fvecs(temporary("some.fvecs"), rows, 16);
  VecBuildOptions build;
  build.input = temporary("some.fvecs");
  build.output = temporary("coded");
  build.codes = "pq256";
  build.code_width = 8;
  build.no_second = true;
  std::ostringstream out;
  ASSERT_TRUE(run_vec_build(build, no_progress(), out).ok());
  ASSERT_TRUE(run_vec_info(build.output, false, out).ok());
  EXPECT_NE(out.str().find("pq256: 2 words of 256 for 8 dimensions each, no second look"),
            std::string::npos)
      << out.str();
  build.codes = "pq17";
  EXPECT_EQ(run_vec_build(build, no_progress(), out).error().code(), ErrorCode::kInvalidArgument);
  build.codes = "pq16";
  build.code_width = 3;
  EXPECT_EQ(run_vec_build(build, no_progress(), out).error().code(), ErrorCode::kInvalidArgument);
}

TEST(VecCommands, TheModelWithoutAnIndexIsThePapersExample) {
  std::ostringstream out;
  ASSERT_TRUE(run_vec_model({}, out).ok());
  EXPECT_NE(out.str().find("12.8 times less"), std::string::npos);
}

TEST(VecCommands, WrongArgumentsAreRefused) {
  std::ostringstream out;
  VecBuildOptions build;
  EXPECT_EQ(run_vec_build(build, no_progress(), out).error().code(), ErrorCode::kInvalidArgument);
  build.shape = "round";
  EXPECT_EQ(run_vec_build(build, no_progress(), out).error().code(), ErrorCode::kInvalidArgument);
  EXPECT_EQ(run_vec_info(temporary("absent"), false, out).error().code(), ErrorCode::kNotFound);
}

TEST(Generate, RowsDependOnlyOnSeedAndPlace) {
  const auto all = generate_rows(Shape::kSpread, 3, 0, 10, 96, {});
  const auto some = generate_rows(Shape::kSpread, 3, 4, 2, 96, {&thread_executor(), 2});
  EXPECT_TRUE(std::equal(some.begin(), some.end(), all.begin() + 4 * 96));
  EXPECT_NE(all, generate_rows(Shape::kSpread, 4, 0, 10, 96, {}));
}

}  // namespace
}  // namespace vitrine::vec
