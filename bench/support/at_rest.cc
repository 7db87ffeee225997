#include "bench/support/at_rest.h"

#include <chrono>
#include <thread>

#include "bench/support/report.h"

namespace vitrine::bench {

using namespace std::chrono_literals;

RestReport wait_for_rest(const ServerProcess& server, const std::string& key) {
  const auto begin = std::chrono::steady_clock::now();
  const auto seconds = [&] {
    return std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
  };
  const std::string credential = "Bearer " + key;
  const net::Header headers[] = {{"Authorization", credential},
                                 {"Content-Type", "application/json"}};
  net::Client client = client_of(server);
  RestReport report;
  for (;; std::this_thread::sleep_for(100ms)) {
    const auto answer =
        client.request("POST", "/v1/search/search", headers, R"({"query":"ba","limit":1})");
    if (!answer.ok()) give_up(answer.error().to_string());
    if (answer->status == 200 && answer->body.find("index_complete") == std::string::npos) break;
  }
  report.index_s = seconds();
  for (int quiet_s = 0; quiet_s < 3;) {
    if (seconds() > 1800) give_up("the server was still busy after 30 minutes");
    const double before = server.cpu_s();
    std::this_thread::sleep_for(1s);
    quiet_s = server.cpu_s() - before < 0.05 ? quiet_s + 1 : 0;
  }
  report.rest_s = seconds();
  return report;
}

}  // namespace vitrine::bench
