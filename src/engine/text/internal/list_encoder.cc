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
    if (used_ < 32) return;
    append(out_, static_cast<std::uint32_t>(word_));
    word_ >>= 32;
    used_ -= 32;
  }
  // Bits of the last byte that are taken, 0 to 7.
  std::uint32_t used() const { return used_ % 8; }
  // Pads to a byte: until then not all may be in `out`.
  void finish() {
    out_.append(reinterpret_cast<const char*>(&word_), (used_ + 7) / 8);
    word_ = 0;
    used_ = 0;
  }

 private:
  std::string& out_;
  std::uint64_t word_ = 0;
  std::uint32_t used_ = 0;
};

// Writes `n` values that don't fall, the largest at most `most`: see list_format.h.
template <class Value>
void write_run(BitPacker& packer, std::uint32_t n, std::uint32_t most, Value value) {
  const std::uint32_t low = low_bits(most, n);
  const std::uint32_t mask = (1u << low) - 1;
  for (std::uint32_t i = 0; i < n; ++i) packer.put(value(i) & mask, low);
  std::uint32_t before = 0;
  for (std::uint32_t i = 0; i < n; ++i) {
    std::uint32_t zeros = (value(i) >> low) - before;
    before += zeros;
    for (; zeros > 31; zeros -= 31) packer.put(0, 31);
    packer.put(1u << zeros, zeros + 1);
  }
}

// Width of codes that makes them and their exceptions smallest. An exception costs about
// `each` bits.
std::uint32_t best_width(std::span<const RawPosting> postings, std::uint64_t each,
                         std::uint32_t& exceptions) {
  std::array<std::uint64_t, 17> at_least{};  // postings with combination >= i
  std::uint32_t highest = 0;
  for (const RawPosting& p : postings) {
    ++at_least[std::min(p.combination, 16u)];
    highest = std::max(highest, p.combination);
  }
  for (int i = 15; i >= 0; --i) at_least[i] += at_least[i + 1];
  std::uint64_t least = ~0ull;
  std::uint32_t width = 0;
  for (std::uint32_t bits = 0; bits <= kCodeBitsMax; ++bits) {
    const std::uint32_t last = (1u << bits) - 1;
    const std::uint64_t beyond = highest > last ? at_least[last] : 0;
    const std::uint64_t cost = bits * postings.size() + each * beyond;
    if (cost >= least) continue;
    least = cost;
    width = bits;
    exceptions = static_cast<std::uint32_t>(beyond);
  }
  return width;
}

// Documents near each other: bytes for their distances.
void encode_varints(std::span<const RawPosting> postings, std::string& out) {
  ByteWriter w(out);
  std::uint32_t next = 0;
  for (const RawPosting& p : postings) {
    w.varint(std::uint64_t{p.document - next} << 1 | (p.combination != 0 ? 1 : 0));
    if (p.combination != 0) w.varint(p.combination);
    next = p.document + 1;
  }
}

void encode_bits(std::span<const RawPosting> postings, std::uint32_t documents, std::string& out) {
  const auto n = static_cast<std::uint32_t>(postings.size());
  const bool codes = std::any_of(postings.begin(), postings.end(),
                                 [](const RawPosting& p) { return p.combination != 0; });
  BitPacker packer(out);
  packer.put(codes ? 1 : 0, 1);
  write_run(packer, n, documents - n, [&](std::uint32_t i) { return postings[i].document - i; });
  std::uint32_t exceptions = 0;
  if (codes) {
    const std::uint32_t width = best_width(postings, 8, exceptions);
    const std::uint32_t last = (1u << width) - 1;
    packer.put(width, 3);
    packer.put(exceptions > 0 ? 1 : 0, 1);
    for (const RawPosting& p : postings) packer.put(std::min(p.combination, last), width);
    if (exceptions > 0) {
      packer.finish();
      ByteWriter w(out);
      for (const RawPosting& p : postings)
        if (p.combination >= last) w.varint(p.combination - last);
    }
  }
  // The mark of this form: the last bit.
  const std::uint32_t used = packer.used();
  if (exceptions == 0 && used > 0) packer.put(1u << (7 - used), 8 - used);
  packer.finish();
  if (exceptions > 0 || used == 0) out.push_back(static_cast<char>(0x80));
}

void encode_tiny(std::span<const RawPosting> postings, std::uint32_t documents, std::string& out) {
  const std::size_t before = out.size();
  encode_varints(postings, out);
  if (postings.size() == 1) return;
  std::string bits;
  encode_bits(postings, documents, bits);
  if (bits.size() > out.size() - before) return;
  out.resize(before);
  out += bits;
}

std::uint8_t maximum_byte(float saturation, float highest) {
  const float m = std::ceil(saturation * 255.0f / highest * (1.0f + 1e-6f));
  return static_cast<std::uint8_t>(std::clamp(m, 1.0f, 255.0f));
}

}  // namespace

void ListEncoder::choose_code_bits() {
  header_.code_bits = static_cast<std::uint8_t>(best_width(postings_, 32, header_.exceptions));
}

// 15 levels that maxima are rounded up to: of all there are, neighbours that cost least to put
// together are put together until they fit.
void ListEncoder::choose_levels(const std::string& maxima, std::uint8_t level[16]) {
  std::array<std::uint64_t, 256> counts{};
  for (const char m : maxima) ++counts[static_cast<std::uint8_t>(m)];
  struct Bin {
    std::uint32_t top;
    std::uint64_t count;
  };
  std::vector<Bin> bins;
  for (std::uint32_t v = 1; v < 256; ++v)
    if (counts[v] > 0) bins.push_back({v, counts[v]});
  while (bins.size() > 15) {
    std::size_t best = 0;
    std::uint64_t least = ~0ull;
    for (std::size_t i = 0; i + 1 < bins.size(); ++i) {
      const std::uint64_t cost = bins[i].count * (bins[i + 1].top - bins[i].top);
      if (cost >= least) continue;
      least = cost;
      best = i;
    }
    bins[best + 1].count += bins[best].count;
    bins.erase(bins.begin() + static_cast<std::ptrdiff_t>(best));
  }
  std::fill(level, level + 16, std::uint8_t{0});
  for (std::size_t i = 0; i < bins.size(); ++i)
    level[i + 1] = static_cast<std::uint8_t>(bins[i].top);
}

void ListEncoder::choose_best() {
  order_.clear();
  const auto before = [&](std::uint32_t a, std::uint32_t b) {
    if (saturation_[a] != saturation_[b]) return saturation_[a] > saturation_[b];
    const std::uint32_t da = postings_[a].document, db = postings_[b].document;
    return ids_ ? ids_[da] < ids_[db] : da < db;
  };
  const std::uint32_t count = best_of(static_cast<std::uint32_t>(postings_.size()));
  // Only postings at or above the last place can be in it.
  const float least = sorted_[count - 1];
  for (std::uint32_t i = 0; i < postings_.size(); ++i)
    if (saturation_[i] >= least) order_.push_back(i);
  std::partial_sort(order_.begin(), order_.begin() + count, order_.end(), before);
  order_.resize(count);
  std::uint32_t all = 0;
  for (const std::uint32_t i : order_) all |= postings_[i].combination;
  header_.flags |= kHasBest;
  header_.best_bits = static_cast<std::uint8_t>(std::bit_width(all));
}

void ListEncoder::write_best(std::string& out) {
  if (order_.empty()) return;
  const auto width = static_cast<std::uint32_t>(std::bit_width(scoring_.documents - 1));
  BitPacker packer(out);
  for (const std::uint32_t i : order_) {
    packer.put(postings_[i].document, width);
    packer.put(postings_[i].combination, header_.best_bits);
  }
  packer.finish();
}

void ListEncoder::write_head(std::string& out) {
  ByteWriter w(out);
  w.u8(header_.flags);
  w.u8(static_cast<std::uint8_t>(header_.code_bits | header_.best_bits << 3));
  for (const float kth : header_.kth) {
    // Rounded down, with room for the rounding of its product with the highest.
    const double share = double{kth} / double{header_.highest} * 65535.0 * (1.0 - 1e-6);
    append(out, static_cast<std::uint16_t>(share));
  }
  append(out, header_.highest);
  if (header_.exceptions > 0) {
    w.u32(header_.exceptions);
    w.u8(static_cast<std::uint8_t>(scoring_.fields));
    for (std::uint32_t f = 0; f < scoring_.fields; ++f) w.u8(header_.exception_bound[f]);
  }
  if ((header_.flags & kWindowed) == 0) return;
  w.u32(header_.first_window);
  w.u32(header_.windows);
}

void ListEncoder::choose_rows() {
  if (header_.exceptions == 0) return;
  const std::uint32_t last = (1u << header_.code_bits) - 1;
  const std::uint32_t chunks = (scoring_.documents + 65535) >> 16;
  header_.flags |= kHasExceptions;
  if (2 * header_.exceptions > 4 * (chunks + 1)) header_.flags |= kExceptionChunks;
  for (const RawPosting& p : postings_) {
    if (p.combination > 255) header_.flags |= kWideExceptions;
    if (p.combination < last) continue;
    const Frequencies tf = scoring_.frequencies(p.combination);
    for (std::size_t f = 0; f < kFieldsMax; ++f)
      header_.exception_bound[f] = std::max(header_.exception_bound[f], tf[f]);
  }
}

void ListEncoder::write_exceptions(std::string& out) {
  if (header_.exceptions == 0) return;
  const std::uint32_t last = (1u << header_.code_bits) - 1;
  const std::uint32_t chunks = (scoring_.documents + 65535) >> 16;
  const bool chunked = (header_.flags & kExceptionChunks) != 0;
  std::vector<std::uint32_t> starts(chunks + 1, 0);
  std::string rows;
  for (const RawPosting& p : postings_) {
    if (p.combination < last) continue;
    ++starts[(p.document >> 16) + 1];
    if (chunked)
      append(rows, static_cast<std::uint16_t>(p.document));
    else
      append(rows, p.document);
    if ((header_.flags & kWideExceptions) != 0)
      append(rows, static_cast<std::uint16_t>(p.combination));
    else
      append(rows, static_cast<std::uint8_t>(p.combination));
  }
  for (std::uint32_t c = 1; c <= chunks; ++c) starts[c] += starts[c - 1];
  if (chunked)
    for (const std::uint32_t s : starts) append(out, s);
  out += rows;
}

void ListEncoder::write_packed(std::string& out) {
  const auto n = static_cast<std::uint32_t>(postings_.size());
  const std::uint32_t last_code = (1u << header_.code_bits) - 1;
  for (std::uint32_t at = 0; at < n; at += kBlock)
    append(out, postings_[std::min(n, at + kBlock) - 1].document);
  BitPacker packer(out);
  std::uint32_t start = 0;
  for (std::uint32_t at = 0; at < n; at += kBlock) {
    const std::uint32_t count = std::min(n - at, kBlock);
    const std::uint32_t last = postings_[at + count - 1].document;
    for (std::uint32_t i = at; i < at + count; ++i)
      packer.put(std::min(postings_[i].combination, last_code), header_.code_bits);
    write_run(packer, count, last - start - (count - 1),
              [&](std::uint32_t i) { return postings_[at + i].document - start - i; });
    packer.finish();
    start = last + 1;
  }
}

// Where each window's postings end, and its maximum.
void ListEncoder::cut_windows() {
  const std::uint32_t rounded = round_up(header_.windows, 64);
  maxima_.assign(rounded, '\0');
  counts_.assign(rounded, '\0');
  std::size_t i = 0;
  std::uint32_t most = 0;
  for (std::uint32_t w = 0; w < header_.windows; ++w) {
    const std::size_t begin = i;
    float highest = 0;
    for (; i < postings_.size() && postings_[i].document >> kWindowBits == header_.first_window + w;
         ++i)
      highest = std::max(highest, saturation_[i]);
    if (i == begin) continue;
    counts_[w] = static_cast<char>(i - begin);
    maxima_[w] = static_cast<char>(maximum_byte(highest, header_.highest));
    most = std::max(most, static_cast<std::uint32_t>(i - begin));
  }
  if (most <= 15) header_.flags |= kNibbleCounts;
  if (postings_.size() <= std::size_t{header_.windows} * kNibbleMaximaUpTo)
    header_.flags |= kNibbleMaxima;
}

void ListEncoder::write_window(std::span<const RawPosting> postings, std::string& out) const {
  const std::uint32_t last_code = (1u << header_.code_bits) - 1;
  BitPacker packer(out);
  if (postings.size() <= kBitmapAbove) {
    char offsets[kBitmapAbove];
    for (std::size_t i = 0; i < postings.size(); ++i)
      offsets[i] = static_cast<char>(postings[i].document & (kWindow - 1));
    out.append(offsets, postings.size());
    for (const RawPosting& p : postings)
      packer.put(std::min(p.combination, last_code), header_.code_bits);
  } else {
    std::uint64_t bits[2] = {0, 0};
    for (const RawPosting& p : postings) {
      const std::uint32_t at = p.document & (kWindow - 1);
      bits[at >> 6] |= 1ull << (at & 63);
    }
    append(out, bits);
    for (std::uint32_t plane = 0; plane < header_.code_bits; ++plane)
      for (const RawPosting& p : postings)
        packer.put(std::min(p.combination, last_code) >> plane & 1, 1);
  }
  packer.finish();
}

void ListEncoder::write_windowed(std::string& out) {
  const std::uint32_t rounded = round_up(header_.windows, 64);
  const auto put_nibbles = [&out](const std::string& values) {
    for (std::size_t i = 0; i < values.size(); i += 2)
      out.push_back(static_cast<char>(values[i] | values[i + 1] << 4));
  };
  if ((header_.flags & kNibbleMaxima) != 0) {
    std::uint8_t level[16];
    choose_levels(maxima_, level);
    out.append(reinterpret_cast<const char*>(level), 16);
    // The levels' numbers, then the maxima they stand for.
    std::string numbers = maxima_;
    for (std::size_t w = 0; w < numbers.size(); ++w) {
      const auto m = static_cast<std::uint8_t>(numbers[w]);
      std::uint32_t n = 0;
      while (level[n] < m) ++n;
      numbers[w] = static_cast<char>(n);
      maxima_[w] = static_cast<char>(level[n]);
    }
    put_nibbles(numbers);
  } else {
    out += maxima_;
  }
  for (std::uint32_t s = 0; s < rounded; s += kSuper) {
    std::uint8_t most = 0;
    for (std::uint32_t w = s; w < s + kSuper; ++w)
      most = std::max(most, static_cast<std::uint8_t>(maxima_[w]));
    out.push_back(static_cast<char>(most));
  }
  if ((header_.flags & kNibbleCounts) != 0)
    put_nibbles(counts_);
  else
    out += counts_;
  std::string payload;
  std::size_t i = 0;
  for (std::uint32_t w = 0; w < header_.windows; ++w) {
    if (w % kGroup == 0) append(out, static_cast<std::uint32_t>(payload.size()));
    const auto n = static_cast<std::uint8_t>(counts_[w]);
    if (n > 0) write_window(postings_.subspan(i, n), payload);
    i += n;
  }
  out += payload;
}

// Windowed from a density on where that does not cost too many bytes: it is faster by far.
bool ListEncoder::windowed_pays() const {
  const std::uint32_t first = postings_.front().document >> kWindowBits;
  const std::uint32_t windows = (postings_.back().document >> kWindowBits) - first + 1;
  return windows * kWindowedFrom <= postings_.size() * 100;
}

// The `most` highest saturations in falling order, at the front of sorted_. Numbers between 0 and 1
// rise with their leading bits: counting those tells which postings can be among them.
void ListEncoder::find_highest(std::size_t most) {
  constexpr std::uint32_t kShift = 17, kBuckets = (0x3F800000u >> kShift) + 1;
  const auto bucket = [](float v) {
    return std::min(std::bit_cast<std::uint32_t>(v) >> kShift, kBuckets - 1);
  };
  std::array<std::uint32_t, kBuckets> counts{};
  for (const float v : saturation_) ++counts[bucket(v)];
  std::uint32_t least = kBuckets;
  for (std::size_t above = 0; above < most;) above += counts[--least];
  sorted_.clear();
  for (const float v : saturation_)
    if (bucket(v) >= least) sorted_.push_back(v);
  const auto end = sorted_.begin() + static_cast<std::ptrdiff_t>(most);
  std::nth_element(sorted_.begin(), end - 1, sorted_.end(), std::greater<>());
  std::sort(sorted_.begin(), end, std::greater<>());
}

void ListEncoder::choose_scores() {
  saturation_.resize(postings_.size());
  for (std::size_t i = 0; i < postings_.size(); ++i)
    saturation_[i] = scoring_.saturation(postings_[i].document, postings_[i].combination);
  const std::size_t most = std::min<std::size_t>(saturation_.size(), kKthLevels[2]);
  find_highest(most);
  header_.highest = sorted_[0];
  for (int level = 0; level < 3; ++level)
    header_.kth[level] =
        postings_.size() >= kKthLevels[level] ? sorted_[kKthLevels[level] - 1] : 0.0f;
}

void ListEncoder::encode(std::span<const RawPosting> postings, std::string& out) {
  if (postings.size() <= kTinyMax) return encode_tiny(postings, scoring_.documents, out);
  postings_ = postings;
  header_ = {};
  choose_code_bits();
  choose_scores();
  choose_best();
  choose_rows();
  const bool windowed = windowed_pays();
  if (windowed) {
    header_.flags |= kWindowed;
    header_.first_window = (postings.front().document >> kWindowBits) / kSuper * kSuper;
    header_.windows = (postings.back().document >> kWindowBits) - header_.first_window + 1;
    cut_windows();
  }
  write_head(out);
  write_best(out);
  write_exceptions(out);
  windowed ? write_windowed(out) : write_packed(out);
}

}  // namespace vitrine::text::internal
