#include "plexus/trainer/suspicion.h"

#include <algorithm>
#include <sstream>

namespace plexus {
namespace {

// Columns that a message names one by one.
constexpr size_t named_columns = 5;
// Values of a sample at most: 16 MB, read in a few milliseconds.
constexpr int64_t most_values = int64_t{1} << 22;

}  // namespace

std::string to_string(const Finding& finding) {
  return finding.message + ": " + finding.remedy + " [" + finding.id + "]";
}

std::string figure(double value) {
  std::ostringstream text;
  text.precision(3);
  text << value;
  return text.str();
}

std::string count_of(int64_t count, const std::string& noun) {
  return std::to_string(count) + " " + noun + (count == 1 ? "" : noun.back() == 's' ? "es" : "s");
}

std::string columns_of(const Dataset& data, std::span<const size_t> columns) {
  std::string names;
  for (size_t i = 0; i < std::min(columns.size(), named_columns); ++i)
    names += (i == 0 ? "" : ", ") + data.column_label(static_cast<int64_t>(columns[i]));
  return columns.size() > named_columns ? names + ", ..." : names;
}

std::vector<int64_t> spread_rows(int64_t size, int64_t most) {
  const int64_t count = std::min(size, most);
  std::vector<int64_t> rows;
  rows.reserve(static_cast<size_t>(count));
  for (int64_t i = 0; i < count; ++i) {
    const int64_t first = i * size / count, width = (i + 1) * size / count - first;
    // Multiples of the golden ratio: no period of the rows goes along with them.
    const uint64_t scattered = (static_cast<uint64_t>(i) * 0x9E3779B97F4A7C15u) >> 32;
    rows.push_back(first + static_cast<int64_t>(scattered % static_cast<uint64_t>(width)));
  }
  return rows;
}

Sample::Sample(const Dataset& data, int64_t most_rows)
    : columns(static_cast<size_t>(data.feature_shape().elements())) {
  const auto width = static_cast<int64_t>(std::max<size_t>(1, columns));
  rows = spread_rows(data.size(), std::min(most_rows, std::max<int64_t>(1, most_values / width)));
  values.resize(rows.size() * columns);
  data.read_features(rows, values.data(), static_cast<int64_t>(columns));
}

Findings suspicions(const Sequential& built, bool fresh, const TrainerOptions& options, const FitOptions& fit,
                    const Dataset& train, const Dataset* validation, const Dataset* test) {
  Findings findings;
  suspect_columns(built, train, findings);
  suspect_targets(options, train, findings);
  suspect_leaks(train, findings);
  if (train.classes() > 0 || validation || test) {
    const std::vector<HashedRow> rows = hashed(train);
    suspect_contradictions(train, rows, findings);
    if (validation) suspect_other(train, rows, *validation, "validation", findings);
    if (test) suspect_other(train, rows, *test, "test", findings);
  }
  suspect_layers(built, options.loss, train, findings);
  suspect_weights(built, fresh, findings);
  suspect_settings(options, fit, train, findings);
  return findings;
}

}  // namespace plexus
