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
    try {
      if (thrown) std::rethrow_exception(thrown);
    } catch (const ShapeError& e) {
      shape(e.what());
    } catch (const ArgumentError& e) {
      argument(e.what());
    } catch (const DataError& e) {
      data(e.what());
    } catch (const BackendError& e) {
      backend(e.what());
    } catch (const FormatError& e) {
      format(e.what());
    } catch (const IoError& e) {
      io(e.what());
    } catch (const Error& e) {
      error(e.what());
    }
  });
}

}  // namespace plexus::python

PYBIND11_MODULE(_plexus, m) {
  m.doc() = "Training and running neural networks on CPUs";
  m.attr("__version__") = PLEXUS_VERSION;
  plexus::python::define_errors(m);
  plexus::python::define_network(m);
  plexus::python::define_training(m);
}
