#include "service/learn/model_store.h"

#include "domain/model/registry.h"

namespace vitrine::learn {
namespace {

constexpr std::uint32_t kMagic = 0x4D525456u;  // "VTRM"
constexpr std::uint32_t kVersion = 1;

Error corrupt(std::string_view what) {
  return {ErrorCode::kCorrupt, "a model's file: " + std::string(what)};
}

Error not_found(std::string_view model_id) {
  return Error(ErrorCode::kNotFound,
               "there is no model '" + std::string(model_id.substr(0, model::kModelIdBytesMax)) +
                   "'; GET /v1/models or `vitrine models list` has those there are")
      .with_reason("model_not_found");
}

}  // namespace

std::string encode_model(std::span<const std::string> items, const FittedModel& model) {
  StringSink out;
  out.value(kMagic);
  out.value(kVersion);
  out.value<std::uint64_t>(items.size());
  for (const std::string& item : items) out.string(item);
  model.save(out);
  return out.bytes();
}

Result<StoredModel> decode_model(std::string_view bytes) {
  StringSource in(bytes);
  std::uint32_t magic = 0, version = 0;
  std::uint64_t count = 0;
  VITRINE_TRY(in.value(magic));
  VITRINE_TRY(in.value(version));
  VITRINE_TRY(in.value(count));
  if (magic != kMagic) return corrupt("it is none");
  if (version > kVersion) {
    return Error(ErrorCode::kUnsupported, "a model's file of version " + std::to_string(version) +
                                              "; this build reads up to " +
                                              std::to_string(kVersion));
  }
  if (count > in.remaining() / 8) return corrupt("more items than it has room for");
  StoredModel out;
  out.items.resize(count);
  for (std::string& item : out.items) VITRINE_TRY(in.string(item));
  VITRINE_TRY(out.model, load_fitted(in));
  if (out.model->items() != count) return corrupt("another number of items than its model");
  if (in.remaining() > 0) return corrupt(std::to_string(in.remaining()) + " bytes too many");
  return out;
}

Status ModelStore::put(model::Manifest& manifest, const std::string& model_bytes) {
  VITRINE_TRY(model::validate_model_id(manifest.id));
  const std::string manifest_key =
      model::model_key(manifest.tenant, manifest.id, model::kManifestFile);
  VITRINE_TRY(const bool exists, store_.exists(manifest_key));
  if (exists) {
    return Error(ErrorCode::kConflict, "model " + manifest.id + " is there already");
  }
  const std::string key = model::model_key(manifest.tenant, manifest.id, model::kModelFile);
  VITRINE_TRY(const auto put, store_.put(key, model_bytes));
  if (put == blob::Put::kExisted) {
    VITRINE_TRY(store_.remove(key));
    VITRINE_TRY(const auto again, store_.put(key, model_bytes));
    if (again == blob::Put::kExisted) {
      return Error(ErrorCode::kConflict, "model " + manifest.id + " is being put by somebody else");
    }
  }
  manifest.files = {{std::string(model::kModelFile), model_bytes.size(), hash128(model_bytes)}};
  VITRINE_TRY(const auto named, store_.put(manifest_key, model::print_manifest(manifest)));
  if (named == blob::Put::kStored) return ok_status();
  return Error(ErrorCode::kConflict, "model " + manifest.id + " was put by somebody else");
}

Result<model::Manifest> ModelStore::manifest(TenantId tenant, std::string_view model_id) {
  if (!model::validate_model_id(model_id).ok()) return not_found(model_id);
  const std::string key = model::model_key(tenant, model_id, model::kManifestFile);
  auto text = store_.get(key, model::kManifestBytesMax);
  if (!text.ok() && text.error().code() == ErrorCode::kNotFound) return not_found(model_id);
  if (!text.ok()) return std::move(text).error();
  auto manifest = model::parse_manifest(*text);
  if (!manifest.ok()) return std::move(manifest).error().context(key);
  if (manifest->id != model_id || manifest->tenant != tenant) {
    return Error(ErrorCode::kCorrupt, key + ": is another model's manifest");
  }
  return manifest;
}

Result<std::vector<model::Manifest>> ModelStore::list(TenantId tenant,
                                                      std::vector<std::string>* problems) {
  const std::string prefix = model::models_prefix(tenant);
  VITRINE_TRY(const auto objects, store_.list(prefix));
  std::vector<model::Manifest> out;
  for (const blob::ObjectInfo& object : objects) {
    const std::string_view rest = std::string_view(object.key).substr(prefix.size());
    const std::size_t slash = rest.find('/');
    if (slash == std::string_view::npos || rest.substr(slash + 1) != model::kManifestFile) continue;
    auto one = manifest(tenant, rest.substr(0, slash));
    if (one.ok()) {
      out.push_back(std::move(*one));
    } else if (problems != nullptr) {
      problems->push_back(one.error().to_string());
    }
  }
  return out;
}

Result<StoredModel> ModelStore::load(const model::Manifest& manifest) {
  const std::string key = model::model_key(manifest.tenant, manifest.id, model::kModelFile);
  const model::File* file = nullptr;
  for (const model::File& one : manifest.files) {
    if (one.name == model::kModelFile) file = &one;
  }
  if (file == nullptr)
    return Error(ErrorCode::kCorrupt,
                 manifest.id + ": its manifest names no " + std::string(model::kModelFile));
  VITRINE_TRY(const std::string bytes, store_.get(key, std::min(file->bytes + 1, kModelBytesMax)));
  if (bytes.size() != file->bytes || hash128(bytes) != file->hash) {
    return Error(ErrorCode::kCorrupt,
                 key + ": is not what its manifest says: " + std::to_string(bytes.size()) +
                     " bytes of " + std::to_string(file->bytes) + ", or another checksum");
  }
  auto model = decode_model(bytes);
  if (!model.ok()) return std::move(model).error().context(key);
  return model;
}

Status ModelStore::remove(TenantId tenant, std::string_view model_id) {
  VITRINE_TRY(model::validate_model_id(model_id));
  VITRINE_TRY(store_.remove(model::model_key(tenant, model_id, model::kManifestFile)));
  return store_.remove(model::model_key(tenant, model_id, model::kModelFile));
}

}  // namespace vitrine::learn
