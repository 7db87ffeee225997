#include "edge/api/answer_json.h"

namespace vitrine::api {

void write_items(const recommend::Answer& answer, bool explain, codec::JsonWriter& json) {
  json.key("items").begin_array();
  for (std::size_t i = 0; i < answer.items.size(); ++i) {
    const auto& item = answer.items[i];
    json.begin_object();
    json.key("item_id").string(answer.item_id(i));
    json.key("score").number(item.score);
    json.key("source").string(policy::source_name(item.source));
    json.key("reasons").begin_array();
    json.string(recommend::reason_code(item.source));
    json.end_array();
    if (explain) {
      json.key("link").string(recommend::link_name(item.link));
      json.key("sources").begin_object();
      for (std::size_t s = 0; s < item.contributions.size(); ++s) {
        if (item.contributions[s] == 0) continue;
        json.key(policy::source_name(static_cast<recommend::Source>(s)))
            .number(item.contributions[s]);
      }
      json.end_object();
      if (item.fade != 1) json.key("faded").number(item.fade);
      if (i < answer.because.size() && !answer.because[i].item_id.empty()) {
        json.key("because").begin_object();
        json.key("item_id").string(answer.because[i].item_id);
        json.key("relation").string(answer.because[i].relation);
        json.end_object();
      }
    }
    json.end_object();
  }
  json.end_array();
}

void write_explanation(const recommend::Answer& answer, codec::JsonWriter& json) {
  json.key("explain").begin_object();
  json.key("limit").number(answer.limit);
  json.key("diversity").number(answer.diversity);
  json.key("history").number(answer.history);
  json.key("candidates").number(answer.candidates);
  json.key("tested").number(answer.tested);
  json.key("unknown_items").number(answer.unknown_items);
  json.key("filter_path").string(recommend::filter_path_name(answer.filter_path));
  json.key("dropped").begin_object();
  for (std::size_t d = 0; d < answer.drops.size(); ++d) {
    if (answer.drops[d] == 0) continue;
    json.key(recommend::drop_name(static_cast<recommend::Drop>(d))).number(answer.drops[d]);
  }
  json.end_object();
  json.key("supplied").begin_object();
  for (std::size_t l = 0; l < answer.supplied.size(); ++l) {
    if (answer.supplied[l] == 0) continue;
    json.key(recommend::link_name(static_cast<recommend::Link>(l))).number(answer.supplied[l]);
  }
  json.end_object();
  json.key("relaxed").begin_array();
  for (std::size_t d = 0; d < recommend::kDrops; ++d) {
    if (answer.gave_up(static_cast<recommend::Drop>(d)))
      json.string(recommend::drop_name(static_cast<recommend::Drop>(d)));
  }
  json.end_array();
  json.key("stages_us").begin_object();
  for (std::size_t s = 0; s < answer.stage_ns.size(); ++s) {
    json.key(recommend::stage_name(static_cast<recommend::Stage>(s)))
        .number(static_cast<double>(answer.stage_ns[s]) / 1000.0);
  }
  json.end_object();
  json.end_object();
}

void write_left_out(const recommend::Request& request, const recommend::Answer& answer,
                    codec::JsonWriter& json) {
  json.key("left_out").begin_array();
  for (const recommend::LeftOut& one : answer.left_out) {
    json.begin_object();
    json.key("item_id").string(request.to_rank[one.given]);
    json.key("reason").string(one.reason);
    json.end_object();
  }
  json.end_array();
}

}  // namespace vitrine::api
