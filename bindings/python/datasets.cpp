// Data sets from arrays and files.
#include "plexus/bindings/python/datasets.h"

#include <pybind11/stl.h>

#include <algorithm>
#include <utility>

#include "plexus/bindings/python/arrays.h"
#include "plexus/bindings/python/module.h"
#include "plexus/io/csv.h"
#include "plexus/trainer/split.h"

namespace plexus::python {
namespace {

std::vector<std::string> numbered_classes(const Tensor& labels) {
  int32_t last = -1;
  for (const int32_t label : labels.values<int32_t>()) last = std::max(last, label);
  std::vector<std::string> names;
  for (int32_t c = 0; c <= last; ++c) names.push_back(std::to_string(c));
  return names;
}

TableOptions label_options(const py::object& labels) {
  TableOptions options;
  if (labels.is_none()) return options;
  const py::list list = py::isinstance<py::list>(labels) || py::isinstance<py::tuple>(labels)
                            ? py::list(labels)
                            : py::list(py::make_tuple(labels));
  if (list.size() > 0 && py::isinstance<py::str>(list[0]))
    options.label_names = list.cast<std::vector<std::string>>();
  else
    options.labels = list.cast<std::vector<int64_t>>();
  return options;
}

}  // namespace

Dataset make_classification(const py::object& x, const py::object& y,
                            const std::vector<std::string>& class_names) {
  Tensor labels = to_labels(y, "y");
  std::vector<std::string> names = class_names.empty() ? numbered_classes(labels) : class_names;
  return Dataset::classification(to_features(x, "X"), std::move(labels), std::move(names));
}

Dataset make_regression(const py::object& x, const py::object& y) {
  return Dataset::regression(to_features(x, "X"), to_f32(y, "y"));
}

Dataset make_dataset(const py::object& x, const py::object& y, const Sequential& network) {
  if (py::isinstance<Dataset>(x)) {
    if (!y.is_none()) throw py::type_error("y: the data set has its targets");
    return x.cast<Dataset>();
  }
  if (y.is_none()) throw py::type_error("y: missing");
  const py::array targets = py::array::ensure(y);
  if (!targets) throw py::type_error("y: not an array");
  const char kind = targets.dtype().kind();
  return kind == 'f' ? make_regression(x, targets)
                     : make_classification(x, targets, network.schema().classes);
}

void define_datasets(py::module_& m) {
  py::class_<Dataset>(
      m, "Dataset",
      "Features and targets, row by row. float32 and uint8 arrays are not copied: leave them alone "
      "while the data set lives.")
      .def_static("classification", &make_classification, py::arg("X"), py::arg("y"),
                  py::arg("class_names") = std::vector<std::string>(), "Class numbers from 0.")
      .def_static("regression", &make_regression, py::arg("X"), py::arg("y"))
      .def_static(
          "from_csv",
          [](const std::string& path, const py::object& labels) {
            const TableOptions options = label_options(labels);
            py::gil_scoped_release unlocked;
            return Dataset::from_table(load_csv(path), options);
          },
          py::arg("path"), py::arg("labels") = py::none(),
          "`labels`: a column's number or name, or a list; default the last.")
      .def("__len__", &Dataset::size)
      .def_property_readonly("classes", &Dataset::class_names)
      .def_property_readonly("columns", &Dataset::column_names)
      .def_property_readonly("targets", [](const Dataset& d) { return to_array(d.targets()); });
  m.def(
      "split",
      [](const Dataset& data, double test_fraction, uint64_t seed, bool stratified) {
        Split parts = split(data, {.test_fraction = test_fraction, .seed = seed, .stratified = stratified});
        return std::pair(std::move(parts.train), std::move(parts.test));
      },
      py::arg("data"), py::arg("test_fraction") = 0.2, py::arg("seed") = 0, py::arg("stratified") = true,
      "Shuffles and splits: (train, test).");
  m.def(
      "k_fold",
      [](const Dataset& data, int64_t folds, uint64_t seed, bool stratified) {
        std::vector<std::pair<Dataset, Dataset>> parts;
        for (Split& one : k_fold(data, {.folds = folds, .seed = seed, .stratified = stratified}))
          parts.emplace_back(std::move(one.train), std::move(one.test));
        return parts;
      },
      py::arg("data"), py::arg("folds") = FoldOptions().folds, py::arg("seed") = 0, py::arg("stratified") = true,
      "Cross-validation: [(train, test), ...], in which every row is tested once.");
}

}  // namespace plexus::python
