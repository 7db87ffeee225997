// The numbers of a session model and where each part of them lies.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

namespace vitrine::session {

struct Shape {
  std::uint32_t items = 0;
  std::uint32_t width = 64;   // of a vector; a multiple of 16
  std::uint32_t inner = 256;  // of the feed-forward part; a multiple of 32
  std::uint32_t layers = 2;
  std::uint32_t length = 50;  // of the history that counts

  friend bool operator==(const Shape&, const Shape&) = default;
};

// Offsets into one array of floats; all matrices row after row.
struct Layout {
  struct Layer {
    std::size_t filter;               // length x width: by lag
    std::size_t mix_gain, mix_shift;  // of the normalisation after mixing, width each
    std::size_t in, in_shift;         // width x inner, inner
    std::size_t out, out_shift;       // inner x width, width
    std::size_t gain, shift;          // of the last normalisation
  };
  explicit Layout(const Shape& shape) {
    const auto take = [this](std::size_t floats) {
      const std::size_t at = size;
      size += floats;
      return at;
    };
    const std::size_t d = shape.width;
    table = take(std::size_t{shape.items} * d);
    gain = take(d);
    shift = take(d);
    for (std::uint32_t l = 0; l < shape.layers; ++l) {
      Layer one{};
      one.filter = take(shape.length * d);
      one.mix_gain = take(d);
      one.mix_shift = take(d);
      one.in = take(d * shape.inner);
      one.in_shift = take(shape.inner);
      one.out = take(shape.inner * d);
      one.out_shift = take(d);
      one.gain = take(d);
      one.shift = take(d);
      layers.push_back(one);
    }
  }
  std::size_t size = 0;
  std::size_t table = 0;  // items x width: what goes in, and what is scored
  std::size_t gain = 0, shift = 0;
  std::vector<Layer> layers;
};

}  // namespace vitrine::session
