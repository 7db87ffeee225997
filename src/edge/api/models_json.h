// Models, their judgements and the jobs that train them, as JSON.
#pragma once

#include <string_view>

#include "domain/model/manifest.h"
#include "domain/model/registry.h"
#include "platform/codec/json_writer.h"
#include "service/learn/learner.h"
#include "service/learn/model_vectors.h"

namespace vitrine::api {

// One object. `whole`: with parameters, losses, checksums and the judgement's tables.
void write_model(const model::Manifest& manifest, const model::Registry& registry, bool whole,
                 codec::JsonWriter& json);
void write_evaluation(const model::Manifest& manifest, codec::JsonWriter& json);
void write_job(const learn::Job& job, codec::JsonWriter& json);
// What is loaded and answers, with the memory that it takes; null: none.
void write_serving(const learn::ServingModel& serving, codec::JsonWriter& json);
// The states after a change.
void write_states(const model::Registry& registry, codec::JsonWriter& json);

}  // namespace vitrine::api
