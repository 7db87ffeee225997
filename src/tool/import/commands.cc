#include "tool/import/commands.h"

#include <algorithm>
#include <charconv>
#include <set>

#include "base/hash.h"
#include "platform/codec/byte_input.h"
#include "platform/codec/json_parse.h"
#include "platform/codec/json_writer.h"
#include "tool/import/batch_sender.h"
#include "tool/import/import_report.h"
#include "tool/import/import_steps.h"
#include "tool/import/json_field.h"
#include "tool/import/online_retail.h"
#include "tool/import/shop_generator.h"

namespace vitrine::importer {
namespace {

// A pass over things of which each becomes a line.
class Upload {
 public:
  static Result<Upload> start(const ImportOptions& options, std::string path, Progress& progress,
                              std::string_view phase, std::uint64_t total, std::string_view unit) {
    VITRINE_TRY(auto sender, start_sender(options, std::move(path)));
    progress.start(phase, total, unit);
    return Upload(std::move(sender), progress);
  }
  Status add(std::string_view line, std::uint64_t origin, std::string_view user = {}) {
    VITRINE_TRY(sender_->add(line, origin, hash64(user)));
    progress_->update(sender_->answered());
    return ok_status();
  }
  Result<SendTotals> finish() {
    auto totals = sender_->finish(*progress_);
    progress_->finish();
    return totals;
  }

 private:
  Upload(std::unique_ptr<BatchSender> sender, Progress& progress)
      : sender_(std::move(sender)), progress_(&progress) {}
  std::unique_ptr<BatchSender> sender_;
  Progress* progress_;
};

// The position in a token "epoch-position"; 0 if there is none.
std::uint64_t position_in(std::string_view version) {
  std::uint64_t position = 0;
  const std::string_view digits = version.substr(version.find('-') + 1);
  std::from_chars(digits.data(), digits.data() + digits.size(), position);
  return position;
}

// Asks for an answer that shows `version`, again while it is stale. -1 where that can't be told:
// an import doesn't fail because of it.
double wait_until_applied(const ImportOptions& options, const std::string& version,
                          Progress& progress) {
  constexpr std::int64_t kPatienceNs = 300'000'000'000;
  auto client = ApiClient::open({options.url, options.key, options.ca_file});
  if (!client.ok() || version.empty()) return -1;
  std::string body;
  codec::JsonWriter json(body);
  json.begin_object().key("limit").number(1).key("min_profile_version").string(version);
  json.end_object().finish();
  bool started = false;
  std::uint64_t behind = 0;  // records at the first answer
  const std::int64_t start_ns = options.clock->steady_ns();
  codec::JsonParser parser;
  for (;;) {
    const auto answer = client->post_json("/v1/recommend/popular", body);
    const std::int64_t waited_ns = options.clock->steady_ns() - start_ns;
    if (!answer.ok() || !answer->ok() || waited_ns > kPatienceNs) return -1;
    const auto read = parser.parse(answer->body);
    if (!read.ok()) return -1;
    bool stale = false;
    read_field(read.value(), "stale", stale);
    std::string_view shown = version;
    read_field(read.value(), "profile_version", shown);
    const std::uint64_t left =
        stale ? position_in(version) - std::min(position_in(version), position_in(shown)) : 0;
    if (stale && !started) {
      behind = left;
      progress.start("applying", behind, "records");
      started = true;
    }
    if (started) progress.update(behind - std::min(behind, left));
    if (!stale) {
      if (started) progress.finish();
      return static_cast<double>(waited_ns) / 1e6;
    }
  }
}

}  // namespace

Result<std::unique_ptr<BatchSender>> start_sender(const ImportOptions& options, std::string path) {
  SendOptions send;
  send.target = {options.url, options.key, options.ca_file};
  send.path = std::move(path);
  send.batch_lines = options.batch;
  send.connections = options.connections;
  send.sleep = options.sleep;
  return BatchSender::start(std::move(send));
}

Status conclude(const ImportOptions& options, ImportReport& report, std::int64_t start_ns,
                Progress& progress, std::ostream& out) {
  report.seconds = static_cast<double>(options.clock->steady_ns() - start_ns) / 1e9;
  const SendTotals& last = !report.users.profile_version.empty()    ? report.users
                           : !report.events.profile_version.empty() ? report.events
                                                                    : report.items;
  const std::string& version = last.profile_version;
  report.applied_ms = wait_until_applied(options, version, progress);
  print_report(report, out);
  const std::uint64_t failed = failed_lines(report);
  if (failed == 0 || options.allow_errors) return ok_status();
  return Error(
      ErrorCode::kInvalidArgument,
      std::to_string(failed) +
          " lines were not imported (see the report); the rest was. Correct them and import "
          "again, or allow errors");
}

namespace {

Result<SendTotals> send_invoices(const ImportOptions& options, const RetailYear& year,
                                 TimeUs shift_us, Progress& progress) {
  std::uint64_t events = 0;
  for (const Invoice& invoice : year.invoices) events += event_count(invoice);
  VITRINE_TRY(auto upload, Upload::start(options, "/v1/events:import", progress, "sending events",
                                         events, "events"));
  std::uint64_t number = 0;
  for (const Invoice& invoice : year.invoices) {
    const std::string& user = invoice.customer.empty() ? invoice.number : invoice.customer;
    for (std::size_t part = 0; part < event_count(invoice); ++part) {
      VITRINE_TRY(upload.add(event_json(year, invoice, part, shift_us), ++number, user));
    }
  }
  return upload.finish();
}

}  // namespace

Status run_import_online_retail(const OnlineRetailOptions& options, Progress& progress,
                                std::ostream& out) {
  const std::int64_t start_ns = options.clock->steady_ns();
  VITRINE_TRY(auto input, codec::open_input_file(options.file));
  auto read = read_online_retail(std::move(input), progress);
  if (!read.ok()) return std::move(read).error().context(options.file);
  const RetailYear& year = *read;

  ImportReport report;
  report.source = options.file;
  report.rows = year.rows;
  report.skipped = year.skipped;
  report.skipped_codes = year.skipped_codes;
  report.rows_bad = year.rows_bad;
  report.bad_rows = year.bad_rows;
  if (options.shift_to_now) {
    const TimeUs now = options.clock->wall_us();
    report.shift_us = now - now % kSecondUs - year.last_time;
  }
  report.first_time = year.first_time + report.shift_us;
  report.last_time = year.last_time + report.shift_us;
  report.sample_customer = sample_customer(year);
  report.notes.push_back(
      "category and colours are derived from the titles by a keyword rule: the data has none");
  std::set<std::string_view> customers;
  for (const Invoice& invoice : year.invoices) {
    if (invoice.customer.empty()) {
      ++report.anonymous;
    } else {
      customers.insert(invoice.customer);
    }
  }
  report.customers = customers.size();

  VITRINE_TRY(auto upload, Upload::start(options, "/v1/items:import", progress, "sending items",
                                         year.items.size(), "items"));
  for (std::size_t i = 0; i < year.items.size(); ++i) {
    VITRINE_TRY(upload.add(item_json(year.items[i]), i + 1));
  }
  VITRINE_TRY(report.items, upload.finish());
  VITRINE_TRY(report.events, send_invoices(options, year, report.shift_us, progress));
  return conclude(options, report, start_ns, progress, out);
}

Status run_import_generated(const GeneratedOptions& options, Progress& progress,
                            std::ostream& out) {
  const std::int64_t start_ns = options.clock->steady_ns();
  ShopOptions wanted;
  wanted.seed = options.seed;
  wanted.items = options.items;
  wanted.customers = options.customers;
  wanted.days = options.days;
  const TimeUs now = options.clock->wall_us();
  wanted.end_time = now - now % kSecondUs;
  VITRINE_TRY(const GeneratedShop shop, generate_shop(wanted));

  ImportReport report;
  report.source = "generated shop, seed " + std::to_string(options.seed);
  report.customers = options.customers;
  report.first_time = shop.events.front().time;
  report.last_time = shop.events.back().time;
  report.sample_customer = shop.sample_customer;
  report.notes.push_back("this shop, its customers and their tastes are made up");
  VITRINE_TRY(auto items, Upload::start(options, "/v1/items:import", progress, "sending items",
                                        shop.items.size(), "items"));
  for (std::size_t i = 0; i < shop.items.size(); ++i) {
    VITRINE_TRY(items.add(item_json(shop.items[i]), i + 1));
  }
  VITRINE_TRY(report.items, items.finish());
  VITRINE_TRY(auto events, Upload::start(options, "/v1/events:import", progress, "sending events",
                                         shop.events.size(), "events"));
  for (std::size_t i = 0; i < shop.events.size(); ++i) {
    VITRINE_TRY(events.add(event_json(shop, i), i + 1, shop.events[i].user_id));
  }
  VITRINE_TRY(report.events, events.finish());
  return conclude(options, report, start_ns, progress, out);
}

}  // namespace vitrine::importer
