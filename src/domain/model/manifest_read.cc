#include <charconv>

#include "domain/model/manifest.h"
#include "domain/model/registry.h"
#include "platform/codec/json_parse.h"

namespace vitrine::model {
namespace {

using simdjson::dom::element;

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
  bool has(std::string_view name) const {
    element value;
    return object_[name].get(value) == simdjson::SUCCESS;
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
  // Not in manifests of earlier versions.
  if (in.has("by_new_visitors")) read_breakdown(in, "by_new_visitors", j.new_visitors);
  read_breakdown(in, "learning_curve", j.learning);
}

void read_parameters(Reader& in, std::vector<std::pair<std::string, double>>& out) {
  in.list("parameters", out, [](Reader& row, element, auto& one) {
    row.take("name", one.first);
    row.take("value", one.second);
  });
}

void read_search(Reader& in, Search& search) {
  search.searched = true;
  in.take("seconds_most", search.seconds_most);
  in.take("trials_most", search.trials_most);
  in.take("ended", search.ended);
  in.take("chosen", search.chosen);
  in.list("trials", search.trials, [](Reader& row, element, Trial& trial) {
    read_parameters(row, trial.parameters);
    row.take("measure", trial.measure);
    row.take("seconds", trial.seconds);
    row.take("epochs", trial.epochs);
    if (row.has("failed")) row.take("failed", trial.failed);
  });
  if (search.chosen >= search.trials.size()) in.fail("chosen");
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
  read_parameters(in, m.parameters);
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
  // Only where there was one.
  if (in.has("search"))
    in.object("search", [&m](Reader& search) { read_search(search, m.search); });
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
