#include "platform/obs/metrics.h"

#include <algorithm>
#include <array>
#include <bit>
#include <charconv>
#include <cmath>

#include "base/check.h"
#include "platform/obs/internal/utf8.h"

namespace vitrine::obs {

constexpr std::int64_t kUs = 1'000;
constexpr std::int64_t kMs = 1'000'000;
constexpr std::int64_t kS = 1'000'000'000;

const std::int64_t Histogram::kBoundsNs[kBounds] = {
    10 * kUs,  20 * kUs, 50 * kUs, 100 * kUs, 200 * kUs, 500 * kUs, 1 * kMs,
    2 * kMs,   5 * kMs,  10 * kMs, 20 * kMs,  50 * kMs,  100 * kMs, 200 * kMs,
    500 * kMs, 1 * kS,   2 * kS,   5 * kS,    10 * kS};

namespace {

// Entry w: the first bucket that a duration of w significant bits can be in. Bounds grow by 2
// or 2.5, so at most two of them lie within the factor of 2 that such durations span.
constexpr std::array<std::uint8_t, 65> first_bucket_by_width() {
  constexpr std::int64_t kBounds[] = {10 * kUs,  20 * kUs, 50 * kUs,  100 * kUs, 200 * kUs,
                                      500 * kUs, 1 * kMs,  2 * kMs,   5 * kMs,   10 * kMs,
                                      20 * kMs,  50 * kMs, 100 * kMs, 200 * kMs, 500 * kMs,
                                      1 * kS,    2 * kS,   5 * kS,    10 * kS};
  std::array<std::uint8_t, 65> table{};
  for (int width = 0; width <= 64; ++width) {
    const std::uint64_t smallest = width == 0 ? 0 : 1ULL << (width - 1);
    std::uint8_t bucket = 0;
    while (bucket < std::size(kBounds) && static_cast<std::uint64_t>(kBounds[bucket]) < smallest) {
      ++bucket;
    }
    table[static_cast<std::size_t>(width)] = bucket;
  }
  return table;
}
constexpr auto kFirstBucket = first_bucket_by_width();

bool valid_name(std::string_view name, bool label) {
  if (name.empty() || (name.front() >= '0' && name.front() <= '9')) return false;
  return std::all_of(name.begin(), name.end(), [label](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
           (c == ':' && !label);
  });
}

// Backslash and line feed always, quotes in label values; invalid UTF-8 is replaced.
void append_escaped(std::string& out, std::string_view text, bool quotes) {
  while (!text.empty()) {
    const std::size_t size = internal::utf8_sequence(text);
    const char c = text.front();
    if (size == 0) {
      out.append(internal::kReplacement);
    } else if (c == '\\') {
      out.append("\\\\");
    } else if (c == '\n') {
      out.append("\\n");
    } else if (c == '"' && quotes) {
      out.append("\\\"");
    } else {
      out.append(text.substr(0, size));
    }
    text.remove_prefix(std::max<std::size_t>(size, 1));
  }
}

void append_number(std::string& out, double value) {
  if (std::isnan(value)) {
    out.append("NaN");
  } else if (std::isinf(value)) {
    out.append(value > 0 ? "+Inf" : "-Inf");
  } else {
    char digits[32];
    out.append(digits, std::to_chars(digits, digits + sizeof digits, value).ptr);
  }
}

void append_number(std::string& out, std::uint64_t value) {
  char digits[24];
  out.append(digits, std::to_chars(digits, digits + sizeof digits, value).ptr);
}

// a="1",b="2"
std::string label_text(const Labels& labels) {
  std::string out;
  for (const auto& [name, value] : labels) {
    if (!out.empty()) out.push_back(',');
    out.append(name).append("=\"");
    append_escaped(out, value, true);
    out.push_back('"');
  }
  return out;
}

}  // namespace

void Histogram::observe_ns(std::int64_t duration_ns) {
  const std::int64_t ns =
      std::max<std::int64_t>(0, duration_ns);  // clocks are sometimes read out of order
  std::size_t i =
      kFirstBucket[static_cast<std::size_t>(std::bit_width(static_cast<std::uint64_t>(ns)))];
  while (i < kBounds && kBoundsNs[i] < ns) ++i;
  cells_.add(i, 1);
  cells_.add(kBounds + 1, static_cast<std::uint64_t>(ns));
}

std::uint64_t Histogram::count() const {
  std::uint64_t total = 0;
  for (std::size_t i = 0; i <= kBounds; ++i) total += bucket(i);
  return total;
}

double Histogram::sum_seconds() const {
  return static_cast<double>(cells_.sum(kBounds + 1)) / static_cast<double>(kS);
}

double Histogram::quantile_seconds(double q) const {
  std::array<std::uint64_t, kBounds + 1> counts{};
  std::uint64_t total = 0;
  for (std::size_t i = 0; i <= kBounds; ++i) total += counts[i] = bucket(i);
  if (total == 0) return 0;
  const auto rank = static_cast<std::uint64_t>(std::ceil(q * static_cast<double>(total)));
  std::uint64_t seen = 0;
  for (std::size_t i = 0; i < kBounds; ++i) {
    seen += counts[i];
    if (seen >= rank) return static_cast<double>(kBoundsNs[i]) / static_cast<double>(kS);
  }
  return std::numeric_limits<double>::infinity();
}

struct Registry::Series {
  std::string labels;  // as written between the braces
  std::unique_ptr<Counter> counter;
  std::unique_ptr<Gauge> gauge;
  std::unique_ptr<Histogram> histogram;
  std::function<double()> read;
  const void* owner = nullptr;
};

struct Registry::Family {
  Kind kind;
  std::string help;
  std::vector<std::string> label_names;
  std::map<std::string, std::unique_ptr<Series>, std::less<>> series;
};

Registry::Registry() = default;
Registry::~Registry() = default;

// With mutex_ held.
Registry::Series& Registry::series(Kind kind, std::string_view name, std::string_view help,
                                   const Labels& labels) {
  auto it = families_.find(name);
  if (it == families_.end()) {
    VITRINE_CHECK_MSG(valid_name(name, false), std::string(name));
    auto family = std::make_unique<Family>();
    family->kind = kind;
    family->help = help;
    for (const auto& [label, value] : labels) {
      VITRINE_CHECK_MSG(valid_name(label, true) && label != "le", label);
      family->label_names.push_back(label);
    }
    it = families_.emplace(std::string(name), std::move(family)).first;
  }
  Family& family = *it->second;
  VITRINE_CHECK_MSG(family.kind == kind, std::string(name) + " is used as two kinds of metric");
  VITRINE_CHECK_MSG(
      std::equal(labels.begin(), labels.end(), family.label_names.begin(), family.label_names.end(),
                 [](const auto& label, const std::string& n) { return label.first == n; }),
      std::string(name) + " is used with different label names");
  std::string text = label_text(labels);
  auto found = family.series.find(text);
  if (found == family.series.end() && family.series.size() >= kSeriesMax) {
    Labels other = labels;
    for (auto& label : other) label.second = "other";
    text = label_text(other);
    found = family.series.find(text);
  }
  if (found == family.series.end()) {
    found = family.series.emplace(text, std::make_unique<Series>()).first;
    found->second->labels = std::move(text);
  }
  return *found->second;
}

Counter& Registry::counter(std::string_view name, std::string_view help, const Labels& labels) {
  std::lock_guard lock(mutex_);
  auto& slot = series(Kind::kCounter, name, help, labels).counter;
  if (!slot) slot = std::make_unique<Counter>();
  return *slot;
}

Gauge& Registry::gauge(std::string_view name, std::string_view help, const Labels& labels) {
  std::lock_guard lock(mutex_);
  auto& slot = series(Kind::kGauge, name, help, labels).gauge;
  if (!slot) slot = std::make_unique<Gauge>();
  return *slot;
}

Histogram& Registry::histogram(std::string_view name, std::string_view help, const Labels& labels) {
  std::lock_guard lock(mutex_);
  auto& slot = series(Kind::kHistogram, name, help, labels).histogram;
  if (!slot) slot = std::make_unique<Histogram>();
  return *slot;
}

void Registry::function(FunctionKind kind, std::string_view name, std::string_view help,
                        const Labels& labels, const void* owner, std::function<double()> read) {
  std::lock_guard lock(mutex_);
  const Kind stored = kind == FunctionKind::kGauge ? Kind::kGauge : Kind::kCounter;
  Series& s = series(stored, name, help, labels);
  s.read = std::move(read);
  s.owner = owner;
}

void Registry::remove_functions(const void* owner) {
  std::lock_guard lock(mutex_);
  for (auto& [name, family] : families_) {
    std::erase_if(family->series, [owner](const auto& entry) {
      const Series& s = *entry.second;
      return s.read && s.owner == owner && !s.counter && !s.gauge;
    });
  }
}

namespace {

void append_sample(std::string& out, std::string_view name, std::string_view suffix,
                   std::string_view labels, std::string_view le) {
  out.append(name).append(suffix);
  if (!labels.empty() || !le.empty()) {
    out.push_back('{');
    out.append(labels);
    if (!le.empty()) {
      if (!labels.empty()) out.push_back(',');
      out.append("le=\"").append(le).append("\"");
    }
    out.push_back('}');
  }
  out.push_back(' ');
}

void append_histogram(std::string& out, std::string_view name, std::string_view labels,
                      const Histogram& histogram) {
  std::uint64_t cumulative = 0;
  for (std::size_t i = 0; i <= Histogram::kBounds; ++i) {
    cumulative += histogram.bucket(i);
    std::string le;
    if (i == Histogram::kBounds) {
      le = "+Inf";
    } else {
      append_number(le, static_cast<double>(Histogram::kBoundsNs[i]) / static_cast<double>(kS));
    }
    append_sample(out, name, "_bucket", labels, le);
    append_number(out, cumulative);
    out.push_back('\n');
  }
  append_sample(out, name, "_sum", labels, {});
  append_number(out, histogram.sum_seconds());
  out.push_back('\n');
  // The cumulative count and not count(): the text must agree with itself while others observe.
  append_sample(out, name, "_count", labels, {});
  append_number(out, cumulative);
  out.push_back('\n');
}

}  // namespace

void Registry::write_prometheus(std::string& out) const {
  static constexpr std::string_view kKindNames[] = {"counter", "gauge", "histogram"};
  std::lock_guard lock(mutex_);
  for (const auto& [name, family] : families_) {
    if (family->series.empty()) continue;
    out.append("# HELP ").append(name).append(" ");
    append_escaped(out, family->help, false);
    out.append("\n# TYPE ").append(name).append(" ");
    out.append(kKindNames[static_cast<std::size_t>(family->kind)]).append("\n");
    for (const auto& [labels, s] : family->series) {
      if (s->histogram) {
        append_histogram(out, name, labels, *s->histogram);
        continue;
      }
      append_sample(out, name, {}, labels, {});
      if (s->read) {
        append_number(out, s->read());
      } else if (s->counter) {
        append_number(out, s->counter->value());
      } else if (s->gauge) {
        append_number(out, s->gauge->value());
      }
      out.push_back('\n');
    }
  }
}

}  // namespace vitrine::obs
