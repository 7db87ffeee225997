#include "simulate_command.h"

#include <cstdlib>
#include <filesystem>

#include <unistd.h>

#include "application.h"
#include "platform/obs/log.h"
#include "tool/evaluate/html_page.h"
#include "tool/simulate/report.h"

namespace vitrine::app {
namespace {

class ScratchFolder {
 public:
  static Result<std::unique_ptr<ScratchFolder>> make(const std::string& wanted) {
    std::string below = wanted;
    const char* temporary = std::getenv("TMPDIR");
    // What is simulated needs no disk; syncing to one would only take time.
    if (below.empty())
      below = ::access("/dev/shm", W_OK) == 0 ? "/dev/shm"
              : temporary != nullptr          ? temporary
                                              : "/tmp";
    std::string path = below + "/vitrine-simulate-XXXXXX";
    if (::mkdtemp(path.data()) == nullptr) return io_error("make a folder in", below, errno);
    return std::unique_ptr<ScratchFolder>(new ScratchFolder(path));
  }
  ~ScratchFolder() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  ScratchFolder(const ScratchFolder&) = delete;
  ScratchFolder& operator=(const ScratchFolder&) = delete;
  const std::string& path() const { return path_; }

 private:
  explicit ScratchFolder(std::string path) : path_(std::move(path)) {}
  std::string path_;
};

class OwnServer final : public simulate::ShopServer {
 public:
  static Result<std::unique_ptr<simulate::ShopServer>> start(const Settings& settings,
                                                             const std::string& scratch,
                                                             TimeUs time) {
    std::unique_ptr<OwnServer> self(new OwnServer(time));
    VITRINE_TRY(self->folder_, ScratchFolder::make(scratch));
    Settings own = settings;
    own.data_directory = self->folder_->path();
    own.server_address = "127.0.0.1";
    own.server_port = 0;
    own.tls_certificate.clear();
    own.tls_key.clear();
    own.address_requests_per_minute = 0;
    own.address_connections_max = 0;
    own.log_segment = 16u << 20;
    own.snapshot_interval = kDayUs;
    const auto on_fatal = [](const Error& error) {
      std::fprintf(stderr, "vitrine: fatal: %s\n", error.to_string().c_str());
      std::_Exit(70);
    };
    VITRINE_TRY(self->application_, Application::start(own, no_progress(), on_fatal, self->clock_));
    control::NewTenant wanted;
    wanted.name = "simulated";
    wanted.quotas = tenant::Quotas{};  // unlimited
    wanted.with_keys = true;
    VITRINE_TRY(const auto created, self->application_->control().create_tenant({}, wanted));
    for (const auto& key : created.keys) {
      if (key.info.scope == tenant::Scope::kSecret)
        self->target_ = {self->application_->url(), key.text};
    }
    return std::unique_ptr<simulate::ShopServer>(std::move(self));
  }

  simulate::SimulatedClock& clock() override { return clock_; }
  importer::ApiTarget target() const override { return target_; }

 private:
  explicit OwnServer(TimeUs time) : clock_(time) {}

  simulate::SimulatedClock clock_;
  std::unique_ptr<ScratchFolder> folder_;
  std::unique_ptr<Application> application_;
  importer::ApiTarget target_;
};

}  // namespace

Status run_simulate(const SimulateOptions& options, const Settings& settings, std::ostream& out,
                    Progress& progress) {
  VITRINE_TRY(obs::configure_log({obs::LogLevel::kError, {}, {}}));
  std::vector<simulate::SimulationResult> runs;
  const auto server = [&](TimeUs time) {
    return OwnServer::start(settings, options.scratch, time);
  };
  for (std::uint32_t i = 0; i < options.seeds; ++i) {
    simulate::SimulationOptions one = options.simulation;
    one.shop.seed += i;
    const auto day_done = [&](int day, const simulate::SimulationResult& so_far) {
      if (options.json) return;
      if (day == 0) simulate::print_day_head(out, so_far);
      simulate::print_day(out, day, so_far);
    };
    VITRINE_TRY(auto run, simulate::run_simulation(one, server, day_done,
                                                   options.json ? progress : no_progress()));
    runs.push_back(std::move(run));
  }
  const simulate::Comparison comparison = simulate::compare(runs, {});
  if (!options.json) simulate::print_report(out, runs, comparison);
  if (!options.html.empty()) {
    VITRINE_TRY(evaluate::write_page(options.html, simulate::report_page(runs, comparison)));
    if (!options.json) out << "\nreport with charts: " << options.html << "\n";
  }
  if (!options.json) out << "\n";
  out << simulate::json_line(runs, comparison) << "\n";
  return ok_status();
}

}  // namespace vitrine::app
