// Columns: constant, twice, unscaled, row numbers, codes for missing values; and columns that know the
// target.
#include <algorithm>
#include <cmath>
#include <limits>
#include <map>
#include <set>

#include "plexus/trainer/suspicion.h"

namespace plexus {
namespace {

// Rows that columns are compared on: enough that equal columns are equal, few enough to be read in a
// millisecond.
constexpr int64_t sampled_rows = 1000;
// Standardised features hardly ever leave +-10; what reaches a hundred is raw.
constexpr double unscaled = 100;
// First weights are made for inputs of unit size: with ones a thousand times as small a network sees nothing
// but its biases.
constexpr double tiny = 1e-3;
// From 8 x 8 on a table of numbers with a common lowest value may be a picture, or counts of words: there a
// column that is always at it is a border or a rare word.
constexpr size_t picture_columns = 64;
// Two columns that differ from their most common value in so many rows and agree in all are no coincidence.
constexpr size_t telling_rows = 8;
// With fewer rows a column may tell classes apart by chance.
constexpr size_t fewest_rows = 20;
// Share of a column's variance that lies between the classes. Two classes would have to be 60 deviations
// apart: real features with a wide gap (length of petals in iris) have 0.94.
constexpr double class_column = 0.999;
// Squared correlation with a real target. A formula with a single term has the like, and then there is one
// column, or two.
constexpr double target_column = 0.9999, target_copy = 1 - 1e-6;
// What people write where nothing was measured. A value of these is one where it lies as far from all others
// as those reach.
constexpr float codes[] = {-99999, -9999, -999, -99, 999, 9999, 99999, 999999};

using Columns = std::vector<size_t>;

bool of_categories(const Categories& categories, size_t c) {
  return !categories.empty() && !categories[c].empty();
}

struct Range {
  float low = std::numeric_limits<float>::infinity(), high = -low;
};

void widen(Range& range, float value) {  // NaN, where the network fills it in, counts for nothing
  range.low = value < range.low ? value : range.low;
  range.high = value > range.high ? value : range.high;
}

std::vector<Range> ranges(const Sample& sample) {
  std::vector<Range> result(sample.columns);
  for (size_t row = 0; row < sample.rows.size(); ++row)
    for (size_t c = 0; c < sample.columns; ++c) widen(result[c], sample.at(row, c));
  return result;
}

/// Over all rows, of the columns that are asked for.
std::vector<Range> ranges(const Dataset& data, const Columns& columns) {
  std::vector<Range> result(columns.size());
  std::vector<float> row(static_cast<size_t>(data.feature_shape().elements()));
  for (int64_t i = 0; i < data.size() && !columns.empty(); ++i) {
    data.read_features(i, row.data());
    for (size_t c = 0; c < columns.size(); ++c) widen(result[c], row[columns[c]]);
  }
  return result;
}

void suspect_constants(const Dataset& data, const std::vector<Range>& ranges, Findings& findings) {
  float lowest = std::numeric_limits<float>::infinity();
  for (const Range& range : ranges) lowest = std::min(lowest, range.low);
  const auto at_lowest =
      std::count_if(ranges.begin(), ranges.end(), [&](const Range& r) { return r.low == lowest; });
  const bool picture =
      ranges.size() >= picture_columns && 2 * at_lowest >= static_cast<int64_t>(ranges.size());
  Columns constant;
  for (size_t c = 0; c < ranges.size(); ++c)
    if (ranges[c].low == ranges[c].high && !(picture && ranges[c].low == lowest)) constant.push_back(c);
  if (constant.empty()) return;
  const std::vector<Range> everywhere = plexus::ranges(data, constant);
  Columns confirmed;
  for (size_t i = 0; i < constant.size(); ++i)
    if (everywhere[i].low == everywhere[i].high) confirmed.push_back(constant[i]);
  constant = confirmed;
  if (constant.empty()) return;
  findings.push_back({"constant-columns",
                      "features: " + std::to_string(constant.size()) + " of " +
                          count_of(static_cast<int64_t>(ranges.size()), "column") +
                          (constant.size() == 1 ? " is" : " are") + " constant (" +
                          columns_of(data, constant) + "): nothing can be learnt from " +
                          (constant.size() == 1 ? "it" : "them"),
                      constant.size() == 1 ? "remove it" : "remove them"});
}

/// Rows of the sample that do not have the column's most common value.
size_t telling(const Sample& sample, size_t column) {
  std::map<float, size_t> counts;
  size_t most = 0;
  for (size_t row = 0; row < sample.rows.size(); ++row)
    most = std::max(most, ++counts[sample.at(row, column)]);
  return sample.rows.size() - most;
}

bool equal_everywhere(const Dataset& data, size_t a, size_t b) {
  std::vector<float> row(static_cast<size_t>(data.feature_shape().elements()));
  for (int64_t i = 0; i < data.size(); ++i) {
    data.read_features(i, row.data());
    if (row[a] != row[b] && !(std::isnan(row[a]) && std::isnan(row[b]))) return false;
  }
  return true;
}

void suspect_twins(const Dataset& data, const Sample& sample, Findings& findings) {
  // Equal columns have equal sums, whose weights keep those apart that only hold the same values.
  std::map<double, Columns> alike;
  for (size_t c = 0; c < sample.columns; ++c) {
    double sum = 0;
    for (size_t row = 0; row < sample.rows.size(); ++row)
      if (const float value = sample.at(row, c); !std::isnan(value))
        sum += value * (1 + static_cast<double>((row * 2654435761u) % 1009));
    alike[sum].push_back(c);
  }
  Columns twins;
  size_t original = 0;
  for (const auto& [sum, columns] : alike)
    for (size_t i = 1; i < columns.size(); ++i)
      if (telling(sample, columns[i]) >= telling_rows && equal_everywhere(data, columns[0], columns[i])) {
        if (twins.empty()) original = columns[0];
        twins.push_back(columns[i]);
      }
  if (twins.empty()) return;
  findings.push_back({"duplicate-columns",
                      "features: " + count_of(static_cast<int64_t>(twins.size()), "column") + " (" +
                          columns_of(data, twins) + ") " +
                          (twins.size() == 1 ? "equals " : "equal others, the first ") +
                          data.column_label(static_cast<int64_t>(original)) + " in every row",
                      twins.size() == 1 ? "remove one of the two" : "keep one of each"});
}

void suspect_scale(const Sequential& network, const std::vector<Range>& ranges, const Categories& categories,
                   Findings& findings) {
  for (size_t i = 0; i < network.size(); ++i)
    if (network[i].stage() == Stage::scale) return;
  double reach = 0;
  bool varies = false, encoded = false;  // columns of categories become columns of unit size
  for (size_t c = 0; c < ranges.size(); ++c) {
    encoded |= of_categories(categories, c);
    if (of_categories(categories, c)) continue;
    varies |= ranges[c].low < ranges[c].high;
    reach = std::max({reach, double{ranges[c].high}, -double{ranges[c].low}});
  }
  if (reach >= unscaled)
    findings.push_back({"unscaled-inputs",
                        "features: values reach " + figure(reach) + " and nothing scales them",
                        "put Standardize() or MinMax() first"});
  else if (varies && !encoded && reach < tiny)
    findings.push_back({"tiny-inputs",
                        "features: no value is larger than " + figure(reach) + ", and nothing scales them",
                        "put Standardize() or MinMax() first"});
}

bool named_like_a_row_number(std::string name) {
  for (char& letter : name) letter = static_cast<char>(std::tolower(static_cast<unsigned char>(letter)));
  static const std::set<std::string> names = {"",       "id",         "index",     "idx",    "row",
                                              "row_id", "row_number", "rowid",     "number", "no",
                                              "nr",     "#",          "unnamed: 0"};
  return names.contains(name);
}

/// Tables that were written with their row numbers: whole, all different, hardly a gap; in front, or called
/// so.
void suspect_row_numbers(const Dataset& data, const Sample& sample, Findings& findings) {
  const auto& names = data.column_names();
  if (sample.columns < 2 || static_cast<size_t>(data.size()) < fewest_rows) return;
  for (size_t c = 0; c < sample.columns; ++c) {
    if (c != 0 && !(c < names.size() && named_like_a_row_number(names[c]))) continue;
    std::set<float> values;
    for (size_t row = 0; row < sample.rows.size(); ++row)
      if (const float value = sample.at(row, c); value == std::floor(value)) values.insert(value);
    if (values.size() < sample.rows.size()) continue;
    const Range range = ranges(data, {c})[0];
    // Some rows may be in other parts of the data: up to two thirds.
    const double width = double{range.high} - double{range.low} + 1;
    if (!(width >= static_cast<double>(data.size()) && width <= 3 * static_cast<double>(data.size())))
      continue;
    std::vector<float> row(sample.columns);
    std::vector<bool> seen(static_cast<size_t>(width));
    bool numbers = true;
    for (int64_t i = 0; i < data.size() && numbers; ++i) {
      data.read_features(i, row.data());
      const float value = row[c];
      numbers = std::isfinite(value) && value == std::floor(value);
      if (!numbers) break;
      const auto place = static_cast<size_t>(value - range.low);
      numbers = !seen[place];
      seen[place] = true;
    }
    if (numbers) {
      findings.push_back({"row-number-column",
                          "features: " + data.column_label(static_cast<int64_t>(c)) + " holds " +
                              std::to_string(data.size()) + " different whole numbers from " +
                              figure(range.low) + " to " + figure(range.high) + ", as row numbers do",
                          "remove it"});
      return;
    }
  }
}

void suspect_codes(const Dataset& data, const Sample& sample, Findings& findings) {
  for (size_t c = 0; c < sample.columns; ++c) {
    std::vector<float> values;
    for (size_t row = 0; row < sample.rows.size(); ++row)
      if (!std::isnan(sample.at(row, c))) values.push_back(sample.at(row, c));
    if (values.size() < fewest_rows) continue;
    const auto [least, most] = std::minmax_element(values.begin(), values.end());
    for (const float code : codes) {
      if (code != *least && code != *most) continue;
      float low = std::numeric_limits<float>::infinity(), high = -low;
      size_t count = 0;
      for (const float value : values) {
        if (value == code) {
          ++count;
          continue;
        }
        low = std::min(low, value);
        high = std::max(high, value);
      }
      const double gap = code < low ? double{low} - code : double{code} - high;
      if (count < 2 || count == values.size() || gap < double{high} - double{low}) continue;
      findings.push_back(
          {"code-for-missing-values",
           "features: " + data.column_label(static_cast<int64_t>(c)) + " is " + figure(code) + " in " +
               std::to_string(count) + " of " + count_of(static_cast<int64_t>(values.size()), "row") +
               " looked at, and between " + figure(low) + " and " + figure(high) + " in the others",
           "a code for missing values is no value: make them NaN and put Impute() first "
           "(--missing mean), or remove such rows"});
      return;
    }
  }
}

/// Share of the variance of a column that lies between the classes; 0 where it is constant.
double between_classes(const Sample& sample, size_t column, const std::vector<size_t>& labels,
                       size_t classes) {
  std::vector<double> sums(classes), counts(classes);
  double sum = 0, squares = 0, count = 0;
  const double origin = sample.at(0, column);  // squares of large numbers would cancel
  for (size_t row = 0; row < labels.size(); ++row) {
    const double value = sample.at(row, column) - origin;
    if (std::isnan(value)) continue;
    sums[labels[row]] += value, counts[labels[row]] += 1;
    sum += value, squares += value * value, count += 1;
  }
  const double total = squares - sum * sum / count;
  if (!(count > 0) || !(total > 1e-12 * squares)) return 0;
  double between = -sum * sum / count;
  for (size_t k = 0; k < classes; ++k)
    if (counts[k] > 0) between += sums[k] * sums[k] / counts[k];
  return between / total;
}

double squared_correlation(const Sample& sample, size_t column, const std::vector<double>& targets) {
  double x = 0, y = 0, xx = 0, yy = 0, xy = 0;
  const auto n = static_cast<double>(targets.size());
  const double x0 = sample.at(0, column), y0 = targets[0];
  for (size_t row = 0; row < targets.size(); ++row) {
    const double a = sample.at(row, column) - x0, b = targets[row] - y0;
    x += a, y += b, xx += a * a, yy += b * b, xy += a * b;
  }
  const double vx = xx - x * x / n, vy = yy - y * y / n, vxy = xy - x * y / n;
  return vx > 1e-12 * xx && vy > 1e-12 * yy ? vxy * vxy / (vx * vy) : 0;
}

/// Every category belongs to one class, and every class has one.
bool categories_name_classes(const Sample& sample, size_t column, const std::vector<size_t>& labels) {
  std::map<float, size_t> class_of;
  std::map<size_t, float> category_of;
  for (size_t row = 0; row < labels.size(); ++row) {
    const float category = sample.at(row, column);
    if (class_of.emplace(category, labels[row]).first->second != labels[row]) return false;
    if (category_of.emplace(labels[row], category).first->second != category) return false;
  }
  return class_of.size() > 1;
}

Columns class_leaks(const Dataset& data, const Sample& sample) {
  std::vector<size_t> labels;
  const auto classes = static_cast<size_t>(data.classes());
  std::vector<size_t> counts(classes);
  for (const int64_t row : sample.rows) {
    labels.push_back(static_cast<size_t>(data.label(row)));
    ++counts[labels.back()];
  }
  // A class of a row or two may hold a column's only outlier.
  const auto large = std::count_if(counts.begin(), counts.end(), [](size_t count) { return count >= 5; });
  if (large < 2 || labels.size() < 5 * classes) return {};
  const Categories categories = data.categories();
  Columns leaks;
  for (size_t c = 0; c < sample.columns; ++c)
    if (of_categories(categories, c) ? categories_name_classes(sample, c, labels)
                                     : between_classes(sample, c, labels, classes) >= class_column)
      leaks.push_back(c);
  return leaks;
}

Columns target_leaks(const Dataset& data, const Sample& sample) {
  if (data.target_shape().elements() != 1) return {};  // several: who repeats features as targets means it
  std::vector<double> targets;
  double target;
  for (const int64_t row : sample.rows) {
    data.read_target(row, &target);
    targets.push_back(target);
  }
  Columns leaks;
  for (size_t c = 0; c < sample.columns; ++c)
    if (squared_correlation(sample, c, targets) >= (sample.columns > 2 ? target_column : target_copy))
      leaks.push_back(c);
  return leaks;
}

}  // namespace

void suspect_columns(const Sequential& network, const Dataset& data, Findings& findings) {
  const Sample sample(data, sampled_rows);
  const std::vector<Range> range = ranges(sample);
  const Categories categories = data.categories();
  // Images have borders that are the same everywhere, and neighbours alike: not worth a word.
  if (data.feature_shape().rank() == 1) {
    suspect_constants(data, range, findings);
    suspect_twins(data, sample, findings);
    suspect_row_numbers(data, sample, findings);
    if (categories.empty()) suspect_codes(data, sample, findings);
  }
  for (size_t c = 0; c < range.size(); ++c)
    if (of_categories(categories, c) && 2 * static_cast<int64_t>(categories[c].size()) > data.size())
      findings.push_back({"too-many-categories",
                          "features: " + data.column_label(static_cast<int64_t>(c)) + " has " +
                              std::to_string(categories[c].size()) + " categories in " +
                              count_of(data.size(), "row") + ": little can be learnt from it",
                          "remove it"});
  suspect_scale(network, range, categories, findings);
}

void suspect_leaks(const Dataset& data, Findings& findings) {
  if (data.feature_shape().elements() < 2) return;  // a single column may well be all that there is to know
  const Sample sample(data, sampled_rows);
  if (sample.rows.size() < fewest_rows) return;
  const Columns leaks = data.classes() > 0 ? class_leaks(data, sample) : target_leaks(data, sample);
  if (leaks.empty()) return;
  findings.push_back(
      {"label-leak",
       "features: " + columns_of(data, leaks) + (leaks.size() == 1 ? " alone tells" : " each tell") +
           (data.classes() > 0 ? " the class of every row" : " the target of every row"),
       "the label must not be among the features: remove " + std::string(leaks.size() == 1 ? "it" : "them")});
}

}  // namespace plexus
