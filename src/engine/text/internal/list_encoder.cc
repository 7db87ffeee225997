#include "engine/text/internal/list_encoder.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <cstring>

#include "base/bytes.h"

namespace vitrine::text::internal {
namespace {

template <class T>
void append(std::string& out, const T& value) {
  out.append(reinterpret_cast<const char*>(&value), sizeof(T));
}

// Packs values of `width` bits (0 to 32), low bits first, and pads to a byte.
class BitPacker {
 public:
  explicit BitPacker(std::string& out) : out_(out) {}
  void put(std::uint32_t value, std::uint32_t width) {
    word_ |= std::uint64_t{value} << used_;
    used_ += width;
    while (used_ >= 8) {
      out_.push_back(static_cast<char>(word_));
      word_ >>= 8;
      used_ -= 8;
    }
  }
  void finish() {
    if (used_ > 0) out_.push_back(static_cast<char>(word_));
    word_ = 0;
    used_ = 0;
  }

 private:
  std::string& out_;
  std::uint64_t word_ = 0;
  std::uint32_t used_ = 0;
};

void encode_tiny(std::span<const RawPosting> postings, std::string& out) {
  ByteWriter w(out);
  std::uint32_t next = 0;
  for (const RawPosting& p : postings) {
    const std::uint64_t delta = p.document - next;
    w.varint(delta << 1 | (p.combination != 0 ? 1 : 0));
    if (p.combination != 0) w.varint(p.combination);
    next = p.document + 1;
  }
}

std::uint8_t maximum_byte(float saturation, float highest) {
  const float m = std::ceil(saturation * 255.0f / highest * (1.0f + 1e-6f));
  return static_cast<std::uint8_t>(std::clamp(m, 1.0f, 255.0f));
}

}  // namespace

void ListEncoder::choose_code_bits() {
  std::array<std::uint64_t, 17> at_least{};  // postings with combination >= i
  std::uint32_t highest = 0;
  for (const RawPosting& p : postings_) {
    ++at_least[std::min(p.combination, 16u)];
    highest = std::max(highest, p.combination);
  }
  for (int i = 15; i >= 0; --i) at_least[i] += at_least[i + 1];
  std::uint64_t best_bits = ~0ull;
  for (std::uint32_t bits = 0; bits <= kCodeBitsMax; ++bits) {
    const std::uint32_t last = (1u << bits) - 1;
    const std::uint64_t exceptions = highest > last ? at_least[last] : 0;
    const std::uint64_t cost = bits * postings_.size() + 32 * exceptions;
    if (cost >= best_bits) continue;
    best_bits = cost;
    header_.code_bits = static_cast<std::uint8_t>(bits);
    header_.exceptions = static_cast<std::uint32_t>(exceptions);
  }
}

void ListEncoder::write_best(std::string& out) {
  if (header_.best_count == 0) return;
  const auto before = [&](std::uint32_t a, std::uint32_t b) {
    if (saturation_[a] != saturation_[b]) return saturation_[a] > saturation_[b];
    const std::uint32_t da = postings_[a].document, db = postings_[b].document;
    return ids_ ? ids_[da] < ids_[db] : da < db;
  };
  // Only postings at or above the last place can be in it.
  const float least = sorted_[kBest - 1];
  order_.clear();
  for (std::uint32_t i = 0; i < postings_.size(); ++i)
    if (saturation_[i] >= least) order_.push_back(i);
  std::partial_sort(order_.begin(), order_.begin() + kBest, order_.end(), before);
  for (std::uint32_t i = 0; i < kBest; ++i) append(out, postings_[order_[i]]);
}

void ListEncoder::write_exceptions(std::string& out) {
  if (header_.exceptions == 0) return;
  const std::uint32_t last = (1u << header_.code_bits) - 1;
  const std::uint32_t chunks = (scoring_.documents + 65535) >> 16;
  std::vector<std::uint32_t> starts(chunks + 1, 0);
  std::string rows;
  for (const RawPosting& p : postings_) {
    if (p.combination < last) continue;
    ++starts[(p.document >> 16) + 1];
    append(rows, Exception{static_cast<std::uint16_t>(p.document),
                           static_cast<std::uint16_t>(p.combination)});
  }
  for (std::uint32_t c = 1; c <= chunks; ++c) starts[c] += starts[c - 1];
  for (const std::uint32_t s : starts) append(out, s);
  out += rows;
}

void ListEncoder::write_packed(std::string& out) {
  const auto n = static_cast<std::uint32_t>(postings_.size());
  std::string payload;
  BitPacker packer(payload);
  const std::uint32_t last_code = (1u << header_.code_bits) - 1;
  std::uint32_t next = 0;
  for (std::uint32_t at = 0; at < n; at += kBlock) {
    const std::uint32_t end = std::min(n, at + kBlock);
    std::uint32_t all = 0;
    for (std::uint32_t i = at, from = next; i < end; ++i) {
      all |= postings_[i].document - from;
      from = postings_[i].document + 1;
    }
    BlockEntry entry{};
    entry.last_document = postings_[end - 1].document;
    entry.offset = static_cast<std::uint32_t>(payload.size());
    entry.width = static_cast<std::uint8_t>(std::bit_width(all));
    append(out, entry);
    for (std::uint32_t i = at; i < end; ++i) {
      packer.put(postings_[i].document - next, entry.width);
      next = postings_[i].document + 1;
    }
    packer.finish();
    for (std::uint32_t i = at; i < end; ++i)
      packer.put(std::min(postings_[i].combination, last_code), header_.code_bits);
    packer.finish();
  }
  out += payload;
}

void ListEncoder::write_windowed(std::string& out) {
  const std::uint32_t windows = header_.windows;
  const std::uint32_t last_code = (1u << header_.code_bits) - 1;
  std::string maxima(round_up(windows, 64), '\0');
  std::string supers(round_up((windows + kSuper - 1) / kSuper, 4), '\0');
  std::string counts(round_up(windows, 64), '\0');
  std::vector<GroupEntry> groups((windows + kGroup - 1) / kGroup);
  std::string payload;
  BitPacker packer(payload);
  std::size_t i = 0;
  for (std::uint32_t w = 0; w < windows; ++w) {
    if (w % kGroup == 0)
      groups[w / kGroup] = {static_cast<std::uint32_t>(payload.size()),
                            static_cast<std::uint32_t>(i)};
    const std::size_t begin = i;
    float highest = 0;
    for (; i < postings_.size() && postings_[i].document >> kWindowBits == header_.first_window + w;
         ++i)
      highest = std::max(highest, saturation_[i]);
    const auto count = static_cast<std::uint32_t>(i - begin);
    if (count == 0) continue;
    const std::uint8_t m = maximum_byte(highest, header_.highest);
    maxima[w] = static_cast<char>(m);
    supers[w / kSuper] =
        static_cast<char>(std::max<std::uint8_t>(static_cast<std::uint8_t>(supers[w / kSuper]), m));
    counts[w] = static_cast<char>(count);
    if (count <= kBitmapAbove) {
      for (std::size_t p = begin; p < i; ++p)
        payload.push_back(static_cast<char>(postings_[p].document & (kWindow - 1)));
      for (std::size_t p = begin; p < i; ++p)
        packer.put(std::min(postings_[p].combination, last_code), header_.code_bits);
    } else {
      std::uint64_t bits[2] = {0, 0};
      for (std::size_t p = begin; p < i; ++p) {
        const std::uint32_t at = postings_[p].document & (kWindow - 1);
        bits[at >> 6] |= 1ull << (at & 63);
      }
      append(payload, bits);
      for (std::uint32_t plane = 0; plane < header_.code_bits; ++plane)
        for (std::size_t p = begin; p < i; ++p)
          packer.put(std::min(postings_[p].combination, last_code) >> plane & 1, 1);
    }
    packer.finish();
  }
  out += maxima;
  out += supers;
  out += counts;
  for (const GroupEntry& g : groups) append(out, g);
  out += payload;
}

// Windowed where that is about as small as packed: it is faster by far.
bool ListEncoder::windowed_pays() const {
  const std::uint32_t first = postings_.front().document >> kWindowBits;
  const std::uint32_t windows = (postings_.back().document >> kWindowBits) - first + 1;
  return windows <= postings_.size() * 5 / 4;
}

void ListEncoder::encode(std::span<const RawPosting> postings, std::string& out) {
  if (postings.size() <= kTinyMax) {
    encode_tiny(postings, out);
    return;
  }
  postings_ = postings;
  header_ = {};
  choose_code_bits();
  const std::uint32_t last_code = (1u << header_.code_bits) - 1;
  saturation_.resize(postings.size());
  for (std::size_t i = 0; i < postings.size(); ++i) {
    const RawPosting& p = postings[i];
    saturation_[i] = scoring_.saturation(p.document, p.combination);
    if (header_.exceptions == 0 || p.combination < last_code) continue;
    const Frequencies tf = scoring_.frequencies(p.combination);
    for (std::size_t f = 0; f < kFieldsMax; ++f)
      header_.exception_bound[f] = std::max(header_.exception_bound[f], tf[f]);
  }
  sorted_ = saturation_;
  const std::size_t most = std::min<std::size_t>(sorted_.size(), kKthLevels[2]);
  std::nth_element(sorted_.begin(), sorted_.begin() + (most - 1), sorted_.end(), std::greater<>());
  std::sort(sorted_.begin(), sorted_.begin() + most, std::greater<>());
  header_.highest = sorted_[0];
  for (int level = 0; level < 3; ++level)
    header_.kth[level] =
        postings.size() >= kKthLevels[level] ? sorted_[kKthLevels[level] - 1] : 0.0f;
  header_.best_count = postings.size() >= kBestMin ? kBest : 0;
  const bool windowed = windowed_pays();
  header_.codec = static_cast<std::uint8_t>(windowed ? Codec::kWindowed : Codec::kPacked);
  if (windowed) {
    header_.first_window = (postings.front().document >> kWindowBits) / kSuper * kSuper;
    header_.windows = (postings.back().document >> kWindowBits) - header_.first_window + 1;
  } else {
    header_.windows = static_cast<std::uint32_t>((postings.size() + kBlock - 1) / kBlock);
  }
  const std::size_t header_at = out.size();
  append(out, header_);
  write_best(out);
  write_exceptions(out);
  const std::size_t before = out.size();
  windowed ? write_windowed(out) : write_packed(out);
  header_.payload_bytes = static_cast<std::uint32_t>(out.size() - before);
  std::memcpy(out.data() + header_at, &header_, sizeof header_);
}

}  // namespace vitrine::text::internal
