// `vitrine evaluate --search`: judged queries on the catalog of a tenant, as its state is now.
#include <fstream>
#include <sstream>

#include "commands.h"
#include "edge/api/state_views.h"
#include "service/apply/partition_set.h"
#include "service/search/search_box.h"
#include "tool/evaluate/judged_search.h"

namespace vitrine::app {
namespace {

Result<std::string> read_text(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  std::ostringstream text;
  if (!file || !(text << file.rdbuf() || file.peek() == EOF)) {
    return Error(ErrorCode::kNotFound, "can't read " + path);
  }
  return text.str();
}

// A state that nobody changes any more.
class StillSource final : public search::StateSource {
 public:
  explicit StillSource(std::shared_ptr<apply::TenantRuntime> runtime)
      : runtime_(std::move(runtime)) {}
  bool read(const std::function<void(const search::SearchState&)>& work) const override {
    const auto state = runtime_->read();
    work(api::search_view(*state));
    return true;
  }

 private:
  std::shared_ptr<apply::TenantRuntime> runtime_;
};

Result<tenant::Tenant> find_tenant(const Settings& settings, const std::string& name) {
  VITRINE_TRY(const auto store, open_control_store(settings));
  VITRINE_TRY(const auto tenants, store->list_tenants());
  for (const auto& one : tenants) {
    if (one.name == name && one.status != tenant::TenantStatus::kDeleted) return one;
  }
  return Error(ErrorCode::kNotFound, "there is no tenant '" + name + "' in " +
                                         settings.data_directory +
                                         "; `vitrine tenant list` names them");
}

}  // namespace

Status run_search_evaluation(const Settings& settings, const SearchEvaluation& options,
                             std::ostream& out) {
  VITRINE_TRY(const std::string queries, read_text(options.queries));
  VITRINE_TRY(const std::string qrels, read_text(options.qrels));
  VITRINE_TRY(const auto judged, evaluate::read_judged_queries(queries, qrels));
  VITRINE_TRY(const auto tenant, find_tenant(settings, options.tenant));
  VITRINE_TRY(const auto partition,
              partition_state_now(settings, apply::PartitionSet::directory_of(
                                                settings.data_directory, tenant.partition)));
  auto runtime = partition->tenant(tenant.id);
  if (!runtime) {
    return Error(ErrorCode::kInvalidArgument,
                 "tenant " + options.tenant + " has no items yet; import some first");
  }
  const auto source = std::make_shared<StillSource>(std::move(runtime));
  search::SearchBox box({}, source);
  VITRINE_TRY(const bool indexed, box.refresh());
  (void)indexed;
  recommend::FilterCache filters;
  recommend::MatchCache matches;
  search::SearchScratch scratch;
  search::SearchAnswer answer;
  const auto figures =
      evaluate::judge(judged, [&](std::string_view text) -> Result<std::vector<std::string>> {
        std::vector<std::string> ids;
        Status asked = ok_status();
        source->read([&](const search::SearchState& state) {
          search::SearchRequest request;
          request.text = text;
          request.limit = search::kPageMax;
          request.highlight = false;
          request.now = state.last_append_time;
          asked = box.search(state, {filters, matches}, request, scratch, answer);
          if (!asked.ok() || answer.match == search::Match::kNothing) return;
          for (const auto& item : answer.items) {
            ids.emplace_back(state.catalog().item_id(item.item));
          }
        });
        if (!asked.ok()) return std::move(asked).error();
        return ids;
      });
  if (!figures.ok()) return figures.error();
  evaluate::print_figures(*figures, options.json, out);
  return ok_status();
}

}  // namespace vitrine::app
