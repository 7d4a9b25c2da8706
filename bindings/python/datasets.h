// Data sets from arrays. Private to the module.
#pragma once
#include <pybind11/pybind11.h>

#include <string>
#include <vector>

#include "plexus/layers/sequential.h"
#include "plexus/trainer/dataset.h"

namespace plexus::python {

/// Whole numbers in y are classes; without names they are called by their numbers.
Dataset make_classification(const pybind11::object& x, const pybind11::object& y,
                            const std::vector<std::string>& class_names);
Dataset make_regression(const pybind11::object& x, const pybind11::object& y);
/// A data set as it is, or arrays: whole numbers in y are classes, with the network's names where it has them.
Dataset make_dataset(const pybind11::object& x, const pybind11::object& y, const Sequential& network);

}  // namespace plexus::python
