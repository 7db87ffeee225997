// Answers of the Recommender as JSON, for the routes that give them.
#pragma once

#include "platform/codec/json_writer.h"
#include "service/recommend/answer.h"
#include "service/recommend/request.h"

namespace vitrine::api {

// "items": [...]; with `explain` each with link, sources, and for which item it is shown.
void write_items(const recommend::Answer& answer, bool explain, codec::JsonWriter& json);

// "left_out": [...] of Recommender::rank().
void write_left_out(const recommend::Request& request, const recommend::Answer& answer,
                    codec::JsonWriter& json);

// "explain": {...}.
void write_explanation(const recommend::Answer& answer, codec::JsonWriter& json);

}  // namespace vitrine::api
