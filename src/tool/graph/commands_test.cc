#include "tool/graph/commands.h"

#include <filesystem>
#include <fstream>
#include <random>
#include <set>
#include <sstream>

#include <gtest/gtest.h>
#include <unistd.h>

#include "domain/event/event_codec.h"
#include "domain/record/record.h"
#include "engine/eventlog/writer.h"
#include "engine/graph/snapshot.h"
#include "tool/graph/edge_sources.h"

namespace vitrine::graphtool {
namespace {

class GraphCommands : public testing::Test {
 protected:
  void SetUp() override {
    folder_ = (std::filesystem::temp_directory_path() /
               ("vitrine_graph_commands_test." + std::to_string(::getpid())))
                  .string();
    std::filesystem::create_directories(folder_);
  }
  void TearDown() override { std::filesystem::remove_all(folder_); }

  std::string write_file(const std::string& name, const std::string& text) {
    std::ofstream(folder_ + "/" + name) << text;
    return folder_ + "/" + name;
  }

  Status build(const BuildCommand& command) {
    std::ostringstream out;
    Status status = run_graph_build(command, true, no_progress(), out);
    printed_ = out.str();
    return status;
  }

  // "user item time weight type" of every edge, from the users' side.
  std::set<std::string> edges_of(const std::string& directory) {
    auto& files = io::system_files();
    graph::MemoryBudget budget;
    auto graph = graph::Snapshot::open(files, directory, budget).value();
    const auto users = load_names(files, directory + "/users.names").value();
    const auto items = load_names(files, directory + "/items.names").value();
    const auto sources = graph->sources().value();
    std::set<std::string> edges;
    graph::EdgeAttributes attributes;
    EXPECT_TRUE(graph->attributes(0, attributes).ok());
    std::size_t at = 0;
    for (graph::NodeId node = 0; node < graph->info().nodes(); ++node) {
      const auto neighbours = graph->neighbours(node).value();
      for (const graph::NodeId neighbour : neighbours) {
        const std::size_t i = at++;
        if (graph->is_item(node)) continue;
        std::ostringstream text;
        text << users[sources[node]] << " " << items[sources[neighbour] & 0x7FFFFFFF] << " "
             << attributes.times_us[i] << " " << attributes.weights[i] << " "
             << static_cast<int>(attributes.types[i]);
        edges.insert(text.str());
      }
    }
    return edges;
  }

  std::string folder_;
  std::string printed_;
};

TEST_F(GraphCommands, BuildReadsCsvWithTimesWeightsAndTypes) {
  BuildCommand command;
  command.csv = write_file("edges.csv",
                           "user,item,time,weight,type\nann,\"red, shoe\",2026-01-02,2.5,3\n"
                           "bob,hat,1700000000,,\nann,hat\n");
  command.directory = folder_ + "/graph";
  ASSERT_TRUE(build(command).ok());
  EXPECT_NE(printed_.find("\"edges\":3"), std::string::npos);
  EXPECT_EQ(edges_of(command.directory),
            (std::set<std::string>{"ann hat 0 1 0", "ann red, shoe 1767312000000000 2.5 3",
                                   "bob hat 1700000000000000 1 0"}));
  EXPECT_EQ(build(command).error().code(), ErrorCode::kConflict);
}

TEST_F(GraphCommands, NamesOfEventTypesInCsvGetTheNumbersThatTheyHaveInGraphsFromALog) {
  BuildCommand command;
  command.csv = write_file("named.csv",
                           "user,item,time,weight,type\nann,hat,,,purchase-complete\n"
                           "ann,shoe,,,Product Viewed\nbob,hat,,,0\nbob,shoe,,,255\n");
  command.directory = folder_ + "/named";
  const Status status = build(command);
  ASSERT_TRUE(status.ok()) << status.error().to_string();
  EXPECT_EQ(edges_of(command.directory),
            (std::set<std::string>{"ann hat 0 1 4", "ann shoe 0 1 1", "bob hat 0 1 0",
                                   "bob shoe 0 1 255"}));
}

TEST_F(GraphCommands, BuildNamesTheLineItCanNotRead) {
  for (const char* line : {"ann", "ann,", "a,b,yesterday", "a,b,,heavy", "a,b,,,256", "a,b,,,1.5",
                           "a,b,,,-1", "a,b,,,bought", "a,b,c,d,e,f"}) {
    BuildCommand command;
    command.csv = write_file("bad.csv", std::string("ann,hat\n") + line + "\n");
    command.directory = folder_ + "/bad";
    const Status status = build(command);
    ASSERT_FALSE(status.ok()) << line;
    EXPECT_EQ(status.error().code(), ErrorCode::kInvalidArgument);
    EXPECT_NE(status.error().message().find("line 2"), std::string::npos);
  }
}

TEST_F(GraphCommands, BuildTakesOneTenantsEventsFromTheLog) {
  auto& files = io::system_files();
  {
    eventlog::WriterOptions options;
    options.directory = folder_ + "/log";
    options.files = &files;
    options.clock = &system_clock();
    options.executor = &thread_executor();
    options.segment_bytes = 1 << 20;
    options.group_bytes_max = 1 << 18;
    auto log = eventlog::Writer::open(options).value();
    const auto append = [&](std::uint32_t tenant, event::EventType type, const char* user,
                            const char* anonymous, std::vector<const char*> items) {
      event::Event event;
      event.event_id = "e";
      event.type = type;
      event.event_time = 1'700'000'000'000'000;
      event.user_id = user;
      event.anonymous_id = anonymous;
      for (const char* item : items) event.items.push_back({.item_id = item, .quantity = 2});
      std::string payload;
      ByteWriter writer(payload);
      record::write_tenant(writer, TenantId{tenant});
      event::encode_event(event, payload);
      const eventlog::RecordRef record{static_cast<std::uint16_t>(record::RecordKind::kEvent), 0,
                                       payload};
      ASSERT_TRUE(log->append({&record, 1}, nullptr).ok());
    };
    append(7, event::EventType::kPurchaseComplete, "u1", "", {"a", "b"});
    append(7, event::EventType::kDetailPageView, "", "u1", {"a"});
    append(7, event::EventType::kImpression, "u1", "", {"c"});  // no interest
    append(8, event::EventType::kPurchaseComplete, "u9", "", {"z"});
    ASSERT_TRUE(log->close().ok());
  }
  BuildCommand command;
  command.log = folder_ + "/log";
  command.tenant = 7;
  command.directory = folder_ + "/graph";
  const Status status = build(command);
  ASSERT_TRUE(status.ok()) << status.error().to_string();
  EXPECT_EQ(
      edges_of(command.directory),
      (std::set<std::string>{"user:u1 a 1700000000000000 2 4", "user:u1 b 1700000000000000 2 4",
                             "anonymous:u1 a 1700000000000000 2 1"}));
  command.directory = folder_ + "/impressions";
  command.types = {"impression"};
  ASSERT_TRUE(build(command).ok());
  EXPECT_EQ(edges_of(command.directory).size(), 1u);
  command.types = {"no-such-type"};
  command.directory = folder_ + "/none";
  EXPECT_EQ(build(command).error().code(), ErrorCode::kInvalidArgument);
}

TEST_F(GraphCommands, InfoVerifiesAndBenchTrainsWithEveryStore) {
  std::string csv;
  for (int i = 0; i < 6000; ++i) {
    csv += "u" + std::to_string(i % 700) + ",i" + std::to_string(i * 7 % 97) + "\n";
  }
  BuildCommand command;
  command.csv = write_file("edges.csv", csv);
  command.directory = folder_ + "/graph";
  ASSERT_TRUE(build(command).ok());
  std::ostringstream out;
  EXPECT_TRUE(run_graph_info({command.directory, true}, false, no_progress(), out).ok());
  EXPECT_NE(out.str().find("every checksum is right"), std::string::npos);

  BenchCommand bench;
  bench.directory = command.directory;
  bench.stores = {"memory", "mmap", "lru", "static", "belady", "packed", "auto"};
  bench.dimension = 16;
  bench.hidden = 16;
  bench.batches = 12;
  bench.superbatch = 4;
  bench.batch_examples = 64;
  bench.memory_bytes = 64 << 20;
  std::ostringstream table;
  const Status status = run_graph_bench(bench, true, no_progress(), table);
  ASSERT_TRUE(status.ok()) << status.error().to_string();
  for (const std::string& store : bench.stores) {
    EXPECT_NE(table.str().find("\"" + store + "\""), std::string::npos);
  }
  bench.stores = {"packed"};
  bench.lists_bytes = 1 << 20;
  EXPECT_TRUE(run_graph_bench(bench, true, no_progress(), table).ok());
  bench.lists_bytes = 63 << 20;  // a bound: lists take no more than there are
  EXPECT_TRUE(run_graph_bench(bench, true, no_progress(), table).ok());
  bench.lists_bytes = 0;
  bench.memory_bytes = 1 << 20;
  EXPECT_EQ(run_graph_bench(bench, true, no_progress(), table).error().code(),
            ErrorCode::kExhausted);
  bench.stores = {"tape"};
  EXPECT_EQ(run_graph_bench(bench, true, no_progress(), table).error().code(),
            ErrorCode::kInvalidArgument);
  EXPECT_FALSE(std::filesystem::exists(command.directory + "/bench.tmp"));
}

TEST_F(GraphCommands, ListsThatLeaveTooLittleForTheRestAreRefused) {
  // Enough edges that their lists, some 2 MiB, are more than what is left beside training.
  std::mt19937 random(1);
  std::string csv;
  for (int i = 0; i < 500'000; ++i) {
    csv += "u" + std::to_string(i % 4000) + ",i" + std::to_string(random() % 20'000) + "\n";
  }
  BuildCommand command;
  command.csv = write_file("edges.csv", csv);
  command.directory = folder_ + "/graph";
  ASSERT_TRUE(build(command).ok());
  BenchCommand bench;
  bench.directory = command.directory;
  bench.stores = {"mmap"};
  bench.dimension = 16;
  bench.hidden = 16;
  bench.batches = 4;
  bench.superbatch = 4;
  bench.batch_examples = 64;
  bench.memory_bytes = 21 << 19;  // 10.5 MiB, of which training takes 9.4
  for (const std::uint64_t fits : {0, 512 << 10}) {
    bench.lists_bytes = fits;
    std::ostringstream table;
    const Status status = run_graph_bench(bench, true, no_progress(), table);
    EXPECT_TRUE(status.ok()) << fits << ": " << status.error().to_string();
  }
  bench.lists_bytes = 10 << 20;
  std::ostringstream table;
  const Status status = run_graph_bench(bench, true, no_progress(), table);
  ASSERT_FALSE(status.ok());
  EXPECT_EQ(status.error().code(), ErrorCode::kExhausted);
  EXPECT_NE(status.error().message().find("besides the rows"), std::string::npos);
}

TEST(ParseBytes, KnowsUnitsAndRefusesTheRest) {
  EXPECT_EQ(parse_bytes("512M").value(), 512u << 20);
  EXPECT_EQ(parse_bytes("2G").value(), std::uint64_t{2} << 30);
  EXPECT_EQ(parse_bytes("300").value(), 300u);
  for (const char* bad : {"", "M", "12X", "-1", "99999999999G", "1.5G"}) {
    EXPECT_FALSE(parse_bytes(bad).ok()) << bad;
  }
}

}  // namespace
}  // namespace vitrine::graphtool
