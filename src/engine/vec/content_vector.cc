#include "engine/vec/content_vector.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <string>

#include "base/hash.h"
#include "engine/vec/lists.h"
#include "engine/vec/random.h"

namespace vitrine::vec {
namespace {

constexpr std::size_t kPlaces = std::size_t{1} << 18;
constexpr float kPieceWeight = 0.35F;
constexpr float kWholeWeight = 1.5F;
constexpr std::size_t kPiece = 3;
constexpr std::size_t kFieldBytesMax = 4096;  // of longer texts the beginning is used

// 1 where a bit of the byte is set, else -1, lowest bit first: eight signs at once.
constexpr std::array<std::array<float, 8>, 256> make_signs() {
  std::array<std::array<float, 8>, 256> signs{};
  for (std::size_t byte = 0; byte < signs.size(); ++byte)
    for (std::size_t bit = 0; bit < 8; ++bit)
      signs[byte][bit] = (byte >> bit & 1) != 0 ? 1.0F : -1.0F;
  return signs;
}
constexpr auto kSigns = make_signs();

struct Feature {
  std::uint64_t hash;
  float weight;
};

// Letters, digits and every byte of a character beyond ASCII.
bool in_word(unsigned char c) {
  return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || c >= 0x80;
}

// The hash depends on kind and field, so that equal texts elsewhere are other features.
std::uint64_t feature(char kind, std::string_view field, std::string_view text,
                      std::string& space) {
  space.assign(1, kind);
  space.append(field);
  space.push_back('\0');
  space.append(text);
  return hash64(space);
}

void add_word(std::string_view name, std::string_view word, float weight, std::string& space,
              std::vector<Feature>& out) {
  out.push_back({feature('w', name, word, space), weight});
  if (word.size() <= kPiece) return;
  // Together the pieces weigh as much as one whole word of kPieceWeight.
  const std::size_t pieces = word.size() - kPiece + 1;
  const float each = weight * kPieceWeight / std::sqrt(static_cast<float>(pieces));
  for (std::size_t i = 0; i < pieces; ++i)
    out.push_back({feature('p', name, word.substr(i, kPiece), space), each});
}

std::vector<Feature> features_of(std::span<const ContentField> fields) {
  std::vector<Feature> out;
  std::string lower;
  std::string space;
  for (const ContentField& field : fields) {
    lower.assign(field.text.substr(0, kFieldBytesMax));
    for (char& c : lower)
      if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
    if (field.whole && !lower.empty())
      out.push_back({feature('v', field.name, lower, space), field.weight * kWholeWeight});
    for (std::size_t at = 0; at < lower.size();) {
      std::size_t end = at;
      while (end < lower.size() && in_word(static_cast<unsigned char>(lower[end]))) ++end;
      if (end > at)
        add_word(field.name, std::string_view(lower).substr(at, end - at), field.weight, space,
                 out);
      at = end + 1;
    }
  }
  // Equal features together; the order of words must not change a bit of the result.
  std::sort(out.begin(), out.end(), [](const Feature& a, const Feature& b) {
    return a.hash != b.hash ? a.hash < b.hash : a.weight < b.weight;
  });
  std::size_t kept = 0;
  for (std::size_t i = 0; i < out.size();) {
    std::size_t end = i;
    float most = 0;
    while (end < out.size() && out[end].hash == out[i].hash)
      most = std::max(most, out[end++].weight);
    const auto times = static_cast<float>(end - i);
    out[kept++] = {out[i].hash, most * (1 + std::log(times))};
    i = end;
  }
  out.resize(kept);
  return out;
}

}  // namespace

ContentCounts::ContentCounts() : counts_(kPlaces) {}

void ContentCounts::add(std::span<const ContentField> fields) {
  seen_.clear();
  for (const Feature& feature : features_of(fields)) seen_.push_back(feature.hash % kPlaces);
  std::sort(seen_.begin(), seen_.end());
  seen_.erase(std::unique(seen_.begin(), seen_.end()), seen_.end());
  for (const std::uint64_t place : seen_) ++counts_[place];
  ++items_;
}

float ContentCounts::weight(std::uint64_t feature) const {
  if (items_ == 0) return 1;
  const auto all = static_cast<double>(items_);
  const double with = std::min<double>(all, counts_[feature % kPlaces]);
  return static_cast<float>(std::log((all + 1) / (with + 0.5)) / std::log((all + 1) / 0.5));
}

void ContentVectors::make(std::span<const ContentField> fields, float* out) const {
  std::fill_n(out, dim_, 0.0F);
  for (const Feature& feature : features_of(fields)) {
    const float weight = feature.weight * (counts_ == nullptr ? 1 : counts_->weight(feature.hash));
    Random signs(feature.hash);
    for (std::uint32_t d = 0; d < dim_; d += 64) {
      std::uint64_t bits = signs.next();
      std::uint32_t i = d;
      const std::uint32_t end = std::min(dim_, d + 64);
      for (; i + 8 <= end; i += 8, bits >>= 8) {
        const std::array<float, 8>& eight = kSigns[bits & 0xFF];
        for (std::uint32_t j = 0; j < 8; ++j) out[i + j] += weight * eight[j];
      }
      for (; i < end; ++i, bits >>= 1) out[i] += (bits & 1) != 0 ? weight : -weight;
    }
  }
  normalize(out, dim_, out);
}

}  // namespace vitrine::vec
