// Module: what the files of the Python module define. Private.
#pragma once
#include <pybind11/pybind11.h>

namespace plexus::python {

void define_errors(pybind11::module_& m);
/// Layers, losses, optimizers, Sequential, model files.
void define_network(pybind11::module_& m);
/// Data sets and their parts.
void define_datasets(pybind11::module_& m);
/// Backends, Trainer and what it returns.
void define_training(pybind11::module_& m);

}  // namespace plexus::python
