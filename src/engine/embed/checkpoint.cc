// What a training of an embedding goes on from: in a file, or wherever its hooks put it.
#include "base/bytes.h"
#include "engine/embed/trainer.h"
#include "platform/io/checked_file.h"

namespace vitrine::embed {
namespace {

constexpr std::string_view kCheckpointName = "embedding checkpoint";

}  // namespace

// Of everything that changes the result, except how long it goes on.
std::uint64_t EmbeddingTrainer::fingerprint() const {
  std::string text;
  ByteWriter writer(text);
  writer.fixed(model_.options_.dimensions);
  writer.fixed(model_.options_.smoothness);
  writer.fixed(model_.options_.degree_power);
  writer.fixed(model_.options_.sharpness);
  writer.fixed(model_.options_.rounds);
  writer.u64(model_.options_.seed);
  writer.u32(options_.batch);
  writer.u32(options_.negatives);
  writer.fixed(options_.known);
  writer.fixed(options_.rate);
  writer.fixed(options_.hop);
  writer.u32(options_.validate_every);
  writer.u32(data_.users());
  writer.u32(data_.items());
  writer.u64(data_.size());
  std::uint64_t sum = hash64(text);
  for (std::uint32_t u = 0; u < data_.users(); ++u) {
    const auto history = data_.items_of(u);
    sum = sum * 0x9E3779B97F4A7C15ull +
          hash64({reinterpret_cast<const char*>(history.data()), history.size_bytes()});
  }
  return sum;
}

Status EmbeddingTrainer::save_checkpoint() const {
  if (options_.checkpoint_path.empty()) return ok_status();
  io::CheckedFileOptions checked;
  checked.name = kCheckpointName;
  VITRINE_TRY(auto out,
              io::CheckedFileWriter::create(*options_.files, options_.checkpoint_path, checked));
  save_state(*out);
  return out->finish();
}

void EmbeddingTrainer::save_state(Sink& out) const {
  out.value(fingerprint());
  out.value(report_.epochs);
  out.value(report_.best_epoch);
  out.value(report_.best);
  out.value(steps_);
  out.value(stale_);
  out.array(std::span<const double>(report_.losses));
  out.array(std::span<const double>(report_.measures));
  using Table = std::vector<float>;
  for (const Table* table :
       std::initializer_list<const Table*>{&model_.in_, &model_.out_, &in_mean_, &in_square_,
                                           &out_mean_, &out_square_, &best_in_, &best_out_}) {
    out.array(std::span<const float>(*table));
  }
}

Status EmbeddingTrainer::load_checkpoint() {
  if (options_.checkpoint_path.empty()) return ok_status();
  VITRINE_TRY(const bool there, options_.files->exists(options_.checkpoint_path));
  if (!there) return ok_status();
  VITRINE_TRY(auto in, io::CheckedFileReader::open(*options_.files, options_.checkpoint_path,
                                                   kCheckpointName, 1));
  VITRINE_TRY(load_state(*in, options_.checkpoint_path));
  return in->expect_end();
}

Status EmbeddingTrainer::load_state(Source& in, const std::string& name) {
  std::uint64_t made_with = 0;
  VITRINE_TRY(in.value(made_with));
  if (made_with != fingerprint()) {
    return Error(ErrorCode::kInvalidArgument,
                 name + " was made with other options or other data; remove it to start again");
  }
  VITRINE_TRY(in.value(report_.epochs));
  VITRINE_TRY(in.value(report_.best_epoch));
  VITRINE_TRY(in.value(report_.best));
  VITRINE_TRY(in.value(steps_));
  VITRINE_TRY(in.value(stale_));
  VITRINE_TRY(in.array(report_.losses));
  VITRINE_TRY(in.array(report_.measures));
  const std::size_t size = model_.in_.size();
  for (auto* table : {&model_.in_, &model_.out_, &in_mean_, &in_square_, &out_mean_, &out_square_,
                      &best_in_, &best_out_}) {
    VITRINE_TRY(in.array(*table));
    // Without validation there is no best one.
    const bool best = table == &best_in_ || table == &best_out_;
    if (table->size() != size && !(best && table->empty())) {
      return Error(ErrorCode::kCorrupt, name + ": a table has another number of values");
    }
  }
  return ok_status();
}

Status EmbeddingTrainer::remove_checkpoint() const {
  if (options_.checkpoint_path.empty()) return ok_status();
  VITRINE_TRY(const bool there, options_.files->exists(options_.checkpoint_path));
  return there ? options_.files->remove(options_.checkpoint_path) : ok_status();
}

}  // namespace vitrine::embed
