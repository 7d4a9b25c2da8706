// The extension module plexus._plexus; the package around it is bindings/python/plexus/.
#include "plexus/bindings/python/module.h"

#include "plexus/core/error.h"
#include "plexus/version.h"

namespace plexus::python {

namespace py = pybind11;

/// Each derives from plexus.Error and from the exception of Python that says the same.
void define_errors(py::module_& m) {
  static py::exception<Error> error(m, "Error", PyExc_Exception);
  const auto bases = [&](PyObject* builtin) { return py::make_tuple(error, py::handle(builtin)); };
  static const py::tuple value = bases(PyExc_ValueError), runtime = bases(PyExc_RuntimeError),
                         os = bases(PyExc_OSError);
  static py::exception<ShapeError> shape(m, "ShapeError", value);
  static py::exception<ArgumentError> argument(m, "ArgumentError", value);
  static py::exception<DataError> data(m, "DataError", value);
  static py::exception<BackendError> backend(m, "BackendError", runtime);
  static py::exception<FormatError> format(m, "FormatError", value);
  static py::exception<IoError> io(m, "IoError", os);
  py::register_exception_translator([](std::exception_ptr thrown) {
    const auto raise = [](py::handle type, const Error& e) { PyErr_SetString(type.ptr(), e.what()); };
    try {
      if (thrown) std::rethrow_exception(thrown);
    } catch (const ShapeError& e) {
      raise(shape, e);
    } catch (const ArgumentError& e) {
      raise(argument, e);
    } catch (const DataError& e) {
      raise(data, e);
    } catch (const BackendError& e) {
      raise(backend, e);
    } catch (const FormatError& e) {
      raise(format, e);
    } catch (const IoError& e) {
      raise(io, e);
    } catch (const Error& e) {
      raise(error, e);
    }
  });
}

}  // namespace plexus::python

PYBIND11_MODULE(_plexus, m) {
  m.doc() = "Training and running neural networks on CPUs";
  m.attr("__version__") = PLEXUS_VERSION;
  plexus::python::define_errors(m);
  plexus::python::define_network(m);
  plexus::python::define_datasets(m);
  plexus::python::define_training(m);
}
