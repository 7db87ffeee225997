#include "backup_commands.h"

#include <algorithm>
#include <array>
#include <chrono>
#include <filesystem>
#include <optional>
#include <thread>

#include <fcntl.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "commands.h"
#include "platform/codec/json_parse.h"
#include "platform/net/client.h"
#include "tool/import/api_client.h"

namespace vitrine::app {
namespace {

constexpr std::string_view kCopyPrefix = "control-copy-";
constexpr std::uint64_t kControlBytesMax = 1ull << 30;
constexpr auto kStartMax = std::chrono::minutes(30);
constexpr auto kStopMax = std::chrono::minutes(10);
constexpr std::size_t kTenantsAsked = 3;

// Other settings may differ from start to start without changing the state.
constexpr std::array<std::string_view, 8> kStateSettings{
    "partitions",       "log.segment",       "history.entries",    "history.memory",
    "event_ids.memory", "catalog.items_max", "trending.half_life", "popular.half_life"};

Status remove_old_copies(const std::string& directory) {
  VITRINE_TRY(const auto names, io::system_files().list(directory));
  for (const auto& name : names) {
    if (name.starts_with(kCopyPrefix)) {
      VITRINE_TRY(io::system_files().remove(io::join_path(directory, name)));
    }
  }
  return ok_status();
}

Result<backup::ControlCopy> copy_control(const Settings& settings) {
  const std::string source = io::join_path(settings.data_directory, backup::kControlFile);
  if (!std::filesystem::exists(source)) {
    return Error(ErrorCode::kNotFound, "there is no " + source);
  }
  VITRINE_TRY(const auto store, open_control_store(settings));
  backup::ControlCopy copy;
  VITRINE_TRY(const auto tenants, store->list_tenants());
  for (const auto& tenant : tenants) {
    copy.tenants.push_back({tenant.id.value, tenant.name, tenant.partition});
  }
  VITRINE_TRY(remove_old_copies(settings.data_directory));  // of one that was killed
  const std::string path =
      io::join_path(settings.data_directory, std::string(kCopyPrefix) + std::to_string(getpid()));
  VITRINE_TRY(store->backup_to(path));
  auto bytes = io::read_file(io::system_files(), path, kControlBytesMax);
  VITRINE_TRY(io::system_files().remove(path));
  if (!bytes.ok()) return std::move(bytes).error();
  copy.database = std::move(bytes).value();
  VITRINE_TRY(copy.version, store->version());
  return copy;
}

// The settings file in a restored directory, over defaults.
Result<Settings> restored_settings(const std::string& directory) {
  Settings settings;
  settings.data_directory = directory;
  ConfigTable table = settings.table();
  const std::string file = io::join_path(directory, backup::kSettingsFile);
  if (std::filesystem::exists(file)) VITRINE_TRY(table.apply_toml_file(file));
  settings.data_directory = directory;
  return settings;
}

struct Probe {
  std::string tenant;
  std::string key;
};

// Keys of the drill's own for some tenants, in the restored control database.
Result<std::vector<Probe>> make_probes(const Settings& settings) {
  VITRINE_TRY(const auto store, open_control_store(settings));
  VITRINE_TRY(const auto tenants, store->list_tenants());
  std::vector<Probe> probes;
  for (const auto& tenant : tenants) {
    if (tenant.status != tenant::TenantStatus::kActive) continue;
    if (probes.size() == kTenantsAsked) break;
    control::NewKey wanted;
    wanted.scope = tenant::Scope::kSecret;
    wanted.tenant_name = tenant.name;
    wanted.label = "restore drill";
    VITRINE_TRY(const auto key, store->create_key({}, wanted));
    probes.push_back({tenant.name, key.text});
  }
  return probes;
}

class ServerChild final : public backup::DrillServer {
 public:
  static Result<std::unique_ptr<backup::DrillServer>> start(const std::string& directory) {
    VITRINE_TRY(const Settings settings, restored_settings(directory));
    VITRINE_TRY(auto probes, make_probes(settings));
    std::unique_ptr<ServerChild> self(new ServerChild(directory, std::move(probes)));
    VITRINE_TRY(self->spawn());
    VITRINE_TRY(self->wait_ready());
    return std::unique_ptr<backup::DrillServer>(std::move(self));
  }

  ~ServerChild() override {
    if (pid_ > 0) {
      kill(pid_, SIGKILL);
      waitpid(pid_, nullptr, 0);
    }
    std::error_code ignored;
    std::filesystem::remove(log_file(), ignored);
  }

  Status ask() override {
    for (const auto& probe : probes_) {
      VITRINE_TRY(auto api, importer::ApiClient::open({url_, probe.key}));
      VITRINE_TRY(const auto answer, api.post_json("/v1/recommend/popular", R"({"limit":10})"));
      if (!answer.ok()) return refusal(answer).context("tenant " + probe.tenant);
    }
    return ok_status();
  }

  std::uint64_t replayed_records() const override { return replayed_; }

  Status stop() override {
    kill(pid_, SIGTERM);
    const auto deadline = std::chrono::steady_clock::now() + kStopMax;
    while (std::chrono::steady_clock::now() < deadline) {
      if (const auto status = ended()) {
        if (*status == 0) return ok_status();
        return Error(ErrorCode::kInternal, "it ended with an error:\n" + log_tail());
      }
      std::this_thread::sleep_for(std::chrono::milliseconds(5));
    }
    return Error(ErrorCode::kDeadlineExceeded, "it did not end");
  }

 private:
  ServerChild(std::string directory, std::vector<Probe> probes)
      : directory_(std::move(directory)), probes_(std::move(probes)) {}

  std::string log_file() const { return directory_ + ".log"; }

  Status spawn() {
    const std::string program = std::filesystem::read_symlink("/proc/self/exe").string();
    const std::string config = io::join_path(directory_, backup::kSettingsFile);
    std::vector<std::string> words{
        program,         "serve", "--data.directory", directory_, "--server.address", "127.0.0.1",
        "--server.port", "0",     "--config",         config};
    // It is asked from here only, beside the server whose settings these are.
    for (const char* setting : {"tls.certificate", "tls.key"}) {
      words.emplace_back(std::string("--") + setting);
      words.emplace_back();
    }
    words.emplace_back("--address.requests_per_minute=0");
    words.emplace_back("--address.connections_max=0");
    std::vector<char*> arguments;
    for (auto& word : words) arguments.push_back(word.data());
    arguments.push_back(nullptr);
    const int out = ::open(log_file().c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0640);
    if (out < 0) return io_error("open", log_file(), errno);
    const pid_t parent = getpid();
    pid_ = fork();
    if (pid_ < 0) {
      const int code = errno;
      ::close(out);
      return io_error("fork", "the server", code);
    }
    if (pid_ == 0) {
      prctl(PR_SET_PDEATHSIG, SIGKILL);
      if (getppid() != parent) _exit(2);
      dup2(out, STDOUT_FILENO);
      dup2(out, STDERR_FILENO);
      execv(arguments[0], arguments.data());
      _exit(127);
    }
    ::close(out);
    return ok_status();
  }

  std::optional<int> ended() {
    int status = 0;
    if (waitpid(pid_, &status, WNOHANG) != pid_) return std::nullopt;
    pid_ = 0;
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
  }

  Status wait_ready() {
    const auto deadline = std::chrono::steady_clock::now() + kStartMax;
    while (std::chrono::steady_clock::now() < deadline) {
      if (ended()) return Error(ErrorCode::kUnavailable, "it ended at once:\n" + log_tail());
      if (read_runtime_file()) {
        VITRINE_TRY(const auto endpoint, importer::parse_endpoint(url_));
        net::Client client(endpoint);
        const auto answer = client.get("/readyz");
        if (answer.ok() && answer.value().status == 200) return ok_status();
      }
      std::this_thread::sleep_for(std::chrono::milliseconds(2));
    }
    return Error(ErrorCode::kDeadlineExceeded, "it was not ready in time:\n" + log_tail());
  }

  bool read_runtime_file() {
    const auto text = io::read_file(io::system_files(), directory_ + "/runtime.json", 64 * 1024);
    if (!text.ok()) return false;
    codec::JsonParser parser;
    const auto document = parser.parse(text.value());
    std::int64_t pid = 0;
    std::string_view url;
    if (!document.ok() || document.value()["pid"].get(pid) != simdjson::SUCCESS || pid != pid_ ||
        document.value()["url"].get(url) != simdjson::SUCCESS ||
        document.value()["replayed_records"].get(replayed_) != simdjson::SUCCESS) {
      return false;
    }
    url_ = url;
    return true;
  }

  std::string log_tail() const {
    auto text = io::read_file(io::system_files(), log_file(), 1 << 20);
    if (!text.ok()) return "";
    return text->size() > 2000 ? text->substr(text->size() - 2000) : *text;
  }

  const std::string directory_;
  const std::vector<Probe> probes_;
  pid_t pid_ = 0;
  std::string url_;
  std::uint64_t replayed_ = 0;
};

}  // namespace

std::string state_settings(const Settings& settings) {
  Settings copy = settings;
  const std::string toml = copy.table().to_toml();
  std::string out, section, written_section;
  for (std::size_t begin = 0; begin < toml.size();) {
    const std::size_t end = std::min(toml.find('\n', begin), toml.size());
    const std::string line = toml.substr(begin, end - begin);
    begin = end + 1;
    if (line.starts_with("[")) section = line.substr(1, line.find(']') - 1);
    const std::size_t equals = line.find(" = ");
    if (equals == std::string::npos) continue;
    const std::string key = (section.empty() ? "" : section + ".") + line.substr(0, equals);
    if (std::find(kStateSettings.begin(), kStateSettings.end(), key) == kStateSettings.end()) {
      continue;
    }
    if (section != written_section) out += "\n[" + section + "]\n";
    written_section = section;
    out += line + "\n";
  }
  return out;
}

backup::CreateOptions backup_create_options(const Settings& settings) {
  backup::CreateOptions options;
  options.source.files = &io::system_files();
  options.source.data_directory = settings.data_directory;
  options.source.copy_control = [settings] { return copy_control(settings); };
  options.source.settings = state_settings(settings);
  options.clock = &system_clock();
  options.executor = &thread_executor();
  options.version = VITRINE_VERSION;
  return options;
}

Result<privacy::ErasureReport> erase_in_restored(const std::string& folder, std::uint32_t partition,
                                                 const privacy::ErasureList& orders,
                                                 Progress& progress) {
  VITRINE_TRY(const Settings settings, restored_settings(folder));
  return privacy::apply_erasures(erasure_target(settings, partition), orders, progress);
}

Status finish_restore(const std::string& folder, const std::string& backup_id) {
  Settings settings;
  settings.data_directory = folder;
  VITRINE_TRY(const auto store, open_control_store(settings));
  return store->note_restore({}, "backup " + backup_id);
}

backup::DrillOptions backup_drill_options(const Settings& settings) {
  backup::DrillOptions options;
  options.restore.files = &io::system_files();
  options.restore.clock = &system_clock();
  options.restore.executor = &thread_executor();
  options.source = settings.data_directory;
  options.start = [](const std::string& directory) { return ServerChild::start(directory); };
  // Both states are made under the settings that came with the backup: the restored one is first.
  options.digests =
      [first = std::make_shared<std::optional<Settings>>()](
          const std::string& directory,
          const backup::LastPositions& last) -> Result<std::vector<backup::StateDigest>> {
    if (!*first) {
      VITRINE_TRY(*first, restored_settings(directory));
    }
    Settings of_this = **first;
    of_this.data_directory = directory;
    return state_digests(of_this, last);
  };
  return options;
}

}  // namespace vitrine::app
