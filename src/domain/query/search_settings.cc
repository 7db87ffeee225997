#include "domain/query/search_settings.h"

#include "domain/query/query_text.h"
#include "platform/codec/json_parse.h"
#include "platform/codec/json_writer.h"

namespace vitrine::query {
namespace {

using simdjson::dom::element;

Error wrong(std::string_view field, std::string_view must) {
  return Error(ErrorCode::kInvalidArgument, std::string(field) + ": must be " + std::string(must))
      .with_reason("invalid_request");
}

Status take_text(const element& value, std::string_view field, std::size_t most, std::string& out) {
  std::string_view text;
  if (value.get(text) != simdjson::SUCCESS || text.empty() || text.size() > most) {
    return wrong(field, "a string of 1 to " + std::to_string(most) + " bytes");
  }
  out = text;
  return ok_status();
}

Status take_truth(const element& value, std::string_view field, bool& out) {
  if (value.get(out) != simdjson::SUCCESS) return wrong(field, "true or false");
  return ok_status();
}

Status take_number(const element& value, std::string_view field, double most, double& out) {
  double number = 0;
  if (value.get(number) != simdjson::SUCCESS || !(number >= 0) || !(number <= most)) {
    return wrong(field, "a number from 0 to " + std::to_string(static_cast<int>(most)));
  }
  out = number;
  return ok_status();
}

Status take_synonyms(const element& value, SearchSettings& out) {
  simdjson::dom::array groups;
  if (value.get(groups) != simdjson::SUCCESS) {
    return wrong("synonyms", R"(an array of groups such as ["sofa","couch"])");
  }
  for (const element entry : groups) {
    const std::string field = "synonyms[" + std::to_string(out.synonyms.size()) + "]";
    if (out.synonyms.size() == kSynonymGroupsMax) {
      return wrong("synonyms", "at most " + std::to_string(kSynonymGroupsMax) + " groups");
    }
    simdjson::dom::array words;
    if (entry.get(words) != simdjson::SUCCESS || words.size() < 2 ||
        words.size() > kSynonymWordsMax) {
      return wrong(field, "an array of 2 to " + std::to_string(kSynonymWordsMax) + " texts");
    }
    auto& group = out.synonyms.emplace_back();
    for (const element word : words) {
      VITRINE_TRY(take_text(word, field, kRuleBytesMax, group.emplace_back()));
    }
  }
  return ok_status();
}

bool is_url(std::string_view url) {
  if (url.find_first_of(" \t\r\n\"<>\\") != std::string_view::npos) return false;
  if (url.starts_with("/")) return !url.starts_with("//");
  return url.starts_with("https://") || url.starts_with("http://");
}

Status take_redirects(const element& value, SearchSettings& out) {
  simdjson::dom::array entries;
  if (value.get(entries) != simdjson::SUCCESS) {
    return wrong("redirects", R"(an array of {"query", "url", "match"})");
  }
  for (const element entry : entries) {
    const std::string field = "redirects[" + std::to_string(out.redirects.size()) + "]";
    if (out.redirects.size() == kRedirectsMax) {
      return wrong("redirects", "at most " + std::to_string(kRedirectsMax) + " entries");
    }
    simdjson::dom::object object;
    if (entry.get(object) != simdjson::SUCCESS) return wrong(field, "an object");
    Redirect& redirect = out.redirects.emplace_back();
    for (const auto [key, part] : object) {
      if (key == "query") {
        VITRINE_TRY(take_text(part, field + ".query", kRuleBytesMax, redirect.query));
      } else if (key == "url") {
        VITRINE_TRY(take_text(part, field + ".url", kUrlBytesMax, redirect.url));
      } else if (key == "match") {
        std::string_view match;
        if (part.get(match) != simdjson::SUCCESS || (match != "whole" && match != "words")) {
          return wrong(field + ".match", R"("whole" or "words")");
        }
        redirect.whole = match == "whole";
      } else {
        return wrong(field + "." + std::string(key.substr(0, 64)),
                     "absent: a redirect knows query, url and match");
      }
    }
    if (normalise(redirect.query).empty()) return wrong(field + ".query", "present");
    if (!is_url(redirect.url)) {
      return wrong(field + ".url", "a path that begins with one /, or an http or https URL");
    }
  }
  return ok_status();
}

Status take_field(std::string_view key, const element& value, SearchSettings& out) {
  if (key == "language") return take_text(value, key, 32, out.language);
  if (key == "stop_words") return take_truth(value, key, out.stop_words);
  if (key == "synonyms") return take_synonyms(value, out);
  if (key == "redirects") return take_redirects(value, out);
  if (key == "personal") return take_number(value, key, 4, out.personal);
  if (key == "affinity") return take_number(value, key, 4, out.affinity);
  if (key == "popularity") return take_number(value, key, 4, out.popularity);
  if (key == "clicks") return take_number(value, key, 4, out.clicks);
  if (key == "out_of_stock") return take_number(value, key, 1, out.out_of_stock);
  if (key == "typo_tolerance") return take_truth(value, key, out.typo_tolerance);
  if (key == "fallback") return take_truth(value, key, out.fallback);
  if (key == "suggest_min") {
    std::uint64_t least = 0;
    if (value.get(least) != simdjson::SUCCESS || least < 1 || least > 1'000'000) {
      return wrong(key, "a whole number from 1 to 1000000");
    }
    out.suggest_min = static_cast<std::uint32_t>(least);
    return ok_status();
  }
  return wrong(
      key.substr(0, 64),
      "absent: the fields are language, stop_words, synonyms, redirects, personal, "
      "affinity, popularity, clicks, out_of_stock, typo_tolerance, fallback and suggest_min");
}

}  // namespace

Result<SearchSettings> parse_search_settings(std::string_view json, std::size_t readable_behind) {
  if (json.size() > kSettingsBytesMax) {
    return Error(ErrorCode::kTooLarge,
                 "search settings may have " + std::to_string(kSettingsBytesMax) + " bytes");
  }
  thread_local codec::JsonParser parser;
  VITRINE_TRY(const element document, parser.parse(json, readable_behind));
  simdjson::dom::object object;
  if (document.get(object) != simdjson::SUCCESS) return wrong("the body", "a JSON object");
  SearchSettings out;
  for (const auto [key, value] : object) VITRINE_TRY(take_field(key, value, out));
  return out;
}

std::string print_search_settings(const SearchSettings& s) {
  std::string text;
  codec::JsonWriter json(text);
  json.begin_object();
  json.key("language").string(s.language);
  json.key("stop_words").boolean(s.stop_words);
  json.key("synonyms").begin_array();
  for (const auto& group : s.synonyms) {
    json.begin_array();
    for (const auto& word : group) json.string(word);
    json.end_array();
  }
  json.end_array();
  json.key("redirects").begin_array();
  for (const auto& redirect : s.redirects) {
    json.begin_object();
    json.key("query").string(redirect.query);
    json.key("url").string(redirect.url);
    json.key("match").string(redirect.whole ? "whole" : "words");
    json.end_object();
  }
  json.end_array();
  json.key("personal").number(s.personal);
  json.key("affinity").number(s.affinity);
  json.key("popularity").number(s.popularity);
  json.key("clicks").number(s.clicks);
  json.key("out_of_stock").number(s.out_of_stock);
  json.key("typo_tolerance").boolean(s.typo_tolerance);
  json.key("fallback").boolean(s.fallback);
  json.key("suggest_min").number(s.suggest_min);
  json.end_object();
  json.finish();
  return text;
}

}  // namespace vitrine::query
