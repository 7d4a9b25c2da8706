// Targets: classes that are missing, rare or no classes at all, and real targets of a size that is hard to
// reach.
#include <algorithm>
#include <cmath>
#include <map>

#include "plexus/core/error.h"
#include "plexus/trainer/suspicion.h"

namespace plexus {
namespace {

// From 1 in 31 on, who always answers the common class is 97 % right, and the gradient of a batch of 32
// hardly ever holds more than one of the other. 1 in 20 trains well.
constexpr double unbalanced = 30;
// Labels of which most occur once or twice are measurements; with fewer classes the data are merely small.
constexpr int64_t many_classes = 20, rows_of_class = 3;
// Class numbers in a regression: few of them, and many rows each. Ratings up to five or ten count among them.
constexpr size_t most_levels = 20;
constexpr int64_t rows_of_level = 10;
// A network begins with outputs of unit size. To come to a hundred takes a learning rate of 0.01 thousands of
// steps, and the gradient of a squared error a hundred times as large as usual is where steps begin to
// explode.
constexpr double large = 100, small = 1e-3;
// Rows whose targets are looked at one by one.
constexpr int64_t sampled_rows = 20000;

bool is_mean_error(const Loss& loss) {
  return std::holds_alternative<Mse>(loss) || std::holds_alternative<Mae>(loss) ||
         std::holds_alternative<Huber>(loss);
}

void suspect_classes(const TrainerOptions& options, const Dataset& data, Findings& findings) {
  std::vector<int64_t> counts(static_cast<size_t>(data.classes()));
  for (int64_t row = 0; row < data.size(); ++row) ++counts[static_cast<size_t>(data.label(row))];
  const auto& names = data.class_names();
  const auto name = [&](size_t c) { return "'" + names[c] + "'"; };

  const int64_t empty = std::count(counts.begin(), counts.end(), 0);
  if (counts.size() >= static_cast<size_t>(many_classes) &&
      data.size() < rows_of_class * (static_cast<int64_t>(counts.size()) - empty)) {
    findings.push_back({"too-many-classes",
                        "labels: " + std::to_string(counts.size()) + " classes in " +
                            count_of(data.size(), "row") + ": most occur once or twice, as measurements do",
                        "regress (--task regress), or name the column of the classes (--label)"});
    return;
  }
  if (empty == 1 && counts.front() == 0 && counts.size() > 2) {
    findings.push_back(
        {"labels-start-at-one",
         "labels: no row is of the first class " + name(0) + ", all are of the " +
             std::to_string(counts.size() - 1) + " others, as with labels 1 to K",
         "count classes from 0: subtract 1 from the labels, and give the network one output less"});
  } else if (empty > 0) {
    std::string list;
    size_t named = 0;
    for (size_t c = 0; c < counts.size() && named < 5; ++c)
      if (counts[c] == 0) list += (named++ ? ", " : "") + name(c);
    findings.push_back({"class-without-rows",
                        "labels: " + std::to_string(empty) + " of " + std::to_string(counts.size()) +
                            " classes (" + list + (empty > static_cast<int64_t>(named) ? ", ..." : "") +
                            ") " + (empty == 1 ? "has" : "have") + " no row to train on",
                        "give rows of every class (split stratified and shuffled), or leave the class out"});
  }

  const auto* entropy = std::get_if<SoftmaxCrossEntropy>(&options.loss);
  if (data.has_sample_weights()) return;
  if (entropy && !entropy->class_weights.empty()) {
    for (size_t c = 0; c < counts.size(); ++c)
      if (entropy->class_weights[c] == 0 && counts[c] > 0) {
        findings.push_back({"class-weight-zero",
                            "labels: class " + name(c) + " has the weight 0, and " +
                                count_of(counts[c], "row") + " that count for nothing",
                            "give it a weight above 0, or leave its rows out"});
        return;
      }
    return;
  }
  const size_t most = static_cast<size_t>(std::max_element(counts.begin(), counts.end()) - counts.begin());
  size_t least = most;
  for (size_t c = 0; c < counts.size(); ++c)
    if (counts[c] > 0 && counts[c] < counts[least]) least = c;
  if (static_cast<double>(counts[most]) >= unbalanced * static_cast<double>(counts[least]))
    findings.push_back(
        {"unbalanced-classes",
         "labels: class " + name(most) + " has " + count_of(counts[most], "row") + ", class " + name(least) +
             " " + std::to_string(counts[least]),
         "weight the classes (class_weights, --class-weights balanced), and look at recall and F1 of "
         "each, not at accuracy"});
}

/// Rows of zeros with a single one.
bool one_hot(const Dataset& data, const Sample& sample) {
  std::vector<double> row(static_cast<size_t>(data.target_shape().elements()));
  if (row.size() < 2) return false;
  for (const int64_t i : sample.rows) {
    data.read_target(i, row.data());
    if (std::count(row.begin(), row.end(), 1.0) != 1 ||
        std::count(row.begin(), row.end(), 0.0) != static_cast<int64_t>(row.size()) - 1)
      return false;
  }
  return true;
}

/// How many levels: whole numbers from 0 or 1 on, each of them; 0 where the targets are something else.
size_t levels(const Dataset& data, const Sample& sample) {
  if (data.target_shape().elements() != 1) return 0;
  std::map<double, int64_t> counts;
  double target;
  for (const int64_t row : sample.rows) {
    data.read_target(row, &target);
    if (target != std::floor(target) || target < 0) return 0;
    ++counts[target];
    if (counts.size() > most_levels) return 0;
  }
  const double first = counts.begin()->first, last = counts.rbegin()->first;
  if (first > 1 || last - first + 1 != static_cast<double>(counts.size()) || counts.size() < 2) return 0;
  return static_cast<int64_t>(sample.rows.size()) >= rows_of_level * static_cast<int64_t>(counts.size())
             ? counts.size()
             : 0;
}

std::string target_label(const Dataset& data, size_t column) {
  const auto& names = data.target_names();
  if (data.target_shape().elements() == 1) return "they";
  return column < names.size() ? "'" + names[column] + "'" : "column " + std::to_string(column);
}

void suspect_size(const Dataset& data, const Sample& sample, Findings& findings) {
  const auto columns = static_cast<size_t>(data.target_shape().elements());
  const auto rows = static_cast<double>(sample.rows.size());
  std::vector<double> row(columns), mean(columns), deviation(columns);
  for (const int64_t i : sample.rows) {
    data.read_target(i, row.data());
    for (size_t c = 0; c < columns; ++c) mean[c] += row[c] / rows;
  }
  for (const int64_t i : sample.rows) {
    data.read_target(i, row.data());
    for (size_t c = 0; c < columns; ++c) deviation[c] += (row[c] - mean[c]) * (row[c] - mean[c]) / rows;
  }
  for (size_t c = 0; c < columns; ++c) {
    deviation[c] = std::sqrt(deviation[c]);
    // What the sum of the means leaves of equal values is rounding.
    if (columns > 1 || deviation[c] > 1e-7 * std::abs(mean[c])) continue;
    findings.push_back({"constant-target",
                        "targets: all are " + figure(mean[c]) + ": there is nothing to learn",
                        "name the column to learn (--label), or look where the values were lost"});
    return;
  }
  for (size_t c = 0; c < columns; ++c) {
    const double size = std::max(std::abs(mean[c]), deviation[c]);
    if (size < large && (deviation[c] >= small || deviation[c] == 0)) continue;
    findings.push_back({"unscaled-targets",
                        "targets: " + target_label(data, c) + " lie around " + figure(mean[c]) + " +- " +
                            figure(deviation[c]) + ", a network begins around 0 +- 1",
                        "scale them: train on TargetScaling(train).apply(train), then fold_into(network)"});
    return;
  }
}

}  // namespace

void suspect_targets(const TrainerOptions& options, const Dataset& data, Findings& findings) {
  if (data.labels()) return suspect_classes(options, data, findings);
  const Sample sample(data, sampled_rows);
  if (!std::holds_alternative<SoftmaxCrossEntropy>(options.loss) && one_hot(data, sample)) {
    findings.push_back({"one-hot-targets",
                        "targets: every row has a single 1 among " +
                            count_of(data.target_shape().elements(), "column") + ", and the loss is " +
                            to_string(options.loss),
                        "use SoftmaxCrossEntropy, which takes one-hot rows and class numbers"});
    return;
  }
  if (data.classes() > 0) return suspect_classes(options, data, findings);
  if (!is_mean_error(options.loss)) return;
  if (const size_t count = levels(data, sample); count > 0)
    findings.push_back(
        {"class-numbers-regressed",
         "targets: they take " + std::to_string(count) +
             " whole values, as class numbers do, and the loss is " + to_string(options.loss),
         "where they name classes, use Dataset::classification and SoftmaxCrossEntropy (--task classify)"});
  suspect_size(data, sample, findings);
}

}  // namespace plexus
