// Jobs: an answer of the past made again, in a process of its own.
//
// It builds the state of a partition a second time, which may be large and is not to take memory or
// time from what the server is for: so it is a child that can be bounded and killed.
#include "application.h"
#include "platform/codec/json_parse.h"
#include "platform/io/child_process.h"

namespace vitrine::app {
namespace {

using Kind = obs::Registry::FunctionKind;

std::string last_line(std::string_view text) {
  while (text.ends_with('\n')) text.remove_suffix(1);
  const std::size_t end = text.rfind('\n');
  if (end != std::string_view::npos) text.remove_prefix(end + 1);
  if (text.starts_with("vitrine: ")) text.remove_prefix(9);
  return std::string(text);
}

Result<std::string> result_of(io::ChildResult child, const Settings& settings) {
  if (child.cancelled) return Error(ErrorCode::kUnavailable, "the server was stopped meanwhile");
  if (child.timed_out) {
    return Error(ErrorCode::kDeadlineExceeded,
                 "it took longer than replay.timeout allows, " +
                     std::to_string(settings.replay_timeout / kSecondUs) + " s");
  }
  while (child.output.ends_with('\n')) child.output.pop_back();
  codec::JsonParser parser;
  if (child.exit_code >= 0 && !child.output.empty() && parser.parse(child.output).ok()) {
    return std::move(child.output);
  }
  if (child.errors.find("bad_alloc") != std::string::npos) {
    return Error(ErrorCode::kExhausted, "it needs more memory than replay.memory allows, " +
                                            std::to_string(settings.replay_memory >> 20) + " MiB");
  }
  std::string why = last_line(child.errors);
  if (child.signal != 0) why = "ended by signal " + std::to_string(child.signal) + ": " + why;
  return Error(ErrorCode::kInternal, std::move(why));
}

Result<std::string> replay(const Settings& settings, const api::ReplayOrder& order,
                           const std::atomic<bool>& stop) {
  Settings own = settings;
  io::ChildCommand command;
  command.program = settings.program;
  command.arguments = {"state",
                       "replay-decision",
                       order.request_id,
                       "--config=/dev/stdin",
                       "--json",
                       "--tenant=" + order.tenant_name,
                       "--as-job=" + std::to_string(settings.replay_memory)};
  if (!order.item_id.empty()) command.arguments.push_back("--item=" + order.item_id);
  command.input = own.table().to_toml();
  command.without_environment = "VITRINE_";  // they are in the settings already
  command.time_max = std::chrono::milliseconds(settings.replay_timeout / 1000);
  VITRINE_TRY(auto child, io::run_child(command, stop));
  return result_of(std::move(child), settings);
}

}  // namespace

void Application::open_jobs() {
  jobs_ = std::make_unique<api::JobQueue>(
      api::JobQueueOptions{}, thread_executor(), clock_,
      [this](const api::ReplayOrder& order, const std::atomic<bool>& stop) {
        return replay(settings_, order, stop);
      });
}

void Application::register_job_metrics() {
  const auto add = [this](Kind kind, const char* name, const char* help, const obs::Labels& labels,
                          auto read) {
    registry_.function(kind, name, help, labels, this,
                       [this, read] { return static_cast<double>(read(jobs_->counts())); });
  };
  using C = const api::JobQueue::Counts&;
  constexpr const char* kTotal = "vitrine_jobs_total";
  constexpr const char* kHelp = "Jobs ordered over HTTP, by how they ended.";
  add(Kind::kCounter, kTotal, kHelp, {{"result", "done"}}, [](C c) { return c.done; });
  add(Kind::kCounter, kTotal, kHelp, {{"result", "failed"}}, [](C c) { return c.failed; });
  add(Kind::kCounter, kTotal, kHelp, {{"result", "refused"}}, [](C c) { return c.refused; });
  add(Kind::kGauge, "vitrine_jobs_waiting", "Jobs that wait or run.", {},
      [](C c) { return c.waiting; });
}

}  // namespace vitrine::app
