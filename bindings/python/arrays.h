// Arrays: NumPy's memory as tensors and back, without a copy where types and layout allow it. Private.
#pragma once
#include <pybind11/numpy.h>

#include <string>

#include "plexus/core/tensor.h"

namespace plexus::python {

namespace py = pybind11;

/// f32 and u8 arrays that are contiguous and aligned lend their memory and live as long as the tensor; all others are converted
/// to f32 once. TypeError, with `what` in front, for what is no array of numbers.
Tensor to_features(const py::object& array, const char* what);
/// The same; never u8.
Tensor to_f32(const py::object& array, const char* what);
/// Whole numbers as i32.
Tensor to_labels(const py::object& array, const char* what);
/// Takes the tensor's memory along.
py::array to_array(Tensor tensor);

}  // namespace plexus::python
