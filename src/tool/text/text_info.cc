// What `vitrine text info` shows.
#include <iomanip>
#include <utility>

#include "base/clock.h"
#include "tool/text/dictionary_timing.h"
#include "tool/text/opened_index.h"
#include "tool/text/text_commands.h"

namespace vitrine::text_tool {
namespace {

// The term itself where the index has it, else what the analyser makes of it.
std::string term_of(const Opened& o, const std::string& typed) {
  std::vector<text::AnalysedTerm> terms;
  o.analyser->analyse(typed, terms);
  return o.snapshot->document_frequency(typed) > 0 || terms.empty() ? typed : terms[0].text;
}

void show_list(const text::Segment& segment, const std::string& term, bool json,
               std::ostream& out) {
  const text::ListInfo i = segment.list_info(term);
  if (json) {
    out << ",\"list\":{\"term\":" << json_text(term) << ",\"postings\":" << i.postings
        << ",\"bytes\":" << i.bytes << ",\"codec\":" << json_text(i.codec)
        << ",\"frequency_bits\":" << i.frequency_bits << ",\"exceptions\":" << i.exceptions
        << ",\"windows_as_bytes\":" << i.window_bytes.lists
        << ",\"windows_as_bit_maps\":" << i.window_bitmap.lists << "}";
    return;
  }
  out << "  term " << term << ": ";
  if (i.postings == 0) {
    out << "not here\n";
    return;
  }
  out << i.postings << " postings in " << i.bytes << " bytes, " << i.codec;
  if (i.codec == "packed" || i.codec == "windowed")
    out << ", " << i.frequency_bits << " bits of frequency a posting, " << i.exceptions
        << " exceptions" << (i.best_documents ? ", best documents stored" : "");
  if (i.codec == "windowed")
    out << "; " << i.window_bytes.lists << " windows as bytes, " << i.window_bitmap.lists
        << " as bit maps";
  if (i.positions_bytes > 0) out << "; positions " << i.positions_bytes << " bytes";
  out << "\n";
}

// Codecs as ListInfo names them, with how many bits a posting they take.
void show_codecs(const text::SegmentInfo& i, std::ostream& out) {
  const auto row = [&](const char* name, const text::CodecShare& c, const char* of) {
    out << "  " << std::left << std::setw(16) << name << std::right << std::setw(10) << c.lists
        << " " << of << std::setw(12) << c.postings << " postings" << std::setw(12) << c.bytes
        << " bytes" << std::setw(8) << std::fixed << std::setprecision(2) << c.bits_per_posting()
        << std::defaultfloat << std::setprecision(6) << " bits a posting\n";
  };
  row("varints", i.varints, "lists  ");
  row("elias-fano", i.elias_fano, "lists  ");
  row("packed", i.packed, "lists  ");
  row("windowed", i.windowed, "lists  ");
  row("  as bytes", i.window_bytes, "windows");
  row("  as bit map", i.window_bitmap, "windows");
  row("all", {i.terms, i.postings, i.postings_bytes}, "lists  ");
  out << "  bits of frequency a posting, packed and windowed: ";
  for (std::size_t b = 0; b < i.lists_by_code_bits.size(); ++b)
    out << b << ": " << i.lists_by_code_bits[b] << "  ";
  out << "lists\n";
}

void show_codecs_as_json(const text::SegmentInfo& i, std::ostream& out) {
  const std::pair<const char*, const text::CodecShare*> codecs[] = {
      {"varints", &i.varints},
      {"elias-fano", &i.elias_fano},
      {"packed", &i.packed},
      {"windowed", &i.windowed},
      {"windows_as_bytes", &i.window_bytes},
      {"windows_as_bit_maps", &i.window_bitmap}};
  out << ",\"codecs\":{";
  for (const auto& [name, c] : codecs)
    out << (c == &i.varints ? "" : ",") << "\"" << name << "\":{\"lists\":" << c->lists
        << ",\"postings\":" << c->postings << ",\"bytes\":" << c->bytes
        << ",\"bits_per_posting\":" << c->bits_per_posting() << "}";
  out << "}";
}

}  // namespace

Status run_info(io::FileSystem& files, const std::string& directory, const std::string& typed,
                bool json, std::ostream& out) {
  VITRINE_TRY(const Opened o, open_index(files, directory));
  const std::string term = term_of(o, typed);
  if (json) out << "{\"documents\":" << o.snapshot->documents() << ",\"segments\":[";
  bool first = true;
  for (const auto& part : o.snapshot->parts()) {
    const text::SegmentInfo i = part.segment->info();
    if (json) {
      out << (first ? "" : ",") << "{\"documents\":" << i.documents
          << ",\"removed\":" << part.removed_count << ",\"terms\":" << i.terms
          << ",\"postings\":" << i.postings << ",\"bytes\":" << i.bytes
          << ",\"dictionary_bytes\":" << i.dictionary_bytes
          << ",\"postings_bytes\":" << i.postings_bytes
          << ",\"positions_bytes\":" << i.positions_bytes << ",\"maxima_bytes\":" << i.maxima_bytes;
      show_codecs_as_json(i, out);
      if (!typed.empty()) show_list(*part.segment, term, true, out);
      out << "}";
      first = false;
      continue;
    }
    out << "segment: " << i.documents << " documents (" << part.removed_count << " removed), "
        << i.terms << " terms, " << i.postings << " postings, " << i.tokens << " tokens, "
        << human_bytes(static_cast<double>(i.bytes)) << "\n"
        << "  dictionary " << i.dictionary_bytes << ", postings " << i.postings_bytes << " (maxima "
        << i.maxima_bytes << "), positions " << i.positions_bytes << ", lengths " << i.norms_bytes
        << " bytes\n";
    show_codecs(i, out);
    if (!typed.empty()) show_list(*part.segment, term, false, out);
  }
  const DictionaryTiming timing = time_dictionary(*o.snapshot, system_clock());
  if (json)
    out << "],\"dictionary_lookup_ns\":" << timing.lookup_ns << "}\n";
  else
    out << "look-up of a term, " << timing.terms << " in random order: " << timing.lookup_ns
        << " ns\n";
  return ok_status();
}

}  // namespace vitrine::text_tool
