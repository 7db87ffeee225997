// Trained models in an object store, by tenant (domain/model/manifest.h has the layout).
//
// A model is there when its manifest is; its bytes are put before. Thread-safe.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "base/result.h"
#include "domain/model/manifest.h"
#include "engine/blob/object_store.h"
#include "service/learn/fitted_model.h"

namespace vitrine::learn {

// The file model.bin: ids of the items, and the model over their numbers.
struct StoredModel {
  std::vector<std::string> items;
  std::unique_ptr<FittedModel> model;
};
std::string encode_model(std::span<const std::string> items, const FittedModel& model);
// kCorrupt, kUnsupported for a later version.
Result<StoredModel> decode_model(std::string_view bytes);

inline constexpr std::uint64_t kModelBytesMax = std::uint64_t{64} << 30;

class ModelStore {
 public:
  // `store` outlives it.
  explicit ModelStore(blob::ObjectStore& store) : store_(store) {}

  // Fills manifest.files and puts the model. Of an interrupted run that left bytes behind they are
  // replaced. kConflict where a model of that id is there.
  Status put(model::Manifest& manifest, const std::string& model_bytes);
  // kNotFound "model_not_found" with the tenant's number of models in the message.
  Result<model::Manifest> manifest(TenantId tenant, std::string_view model_id);
  // By id; what can't be read is left out and named in `problems`, where given.
  Result<std::vector<model::Manifest>> list(TenantId tenant,
                                            std::vector<std::string>* problems = nullptr);
  // kCorrupt where bytes are not what the manifest says.
  Result<StoredModel> load(const model::Manifest& manifest);
  // The manifest goes first. Fine where it is gone already.
  Status remove(TenantId tenant, std::string_view model_id);

 private:
  blob::ObjectStore& store_;
};

}  // namespace vitrine::learn
