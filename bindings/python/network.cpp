// Layers, losses, optimizers, Sequential, model files.
#include <pybind11/functional.h>
#include <pybind11/pybind11.h>
#include <pybind11/stl.h>

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <utility>

#include "plexus/bindings/python/arrays.h"
#include "plexus/bindings/python/module.h"
#include "plexus/core/error.h"
#include "plexus/layers/activation.h"
#include "plexus/layers/dense.h"
#include "plexus/layers/dropout.h"
#include "plexus/layers/flatten.h"
#include "plexus/layers/impute.h"
#include "plexus/layers/minmax.h"
#include "plexus/layers/sequential.h"
#include "plexus/layers/standardize.h"
#include "plexus/trainer/model_file.h"
#include "plexus/trainer/optimizer.h"
#include "plexus/trainer/schedule.h"

namespace plexus::python {
namespace {

Initializer make_initializer(const std::string& name) {
  static const std::map<std::string, Initializer> known = {{"he_normal", HeNormal{}},
                                                           {"he_uniform", HeUniform{}},
                                                           {"glorot_normal", GlorotNormal{}},
                                                           {"glorot_uniform", GlorotUniform{}},
                                                           {"lecun_normal", LecunNormal{}},
                                                           {"lecun_uniform", LecunUniform{}},
                                                           {"uniform", Uniform{}},
                                                           {"normal", Normal{}},
                                                           {"zeros", Zeros{}}};
  const auto found = known.find(name);
  if (found != known.end()) return found->second;
  std::string names;
  for (const auto& [other, value] : known) names += (names.empty() ? "" : ", ") + other;
  throw ArgumentError("no such initializer: " + name + ": choose one of " + names);
}

template <class L>
void plain_layer(py::module_& m, const char* name, const char* doc) {
  py::class_<L, ActivationLayer>(m, name, doc).def(py::init<>());
}

void define_layers(py::module_& m) {
  py::class_<Layer>(m, "Layer",
                    "One layer of a network. A network takes a copy: the same object may be added twice.")
      .def_readwrite("frozen", &Layer::frozen, "Its parameters are not trained.")
      .def("__repr__", &Layer::name);
  py::class_<Dense, Layer>(m, "Dense", "y = x W + b: `units` weighted sums of all inputs.")
      .def(py::init([](int64_t units, bool bias, const std::string& initializer) {
             return Dense(units, {.initializer = make_initializer(initializer), .bias = bias});
           }),
           py::arg("units"), py::arg("bias") = true, py::arg("initializer") = "glorot_uniform")
      .def_property_readonly("units", &Dense::units);
  py::class_<Dropout, Layer>(m, "Dropout", "In training a share `rate` of the values is zero.")
      .def(py::init<double>(), py::arg("rate") = 0.5)
      .def_property_readonly("rate", &Dropout::rate);
  py::class_<Flatten, Layer>(m, "Flatten", "A row of any shape becomes a vector.").def(py::init<>());
  py::class_<Standardize, Layer>(
      m, "Standardize", "Columns with mean 0 and standard deviation 1; learns from the training rows.")
      .def(py::init<>());
  py::class_<MinMax, Layer>(m, "MinMax", "Columns between 0 and 1; learns from the training rows.")
      .def(py::init<>());
  py::class_<Impute, Layer>(m, "Impute", "NaN becomes the mean of its column in the training rows.")
      .def(py::init<>());

  py::class_<ActivationLayer, Layer>(m, "Activation", "An activation.");
  plain_layer<Relu>(m, "Relu", "max(x, 0)");
  plain_layer<Selu>(m, "Selu", "Self-normalising with lecun_normal weights.");
  plain_layer<Silu>(m, "Silu", "x sigmoid(x)");
  plain_layer<Sigmoid>(m, "Sigmoid", "1 / (1 + exp(-x))");
  plain_layer<Tanh>(m, "Tanh", "tanh(x)");
  plain_layer<Softplus>(m, "Softplus", "ln(1 + exp(x))");
  plain_layer<Softmax>(m, "Softmax", "Over rows. Not before SoftmaxCrossEntropy, which takes logits.");
  plain_layer<LogSoftmax>(m, "LogSoftmax", "Over rows. Not before SoftmaxCrossEntropy, which takes logits.");
  py::class_<LeakyRelu, ActivationLayer>(m, "LeakyRelu", "Below 0: alpha x.")
      .def(py::init<double>(), py::arg("alpha") = 0.01);
  py::class_<Elu, ActivationLayer>(m, "Elu", "Below 0: alpha (exp(x) - 1).")
      .def(py::init<double>(), py::arg("alpha") = 1.0);
  py::class_<Gelu, ActivationLayer>(m, "Gelu", "x Phi(x), exact or by tanh.")
      .def(py::init([](bool tanh) { return Gelu({.tanh = tanh}); }), py::arg("tanh") = false);
}

void define_losses(py::module_& m) {
  py::class_<SoftmaxCrossEntropy>(m, "SoftmaxCrossEntropy", "On logits; class numbers or one-hot rows.")
      .def(py::init<>());
  py::class_<BinaryCrossEntropy>(m, "BinaryCrossEntropy", "On logits; targets in [0, 1].").def(py::init<>());
  py::class_<Mse>(m, "Mse", "Mean squared error.").def(py::init<>());
  py::class_<Mae>(m, "Mae", "Mean absolute error.").def(py::init<>());
  py::class_<Huber>(m, "Huber", "Quadratic within delta, linear outside.")
      .def(py::init([](double delta) { return Huber{delta}; }), py::arg("delta") = 1.0)
      .def_readwrite("delta", &Huber::delta);
}

/// Keyword arguments with the defaults of C++, read and written by name.
template <class T>
py::class_<T> settings(py::module_& m, const char* name, const char* doc) {
  return py::class_<T>(m, name, doc).def(py::init([](const py::kwargs& settings) {
    py::object made = py::cast(T{});
    for (const auto& [key, value] : settings) {
      if (!py::hasattr(made, key)) throw py::type_error("no such setting: " + py::cast<std::string>(key));
      py::setattr(made, key, value);
    }
    return py::cast<T>(made);
  }));
}

template <class O>
py::class_<O> optimizer(py::module_& m, const char* name, const char* doc) {
  return settings<O>(m, name, doc)
      .def("__repr__", [](const O& o) { return to_string(Optimizer{o}); })
      .def_readwrite("learning_rate", &O::learning_rate)
      .def_readwrite("weight_decay", &O::weight_decay);
}

void define_optimizers(py::module_& m) {
  optimizer<Sgd>(m, "Sgd", "Sgd(learning_rate=0.01, momentum=0, nesterov=False, weight_decay=0)")
      .def_readwrite("momentum", &Sgd::momentum)
      .def_readwrite("nesterov", &Sgd::nesterov);
  optimizer<Adam>(m, "Adam",
                  "Adam(learning_rate=0.001, beta1=0.9, beta2=0.999, epsilon=1e-8, weight_decay=0)")
      .def_readwrite("beta1", &Adam::beta1)
      .def_readwrite("beta2", &Adam::beta2)
      .def_readwrite("epsilon", &Adam::epsilon);
  optimizer<AdamW>(m, "AdamW",
                   "AdamW(learning_rate=0.001, beta1=0.9, beta2=0.999, epsilon=1e-8, weight_decay=0.01)")
      .def_readwrite("beta1", &AdamW::beta1)
      .def_readwrite("beta2", &AdamW::beta2)
      .def_readwrite("epsilon", &AdamW::epsilon);
  optimizer<RmsProp>(m, "RmsProp",
                     "RmsProp(learning_rate=0.01, smoothing=0.99, momentum=0, epsilon=1e-8, weight_decay=0)")
      .def_readwrite("smoothing", &RmsProp::smoothing)
      .def_readwrite("momentum", &RmsProp::momentum)
      .def_readwrite("epsilon", &RmsProp::epsilon);
  optimizer<Adagrad>(m, "Adagrad", "Adagrad(learning_rate=0.01, epsilon=1e-10, weight_decay=0)")
      .def_readwrite("epsilon", &Adagrad::epsilon);
  optimizer<Adamax>(m, "Adamax",
                    "Adamax(learning_rate=0.002, beta1=0.9, beta2=0.999, epsilon=1e-8, weight_decay=0)")
      .def_readwrite("beta1", &Adamax::beta1)
      .def_readwrite("beta2", &Adamax::beta2)
      .def_readwrite("epsilon", &Adamax::epsilon);
  optimizer<NAdam>(m, "NAdam",
                   "NAdam(learning_rate=0.002, beta1=0.9, beta2=0.999, epsilon=1e-8, momentum_decay=0.004, "
                   "weight_decay=0)")
      .def_readwrite("beta1", &NAdam::beta1)
      .def_readwrite("beta2", &NAdam::beta2)
      .def_readwrite("epsilon", &NAdam::epsilon)
      .def_readwrite("momentum_decay", &NAdam::momentum_decay);
  optimizer<RAdam>(m, "RAdam",
                   "RAdam(learning_rate=0.001, beta1=0.9, beta2=0.999, epsilon=1e-8, weight_decay=0)")
      .def_readwrite("beta1", &RAdam::beta1)
      .def_readwrite("beta2", &RAdam::beta2)
      .def_readwrite("epsilon", &RAdam::epsilon);
  optimizer<Adadelta>(m, "Adadelta", "Adadelta(learning_rate=1, smoothing=0.9, epsilon=1e-6, weight_decay=0)")
      .def_readwrite("smoothing", &Adadelta::smoothing)
      .def_readwrite("epsilon", &Adadelta::epsilon);
}

template <class S>
py::class_<S> schedule(py::module_& m, const char* name, const char* doc) {
  return settings<S>(m, name, doc).def("__repr__", [](const S& s) { return to_string(Schedule{s}); });
}

void define_schedules(py::module_& m) {
  schedule<ConstantRate>(m, "ConstantRate", "ConstantRate()");
  schedule<StepDecay>(m, "StepDecay", "StepDecay(every=30, factor=0.1): epochs")
      .def_readwrite("every", &StepDecay::every)
      .def_readwrite("factor", &StepDecay::factor);
  schedule<MultiStepDecay>(m, "MultiStepDecay", "MultiStepDecay(milestones=[], factor=0.1): epochs")
      .def_readwrite("milestones", &MultiStepDecay::milestones)
      .def_readwrite("factor", &MultiStepDecay::factor);
  schedule<ExponentialDecay>(m, "ExponentialDecay", "ExponentialDecay(factor=0.95): an epoch")
      .def_readwrite("factor", &ExponentialDecay::factor);
  schedule<CosineDecay>(m, "CosineDecay", "CosineDecay(epochs=0, minimum=0): 0 epochs are all of a call of fit")
      .def_readwrite("epochs", &CosineDecay::epochs)
      .def_readwrite("minimum", &CosineDecay::minimum);
  schedule<CosineRestarts>(m, "CosineRestarts", "CosineRestarts(epochs=10, growth=1, minimum=0)")
      .def_readwrite("epochs", &CosineRestarts::epochs)
      .def_readwrite("growth", &CosineRestarts::growth)
      .def_readwrite("minimum", &CosineRestarts::minimum);
  schedule<OneCycle>(m, "OneCycle", "OneCycle(epochs=0, rising=0.3, initial=0.04, final=4e-6)")
      .def_readwrite("epochs", &OneCycle::epochs)
      .def_readwrite("rising", &OneCycle::rising)
      .def_readwrite("initial", &OneCycle::initial)
      .def_readwrite("final", &OneCycle::final);
  py::class_<SchedulePosition>(m, "SchedulePosition", "Where a step stands in a training; counts from 0.")
      .def_readonly("epoch", &SchedulePosition::epoch)
      .def_readonly("step", &SchedulePosition::step)
      .def_readonly("epochs", &SchedulePosition::epochs)
      .def_readonly("steps", &SchedulePosition::steps);
  py::class_<CustomSchedule>(m, "CustomSchedule", "CustomSchedule(factor): a function of a SchedulePosition")
      .def(py::init([](std::function<double(const SchedulePosition&)> factor) {
             return CustomSchedule{std::move(factor)};
           }),
           py::arg("factor"));
}

Sequential make_sequential(const py::args& given) {
  Sequential network;
  py::object layers = given;
  if (given.size() == 1 && !py::isinstance<Layer>(given[0])) layers = given[0];
  for (const py::handle layer : layers) network.add(layer.cast<const Layer&>().clone());
  return network;
}

void define_sequential(py::module_& m) {
  py::class_<Sequential>(
      m, "Sequential",
      "Layers one after another: Sequential(Dense(10), Relu(), Dense(3)), or a list of them.")
      .def(py::init(&make_sequential))
      .def(
          "add", [](Sequential& n, const Layer& layer) { n.add(layer.clone()); }, py::arg("layer"))
      .def("__len__", &Sequential::size)
      .def(
          "__getitem__",
          [](Sequential& n, py::ssize_t i) -> Layer& {
            const auto size = static_cast<py::ssize_t>(n.size());
            if (i < -size || i >= size) throw py::index_error("layer " + std::to_string(i));
            return n[static_cast<size_t>(i < 0 ? i + size : i)];
          },
          py::return_value_policy::reference_internal)
      .def(
          "build",
          [](Sequential& n, const std::vector<int64_t>& input, uint64_t seed) {
            n.build(Shape(std::span<const int64_t>(input)), seed);
          },
          py::arg("input_shape"), py::arg("seed") = 0,
          "Fixes the shape of a row and sets parameters to their first values; fit does it by itself.")
      .def_property_readonly("built", &Sequential::built)
      .def_property_readonly("parameter_count", &Sequential::parameter_count)
      .def_property_readonly(
          "classes", [](const Sequential& n) { return n.schema().classes; },
          "Names of the classes; empty: none.")
      .def("summary", &Sequential::summary, "A table: layer, output shape, parameters.")
      .def("clone", &Sequential::clone, "Another network with the same layers and values.")
      .def(
          "parameters",
          [](const Sequential& n) {
            py::dict result;
            for (const auto& [name, entry] : n.store().entries())
              if (entry.role == Role::parameter) result[py::str(name)] = to_array(n.store().get(name));
            return result;
          },
          "Copies of the trained values by name: \"0.weight\" is [inputs, units].")
      .def(
          "set_parameter",
          [](Sequential& n, const std::string& name, const py::object& value) {
            n.store().set(name, to_f32(value, name.c_str()));
          },
          py::arg("name"), py::arg("value"));
  m.def("save", &save, py::arg("network"), py::arg("path"), py::call_guard<py::gil_scoped_release>(),
        "Writes a fitted network as a safetensors file that load, `plexus predict` and PyTorch read.");
  m.def("load", &load_model, py::arg("path"), py::call_guard<py::gil_scoped_release>(),
        "Reads what save wrote.");
}

}  // namespace

void define_network(py::module_& m) {
  define_layers(m);
  define_losses(m);
  define_optimizers(m);
  define_schedules(m);
  define_sequential(m);
}

}  // namespace plexus::python
