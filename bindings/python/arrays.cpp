#include "plexus/bindings/python/arrays.h"

#include <cstdint>
#include <memory>
#include <utility>
#include <vector>

namespace plexus::python {
namespace {

constexpr int dense = int(py::array::c_style) | int(py::detail::npy_api::NPY_ARRAY_ALIGNED_);

/// The tensor keeps the array alive, and lets go of it on whatever thread it dies.
Tensor lend(const py::array& array, DType dtype) {
  std::vector<int64_t> sizes(array.shape(), array.shape() + array.ndim());
  PyObject* owner = array.ptr();
  Py_INCREF(owner);
  const auto release = [owner] {
    py::gil_scoped_acquire gil;
    Py_DECREF(owner);
  };
  auto* elements =
      static_cast<std::byte*>(const_cast<void*>(array.data()));  // data sets are never written to
  try {
    return Tensor::adopt(elements, dtype, Shape(std::span<const int64_t>(sizes)), release);
  } catch (...) {
    release();
    throw;
  }
}

template <class T>
Tensor converted(const py::object& object, const char* what, const char* wanted) {
  const auto array = py::array_t<T, dense | py::array::forcecast>::ensure(object);
  if (!array) throw py::type_error(std::string(what) + ": not an array of numbers that become " + wanted);
  return lend(array, dtype_of<T>);
}

py::array any_array(const py::object& object, const char* what) {
  py::array array = py::array::ensure(object);
  if (!array) throw py::type_error(std::string(what) + ": not an array");
  return array;
}

}  // namespace

Tensor to_features(const py::object& object, const char* what) {
  const py::array array = any_array(object, what);
  if (array.dtype().kind() == 'u' && array.itemsize() == 1) return converted<uint8_t>(array, what, "uint8");
  return to_f32(array, what);
}

Tensor to_f32(const py::object& object, const char* what) {
  const py::array array = any_array(object, what);
  if (array.dtype().kind() == 'c') throw py::type_error(std::string(what) + ": complex numbers");
  return converted<float>(array, what, "float32");
}

Tensor to_labels(const py::object& object, const char* what) {
  const py::array array = any_array(object, what);
  const char kind = array.dtype().kind();
  if (kind != 'i' && kind != 'u' && kind != 'b')
    throw py::type_error(std::string(what) + ": class numbers are whole numbers, not " +
                         py::cast<std::string>(py::str(array.dtype())));
  const Tensor wide = converted<int64_t>(array, what, "int64");
  return wide.converted(DType::i32);
}

py::array to_array(Tensor tensor) {
  auto owned = std::make_unique<Tensor>(std::move(tensor));
  const Shape& shape = owned->shape();
  const std::vector<py::ssize_t> sizes(shape.begin(), shape.end());
  const py::dtype type = owned->dtype() == DType::f32   ? py::dtype::of<float>()
                         : owned->dtype() == DType::f64 ? py::dtype::of<double>()
                         : owned->dtype() == DType::i64 ? py::dtype::of<int64_t>()
                         : owned->dtype() == DType::u8  ? py::dtype::of<uint8_t>()
                                                        : py::dtype::of<int32_t>();
  void* elements = owned->bytes();
  py::capsule owner(owned.get(), [](void* p) { delete static_cast<Tensor*>(p); });
  owned.release();
  return py::array(type, sizes, elements, owner);
}

}  // namespace plexus::python
