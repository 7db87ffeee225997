#include "domain/model/manifest.h"

#include <cstdio>

#include "base/bytes.h"
#include "platform/codec/json_writer.h"

namespace vitrine::model {
namespace {

using codec::JsonWriter;

// Only raised when equal settings and data would make another model.
constexpr std::uint64_t kRecipeVersion = 1;

std::string hex(Hash128 hash) {
  char text[40];
  std::snprintf(text, sizeof text, "%016llx%016llx", static_cast<unsigned long long>(hash.high),
                static_cast<unsigned long long>(hash.low));
  return text;
}

void write_figure(JsonWriter& json, std::string_view name, const Figure& figure) {
  json.key(name).begin_object();
  json.key("value").number(figure.value);
  json.key("low").number(figure.low);
  json.key("high").number(figure.high);
  json.end_object();
}

void write_breakdown(JsonWriter& json, std::string_view name, const std::vector<Breakdown>& rows) {
  json.key(name).begin_array();
  for (const Breakdown& row : rows) {
    json.begin_object();
    json.key("name").string(row.name);
    json.key("size").number(row.size);
    json.key("values").begin_array();
    for (const Figure& value : row.values) {
      json.begin_array().number(value.value).number(value.low).number(value.high).end_array();
    }
    json.end_array();
    json.end_object();
  }
  json.end_array();
}

void write_judgement(JsonWriter& json, const Judgement& j) {
  json.begin_object();
  json.key("judged").boolean(j.judged);
  json.key("promote").boolean(j.promote);
  json.key("why").string(j.why);
  json.key("cut_us").number(j.cut);
  json.key("cases").number(j.cases);
  json.key("k").number(j.k);
  json.key("table").begin_array();
  for (const Judged& one : j.table) {
    json.begin_object();
    json.key("name").string(one.name);
    write_figure(json, "hr", one.hr);
    write_figure(json, "ndcg", one.ndcg);
    write_figure(json, "recall", one.recall);
    write_figure(json, "mrr", one.mrr);
    json.key("coverage").number(one.coverage);
    json.key("novelty_bits").number(one.novelty);
    json.key("popularity").number(one.popularity);
    json.key("fit_cpu_s").number(one.fit_cpu_s);
    json.key("rank_cpu_s").number(one.rank_cpu_s);
    json.end_object();
  }
  json.end_array();
  json.key("comparisons").begin_array();
  for (const Comparison& one : j.comparisons) {
    json.begin_object();
    json.key("with").string(one.with);
    json.key("how").string(one.how);
    write_figure(json, "ndcg_difference", one.difference);
    json.key("better").boolean(one.better);
    json.end_object();
  }
  json.end_array();
  write_breakdown(json, "by_activity", j.activity);
  write_breakdown(json, "by_popularity", j.popularity);
  write_breakdown(json, "by_new_visitors", j.new_visitors);
  write_breakdown(json, "learning_curve", j.learning);
  json.end_object();
}

void write_parameters(JsonWriter& json,
                      const std::vector<std::pair<std::string, double>>& parameters) {
  json.key("parameters").begin_array();
  for (const auto& [name, value] : parameters) {
    json.begin_object();
    json.key("name").string(name);
    json.key("value").number(value);
    json.end_object();
  }
  json.end_array();
}

void write_search(JsonWriter& json, const Search& search) {
  json.begin_object();
  json.key("seconds_most");
  search.seconds_most < 0 ? json.null() : json.number(search.seconds_most);
  json.key("trials_most").number(search.trials_most);
  json.key("ended").string(search.ended);
  json.key("chosen").number(search.chosen);
  json.key("trials").begin_array();
  for (const Trial& trial : search.trials) {
    json.begin_object();
    write_parameters(json, trial.parameters);
    json.key("measure").number(trial.measure);
    json.key("seconds").number(trial.seconds);
    json.key("epochs").number(trial.epochs);
    if (!trial.failed.empty()) json.key("failed").string(trial.failed);
    json.end_object();
  }
  json.end_array();
  json.end_object();
}

}  // namespace

std::string make_model_id(std::string_view kind, TenantId tenant, std::uint64_t position,
                          const std::vector<std::pair<std::string, double>>& parameters,
                          std::string_view parent) {
  std::string recipe;
  ByteWriter out(recipe);
  out.u64(kRecipeVersion);
  out.u32(tenant.value);
  out.string(parent);
  for (const auto& [name, value] : parameters) {
    out.string(name);
    out.f64(value);
  }
  char text[64];
  std::snprintf(text, sizeof text, "-%020llu-%016llx", static_cast<unsigned long long>(position),
                static_cast<unsigned long long>(hash64(recipe)));
  return std::string(kind) + text;
}

std::string models_prefix(TenantId tenant) {
  return "models/" + std::to_string(tenant.value) + "/";
}

std::string model_key(TenantId tenant, std::string_view model_id, std::string_view file) {
  return models_prefix(tenant) + std::string(model_id) + "/" + std::string(file);
}

std::string print_judgement(const Judgement& judgement) {
  std::string text;
  JsonWriter json(text);
  write_judgement(json, judgement);
  json.finish();
  return text;
}

std::string print_search(const Search& search) {
  std::string text;
  JsonWriter json(text);
  write_search(json, search);
  json.finish();
  return text;
}

std::string print_manifest(const Manifest& m) {
  std::string text;
  JsonWriter json(text);
  json.begin_object();
  json.key("model_id").string(m.id);
  json.key("tenant").number(m.tenant.value);
  json.key("kind").string(m.kind);
  json.key("created_us").number(m.created);
  json.key("code_version").string(m.code_version);
  json.key("parent").string(m.parent);
  write_parameters(json, m.parameters);
  json.key("weight").number(m.weight);
  json.key("data").begin_object();
  json.key("position").number(m.data.position);
  json.key("append_time_us").number(m.data.append_time);
  json.key("users").number(m.data.users);
  json.key("items").number(m.data.items);
  json.key("interactions").number(m.data.interactions);
  json.key("without_consent").number(m.data.without_consent);
  json.key("erased").number(m.data.erased);
  json.key("flagged").number(m.data.flagged);
  json.end_object();
  if (m.search.searched) {
    json.key("search");
    write_search(json, m.search);
  }
  json.key("judgement");
  write_judgement(json, m.judgement);
  json.key("losses").begin_array();
  for (const double loss : m.losses) json.number(loss);
  json.end_array();
  json.key("train_cpu_s").number(m.train_cpu_s);
  json.key("train_s").number(m.train_s);
  json.key("memory_bytes").number(m.memory_bytes);
  json.key("files").begin_array();
  for (const File& file : m.files) {
    json.begin_object();
    json.key("name").string(file.name);
    json.key("bytes").number(file.bytes);
    json.key("hash").string(hex(file.hash));
    json.end_object();
  }
  json.end_array();
  json.end_object();
  json.finish();
  return text;
}

}  // namespace vitrine::model
