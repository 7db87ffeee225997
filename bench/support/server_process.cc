#include "bench/support/server_process.h"

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <thread>

#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "bench/support/subprocess.h"
#include "platform/codec/json_parse.h"

namespace vitrine::bench {
namespace {

namespace fs = std::filesystem;
using std::chrono::steady_clock;

std::string read_text(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  std::ostringstream out;
  out << in.rdbuf();
  return out.str();
}

Error wrong_output(std::string_view text) {
  return Error(ErrorCode::kInternal, "unexpected output of `vitrine tenant create`: " +
                                         std::string(text.substr(0, 2000)));
}

}  // namespace

Result<std::string> find_vitrine(const std::string& own_path) {
  if (const char* given = std::getenv("VITRINE_BINARY"); given != nullptr && *given != '\0') {
    return std::string(given);
  }
  std::error_code error;
  const fs::path folder = fs::absolute(own_path, error).parent_path();
  for (const char* step : {"../apps/vitrine/vitrine", "../../apps/vitrine/vitrine"}) {
    const fs::path candidate = fs::weakly_canonical(folder / step, error);
    if (fs::exists(candidate, error)) return candidate.string();
  }
  return Error(ErrorCode::kNotFound,
               "no vitrine program near " + folder.string() +
                   ": build it, or say where it is with VITRINE_BINARY=/path/to/vitrine");
}

Result<std::unique_ptr<ServerProcess>> ServerProcess::launch(ServerOptions options) {
  std::unique_ptr<ServerProcess> self(new ServerProcess(std::move(options)));
  const ServerOptions& o = self->options_;
  SpawnOptions spawn_options;
  spawn_options.command = {o.binary, "serve", "--data.directory", o.data, "--server.port", "0"};
  for (const std::string& word : o.arguments) spawn_options.command.push_back(word);
  spawn_options.output = o.data + ".log";
  spawn_options.cpu = o.cpu;
  self->launched_ = steady_clock::now();
  VITRINE_TRY(self->pid_, spawn(spawn_options));
  return self;
}

Result<std::unique_ptr<ServerProcess>> ServerProcess::start(ServerOptions options,
                                                            std::chrono::milliseconds timeout) {
  VITRINE_TRY(auto server, launch(std::move(options)));
  VITRINE_TRY(server->wait_ready(timeout));
  return server;
}

ServerProcess::~ServerProcess() { kill_now(); }

// A file left by a killed predecessor names another process.
bool ServerProcess::read_runtime_file() {
  const std::string text = read_text(options_.data + "/runtime.json");
  if (text.empty()) return false;
  codec::JsonParser parser;
  auto document = parser.parse(text);
  if (!document.ok()) return false;
  std::int64_t pid = 0;
  std::string_view url;
  if ((*document)["pid"].get(pid) != simdjson::SUCCESS || pid != pid_) return false;
  if ((*document)["url"].get(url) != simdjson::SUCCESS) return false;
  const std::size_t colon = url.rfind(':');
  if (colon == std::string_view::npos) return false;
  port_ = static_cast<std::uint16_t>(std::atoi(std::string(url.substr(colon + 1)).c_str()));
  if ((*document)["startup_seconds"].get(startup_seconds_) != simdjson::SUCCESS ||
      (*document)["replayed_records"].get(replayed_) != simdjson::SUCCESS ||
      (*document)["snapshot_position"].get(snapshot_) != simdjson::SUCCESS) {
    return false;
  }
  return port_ != 0;
}

Status ServerProcess::wait_ready(std::chrono::milliseconds timeout) {
  const auto until = steady_clock::now() + timeout;
  while (steady_clock::now() < until) {
    if (ended()) {
      return Error(ErrorCode::kUnavailable, "the server ended while starting:\n" + log_tail());
    }
    if (read_runtime_file()) {
      net::Client client = client_of(*this);
      auto answer = client.get("/readyz");
      if (answer.ok() && answer->status == 200) {
        seconds_to_ready_ = std::chrono::duration<double>(steady_clock::now() - launched_).count();
        return ok_status();
      }
    }
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
  return Error(ErrorCode::kUnavailable, "the server was not ready in time:\n" + log_tail());
}

bool ServerProcess::ended() {
  if (pid_ != 0 && poll_exit(pid_) >= 0) pid_ = 0;
  return pid_ == 0;
}

void ServerProcess::kill_now() {
  if (ended()) return;
  ::kill(pid_, SIGKILL);
  ::waitpid(pid_, nullptr, 0);
  pid_ = 0;
}

Result<int> ServerProcess::terminate(std::chrono::milliseconds timeout) {
  if (ended()) return Error(ErrorCode::kUnavailable, "the server had ended:\n" + log_tail());
  ::kill(pid_, SIGTERM);
  const int status = wait_exit(pid_, timeout);
  if (status < 0) {
    return Error(ErrorCode::kDeadlineExceeded, "the server did not end:\n" + log_tail());
  }
  pid_ = 0;
  return status;
}

double ServerProcess::cpu_s() const { return pid_ == 0 ? 0 : process_cpu_s(pid_); }
double ServerProcess::rss_bytes() const { return pid_ == 0 ? 0 : process_rss_bytes(pid_); }

std::string ServerProcess::log_tail() const {
  const std::string text = read_text(options_.data + ".log");
  return text.substr(text.size() - std::min<std::size_t>(text.size(), 2000));
}

Result<TenantAccess> create_tenant(const std::string& binary, const std::string& data,
                                   const std::string& name) {
  VITRINE_TRY(const std::string text, run_and_read({binary, "tenant", "create", name, "--with-keys",
                                                    "--json", "--data", data}));
  VITRINE_TRY(const std::string ignored,
              run_and_read({binary, "tenant", "quotas", name, "--events-per-s", "0",
                            "--requests-per-s", "0", "--json", "--data", data}));
  codec::JsonParser parser;
  VITRINE_TRY(const auto document, parser.parse(text));
  TenantAccess access;
  std::uint64_t id = 0;
  std::uint64_t partition = 0;
  simdjson::dom::array keys;
  if (document["tenant"]["id"].get(id) != simdjson::SUCCESS ||
      document["tenant"]["partition"].get(partition) != simdjson::SUCCESS ||
      document["keys"].get(keys) != simdjson::SUCCESS) {
    return wrong_output(text);
  }
  access.id = TenantId{static_cast<std::uint32_t>(id)};
  access.partition = static_cast<std::uint32_t>(partition);
  for (const auto key : keys) {
    std::string_view scope;
    std::string_view value;
    if (key["scope"].get(scope) != simdjson::SUCCESS ||
        key["key"].get(value) != simdjson::SUCCESS) {
      return wrong_output(text);
    }
    if (scope == "publishable") access.publishable_key = value;
    if (scope == "secret") access.secret_key = value;
  }
  if (access.publishable_key.empty() || access.secret_key.empty()) return wrong_output(text);
  return access;
}

net::Client client_of(const ServerProcess& server) {
  net::ClientOptions options;
  options.port = server.port();
  return net::Client(options);
}

std::string header_lines(const std::string& key) {
  return "User-Agent: bench\r\nAuthorization: Bearer " + key +
         "\r\nContent-Type: application/json\r\n";
}

Result<std::string> post_json(net::Client& client, const std::string& key, std::string_view target,
                              std::string_view body) {
  const std::string credential = "Bearer " + key;
  const net::Header headers[] = {{"Authorization", credential},
                                 {"Content-Type", "application/json"}};
  VITRINE_TRY(auto answer, client.request("POST", target, headers, body));
  if (answer.status / 100 != 2) {
    return Error(ErrorCode::kInternal, std::string(target) + " answered " +
                                           std::to_string(answer.status) + ": " + answer.body);
  }
  return std::move(answer.body);
}

}  // namespace vitrine::bench
