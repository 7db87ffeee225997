#include "service/learn/vector_model.h"

#include "engine/vec/random.h"
#include "service/learn/model_file.h"

namespace vitrine::learn {
namespace {

// What the kinds differ in, each around its engine's model.

struct IalsEngine {
  static constexpr Kind kKind = Kind::kIals;
  factor::Ials model;

  std::uint32_t items() const { return model.items(); }
  std::uint32_t dimensions() const { return model.options().dimensions; }
  bool user_vector(std::span<const std::uint32_t> history, ModelScratch& s,
                   std::span<float> out) const {
    distinct_newest_first(history, s.distinct);
    // Any order gives the same vector but for rounding: one order.
    std::sort(s.distinct.begin(), s.distinct.end());
    model.fold_in(s.distinct, out);
    return true;
  }
  bool finite() const { return all_finite(model.item_vectors()); }
  // As loaded: what else training takes is not there.
  std::uint64_t memory_bytes() const { return model.item_vectors().size_bytes(); }
};

struct SessionEngine {
  static constexpr Kind kKind = Kind::kSession;
  session::SessionModel model;

  std::uint32_t items() const { return model.shape().items; }
  std::uint32_t dimensions() const { return model.shape().width; }
  bool user_vector(std::span<const std::uint32_t> history, ModelScratch& s,
                   std::span<float> out) const {
    model.encode(history, out, s.session, s.workers);
    return true;
  }
  bool finite() const { return all_finite(model.item_vectors()); }
  std::uint64_t memory_bytes() const { return 2 * model.item_vectors().size_bytes(); }
};

struct EmbeddingEngine {
  static constexpr Kind kKind = Kind::kEmbedding;
  embed::Embedding model;

  std::uint32_t items() const { return model.items(); }
  std::uint32_t dimensions() const { return model.dimensions(); }
  // None of items that nobody had turned to: their vectors are zero.
  bool user_vector(std::span<const std::uint32_t> history, ModelScratch& s,
                   std::span<float> out) const {
    distinct_newest_first(history, s.distinct);
    std::sort(s.distinct.begin(), s.distinct.end());
    model.fold_in(s.distinct, out);
    return std::any_of(out.begin(), out.end(), [](float value) { return value != 0; });
  }
  bool finite() const {
    return all_finite(model.item_vectors()) && all_finite(model.history_vectors());
  }
  std::uint64_t memory_bytes() const { return 2 * model.item_vectors().size_bytes(); }
};

template <class Engine>
class VectorModel final : public FittedModel {
 public:
  static Result<std::unique_ptr<FittedModel>> make(Engine engine, std::span<const float> popularity,
                                                   std::uint64_t dense_most) {
    auto made = std::make_unique<VectorModel>(std::move(engine), popularity);
    ModelScratch scratch;
    std::vector<std::uint32_t> history;
    // Short histories of any items: harder to answer than those of visitors, who keep to few kinds.
    const auto query = [&](std::uint32_t n, std::span<float> out) {
      vec::Random random(n);
      history.resize(1 + n % 4);
      for (std::uint32_t& item : history) {
        item = static_cast<std::uint32_t>(random.below(made->items()));
      }
      made->engine_.user_vector(history, scratch, out);
    };
    VITRINE_TRY(made->scores_,
                ItemScores::make(made->item_vectors(), made->dimensions(), query, dense_most));
    return std::unique_ptr<FittedModel>(std::move(made));
  }
  VectorModel(Engine engine, std::span<const float> popularity)
      : engine_(std::move(engine)), popularity_(popularity.begin(), popularity.end()) {}

  Kind kind() const override { return Engine::kKind; }
  std::uint32_t items() const override { return engine_.items(); }
  std::uint32_t dimensions() const override { return engine_.dimensions(); }
  std::span<const float> item_vectors() const override { return engine_.model.item_vectors(); }
  std::span<const float> popularity() const override { return popularity_; }

  bool user_vector(std::span<const std::uint32_t> history, ModelScratch& s,
                   std::span<float> out) const override {
    return !history.empty() && engine_.user_vector(newest(history, kHistoryMost), s, out);
  }
  void top(std::span<const std::uint32_t> history, std::size_t most, ModelScratch& s,
           std::vector<Scored>& out) const override {
    out.clear();
    s.vector.resize(dimensions());
    if (!user_vector(history, s, s.vector)) return;
    scores_.top(item_vectors(), s.vector, most, s.scores, out);
  }
  std::uint64_t memory_bytes() const override {
    return engine_.memory_bytes() + popularity_.size() * sizeof(float) + scores_.memory_bytes();
  }
  void save(Sink& out) const override {
    save_head(out, kind());
    out.array(std::span<const float>(popularity_));
    engine_.model.save(out);
  }
  const auto& engine() const { return engine_.model; }

 private:
  Engine engine_;
  std::vector<float> popularity_;
  ItemScores scores_;
};

template <class Engine, class Model>
Result<std::unique_ptr<FittedModel>> load(Source& in) {
  std::vector<float> popularity;
  VITRINE_TRY(in.array(popularity));
  VITRINE_TRY(auto model, Model::load(in));
  Engine engine{std::move(model)};
  if (popularity.size() != engine.items() || popularity.empty()) {
    return corrupt_model("tables that do not fit each other");
  }
  if (!all_finite(popularity) || !engine.finite()) {
    return corrupt_model("a number that is none");
  }
  return VectorModel<Engine>::make(std::move(engine), popularity, ItemScores::kDenseFloats);
}

template <class Engine>
auto engine_of(const FittedModel& model)
    -> decltype(&static_cast<const VectorModel<Engine>&>(model).engine()) {
  if (model.kind() != Engine::kKind) return nullptr;
  return &static_cast<const VectorModel<Engine>&>(model).engine();
}

}  // namespace

Result<std::unique_ptr<FittedModel>> make_ials(factor::Ials model,
                                               std::span<const float> popularity,
                                               std::uint64_t dense_most) {
  return VectorModel<IalsEngine>::make({std::move(model)}, popularity, dense_most);
}
Result<std::unique_ptr<FittedModel>> make_session(session::SessionModel model,
                                                  std::span<const float> popularity,
                                                  std::uint64_t dense_most) {
  return VectorModel<SessionEngine>::make({std::move(model)}, popularity, dense_most);
}
Result<std::unique_ptr<FittedModel>> make_embedding(embed::Embedding model,
                                                    std::span<const float> popularity,
                                                    std::uint64_t dense_most) {
  return VectorModel<EmbeddingEngine>::make({std::move(model)}, popularity, dense_most);
}
const factor::Ials* ials_of(const FittedModel& model) { return engine_of<IalsEngine>(model); }
const session::SessionModel* session_of(const FittedModel& model) {
  return engine_of<SessionEngine>(model);
}
Result<std::unique_ptr<FittedModel>> load_ials(Source& in) {
  return load<IalsEngine, factor::Ials>(in);
}
Result<std::unique_ptr<FittedModel>> load_session(Source& in) {
  return load<SessionEngine, session::SessionModel>(in);
}
Result<std::unique_ptr<FittedModel>> load_embedding(Source& in) {
  return load<EmbeddingEngine, embed::Embedding>(in);
}

}  // namespace vitrine::learn
