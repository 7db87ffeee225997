// Writes the postings of one term in the form of list_format.h.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "engine/text/internal/list_format.h"
#include "engine/text/internal/norms.h"

namespace vitrine::text::internal {

struct RawPosting {
  std::uint32_t document;
  std::uint32_t combination;
};

// Keeps working memory between lists. Not thread-safe.
class ListEncoder {
 public:
  // `ids` gives the document ids that break ties in best lists; null where they rise with the
  // numbers.
  ListEncoder(const Scoring& scoring, const std::uint32_t* ids) : scoring_(scoring), ids_(ids) {}

  // Appends the list; postings rise by document, at least one. About 10 ns a posting.
  void encode(std::span<const RawPosting> postings, std::string& out);

 private:
  void choose_code_bits();
  void choose_scores();
  void find_highest(std::size_t most);
  void choose_best();
  void choose_rows();
  static void choose_levels(const std::string& maxima, std::uint8_t level[16]);
  void cut_windows();
  void write_head(std::string& out);
  void write_best(std::string& out);
  void write_exceptions(std::string& out);
  void write_packed(std::string& out);
  void write_windowed(std::string& out);
  void write_window(std::span<const RawPosting> postings, std::string& out) const;
  bool windowed_pays() const;

  const Scoring& scoring_;
  const std::uint32_t* ids_;
  std::span<const RawPosting> postings_;
  ListHeader header_{};
  std::vector<float> saturation_;
  std::vector<float> sorted_;
  std::vector<std::uint32_t> order_;  // best postings
  std::string maxima_, counts_;       // per window
};

}  // namespace vitrine::text::internal
