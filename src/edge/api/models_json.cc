#include "edge/api/models_json.h"

#include "platform/codec/time_format.h"

namespace vitrine::api {
namespace {

void write_time(std::string_view key, TimeUs at, codec::JsonWriter& json) {
  json.key(key);
  if (at == 0) {
    json.null();
  } else {
    json.string(codec::format_rfc3339(at));
  }
}

void write_data(const model::DataCut& data, codec::JsonWriter& json) {
  json.key("data").begin_object();
  json.key("position").number(data.position);
  write_time("until", data.append_time, json);
  json.key("users").number(data.users);
  json.key("items").number(data.items);
  json.key("interactions").number(data.interactions);
  json.key("left_out").begin_object();
  json.key("without_consent").number(data.without_consent);
  json.key("erased").number(data.erased);
  json.key("flagged").number(data.flagged);
  json.end_object();
  json.end_object();
}

void write_parameters(const std::vector<std::pair<std::string, double>>& parameters,
                      codec::JsonWriter& json) {
  json.key("parameters").begin_object();
  for (const auto& [name, value] : parameters) json.escaped_key(name).number(value);
  json.end_object();
}

void write_id_or_null(std::string_view key, std::string_view id, codec::JsonWriter& json) {
  json.key(key);
  if (id.empty()) {
    json.null();
  } else {
    json.string(id);
  }
}

void write_search(const learn::Job& job, codec::JsonWriter& json) {
  json.key("search").begin_object();
  json.key("seconds_most");
  const auto& time = job.request.search->time;
  time ? json.number(static_cast<double>(*time) / 1e6) : json.null();
  json.key("trials_most").number(job.request.search->trials);
  json.key("trials").number(job.trials);
  json.key("best_measure");
  job.best_measure ? json.number(*job.best_measure) : json.null();
  json.end_object();
}

}  // namespace

void write_model(const model::Manifest& m, const model::Registry& registry, bool whole,
                 codec::JsonWriter& json) {
  json.begin_object();
  json.key("model_id").string(m.id);
  json.key("kind").string(m.kind);
  json.key("state").string(model::state_name(registry.state_of(m.id)));
  if (const model::Entry* entry = registry.find(m.id)) {
    write_time("state_since", entry->at, json);
    if (!entry->reason.empty()) json.key("state_reason").string(entry->reason);
  }
  write_time("created", m.created, json);
  if (!m.parent.empty()) json.key("parent").string(m.parent);
  write_data(m.data, json);
  json.key("weight").number(m.weight);
  json.key("promote").boolean(m.judgement.promote);
  json.key("why").string(m.judgement.why);
  json.key("train_seconds").number(m.train_s);
  json.key("train_cpu_seconds").number(m.train_cpu_s);
  if (whole) {
    json.key("code_version").string(m.code_version);
    write_parameters(m.parameters, json);
    json.key("losses").begin_array();
    for (const double loss : m.losses) json.number(loss);
    json.end_array();
    json.key("memory_bytes").number(m.memory_bytes);
    if (m.search.searched) json.key("search").raw(model::print_search(m.search));
    json.key("judgement").raw(model::print_judgement(m.judgement));
    json.key("files").begin_array();
    for (const model::File& file : m.files) {
      json.begin_object();
      json.key("name").string(file.name);
      json.key("bytes").number(file.bytes);
      json.end_object();
    }
    json.end_array();
  }
  json.end_object();
}

void write_evaluation(const model::Manifest& m, codec::JsonWriter& json) {
  json.begin_object();
  json.key("model_id").string(m.id);
  json.key("kind").string(m.kind);
  write_time("created", m.created, json);
  write_data(m.data, json);
  json.key("judgement").raw(model::print_judgement(m.judgement));
  json.end_object();
}

void write_job(const learn::Job& job, codec::JsonWriter& json) {
  json.begin_object();
  json.key("job_id").string(job.id);
  json.key("kind").string(learn::kind_name(job.request.recipe.kind));
  write_parameters(job.request.recipe.parameters, json);
  json.key("warm").boolean(job.request.warm);
  if (job.request.search) write_search(job, json);
  json.key("scheduled").boolean(job.scheduled);
  json.key("state").string(learn::job_state_name(job.state));
  write_time("created", job.created, json);
  write_time("started", job.started, json);
  write_time("ended", job.ended, json);
  if (job.state == learn::JobState::kRunning) {
    json.key("progress").begin_object();
    json.key("stage").string(job.stage);
    json.key("phase").string(job.phase);
    json.key("done").number(job.done);
    json.key("total").number(job.total);
    json.key("unit").string(job.unit);
    json.key("rate_per_s").number(job.rate);
    json.key("eta_s");
    job.eta_s ? json.number(*job.eta_s) : json.null();
    json.end_object();
  }
  if (job.epoch > 0) {
    json.key("epoch").number(job.epoch);
    json.key("loss");
    job.loss ? json.number(*job.loss) : json.null();
    json.key("validation");
    job.measure ? json.number(*job.measure) : json.null();
  }
  if (!job.model_id.empty()) {
    json.key("model_id").string(job.model_id);
    json.key("promoted").boolean(job.promoted);
    json.key("why").string(job.why);
  }
  if (!job.error_code.empty()) {
    json.key("error").begin_object();
    json.key("code").string(job.error_code);
    json.key("detail").string(job.error);
    json.end_object();
  }
  json.end_object();
}

void write_serving(const learn::ServingModel& serving, codec::JsonWriter& json) {
  const auto model = serving.model();
  if (model == nullptr) {
    json.null();
    return;
  }
  json.begin_object();
  json.key("model_id").string(model->id());
  json.key("memory_bytes").number(model->memory_bytes());
  json.key("vectors");
  if (const auto vectors = serving.vectors()) {
    const auto& stats = vectors->stats();
    json.begin_object();
    json.key("items").number(stats.items);
    json.key("dimensions").number(stats.dimensions);
    json.key("indexed").number(stats.indexed);
    json.key("memory_bytes").number(stats.bytes);
    json.end_object();
  } else {
    json.null();
  }
  json.end_object();
}

void write_states(const model::Registry& registry, codec::JsonWriter& json) {
  json.begin_object();
  write_id_or_null("live", registry.live(), json);
  write_id_or_null("shadow", registry.shadow(), json);
  write_id_or_null("before_live", registry.before_live(), json);
  json.end_object();
}

}  // namespace vitrine::api
