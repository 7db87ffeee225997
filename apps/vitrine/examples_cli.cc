#include "examples_cli.h"

#include <CLI/CLI.hpp>
#include <map>
#include <string>

namespace vitrine::app {
namespace {

// By the command's words. Each is a command line as it could be typed; a test holds its options
// against those of the command.
const std::map<std::string, std::string>& examples() {
  static const std::map<std::string, std::string> kExamples = {
      {"serve", "vitrine serve --data.directory data --server.port 8080"},
      {"tenant create", "vitrine tenant create shoes --with-keys --data data"},
      {"tenant list", "vitrine tenant list --data data"},
      {"tenant show", "vitrine tenant show shoes --data data"},
      {"tenant suspend", "vitrine tenant suspend shoes --data data"},
      {"tenant resume", "vitrine tenant resume shoes --data data"},
      {"tenant delete", "vitrine tenant delete shoes --data data"},
      {"tenant origins", "vitrine tenant origins shoes https://shoes.example --data data"},
      {"tenant quotas", "vitrine tenant quotas shoes --events-per-s 500 --requests-per-s 100"},
      {"tenant placements", "vitrine tenant placements shoes checkout.json --data data"},
      {"key create", "vitrine key create shoes --scope secret --label back-end"},
      {"key list", "vitrine key list shoes --data data"},
      {"key rotate", "vitrine key rotate 0123456789ab --grace 24h"},
      {"key revoke", "vitrine key revoke 0123456789ab --data data"},
      {"import online-retail",
       "vitrine import online-retail year.csv.gz --shift-to-now --key vt_sec_..."},
      {"import items",
       "vitrine import items products.csv --map item_id=sku --map title=name --key vt_sec_..."},
      {"import events",
       "vitrine import events orders.csv --map item_id=sku --set type=purchase-complete --key "
       "vt_sec_..."},
      {"import generated", "vitrine import generated --items 600 --days 60 --key vt_sec_..."},
      {"tour", "vitrine tour --url http://127.0.0.1:8080 --key vt_sec_..."},
      {"train", "vitrine train --tenant shoes --model ials --set dimensions=64 --html report.html"},
      {"models list", "vitrine models list --tenant shoes --data data"},
      {"models show", "vitrine models show MODEL --tenant shoes --html report.html"},
      {"models promote", "vitrine models promote MODEL --tenant shoes --reason \"after review\""},
      {"models rollback", "vitrine models rollback --tenant shoes"},
      {"models shadow", "vitrine models shadow MODEL --tenant shoes"},
      {"models retire", "vitrine models retire MODEL --tenant shoes"},
      {"simulate", "vitrine simulate --days 30 --seeds 1 --seeds 2 --html shop.html"},
      {"log info", "vitrine log info data --partition 0"},
      {"log verify", "vitrine log verify data --partition 0"},
      {"log dump", "vitrine log dump data --from 1 --limit 20"},
      {"state digest", "vitrine state digest --data data"},
      {"state replay-decision", "vitrine state replay-decision REQUEST_ID --data data"},
      {"erase status", "vitrine erase status --data data"},
      {"erase verify", "vitrine erase verify --data data"},
      {"erase list", "vitrine erase list --data data"},
      {"erase run", "vitrine erase run --data data"},
      {"backup key", "vitrine backup key backup.key"},
      {"backup create", "vitrine backup create --repository backups --key-file backup.key"},
      {"backup list", "vitrine backup list --repository backups --key-file backup.key"},
      {"backup verify", "vitrine backup verify --repository backups --key-file backup.key"},
      {"backup restore", "vitrine backup restore --repository backups --to data-restored"},
      {"backup drill", "vitrine backup drill --repository backups --to drill"},
      {"backup prune", "vitrine backup prune --repository backups --keep 7"},
      {"archive run", "vitrine archive run --data data --archive archive"},
      {"archive verify", "vitrine archive verify --data data --archive archive"},
      {"text build", "vitrine text build products.ndjson index --fields title:3,description"},
      {"text search", "vitrine text search index 'red (shoe OR boot) -blue' --count"},
      {"text bench", "vitrine text bench index queries.txt"},
      {"text info", "vitrine text info index --term shoe"},
      {"text model", "vitrine text model index queries.txt"},
      {"graph build", "vitrine graph build shop-graph --csv events.csv.gz --memory 512M"},
      {"graph info", "vitrine graph info shop-graph --verify"},
      {"graph bench", "vitrine graph bench shop-graph --store belady --store packed --memory 512M"},
      {"config", "vitrine config --config vitrine.toml"},
      {"vec build", "vitrine vec build vectors.fvecs --output vectors.index"},
      {"vec search", "vitrine vec search vectors.index queries.fvecs --k 10 --recall 0.95"},
      {"vec bench", "vitrine vec bench vectors.index queries.fvecs"},
      {"vec info", "vitrine vec info vectors.index"},
      {"vec import-faiss", "vitrine vec import-faiss trained.faiss --output vectors.index"},
      {"vec model", "vitrine vec model vectors.index queries.fvecs --recall 0.95"},
  };
  return kExamples;
}

void add_below(CLI::App& command, const std::string& path) {
  for (CLI::App* below : command.get_subcommands([](CLI::App*) { return true; })) {
    add_below(*below, path.empty() ? below->get_name() : path + " " + below->get_name());
  }
  const auto found = examples().find(path);
  if (found == examples().end()) return;
  const std::string own = command.get_footer();
  command.footer(own + (own.empty() ? "" : "\n\n") + "Example:\n  " + found->second);
}

}  // namespace

void add_examples(CLI::App& app) { add_below(app, ""); }

}  // namespace vitrine::app
