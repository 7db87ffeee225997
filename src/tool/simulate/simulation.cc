#include "tool/simulate/simulation.h"

#include <algorithm>
#include <chrono>

#include "tool/simulate/baselines.h"

namespace vitrine::simulate {
namespace {

class Simulation {
 public:
  Simulation(const SimulationOptions& options, Shop shop)
      : options_(options), shop_(std::move(shop)) {
    result_.seed = options.shop.seed;
  }

  Status prepare(const ServerMaker& make_server) {
    World history(shop_, options_.behaviour, nullptr);
    VITRINE_TRY(run_history(history));
    for (const std::string& name : options_.policies) {
      VITRINE_TRY(auto policy, make_policy(name, make_server));
      auto world = std::make_unique<World>(shop_, options_.behaviour, std::move(policy));
      world->take_over(history);
      VITRINE_TRY(world->begin(history.events()));
      worlds_.push_back(std::move(world));
      PolicyResult result;
      result.name = name;
      result.by_day.resize(options_.shop.days);
      result.by_visitor.resize(shop_.visitors.size());
      result_.policies.push_back(std::move(result));
    }
    return ok_status();
  }

  Status run(const DayDone& day_done, Progress& progress) {
    const std::size_t visits = shop_.visits.size() - shop_.first_measured;
    progress.start("simulating, seed " + std::to_string(result_.seed), visits, "visits");
    std::size_t at = shop_.first_measured;
    for (int day = 0; day < static_cast<int>(options_.shop.days); ++day) {
      VITRINE_TRY(deliver(day));
      for (; at < shop_.visits.size() && shop_.day(shop_.visits[at].time) == day; ++at) {
        VITRINE_TRY(visit(shop_.visits[at], static_cast<std::size_t>(day)));
        progress.update(at + 1 - shop_.first_measured);
      }
      if (vitrine_ != nullptr) result_.api = vitrine_->use();
      if (day_done) day_done(day, result_);
    }
    progress.finish();
    return ok_status();
  }

  SimulationResult result() && { return std::move(result_); }

 private:
  Result<std::unique_ptr<Policy>> make_policy(const std::string& name,
                                              const ServerMaker& make_server) {
    std::unique_ptr<Policy> policy;
    if (name == "random") policy = std::make_unique<RandomPolicy>(shop_);
    if (name == "popularity") policy = std::make_unique<PopularityPolicy>(shop_);
    if (name == "item-item") policy = std::make_unique<ItemItemPolicy>(shop_);
    if (name == "oracle") policy = std::make_unique<OraclePolicy>(shop_);
    if (name == "vitrine") {
      VITRINE_TRY(server_, make_server(options_.shop.start));
      VITRINE_TRY(auto vitrine, VitrinePolicy::open(shop_, *server_));
      vitrine_ = vitrine.get();
      policy = std::move(vitrine);
    }
    if (policy) return policy;
    return Error(ErrorCode::kInvalidArgument,
                 "there is no policy '" + name +
                     "'; known are random, popularity, item-item, vitrine and oracle");
  }

  Status run_history(World& world) {
    int day = shop_.day(shop_.visits.empty() ? 0 : shop_.visits.front().time) - 1;
    for (std::size_t i = 0; i < shop_.first_measured; ++i) {
      const Visit& visit = shop_.visits[i];
      for (; day < shop_.day(visit.time); ++day) VITRINE_TRY(world.deliver(morning(day + 1)));
      VITRINE_TRY(const Tally tally, world.run(visit));
      result_.history += tally;
    }
    std::stable_sort(world.events().begin(), world.events().end(),
                     [](const ShopEvent& a, const ShopEvent& b) { return a.time < b.time; });
    result_.history_visits = shop_.first_measured;
    result_.history_events = world.events().size();
    return ok_status();
  }

  TimeUs morning(int day) const { return options_.shop.start + day * kDayUs; }

  Status deliver(int day) {
    for (const auto& world : worlds_) VITRINE_TRY(world->deliver(morning(day)));
    return ok_status();
  }

  Status visit(const Visit& visit, std::size_t day) {
    for (std::size_t p = 0; p < worlds_.size(); ++p) {
      auto tally = worlds_[p]->run(visit);
      if (!tally.ok()) return std::move(tally).error().context(worlds_[p]->name());
      PolicyResult& result = result_.policies[p];
      result.by_day[day] += *tally;
      result.by_visitor[visit.visitor] += *tally;
      result.total += *tally;
    }
    return ok_status();
  }

  const SimulationOptions& options_;
  Shop shop_;
  std::unique_ptr<ShopServer> server_;  // outlives the world that talks to it
  const VitrinePolicy* vitrine_ = nullptr;
  std::vector<std::unique_ptr<World>> worlds_;
  SimulationResult result_;
};

}  // namespace

Result<SimulationResult> run_simulation(const SimulationOptions& options, const ServerMaker& server,
                                        const DayDone& day_done, Progress& progress) {
  const auto began = std::chrono::steady_clock::now();
  VITRINE_TRY(Shop shop, make_shop(options.shop));
  Simulation simulation(options, std::move(shop));
  VITRINE_TRY(simulation.prepare(server));
  VITRINE_TRY(simulation.run(day_done, progress));
  SimulationResult result = std::move(simulation).result();
  result.seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - began).count();
  return result;
}

}  // namespace vitrine::simulate
