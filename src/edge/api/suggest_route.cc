#include <charconv>

#include "edge/api/problem.h"
#include "edge/api/routes.h"
#include "platform/codec/json_writer.h"
#include "platform/codec/utf8.h"
#include "platform/net/url.h"

namespace vitrine::api {
namespace {

constexpr std::size_t kDefaultSuggestions = 8;

net::Response refusal(std::string_view detail) {
  return problem_response(400, "invalid_request", detail);
}

}  // namespace

void get_suggest(Call& call, net::Responder responder) {
  const std::string_view query = call.request.query();
  const auto text = net::query_value(query, "q").value_or("");
  if (text.size() > search::kQueryTextBytesMax) {
    return responder.respond(refusal("q: may have " + std::to_string(search::kQueryTextBytesMax) +
                                     " bytes, got " + std::to_string(text.size())));
  }
  if (const std::size_t good = codec::valid_utf8_prefix(text); good != text.size()) {
    return responder.respond(refusal("q: must be UTF-8, byte " + std::to_string(good) +
                                     " of it is not; send the text percent-encoded"));
  }
  std::size_t limit = kDefaultSuggestions;
  if (const auto given = net::query_value(query, "limit"); given && !given->empty()) {
    const auto [end, code] = std::from_chars(given->data(), given->data() + given->size(), limit);
    if (code != std::errc{} || end != given->data() + given->size() || limit < 1 ||
        limit > search::kSuggestMost) {
      return responder.respond(refusal("limit: must be a whole number from 1 to " +
                                       std::to_string(search::kSuggestMost)));
    }
  }
  auto services = tenant_services(call, responder);
  if (!services) return;
  thread_local text::Searcher searcher;
  thread_local search::SuggestAnswer answer;
  services->search_box->suggest(text, limit, searcher, answer);
  std::string body;
  codec::JsonWriter json(body);
  json.begin_object();
  json.key("query").string(text);
  json.key("suggestions").begin_array();
  for (const auto& entry : answer.entries) {
    json.begin_object();
    json.key("text").string(entry.text);
    json.key("kind").string(search::completion_kind_name(entry.kind));
    json.end_object();
  }
  json.end_array();
  json.end_object();
  json.finish();
  responder.respond(json_response(std::move(body)));
}

}  // namespace vitrine::api
