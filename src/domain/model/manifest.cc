#include "domain/model/manifest.h"

#include <charconv>
#include <cstdio>

#include "base/bytes.h"
#include "domain/model/registry.h"
#include "platform/codec/json_parse.h"
#include "platform/codec/json_writer.h"

namespace vitrine::model {
namespace {

using codec::JsonWriter;
using simdjson::dom::element;

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
  write_breakdown(json, "learning_curve", j.learning);
  json.end_object();
}

// Reads a JSON object field by field and remembers the first that is not as it must be.
class Reader {
 public:
  explicit Reader(element object) : object_(object) {}

  template <class T>
  void take(std::string_view name, T& out) {
    element value;
    if (object_[name].get(value) != simdjson::SUCCESS) return fail(name);
    read(name, value, out);
  }
  template <class T, class Fn>
  void list(std::string_view name, std::vector<T>& out, Fn&& fn) {
    simdjson::dom::array values;
    if (object_[name].get(values) != simdjson::SUCCESS) return fail(name);
    for (const element value : values) {
      Reader inner(value);
      fn(inner, value, out.emplace_back());
      if (!inner.wrong_.empty()) return fail(std::string(name) + "." + inner.wrong_);
    }
  }
  template <class Fn>
  void object(std::string_view name, Fn&& fn) {
    element value;
    if (object_[name].get(value) != simdjson::SUCCESS) return fail(name);
    Reader inner(value);
    fn(inner);
    if (!inner.wrong_.empty()) fail(std::string(name) + "." + inner.wrong_);
  }
  void fail(std::string_view name) {
    if (wrong_.empty()) wrong_ = name;
  }
  const std::string& wrong() const { return wrong_; }

 private:
  void read(std::string_view name, element value, std::string& out) {
    std::string_view text;
    if (value.get(text) != simdjson::SUCCESS) return fail(name);
    out = text;
  }
  void read(std::string_view name, element value, bool& out) {
    if (value.get(out) != simdjson::SUCCESS) fail(name);
  }
  void read(std::string_view name, element value, double& out) {
    if (value.is_null()) return;  // what JSON has no number for
    if (value.get(out) != simdjson::SUCCESS) fail(name);
  }
  void read(std::string_view name, element value, std::uint64_t& out) {
    if (value.get(out) != simdjson::SUCCESS) fail(name);
  }
  void read(std::string_view name, element value, std::int64_t& out) {
    if (value.get(out) != simdjson::SUCCESS) fail(name);
  }
  void read(std::string_view name, element value, Figure& out) {
    Reader inner(value);
    inner.take("value", out.value);
    inner.take("low", out.low);
    inner.take("high", out.high);
    if (!inner.wrong_.empty()) fail(std::string(name) + "." + inner.wrong_);
  }

  element object_;
  std::string wrong_;
};

void read_breakdown(Reader& in, std::string_view name, std::vector<Breakdown>& out) {
  in.list(name, out, [](Reader& row, element, Breakdown& one) {
    row.take("name", one.name);
    row.take("size", one.size);
    row.list("values", one.values, [](Reader& cell, element value, Figure& figure) {
      double* parts[] = {&figure.value, &figure.low, &figure.high};
      simdjson::dom::array numbers;
      if (value.get(numbers) != simdjson::SUCCESS || numbers.size() != 3) return cell.fail("[]");
      std::size_t i = 0;
      for (const element number : numbers) {
        if (!number.is_null() && number.get(*parts[i]) != simdjson::SUCCESS) cell.fail("[]");
        ++i;
      }
    });
  });
}

void read_judgement(Reader& in, Judgement& j) {
  in.take("judged", j.judged);
  in.take("promote", j.promote);
  in.take("why", j.why);
  in.take("cut_us", j.cut);
  in.take("cases", j.cases);
  in.take("k", j.k);
  in.list("table", j.table, [](Reader& row, element, Judged& one) {
    row.take("name", one.name);
    row.take("hr", one.hr);
    row.take("ndcg", one.ndcg);
    row.take("recall", one.recall);
    row.take("mrr", one.mrr);
    row.take("coverage", one.coverage);
    row.take("novelty_bits", one.novelty);
    row.take("popularity", one.popularity);
    row.take("fit_cpu_s", one.fit_cpu_s);
    row.take("rank_cpu_s", one.rank_cpu_s);
  });
  in.list("comparisons", j.comparisons, [](Reader& row, element, Comparison& one) {
    row.take("with", one.with);
    row.take("how", one.how);
    row.take("ndcg_difference", one.difference);
    row.take("better", one.better);
  });
  read_breakdown(in, "by_activity", j.activity);
  read_breakdown(in, "by_popularity", j.popularity);
  read_breakdown(in, "learning_curve", j.learning);
}

bool read_hash(std::string_view text, Hash128& out) {
  if (text.size() != 32) return false;
  for (std::uint64_t* half : {&out.high, &out.low}) {
    const char* end = text.data() + 16;
    const auto [at, error] = std::from_chars(text.data(), end, *half, 16);
    if (error != std::errc() || at != end) return false;
    text.remove_prefix(16);
  }
  return true;
}

void read_manifest(Reader& in, Manifest& m) {
  std::uint64_t tenant = 0;
  in.take("model_id", m.id);
  in.take("tenant", tenant);
  m.tenant = TenantId{static_cast<std::uint32_t>(tenant)};
  if (tenant == 0 || tenant > 0xFFFFFFFFu) in.fail("tenant");
  in.take("kind", m.kind);
  in.take("created_us", m.created);
  in.take("code_version", m.code_version);
  in.take("parent", m.parent);
  in.list("parameters", m.parameters, [](Reader& row, element, auto& one) {
    row.take("name", one.first);
    row.take("value", one.second);
  });
  in.take("weight", m.weight);
  in.object("data", [&m](Reader& data) {
    data.take("position", m.data.position);
    data.take("append_time_us", m.data.append_time);
    data.take("users", m.data.users);
    data.take("items", m.data.items);
    data.take("interactions", m.data.interactions);
    data.take("without_consent", m.data.without_consent);
    data.take("erased", m.data.erased);
    data.take("flagged", m.data.flagged);
  });
  in.object("judgement", [&m](Reader& judgement) { read_judgement(judgement, m.judgement); });
  in.list("losses", m.losses, [](Reader& cell, element value, double& loss) {
    if (!value.is_null() && value.get(loss) != simdjson::SUCCESS) cell.fail("[]");
  });
  in.take("train_cpu_s", m.train_cpu_s);
  in.take("train_s", m.train_s);
  in.take("memory_bytes", m.memory_bytes);
  in.list("files", m.files, [](Reader& row, element, File& file) {
    std::string hash;
    row.take("name", file.name);
    row.take("bytes", file.bytes);
    row.take("hash", hash);
    if (!read_hash(hash, file.hash)) row.fail("hash");
  });
  if (!validate_model_id(m.id).ok()) in.fail("model_id");
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
  json.key("parameters").begin_array();
  for (const auto& [name, value] : m.parameters) {
    json.begin_object();
    json.key("name").string(name);
    json.key("value").number(value);
    json.end_object();
  }
  json.end_array();
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

Result<Manifest> parse_manifest(std::string_view json) {
  if (json.size() > kManifestBytesMax) {
    return Error(ErrorCode::kTooLarge, "a model's manifest has " + std::to_string(json.size()) +
                                           " bytes; at most " + std::to_string(kManifestBytesMax) +
                                           " are read");
  }
  codec::JsonParser parser;
  auto document = parser.parse(json);
  if (!document.ok()) {
    return Error(ErrorCode::kCorrupt, "a model's manifest: " + document.error().message());
  }
  Manifest manifest;
  Reader in(*document);
  read_manifest(in, manifest);
  if (!in.wrong().empty()) {
    return Error(ErrorCode::kCorrupt,
                 "a model's manifest: " + in.wrong() + " is absent or not what it must be");
  }
  return manifest;
}

}  // namespace vitrine::model
