#include "plexus/trainer/labels.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <map>
#include <set>

#include "plexus/core/error.h"
#include "plexus/trainer/names.h"

namespace plexus {
namespace {

// A regression target that takes more values than this is more likely a count or a price than a class;
// digits, letters and their like have fewer.
constexpr size_t most_classes = 64;

using Numbers = std::vector<double>;
using Texts = std::vector<std::string>;

struct Decision {
  bool classify = false;
  std::string reason;
};

bool whole(double x) { return std::isfinite(x) && x == std::floor(x); }

Decision decide(const Numbers& values, const std::string& column) {
  std::map<double, int64_t> counts;
  for (double value : values) {
    if (!whole(value)) return {false, "regress: " + column + " holds values that are not whole numbers"};
    ++counts[value];
  }
  if (counts.size() > most_classes)
    return {false, "regress: " + column + " holds " + std::to_string(counts.size()) +
                       " distinct whole numbers, more than " + std::to_string(most_classes)};
  for (const auto& [value, count] : counts)
    if (count < 2) return {false, "regress: " + column + " holds " + number_name(value) + " in one row only"};
  return {true, "classify: " + std::to_string(counts.size()) + " distinct whole number" +
                    (counts.size() == 1 ? "" : "s") + " with two or more rows each"};
}

Decision decide(const Texts& values, const std::string&) {
  const size_t count = std::set<std::string>(values.begin(), values.end()).size();
  return {true, "classify: " + std::to_string(count) + " distinct text label" + (count == 1 ? "" : "s")};
}

Decision decide(const std::vector<LabelColumn>& columns, const TableOptions& options) {
  if (columns.size() > 1) {
    if (options.task == Task::classify || !options.class_names.empty())
      throw ArgumentError("labels: " + std::to_string(columns.size()) +
                          " columns cannot be classified: give one, or regress");
    return {false, "regress: " + std::to_string(columns.size()) + " label columns"};
  }
  if (!options.class_names.empty()) return {true, "classify: the classes of the training data"};
  switch (options.task) {
    case Task::classify:
      return {true, "classify: as asked for"};
    case Task::regress:
      return {false, "regress: as asked for"};
    case Task::automatic:
      break;
  }
  return std::visit([&](const auto& values) { return decide(values, columns[0].label); }, columns[0].values);
}

/// Class numbers, and their names in the order of the numbers.
struct Classes {
  Tensor numbers;
  std::vector<std::string> names;
};

const std::string& name_of(const std::string& label) { return label; }
std::string name_of(double label) { return number_name(label); }

template <class T>
Classes classes_of(const std::vector<T>& values) {
  Classes result{Tensor(DType::i32, {static_cast<int64_t>(values.size())}), {}};
  std::map<T, int32_t> numbers;  // ascending
  for (const T& value : values) numbers.emplace(value, 0);
  for (auto& [value, number] : numbers) {
    number = static_cast<int32_t>(result.names.size());
    result.names.push_back(name_of(value));
  }
  const auto out = result.numbers.values<int32_t>();
  for (size_t row = 0; row < values.size(); ++row) out[row] = numbers.at(values[row]);
  return result;
}

template <class T>
Classes classes_among(const std::vector<T>& values, const std::vector<std::string>& names,
                      const LabelColumn& column, const Place& place) {
  Classes result{Tensor(DType::i32, {static_cast<int64_t>(values.size())}), names};
  std::map<std::string, int32_t> numbers;
  for (const std::string& name : names) numbers.emplace(name, static_cast<int32_t>(numbers.size()));
  const auto out = result.numbers.values<int32_t>();
  for (size_t row = 0; row < values.size(); ++row) {
    const auto found = numbers.find(name_of(values[row]));
    if (found == numbers.end())
      throw DataError(place(static_cast<int64_t>(row)) + ": " + column.label + ": label " +
                      in_quotes(name_of(values[row])) + " is not among the classes of the training data (" +
                      listed(names) + "): remove the row or add such rows to the training data");
    out[row] = found->second;
  }
  return result;
}

Tensor real_targets(const std::vector<LabelColumn>& columns, int64_t rows, const Place& place) {
  const auto width = static_cast<int64_t>(columns.size());
  Tensor targets(DType::f32, {rows, width});
  float* out = targets.values<float>().data();
  for (int64_t column = 0; column < width; ++column) {
    const LabelColumn& source = columns[static_cast<size_t>(column)];
    if (const Texts* texts = std::get_if<Texts>(&source.values))
      throw DataError(
          place(0) + ": " + source.label + " holds text (" + in_quotes(texts->front()) +
          "), which cannot be regressed: " + (width == 1 ? "classify it" : "take it out of the labels"));
    const Numbers& numbers = std::get<Numbers>(source.values);
    for (int64_t row = 0; row < rows; ++row)
      out[row * width + column] = static_cast<float>(numbers[static_cast<size_t>(row)]);
  }
  return targets;
}

void check_labels(const LabelColumn& column, const Place& place) {
  const auto refuse = [&](int64_t row) {
    throw DataError(place(row) + ": " + column.label +
                    ": the label is missing: fill it in or remove the row");
  };
  if (const Numbers* numbers = std::get_if<Numbers>(&column.values)) {
    const auto bad = std::find_if(numbers->begin(), numbers->end(), [](double x) { return std::isnan(x); });
    if (bad != numbers->end()) refuse(bad - numbers->begin());
  } else {
    const Texts& texts = std::get<Texts>(column.values);
    const auto bad = std::find(texts.begin(), texts.end(), "");
    if (bad != texts.end()) refuse(bad - texts.begin());
  }
}

}  // namespace

std::string number_name(double x) {
  char text[32];
  const bool as_integer = whole(x) && std::abs(x) < 1e15;
  const auto end = as_integer ? std::to_chars(text, text + sizeof(text), static_cast<int64_t>(x))
                              : std::to_chars(text, text + sizeof(text), x);
  return std::string(text, end.ptr);
}

Targets make_targets(const std::vector<LabelColumn>& columns, int64_t rows, const TableOptions& options,
                     const Place& place) {
  if (columns.empty()) return {Tensor(DType::f32, {rows, 0}), false, {}, "no label column"};
  for (const LabelColumn& column : columns) check_labels(column, place);
  const Decision decision = decide(columns, options);
  if (!decision.classify) return {real_targets(columns, rows, place), false, {}, decision.reason};
  Classes classes = std::visit(
      [&](const auto& values) {
        return options.class_names.empty() ? classes_of(values)
                                           : classes_among(values, options.class_names, columns[0], place);
      },
      columns[0].values);
  return {std::move(classes.numbers), true, std::move(classes.names), decision.reason};
}

}  // namespace plexus
