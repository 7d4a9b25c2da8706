// plexus inspect: what a file holds that Plexus can read.
#include <algorithm>
#include <cmath>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <limits>
#include <memory>
#include <nlohmann/json.hpp>

#include "plexus/cli/command.h"
#include "plexus/cli/data.h"
#include "plexus/cli/exit_code.h"
#include "plexus/cli/grid.h"
#include "plexus/cli/image_directory.h"
#include "plexus/cli/suggestion.h"
#include "plexus/core/error.h"
#include "plexus/io/idx.h"
#include "plexus/io/npy.h"
#include "plexus/io/npz.h"
#include "plexus/io/safetensors.h"
#include "plexus/layers/one_hot.h"
#include "plexus/trainer/checkpoint.h"
#include "plexus/trainer/model_file.h"

namespace plexus::cli {
namespace {

// Columns of a table that are shown one by one; pixels of images are not worth a line each.
constexpr size_t most_columns = 64;
// Names that a line lists; more are counted.
constexpr size_t most_names = 32;

struct InspectOptions {
  std::string file, label;
};

std::string number(double value) {
  char text[32];
  std::snprintf(text, sizeof text, "%.6g", value);
  return text;
}

std::string type_and_shape(const Tensor& tensor) {
  return std::string(to_string(tensor.dtype())) + " " + to_string(tensor.shape());
}

std::string listed(const std::vector<std::string>& names) {
  if (names.size() <= most_names) return join(names);
  return join({names.begin(), names.begin() + int64_t(most_names)}) + ", ... (" +
         std::to_string(names.size()) + ")";
}

/// What can be said of some numbers in one line.
class Range {
 public:
  void add(double value) {
    if (std::isnan(value)) {
      ++nan_;
      return;
    }
    low_ = std::min(low_, value);
    high_ = std::max(high_, value);
    if (!std::isfinite(value)) return;
    ++finite_;
    mean_ += (value - mean_) / double(finite_);
  }
  /// min, max, mean of the finite ones, NaN count
  Grid::Line fields() const {
    const bool any = low_ <= high_;
    return {any ? number(low_) : "-", any ? number(high_) : "-", finite_ > 0 ? number(mean_) : "-",
            std::to_string(nan_)};
  }

 private:
  double low_ = std::numeric_limits<double>::infinity(), high_ = -low_, mean_ = 0;
  int64_t finite_ = 0, nan_ = 0;
};

template <class Each>
void for_each_value(const Tensor& tensor, const Each& each) {
  const auto values = [&]<class T>(T) {
    for (const T value : tensor.values<T>()) each(double(value));
  };
  switch (tensor.dtype()) {
    case DType::f32:
      return values(float{});
    case DType::f64:
      return values(double{});
    case DType::i32:
      return values(int32_t{});
    case DType::i64:
      return values(int64_t{});
    case DType::u8:
      return values(uint8_t{});
    case DType::bf16:
    case DType::i8:
      return for_each_value(tensor.converted(DType::f32), each);
  }
}

Range range_of(const Tensor& tensor) {
  Range range;
  for_each_value(tensor, [&](double value) { range.add(value); });
  return range;
}

void show_tensors(const std::vector<NamedTensor>& tensors) {
  Grid grid({"tensor", "type and shape", "min", "max", "mean", "NaN"}, 2);
  for (const NamedTensor& t : tensors) {
    Grid::Line line{t.name, type_and_shape(t.tensor)};
    for (std::string& field : range_of(t.tensor).fields()) line.push_back(std::move(field));
    grid.add(std::move(line));
  }
  grid.print(stdout);
}

void show_balance(const Dataset& data) {
  std::vector<int64_t> counts(size_t(data.classes()));
  for (int64_t row = 0; row < data.size(); ++row) ++counts[size_t(data.label(row))];
  std::vector<std::string> parts;
  for (size_t c = 0; c < counts.size(); ++c)
    parts.push_back(data.class_names()[c] + " " + std::to_string(counts[c]));
  std::printf("classes  %s\n", listed(parts).c_str());
}

/// What training would make of the label column.
template <class Table>
void show_label(const Table& table, TableOptions options) {
  options.missing = Missing::keep;
  try {
    const Dataset data = Dataset::from_table(table, options);
    std::printf("\nlabel    %s\n", data.target_names().empty() ? "the last column, or --label"
                                                               : join(data.target_names()).c_str());
    std::printf("task     %s\n", data.task_reason().c_str());
    if (data.labels()) show_balance(data);
  } catch (const DataError& error) {  // the file can be read all the same
    std::printf("\nlabel    none: %s\n", error.what());
  }
}

void show_npy(const InspectOptions& options) {
  const Tensor tensor = load_npy(options.file);
  std::printf("%s: NumPy array, %s\n\n", options.file.c_str(), type_and_shape(tensor).c_str());
  const bool table = tensor.shape().rank() == 2 && tensor.shape().rows() > 0;
  const auto columns = size_t(tensor.shape().rank() == 0 ? 1 : tensor.shape().columns());
  if (!table || columns > most_columns) {
    show_tensors({{"all", tensor}});
  } else {
    std::vector<Range> ranges(columns);
    size_t i = 0;
    for_each_value(tensor, [&](double value) { ranges[i++ % columns].add(value); });
    Grid grid({"column", "min", "max", "mean", "NaN"}, 1);
    for (size_t c = 0; c < columns; ++c) {
      Grid::Line line{std::to_string(c)};
      for (std::string& field : ranges[c].fields()) line.push_back(std::move(field));
      grid.add(std::move(line));
    }
    grid.print(stdout);
  }
  TableOptions labels;
  set_labels(labels, options.label, {});
  if (table && columns > 1) show_label(tensor, labels);
}

void show_csv(const InspectOptions& options) {
  const Table table = open_csv(options.file);
  std::printf("%s: table, %lld row%s, %zu column%s\n\n", options.file.c_str(), (long long)table.rows(),
              table.rows() == 1 ? "" : "s", table.columns.size(), table.columns.size() == 1 ? "" : "s");
  Grid grid({"column", "type", "min", "max", "mean", "missing"}, 2);
  for (size_t c = 0; c < table.columns.size() && c < most_columns; ++c) {
    const Column& column = table.columns[c];
    Grid::Line line{column.name.empty() ? std::to_string(c) : column.name, column.text() ? "text" : "number"};
    if (const auto* texts = std::get_if<1>(&column.values)) {
      std::vector<std::string> distinct = *texts;
      std::erase(distinct, "");
      std::sort(distinct.begin(), distinct.end());
      distinct.erase(std::unique(distinct.begin(), distinct.end()), distinct.end());
      line[1] = "text, " + std::to_string(distinct.size()) + " distinct";
      line.insert(line.end(),
                  {"-", "-", "-", std::to_string(std::count(texts->begin(), texts->end(), std::string()))});
    } else {
      Range range;
      for (const double value : std::get<0>(column.values)) range.add(value);
      for (std::string& field : range.fields()) line.push_back(std::move(field));
    }
    grid.add(std::move(line));
  }
  grid.print(stdout);
  if (table.columns.size() > most_columns)
    std::printf("and %zu columns more\n", table.columns.size() - most_columns);
  TableOptions labels;
  set_labels(labels, options.label, column_names(table));
  if (table.rows() > 0 && table.columns.size() > 1) show_label(table, labels);
}

void show_idx(const std::string& file) {
  const Tensor tensor = load_idx(file);
  std::printf("%s: IDX array, %s\n\n", file.c_str(), type_and_shape(tensor).c_str());
  show_tensors({{"all", tensor}});
  if (tensor.shape().rank() != 1 || tensor.dtype() != DType::u8) return;
  std::vector<int64_t> counts(256);
  for (const uint8_t label : tensor.values<uint8_t>()) ++counts[label];
  std::vector<std::string> parts;
  for (size_t c = 0; c < counts.size(); ++c)
    if (counts[c] > 0) parts.push_back(std::to_string(c) + " " + std::to_string(counts[c]));
  std::printf("\nclasses  %s\n", listed(parts).c_str());
}

void show_images(const std::string& path) {
  std::vector<std::string> names;
  for (const char* part : {"train", "t10k"}) {
    const Dataset data = open_image_part(path, part, names);
    names = data.class_names();
    std::printf("%s: part %s, %lld images %s\n", path.c_str(), part, (long long)data.size(),
                to_string(data.feature_shape()).c_str());
    show_balance(data);
  }
}

void show_names(const char* what, const std::vector<std::string>& names) {
  if (!names.empty()) std::printf("%-9s%s\n", what, listed(names).c_str());
}

void show_safetensors(const std::string& file) {
  const Safetensors content = load_safetensors(file);
  const auto metadata = content.metadata.find("plexus");
  if (metadata == content.metadata.end()) {
    std::printf("%s: safetensors, %zu tensor%s\n\n", file.c_str(), content.tensors.size(),
                content.tensors.size() == 1 ? "" : "s");
    show_tensors(content.tensors);
    for (const auto& [key, value] : content.metadata)
      std::printf("metadata %s: %s\n", key.c_str(), value.substr(0, 200).c_str());
    return;
  }
  const Sequential model = load_model(file);
  const auto json = nlohmann::json::parse(metadata->second);  // load_model has read it
  std::printf("%s: model, format version %lld, written by Plexus %s, %s, rows %s\n\n%s\n", file.c_str(),
              (long long)json.at("format_version").get<int64_t>(),
              json.at("library_version").get<std::string>().c_str(),
              std::string(to_string(model.dtype())).c_str(), to_string(model.input_shape()).c_str(),
              model.summary().c_str());
  const Schema& schema = model.schema();
  show_names("columns", schema.columns);
  show_names("target", schema.targets);
  show_names("classes", schema.classes);
  if (const auto* one_hot = dynamic_cast<const OneHot*>(&model[0]))
    for (size_t c = 0; c < one_hot->categories().size(); ++c)
      if (!one_hot->categories()[c].empty())
        std::printf("categories of %s: %s\n",
                    schema.columns.empty() ? std::to_string(c).c_str() : schema.columns[c].c_str(),
                    listed(one_hot->categories()[c]).c_str());
  std::printf("\n");
  show_tensors(content.tensors);
}

void show_checkpoint(const std::string& file) {
  Checkpoint c = load_checkpoint(file);
  std::printf("%s: checkpoint, written by Plexus %s with backend %s (%s) on %d thread%s\n", file.c_str(),
              c.library_version.c_str(), c.backend.c_str(), c.isa.c_str(), c.threads,
              c.threads == 1 ? "" : "s");
  std::printf("%s epoch %lld, %lld step%s of it\n\n", c.whole ? "after" : "in", (long long)c.epoch,
              (long long)c.step, c.step == 1 ? "" : "s");
  std::vector<NamedTensor> tensors;
  for (Checkpoint::Entry& entry : c.entries) tensors.push_back({entry.name, std::move(entry.tensor)});
  show_tensors(tensors);
  for (const auto& [name, state] : c.callbacks) std::printf("\ncallback %s: %s", name.c_str(), state.c_str());
  std::printf("\nsettings %s\n", c.settings.c_str());
}

/// The first bytes of a file, of which formats are known.
std::string first_bytes(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  std::string bytes(9, '\0');
  file.read(bytes.data(), std::streamsize(bytes.size()));
  bytes.resize(size_t(file.gcount()));
  return bytes;
}

int inspect(const InspectOptions& options) {
  const std::string& file = options.file;
  if (is_image_directory(file)) {
    show_images(file);
    return ok;
  }
  const std::string bytes = std::filesystem::is_regular_file(file) ? first_bytes(file) : std::string();
  const std::string ending = std::filesystem::path(file).extension();
  if (is_csv(file))
    show_csv(options);
  else if (bytes.starts_with("\x93NUMPY") || ending == ".npy")
    show_npy(options);
  else if (bytes.starts_with("\x89PLXC") || ending == ".checkpoint")
    show_checkpoint(file);
  else if (bytes.starts_with("PK") || ending == ".npz") {
    const std::vector<NamedTensor> arrays = load_npz(file);
    std::printf("%s: NumPy archive, %zu array%s\n\n", file.c_str(), arrays.size(),
                arrays.size() == 1 ? "" : "s");
    show_tensors(arrays);
  } else if ((bytes.size() == 9 && bytes[8] == '{') || ending == ".safetensors")
    show_safetensors(file);
  else if (bytes.starts_with(std::string(2, '\0')) || bytes.starts_with("\x1f\x8b"))
    show_idx(file);
  else
    refuse_file(file,
                "a file .npy, .npz, .csv, .safetensors, .checkpoint or IDX, or a directory of IDX files");
  return ok;
}

}  // namespace

Command inspect_command(App& parent) {
  const auto options = std::make_shared<InspectOptions>();
  App app = parent.add_subcommand("inspect", "Show what a file of data, a saved model or a checkpoint holds");
  app.add_option("FILE", options->file,
                 "A model, a checkpoint, a .npy, .npz, .csv, .safetensors or IDX file, a directory of IDX "
                 "files, or fashion-mnist")
      .required();
  app.add_option("--label", options->label, "Label column of a table, by name or number (default: the last)")
      .type_name("NAME|INDEX");
  app.footer("Example:\n  plexus inspect iris.safetensors");
  return {app, [options] { return inspect(*options); }};
}

}  // namespace plexus::cli
