#include "bench/support/postgres.h"

#include <atomic>
#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <thread>

#include <libpq-fe.h>
#include <pwd.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "bench/support/subprocess.h"

namespace vitrine::bench {
namespace {

constexpr const char* kPrograms = "/usr/lib/postgresql/15/bin/";
using steady = std::chrono::steady_clock;

struct ConnectionCloser {
  void operator()(PGconn* connection) const { PQfinish(connection); }
};
using Connection = std::unique_ptr<PGconn, ConnectionCloser>;
struct ResultCloser {
  void operator()(PGresult* result) const { PQclear(result); }
};
using Rows = std::unique_ptr<PGresult, ResultCloser>;

Status expect(PGconn* connection, const Rows& rows, ExecStatusType wanted) {
  if (PQresultStatus(rows.get()) == wanted) return ok_status();
  return Error(ErrorCode::kInternal, std::string("PostgreSQL: ") + PQerrorMessage(connection));
}

std::string insert_statement(std::uint32_t rows) {
  std::string sql = "INSERT INTO events (event_id, body) VALUES ";
  for (std::uint32_t i = 0; i < rows; ++i) {
    sql += (i > 0 ? ",($" : "($") + std::to_string(2 * i + 1) + ",$" + std::to_string(2 * i + 2) +
           "::jsonb)";
  }
  return sql + " ON CONFLICT DO NOTHING";
}

class PostgresProcess final : public PostgresServer {
 public:
  ~PostgresProcess() override {
    if (pid_ == 0) return;
    ::kill(pid_, SIGINT);  // fast shutdown
    if (wait_exit(pid_, std::chrono::seconds(30)) < 0) {
      ::kill(pid_, SIGKILL);
      ::waitpid(pid_, nullptr, 0);
    }
  }

  Status open() {
    if (!std::filesystem::exists(std::string(kPrograms) + "initdb")) {
      return Error(ErrorCode::kUnsupported, "PostgreSQL 15 is not installed (tools/setup --bench)");
    }
    folder_ = std::filesystem::path(scratch_.path()) / "pg";
    std::vector<std::string> as;
    if (::geteuid() == 0) {  // which PostgreSQL refuses
      const passwd* user = ::getpwnam("postgres");
      if (user == nullptr) return Error(ErrorCode::kUnsupported, "there is no user postgres");
      if (::chown(scratch_.path().c_str(), user->pw_uid, user->pw_gid) != 0) {
        return io_error("chown", scratch_.path(), errno);
      }
      as = {"setpriv", "--reuid=postgres", "--regid=postgres", "--clear-groups"};
    }
    std::vector<std::string> init = as;
    for (const char* word : {"initdb", "-D", folder_.c_str(), "-U", "bench", "--auth=trust",
                             "--encoding=UTF8", "--no-locale"}) {
      init.push_back(init.size() == as.size() ? std::string(kPrograms) + word : word);
    }
    VITRINE_TRY(const std::string ignored, run_and_read(init));
    SpawnOptions server;
    server.command = as;
    // Generous memory and rare checkpoints; synchronous_commit and fsync stay on.
    for (const std::string& word :
         {std::string(kPrograms) + "postgres", std::string("-D"), folder_, std::string("-k"),
          scratch_.path(), std::string("-h"), std::string(), std::string("-c"),
          std::string("synchronous_commit=on"), std::string("-c"),
          std::string("shared_buffers=1GB"), std::string("-c"), std::string("max_wal_size=16GB"),
          std::string("-c"), std::string("checkpoint_timeout=30min"), std::string("-c"),
          std::string("wal_buffers=64MB")}) {
      server.command.push_back(word);
    }
    server.output = scratch_.path() + "/server.log";
    VITRINE_TRY(pid_, spawn(server));
    return create_table();
  }

  Result<double> insert_events(int connections, std::uint32_t events_per_batch,
                               double seconds) override {
    std::vector<std::thread> threads;
    std::atomic<std::uint64_t> inserted{0};
    std::atomic<int> ready{0};
    std::atomic<bool> go{false};
    steady::time_point until;
    std::vector<Status> ends(static_cast<std::size_t>(connections));
    const std::uint64_t run = ++runs_;
    for (int i = 0; i < connections; ++i) {
      threads.emplace_back([&, i] {
        TrafficOptions options;
        options.id_prefix = "pg" + std::to_string(run) + "x" + std::to_string(i);
        options.seed = run * 100 + static_cast<std::uint64_t>(i);
        options.events_per_body = events_per_batch;
        EventTraffic traffic(options);
        auto connection = connect();
        if (connection.ok()) {
          Rows prepared(PQprepare(connection->get(), "i",
                                  insert_statement(events_per_batch).c_str(), 0, nullptr));
          ends[static_cast<std::size_t>(i)] = expect(connection->get(), prepared, PGRES_COMMAND_OK);
        } else {
          ends[static_cast<std::size_t>(i)] = connection.error();
        }
        ++ready;
        while (!go) std::this_thread::sleep_for(std::chrono::milliseconds(1));
        while (ends[static_cast<std::size_t>(i)].ok() && steady::now() < until) {
          ends[static_cast<std::size_t>(i)] = insert_one(connection->get(), traffic, inserted);
        }
      });
    }
    while (ready < connections) std::this_thread::sleep_for(std::chrono::milliseconds(1));
    const auto started = steady::now();
    until = started + std::chrono::microseconds(static_cast<std::int64_t>(seconds * 1e6));
    go = true;
    for (std::thread& thread : threads) thread.join();
    const double took = std::chrono::duration<double>(steady::now() - started).count();
    for (Status& end : ends) {
      if (!end.ok()) return end.error();
    }
    return static_cast<double>(inserted) / took;
  }

  std::string version() const override { return version_; }

 private:
  Result<Connection> connect() const {
    const std::string text = "host=" + scratch_.path() + " user=bench dbname=postgres";
    Connection connection(PQconnectdb(text.c_str()));
    if (PQstatus(connection.get()) != CONNECTION_OK) {
      return Error(ErrorCode::kUnavailable, PQerrorMessage(connection.get()));
    }
    return connection;
  }

  Status create_table() {
    const auto until = steady::now() + std::chrono::seconds(30);
    while (true) {
      auto connection = connect();
      if (!connection.ok()) {
        if (steady::now() > until) return std::move(connection).error();
        std::this_thread::sleep_for(std::chrono::milliseconds(20));
        continue;
      }
      version_ = PQparameterStatus(connection->get(), "server_version");
      Rows made(PQexec(connection->get(),
                       "CREATE TABLE events (event_id text PRIMARY KEY, body jsonb NOT NULL)"));
      return expect(connection->get(), made, PGRES_COMMAND_OK);
    }
  }

  static Status insert_one(PGconn* connection, EventTraffic& traffic,
                           std::atomic<std::uint64_t>& inserted) {
    std::vector<EventTraffic::Part> parts;
    traffic.next_body();
    traffic.parts_of_last_body(parts);
    std::vector<std::string> texts;
    texts.reserve(parts.size() * 2);
    for (const auto& part : parts) {
      texts.emplace_back(part.id);
      texts.emplace_back(part.json);
    }
    std::vector<const char*> values;
    for (const std::string& text : texts) values.push_back(text.c_str());
    Rows done(PQexecPrepared(connection, "i", static_cast<int>(values.size()), values.data(),
                             nullptr, nullptr, 0));
    VITRINE_TRY(expect(connection, done, PGRES_COMMAND_OK));
    inserted += std::strtoull(PQcmdTuples(done.get()), nullptr, 10);
    return ok_status();
  }

  ScratchDirectory scratch_{"postgres"};
  std::string folder_;
  std::string version_;
  pid_t pid_ = 0;
  std::uint64_t runs_ = 0;
};

}  // namespace

Result<std::unique_ptr<PostgresServer>> PostgresServer::start() {
  auto server = std::make_unique<PostgresProcess>();
  VITRINE_TRY(server->open());
  return std::unique_ptr<PostgresServer>(std::move(server));
}

}  // namespace vitrine::bench
