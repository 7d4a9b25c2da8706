#include "plexus/cli/data.h"

#include <algorithm>
#include <charconv>
#include <filesystem>

#include "plexus/cli/image_directory.h"
#include "plexus/cli/suggestion.h"
#include "plexus/core/error.h"
#include "plexus/io/csv.h"
#include "plexus/io/npy.h"

namespace plexus::cli {
namespace {

namespace fs = std::filesystem;

std::optional<int64_t> whole_number(const std::string& text) {
  int64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return value;
}

std::vector<std::string> parts(const std::string& list) {
  std::vector<std::string> result;
  for (size_t begin = 0, end = 0; end != std::string::npos; begin = end + 1) {
    end = list.find(',', begin);
    result.push_back(list.substr(begin, end == std::string::npos ? end : end - begin));
  }
  return result;
}

/// `options.label_names` count where the table has them all and `labels` names none.
Dataset open_table(const std::string& path, const std::string& labels, TableOptions options, bool map) {
  if (map) {
    if (fs::path(path).extension() != ".npy") throw ArgumentError("--map is for .npy files, not " + path);
    set_labels(options, labels, {});
    return in_file(path, [&] { return Dataset::map_table(path, options); });
  }
  if (fs::path(path).extension() == ".npy") {
    const Tensor table = load_npy(path);
    set_labels(options, labels, {});
    return in_file(path, [&] { return Dataset::from_table(table, options); });
  }
  if (!is_csv(path)) refuse_file(path, "a file .npy or .csv, or a directory of IDX files");
  const Table table = open_csv(path, options.columns);
  const std::vector<std::string> names = column_names(table);
  const auto there = [&](const std::string& label) {
    return std::find(names.begin(), names.end(), label) != names.end();
  };
  if (!std::all_of(options.label_names.begin(), options.label_names.end(), there))
    options.label_names.clear();
  set_labels(options, labels, names);
  return in_file(path, [&] { return Dataset::from_table(table, options); });
}

Data open_images(const DataOptions& options) {
  if (!options.label.empty())
    throw ArgumentError("--label is for tables; " + options.path + " has files of labels");
  if (options.task == Task::regress)
    throw ArgumentError("--task regress is for tables; " + options.path + " has files of class labels");
  if (options.map) throw ArgumentError("--map is for .npy files, not " + options.path);
  if (options.missing != Missing::error)
    throw ArgumentError("--missing is for tables; images have no missing values");
  const std::string& test = options.test.empty() ? options.path : options.test;
  if (!is_image_directory(test))
    throw ArgumentError("--test " + test +
                        ": expected images, as the training data; that is fashion-mnist or a directory");
  const Dataset train = open_image_part(options.path, "train", {});
  const std::string reason = "classify: files of labels, " + std::to_string(train.classes()) + " classes";
  return {train, open_image_part(test, "t10k", train.class_names()), reason};
}

}  // namespace

// A name wins over a number and over a list, so that columns called "3"
// and "a,b" can be reached.
void set_labels(TableOptions& options, const std::string& labels, const std::vector<std::string>& names) {
  if (labels.empty()) return;
  const auto named = [&](const std::string& label) {
    return std::find(names.begin(), names.end(), label) != names.end();
  };
  const std::vector<std::string> wanted = named(labels) ? std::vector{labels} : parts(labels);
  options.labels.clear();
  options.label_names.clear();
  for (const std::string& label : wanted) {
    const auto index = whole_number(label);
    if (named(label)) {
      options.label_names.push_back(label);
    } else if (index) {
      options.labels.push_back(*index);
    } else if (names.empty()) {
      throw ArgumentError("--label " + label +
                          ": the columns have no names; give a number, -1 is the last column");
    } else {
      throw ArgumentError("--label " + label + ": no such column" + did_you_mean(label, names) +
                          "; columns: " + join(names));
    }
  }
  if (!options.label_names.empty() && !options.labels.empty())
    throw ArgumentError("--label " + labels + ": names and numbers; give all by name or all by number");
}

std::vector<std::string> column_names(const Table& table) {
  std::vector<std::string> names;
  for (const Column& column : table.columns)
    if (!column.name.empty()) names.push_back(column.name);
  return names;
}

bool is_csv(const std::string& path) {
  const std::string extension = fs::path(path).extension();
  return extension == ".csv" || extension == ".tsv";
}

Table open_csv(const std::string& path, const std::vector<std::string>& known) {
  Table table = load_csv(path, {.missing = MissingFields::keep});
  if (!column_names(table).empty()) return table;
  const bool header = std::any_of(table.columns.begin(), table.columns.end(), [&](const Column& column) {
    if (!column.text() || table.rows() == 0) return false;
    const std::string& first = std::get<1>(column.values).front();
    return !first.empty() && std::find(known.begin(), known.end(), first) != known.end();
  });
  return header ? load_csv(path, {.header = true, .missing = MissingFields::keep}) : table;
}

void refuse_file(const std::string& path, const std::string& expected) {
  if (!fs::exists(path))
    throw IoError(path + ": no such file or directory" + did_you_mean(path, {"fashion-mnist"}));
  throw FormatError(path, "", "expected " + expected);
}

bool has_test_part(const std::string& path) { return is_image_directory(path); }

Data open_data(const DataOptions& options) {
  Data data = [&]() -> Data {
    if (is_image_directory(options.path)) return open_images(options);
    Dataset train = open_table(options.path, options.label,
                               {.task = options.task, .missing = options.missing}, options.map);
    std::optional<Dataset> test;
    if (!options.test.empty()) {
      const Task task = train.labels() ? Task::classify : Task::regress;
      test = open_table(options.test, options.label,
                        {.label_names = train.target_names(),
                         .task = task,
                         .missing = options.missing,
                         .class_names = train.class_names(),
                         .columns = train.column_names()},
                        options.map);
    }
    return {train, test, train.task_reason()};
  }();
  if (data.test && data.test->feature_shape() != data.train.feature_shape())
    throw ShapeError(options.test + ": rows of " + to_string(data.train.feature_shape()) +
                     " expected, as in the training data, found " + to_string(data.test->feature_shape()));
  return data;
}

}  // namespace plexus::cli
