// For tests: a server that answers like Vitrine's API where tools ask it, keeps what it was sent,
// and fails when told.
#pragma once

#include <deque>
#include <map>
#include <memory>
#include <mutex>
#include <set>
#include <string>
#include <vector>

#include "base/check.h"
#include "platform/codec/json_parse.h"
#include "platform/codec/json_writer.h"
#include "platform/net/server.h"
#include "platform/net/url.h"

namespace vitrine::importer {

class FakeShop final : public net::Handler {
 public:
  FakeShop() {
    auto started = net::Server::start({}, *this);
    VITRINE_CHECK(started.ok());
    server_ = std::move(started).value();
  }

  std::string url() const { return "http://127.0.0.1:" + std::to_string(server_->port()); }

  void handle(const net::Request& request, net::Responder responder) override {
    std::unique_lock lock(mutex_);
    net::Response response = answer(request);
    lock.unlock();
    responder.respond(std::move(response));
  }

  // The next requests get these answers instead, first come first.
  void fail_next(net::Response response) {
    std::lock_guard lock(mutex_);
    failures_.push_back(std::move(response));
  }
  // A line that holds this text is rejected.
  void reject(std::string text, std::string code) {
    std::lock_guard lock(mutex_);
    rejects_.emplace_back(std::move(text), std::move(code));
  }
  // Import requests above so many are refused with 403.
  void refuse_after(std::size_t imports) {
    std::lock_guard lock(mutex_);
    imports_left_ = imports;
  }
  void allow_lines_of_bytes(std::size_t body_bytes_max) { body_bytes_max_ = body_bytes_max; }
  // What recommend gives before and after an event came.
  void show(std::vector<std::string> before, std::vector<std::string> after) {
    std::lock_guard lock(mutex_);
    before_ = std::move(before);
    after_ = std::move(after);
  }

  // So many next windows say that they are stale.
  void lag(int answers) {
    std::lock_guard lock(mutex_);
    stale_ = answers;
  }

  // Lines that were taken, by path, in the order of arrival.
  std::vector<std::string> lines(const std::string& path) const {
    std::lock_guard lock(mutex_);
    const auto found = lines_.find(path);
    return found == lines_.end() ? std::vector<std::string>{} : found->second;
  }
  std::vector<std::string> requests() const {
    std::lock_guard lock(mutex_);
    return requests_;
  }
  std::vector<std::string> bodies() const {
    std::lock_guard lock(mutex_);
    return bodies_;
  }

 private:
  static net::Response json(int status, std::string body) {
    net::Response response;
    response.status = status;
    response.content_type = "application/json";
    response.body = std::move(body);
    return response;
  }

  net::Response answer(const net::Request& request) {
    const std::string path(request.path());
    requests_.push_back(std::string(request.method_name()) + " " + path);
    bodies_.emplace_back(request.body());
    if (!failures_.empty()) {
      net::Response failure = std::move(failures_.front());
      failures_.pop_front();
      return failure;
    }
    if (request.header("Authorization") != "Bearer secret") {
      return net::problem(401, "key_unknown", "no such key");
    }
    if (request.body().size() > body_bytes_max_) return net::problem(413, "body_too_large", "cut");
    if (path == "/v1/items:import" || path == "/v1/events:import" || path == "/v1/users:import") {
      if (imports_left_ == 0) return net::problem(403, "tenant_suspended", "no more");
      --imports_left_;
      return take(path, request.body());
    }
    if (path == "/v1/events") {
      ++events_;
      return json(202, R"({"accepted":1,"duplicates":0,"rejected":[],"profile_version":"1-77"})");
    }
    if (path.starts_with("/v1/recommend/")) return recommend();
    if (path.starts_with("/v1/items/")) return item(path.substr(10));
    return net::problem(404, "not_found", "no such route");
  }

  net::Response take(const std::string& path, std::string_view body) {
    std::string rejected;
    std::size_t index = 0;
    std::size_t accepted = 0;
    std::size_t duplicates = 0;
    for (; !body.empty(); ++index) {
      const std::size_t end = body.find('\n');
      const std::string line(body.substr(0, end));
      body.remove_prefix(end == std::string_view::npos ? body.size() : end + 1);
      std::string code;
      for (const auto& [text, why] : rejects_) {
        if (line.find(text) != std::string::npos) code = why;
      }
      if (!code.empty()) {
        rejected += (rejected.empty() ? "" : ",") + std::string("{\"index\":") +
                    std::to_string(index) + ",\"code\":\"" + code + "\",\"detail\":\"told so\"}";
      } else if (!known_.insert(path + line).second) {
        ++duplicates;
      } else {
        ++accepted;
        lines_[path].push_back(line);
      }
    }
    ++position_;
    return json(202, "{\"accepted\":" + std::to_string(accepted) + ",\"duplicates\":" +
                         std::to_string(duplicates) + ",\"rejected\":[" + rejected +
                         "],\"profile_version\":\"1-" + std::to_string(position_) + "\"}");
  }

  net::Response recommend() {
    std::string body;
    codec::JsonWriter out(body);
    out.begin_object().key("items").begin_array();
    for (const auto& id : events_ > 0 ? after_ : before_) {
      out.begin_object();
      out.key("item_id").string(id);
      out.key("score").number(1.5);
      out.key("source").string("popular");
      out.key("reasons").begin_array().string("popular").end_array();
      out.end_object();
    }
    out.end_array();
    if (stale_ > 0) out.key("stale").boolean(stale_-- > 0);
    out.key("profile_version").string("1-" + std::to_string(position_ - stale_));
    out.end_object().finish();
    return json(200, std::move(body));
  }

  net::Response item(const std::string& encoded) {
    const std::string id = net::percent_decode(encoded).value_or("");
    std::string body;
    codec::JsonWriter out(body);
    out.begin_object();
    out.key("item_id").string(id);
    out.key("title").string("Title of " + id);
    out.key("categories").begin_array().string("mugs").end_array();
    out.key("price").number(2.5);
    out.end_object().finish();
    return json(200, std::move(body));
  }

  mutable std::mutex mutex_;
  std::deque<net::Response> failures_;
  std::vector<std::pair<std::string, std::string>> rejects_;
  std::size_t imports_left_ = ~std::size_t{0};
  std::size_t body_bytes_max_ = ~std::size_t{0};
  std::vector<std::string> before_, after_;
  std::map<std::string, std::vector<std::string>> lines_;
  std::set<std::string> known_;
  std::vector<std::string> requests_, bodies_;
  int events_ = 0;
  int position_ = 10;
  int stale_ = 0;
  std::unique_ptr<net::Server> server_;  // last: it calls the rest
};

}  // namespace vitrine::importer
