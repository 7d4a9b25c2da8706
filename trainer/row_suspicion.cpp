// Rows that occur twice, with other labels or in another part of the data, and parts that do not look alike.
#include <algorithm>
#include <cmath>
#include <map>
#include <string_view>

#include "plexus/io/checksum.h"
#include "plexus/trainer/suspicion.h"

namespace plexus {
namespace {

// Values of each part that are read for comparing rows: 256 MB, less than an epoch of anything that large.
constexpr int64_t most_values = int64_t{1} << 26;
// Equal rows that are no coincidence: three, and so large a share.
constexpr int64_t fewest_repeats = 3;
constexpr double repeated_share = 0.005;
// Columns of real tables hang together, so that equal rows are that many times as frequent as they would be
// with independent columns; measured: 3 (iris) to 15 (passengers of a ship by class, sex and age).
constexpr double togetherness = 20;
// Rows over which the columns' distributions are looked at.
constexpr int64_t sampled_rows = 2000;
// Of each part, for means that are ten deviations off: a twentieth of a deviation is all that they are uncertain.
constexpr int64_t moment_rows = 400;
// Examples that a message gives.
constexpr size_t examples = 3;
// A part whose classes are so differently distributed was not drawn from the same rows: half of it would have
// to be of other classes. Of fewer rows that may be chance.
constexpr double other_classes = 0.5;
constexpr int64_t fewest_rows = 20;
// Columns in other units: the mean of a part lies so many deviations off, or its deviation is so many times
// as large or small. A part drawn by another rule (another year, another hospital) moves by one or two.
constexpr double far = 10, wide = 20;

/// The share of rows that would have a twin among `rows` by chance, columns being as they are.
double chance(const Dataset& data, int64_t rows) {
  const Sample sample(data, sampled_rows);
  double equal = togetherness * static_cast<double>(rows);  // expected twins of a row
  std::vector<float> values(sample.rows.size());
  for (size_t c = 0; c < sample.columns && equal > 1e-6; ++c) {
    for (size_t row = 0; row < values.size(); ++row) values[row] = sample.at(row, c);
    std::sort(values.begin(), values.end());
    double pairs = 0;
    for (size_t first = 0, end = 0; first < values.size(); first = end) {
      while (end < values.size() && !(values[first] < values[end])) ++end;
      if (end == first) end = values.size();  // NaN
      pairs += std::pow(static_cast<double>(end - first) / static_cast<double>(values.size()), 2);
    }
    equal *= pairs;
  }
  return std::min(1.0, equal);
}

bool no_coincidence(int64_t repeats, int64_t rows, const Dataset& train) {
  const double share = static_cast<double>(repeats) / static_cast<double>(std::max<int64_t>(1, rows));
  return repeats >= fewest_repeats && share >= repeated_share &&
         share >= repeated_share + chance(train, train.size());
}

std::string percent(int64_t part, int64_t whole) {
  return figure(100 * static_cast<double>(part) / static_cast<double>(whole)) + " %";
}

void suspect_shared_rows(const Dataset& train, const std::vector<HashedRow>& by_bytes, const Dataset& other,
                         const std::string& name, Findings& findings) {
  const bool bytes = train.row_bytes(0).size() == other.row_bytes(0).size();  // the same type
  const std::vector<HashedRow> again = bytes ? std::vector<HashedRow>() : hashed(train, false);
  const std::vector<HashedRow>& known = bytes ? by_bytes : again;
  const std::vector<HashedRow> asked = hashed(other, bytes);
  int64_t shared = 0;
  std::string list;
  size_t listed = 0;
  auto at = known.begin();
  for (const HashedRow& row : asked) {
    while (at != known.end() && at->hash < row.hash) ++at;
    if (at == known.end()) break;
    if (at->hash != row.hash) continue;
    ++shared;
    if (listed++ < examples)
      list += (listed > 1 ? ", " : "") + other.place(row.position) + " is " + train.place(at->position);
  }
  const auto rows = static_cast<int64_t>(asked.size());
  if (!no_coincidence(shared, rows, train)) return;
  findings.push_back(
      {"rows-in-both-parts",
       name + ": " + std::to_string(shared) + " of " + count_of(rows, "row") + " (" + percent(shared, rows) +
           ") are among the training rows too (" + list + (listed > examples ? ", ..." : "") +
           "): what is measured there is memory",
       "remove duplicate rows before the data are divided, and oversample or augment after it"});
}

void suspect_class_shares(const Dataset& train, const Dataset& other, const std::string& name,
                          Findings& findings) {
  if (train.classes() == 0 || other.classes() != train.classes() || other.size() < fewest_rows) return;
  std::vector<double> difference(static_cast<size_t>(train.classes()));
  int64_t missing = 0;
  std::vector<int64_t> in_train(difference.size()), in_other(difference.size());
  for (int64_t row = 0; row < train.size(); ++row) ++in_train[static_cast<size_t>(train.label(row))];
  for (int64_t row = 0; row < other.size(); ++row) ++in_other[static_cast<size_t>(other.label(row))];
  double apart = 0;
  size_t present = 0;
  for (size_t c = 0; c < difference.size(); ++c) {
    apart += 0.5 * std::abs(static_cast<double>(in_train[c]) / static_cast<double>(train.size()) -
                            static_cast<double>(in_other[c]) / static_cast<double>(other.size()));
    present += in_other[c] > 0;
    if (in_train[c] == 0) missing += in_other[c];
  }
  if (present == 1)
    findings.push_back(
        {"one-class-part", name + ": all " + std::to_string(other.size()) + " rows are of one class",
         "shuffle before the data are divided (split() does, and keeps the shares of the classes)"});
  else if (apart >= other_classes)
    findings.push_back(
        {"parts-differ",
         name + ": its classes are distributed otherwise than those of the training rows (" +
             figure(100 * apart) + " % would have to be of another class" +
             (missing > 0 ? "; " + count_of(missing, "row") + " of classes without a training row" : "") +
             ")",
         "shuffle before the data are divided (split() does, and keeps the shares of the classes)"});
}

struct Moments {
  double mean = 0, deviation = 0;
};

Moments moments(const Sample& sample, size_t column) {
  double sum = 0, squares = 0, count = 0;
  for (size_t row = 0; row < sample.rows.size(); ++row)
    if (const double value = sample.at(row, column); !std::isnan(value)) sum += value, count += 1;
  const double mean = count > 0 ? sum / count : 0;
  for (size_t row = 0; row < sample.rows.size(); ++row)
    if (const double value = sample.at(row, column); !std::isnan(value))
      squares += (value - mean) * (value - mean);
  return {mean, count > 0 ? std::sqrt(squares / count) : 0};
}

void suspect_units(const Dataset& train, const Dataset& other, const std::string& name, Findings& findings) {
  if (other.size() < fewest_rows || train.size() < fewest_rows || !train.categories().empty()) return;
  const Sample a(train, moment_rows), b(other, moment_rows);
  size_t off = 0, counted = 0, example = 0;
  for (size_t c = 0; c < a.columns; ++c) {
    const Moments in_train = moments(a, c), in_other = moments(b, c);
    if (in_train.deviation == 0) continue;
    ++counted;
    const double ratio = in_other.deviation / in_train.deviation;
    // One that is constant there is a rare word, or a pixel of the border.
    const bool spread_alike = ratio == 0 || (ratio < wide && ratio > 1 / wide);
    if (std::abs(in_other.mean - in_train.mean) < far * in_train.deviation && spread_alike) continue;
    if (off++ == 0) example = c;
  }
  // A quarter of the columns: one among many may have an outlier in one of the parts.
  if (off == 0 || 4 * off < counted) return;
  const Moments in_train = moments(a, example), in_other = moments(b, example);
  findings.push_back(
      {"parts-scaled-apart",
       name + ": " + std::to_string(off) + " of " + count_of(static_cast<int64_t>(counted), "column") +
           " lie elsewhere than in the training rows (" + train.column_label(static_cast<int64_t>(example)) +
           ": " + figure(in_other.mean) + " +- " + figure(in_other.deviation) + ", there " +
           figure(in_train.mean) + " +- " + figure(in_train.deviation) + ")",
       "scale all parts alike, by what was learnt from the training rows: leave it to Standardize()"});
}

}  // namespace

std::vector<HashedRow> hashed(const Dataset& data, bool bytes) {
  const int64_t columns = std::max<int64_t>(1, data.feature_shape().elements());
  std::vector<HashedRow> result;
  std::vector<float> row(static_cast<size_t>(columns));
  const std::string_view floats(reinterpret_cast<const char*>(row.data()), row.size() * sizeof(float));
  for (const int64_t position : spread_rows(data.size(), std::max<int64_t>(1, most_values / columns))) {
    std::string_view values = floats;
    if (bytes) {
      const auto span = data.row_bytes(position);
      values = {reinterpret_cast<const char*>(span.data()), span.size()};
    } else {
      data.read_features(position, row.data());
    }
    result.push_back({io::checksum(values), position});
  }
  std::sort(result.begin(), result.end(), [](const HashedRow& a, const HashedRow& b) {
    return a.hash != b.hash ? a.hash < b.hash : a.position < b.position;
  });
  return result;
}

void suspect_contradictions(const Dataset& data, const std::vector<HashedRow>& rows, Findings& findings) {
  if (data.classes() == 0 || data.size() < fewest_rows) return;
  const auto total = static_cast<int64_t>(rows.size());
  int64_t contradictory = 0;
  std::string example;
  for (size_t first = 0, end = 0; first < rows.size(); first = end) {
    std::map<int32_t, int64_t> labels;
    for (end = first; end < rows.size() && rows[end].hash == rows[first].hash; ++end)
      labels.emplace(data.label(rows[end].position), rows[end].position);
    if (labels.size() < 2) continue;
    contradictory += static_cast<int64_t>(end - first);
    if (example.empty())
      example = data.place(labels.begin()->second) + " and " + data.place(labels.rbegin()->second);
  }
  if (!no_coincidence(contradictory, total, data)) return;
  findings.push_back({"contradictory-labels",
                      "labels: " + std::to_string(contradictory) + " of " + count_of(total, "row") + " (" +
                          percent(contradictory, total) +
                          ") have the same features as a row of another class (" + example +
                          "): no network can tell them apart",
                      "correct their labels, or remove such rows"});
}

void suspect_other(const Dataset& train, const std::vector<HashedRow>& known, const Dataset& other,
                   const std::string& name, Findings& findings) {
  if (other.size() == 0) {
    findings.push_back({"empty-part", name + ": no rows: nothing is measured there", "give it some"});
    return;
  }
  if (!(other.feature_shape() == train.feature_shape())) return;  // evaluate says so
  suspect_shared_rows(train, known, other, name, findings);
  suspect_class_shares(train, other, name, findings);
  suspect_units(train, other, name, findings);
}

}  // namespace plexus
