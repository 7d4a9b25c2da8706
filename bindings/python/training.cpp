// Backends, Trainer and what it returns.
#include <pybind11/functional.h>
#include <pybind11/pybind11.h>
#include <pybind11/stl.h>

#include <algorithm>
#include <chrono>
#include <memory>
#include <optional>
#include <sstream>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "plexus/backends/registry.h"
#include "plexus/bindings/names.h"
#include "plexus/bindings/python/arrays.h"
#include "plexus/bindings/python/datasets.h"
#include "plexus/bindings/python/module.h"
#include "plexus/core/error.h"
#include "plexus/trainer/early_stopping.h"
#include "plexus/trainer/learning_rate_finder.h"
#include "plexus/trainer/target_scaling.h"
#include "plexus/trainer/trainer.h"

namespace plexus::python {
namespace {

using Clock = std::chrono::steady_clock;

// Between looks for Ctrl-C: shorter than anybody notices, and taking the interpreter's lock so seldom costs
// nothing.
constexpr std::chrono::milliseconds signal_interval{50};

/// Lines of the library go to logging.getLogger("plexus").
void log_to_python(LogLevel level, const std::string& line) {
  py::gil_scoped_acquire gil;
  try {
    const py::object logger = py::module_::import("logging").attr("getLogger")("plexus");
    logger.attr(level == LogLevel::warning ? "warning" : "info")("%s", line);
  } catch (py::error_already_set& error) {
    error.discard_as_unraisable("plexus: logging");
  }
}

/// Ctrl-C and the caller's functions, on the training thread, which does not hold the interpreter's lock.
class PythonCallback final : public Callback {
 public:
  using OnStep = std::optional<std::function<py::object(const Progress&)>>;
  using OnEpoch = std::optional<std::function<py::object(const Epoch&)>>;
  PythonCallback(const OnStep& on_step, const OnEpoch& on_epoch) : on_step_(on_step), on_epoch_(on_epoch) {}

  bool on_step(const Progress& progress) override {
    const auto now = Clock::now();
    const bool look = now - last_look_ >= signal_interval;
    if (!look && !on_step_) return false;
    py::gil_scoped_acquire gil;
    if (look) {
      last_look_ = now;
      if (PyErr_CheckSignals() != 0) throw py::error_already_set();
    }
    return on_step_ && said_stop((*on_step_)(progress));
  }
  bool on_epoch(const Epoch& epoch) override {
    if (!on_epoch_) return false;
    py::gil_scoped_acquire gil;
    return said_stop((*on_epoch_)(epoch));
  }

 private:
  static bool said_stop(const py::object& answer) { return !answer.is_none() && answer.cast<bool>(); }
  const OnStep& on_step_;
  const OnEpoch& on_epoch_;
  Clock::time_point last_look_ = Clock::now();
};

void define_backends(py::module_& m) {
  py::class_<BackendRow>(m, "Backend", "A row of the table of backends.")
      .def_readonly("name", &BackendRow::name)
      .def_readonly("description", &BackendRow::description)
      .def_readonly("built", &BackendRow::built)
      .def_readonly("usable", &BackendRow::usable)
      .def_readonly("reason", &BackendRow::reason)
      .def_readonly("file", &BackendRow::file)
      .def("__repr__",
           [](const BackendRow& row) { return row.name + (row.usable ? "" : " (" + row.reason + ")"); });
  m.def("backends", &backends, "All backends, the fastest first.");
  m.def("load_backend", &load_backend, py::arg("file"),
        "Loads a plugin: an absolute path. Plugins are trusted code.");
}

void define_results(py::module_& m) {
  py::class_<TargetScaling>(m, "TargetScaling",
                            "Real targets standardised for training; fold_into brings a network's outputs back to their units.")
      .def(py::init<const Dataset&>(), py::arg("train"))
      .def("apply", &TargetScaling::apply, py::arg("data"))
      .def("fold_into", &TargetScaling::fold_into, py::arg("network"), "Once, after the last fit.")
      .def_property_readonly("means", &TargetScaling::means)
      .def_property_readonly("deviations", &TargetScaling::deviations);
  py::class_<Progress>(m, "Progress", "Where training is.")
      .def_readonly("epoch", &Progress::epoch)
      .def_readonly("step", &Progress::step)
      .def_readonly("loss", &Progress::loss)
      .def_readonly("learning_rate", &Progress::learning_rate);
  py::class_<Epoch>(m, "Epoch", "One epoch of training.")
      .def_readonly("epoch", &Epoch::epoch)
      .def_readonly("train_loss", &Epoch::train_loss)
      .def_readonly("validation_loss", &Epoch::validation_loss)
      .def_readonly("validation_accuracy", &Epoch::validation_accuracy)
      .def_readonly("learning_rate", &Epoch::learning_rate)
      .def_readonly("seconds", &Epoch::seconds);
  py::class_<History>(m, "History", "What fit did.")
      .def_readonly("epochs", &History::epochs)
      .def_readonly("stopped", &History::stopped);
  py::class_<Evaluation>(m, "Evaluation", "Loss and metrics.")
      .def_readonly("rows", &Evaluation::rows)
      .def_readonly("loss", &Evaluation::loss)
      .def_readonly("accuracy", &Evaluation::accuracy)
      .def_property_readonly(
          "interval", [](const Evaluation& e) { return std::pair(e.interval.low, e.interval.high); },
          "95 % confidence interval of the accuracy.")
      .def_readonly("f1", &Evaluation::macro_f1, "Mean over the classes.")
      .def_readonly("auc", &Evaluation::macro_auc, "Mean over the classes.")
      .def_readonly("top5_accuracy", &Evaluation::top5_accuracy)
      .def_property_readonly("calibration_error", [](const Evaluation& e) { return e.calibration.error; })
      .def_readonly("mae", &Evaluation::mae)
      .def_readonly("rmse", &Evaluation::rmse)
      .def_readonly("r2", &Evaluation::r2)
      .def_property_readonly(
          "confusion",
          [](const Evaluation& e) {
            const auto classes = static_cast<int64_t>(e.class_names.size());
            return to_array(Tensor::from(std::span(e.confusion), {classes, classes}));
          },
          "[true][predicted]")
      .def("__repr__", [](const Evaluation& e) {
        std::ostringstream text;
        text << e;
        return text.str();
      });
}

using NamedLoss = std::variant<std::string, Loss>;
using NamedOptimizer = std::variant<std::string, Optimizer>;

Loss make_loss(const NamedLoss& loss) {
  const auto* name = std::get_if<std::string>(&loss);
  return name ? bindings::make_loss(*name) : std::get<Loss>(loss);
}
Optimizer make_optimizer(const NamedOptimizer& optimizer) {
  const auto* name = std::get_if<std::string>(&optimizer);
  return name ? plexus::make_optimizer(*name) : std::get<Optimizer>(optimizer);
}

std::unique_ptr<Trainer> make_trainer(Sequential& network, const NamedLoss& loss,
                                      const NamedOptimizer& optimizer,
                                      const std::optional<std::string>& backend,
                                      const std::optional<int>& threads, uint64_t seed, double clip_norm,
                                      int64_t accumulate, const std::optional<Schedule>& schedule,
                                      int64_t warmup_steps, double ema_decay, const std::optional<std::string>& profile) {
  TrainerOptions options{
      .loss = make_loss(loss),
      .optimizer = make_optimizer(optimizer),
      .schedule = schedule.value_or(ConstantRate{}),
      .warmup_steps = warmup_steps,
      .seed = seed,
      .ema_decay = ema_decay,
      .clip_norm = clip_norm,
      .accumulate = accumulate};
  const ContextOptions context{
      .backend = backend.value_or(""), .threads = threads.value_or(0), .profile = profile, .sink = log_to_python};
  return std::make_unique<Trainer>(network, std::move(options), context);
}

History fit(Trainer& trainer, const py::object& x, const py::object& y, int64_t epochs, int64_t batch_size,
            bool full_batch, double validation_fraction, const py::object& validation, bool shuffle,
            uint64_t seed, const PythonCallback::OnStep& on_step, const PythonCallback::OnEpoch& on_epoch,
            const std::optional<int64_t>& patience, bool diagnosis, const std::optional<std::string>& checkpoints,
            int64_t checkpoint_steps, int64_t checkpoint_epochs, bool resume) {
  const Dataset data = make_dataset(x, y, trainer.network());
  PythonCallback callback(on_step, on_epoch);
  FitOptions options{.epochs = epochs,
                     .batch_size = batch_size,
                     .full_batch = full_batch,
                     .validation_fraction = validation_fraction,
                     .shuffle = shuffle,
                     .seed = seed,
                     .diagnosis = diagnosis,
                     .callbacks = {&callback},
                     .checkpoints = {.directory = checkpoints.value_or(""),
                                     .steps = checkpoint_steps,
                                     .epochs = checkpoint_epochs,
                                     .resume = resume}};
  std::optional<EarlyStopping> early_stopping;
  if (patience) {
    early_stopping.emplace(EarlyStoppingOptions{.patience = *patience});
    options.callbacks.push_back(&*early_stopping);
  }
  if (py::isinstance<Dataset>(validation)) {
    options.validation = validation.cast<Dataset>();
  } else if (!validation.is_none()) {
    const auto [vx, vy] = validation.cast<std::pair<py::object, py::object>>();
    const py::array targets = py::array::ensure(vy);
    options.validation =
        data.classes() > 0 ? make_classification(vx, vy, data.class_names()) : make_regression(vx, vy);
  }
  py::gil_scoped_release unlocked;
  return trainer.fit(data, options);
}

RangeTest find_rate(const Sequential& network, const py::object& x, const py::object& y, const NamedLoss& loss,
                    const NamedOptimizer& optimizer, int64_t batch_size, double start, double stop, int64_t steps,
                    const std::optional<std::string>& backend, const std::optional<int>& threads, uint64_t seed) {
  const Dataset data = make_dataset(x, y, network);
  const TrainerOptions settings{.loss = make_loss(loss), .optimizer = make_optimizer(optimizer), .seed = seed};
  PythonCallback interrupts({}, {});
  const FitOptions fit{.batch_size = batch_size, .seed = seed, .diagnosis = false, .callbacks = {&interrupts}};
  const ContextOptions context{
      .backend = backend.value_or(""), .threads = threads.value_or(0), .profile = {}, .sink = log_to_python};
  py::gil_scoped_release unlocked;
  return find_learning_rate(network, data, settings, fit, {.from = start, .to = stop, .steps = steps},
                            make_context(context));
}

/// One number of every step.
std::vector<double> column(const RangeTest& test, double RangeTest::Step::*number) {
  std::vector<double> values;
  for (const RangeTest::Step& step : test.steps) values.push_back(step.*number);
  return values;
}

void define_learning_rate_finder(py::module_& m) {
  py::class_<RangeTest>(m, "RangeTest", "What a learning-rate range test saw, a number a step.")
      .def_property_readonly("learning_rates",
                             [](const RangeTest& t) { return column(t, &RangeTest::Step::learning_rate); })
      .def_property_readonly("losses", [](const RangeTest& t) { return column(t, &RangeTest::Step::loss); })
      .def_property_readonly("smoothed", [](const RangeTest& t) { return column(t, &RangeTest::Step::smoothed); })
      .def_readonly("suggestion", &RangeTest::suggestion, "Where the smoothed loss falls most steeply; NaN: nowhere.")
      .def_readonly("lowest", &RangeTest::lowest, "Where it is lowest: more than this is too much.")
      .def_readonly("diverged", &RangeTest::diverged);
  m.def("find_learning_rate", &find_rate, py::arg("network"), py::arg("X"), py::arg("y") = py::none(),
        py::arg("loss") = "softmax_cross_entropy", py::arg("optimizer") = "sgd", py::arg("batch_size") = 32,
        py::arg("start") = RangeTestOptions().from, py::arg("stop") = RangeTestOptions().to,
        py::arg("steps") = RangeTestOptions().steps, py::arg("backend") = py::none(), py::arg("threads") = py::none(),
        py::arg("seed") = 0,
        "Learning-rate range test: trains a copy of the network, with a rate that grows from start to stop. The "
        "network stays as it is.");
}

template <class Predict>
py::array predict(const py::object& x, const Predict& run) {
  Tensor result;
  if (py::isinstance<Dataset>(x)) {
    const Dataset data = x.cast<Dataset>();
    py::gil_scoped_release unlocked;
    result = run(data);
  } else {
    const Tensor rows = to_features(x, "X");
    py::gil_scoped_release unlocked;
    result = run(rows);
  }
  return to_array(std::move(result));
}

void define_trainer(py::module_& m) {
  py::class_<Trainer>(m, "Trainer",
                      "Fits a network to data, tests it, predicts with it. X and y are arrays, or X is a "
                      "Dataset. One thread at a time.")
      .def(py::init(&make_trainer), py::arg("network"), py::arg("loss") = "softmax_cross_entropy",
           py::arg("optimizer") = "sgd", py::arg("backend") = py::none(), py::arg("threads") = py::none(),
           py::arg("seed") = 0, py::arg("clip_norm") = 0.0, py::arg("accumulate") = 1,
           py::arg("schedule") = py::none(), py::arg("warmup_steps") = 0, py::arg("ema_decay") = 0.0,
           py::arg("profile") = py::none(),
           py::keep_alive<1, 2>(),
           py::call_guard<py::gil_scoped_release>(),
           "loss and optimizer: an object or its name (\"mse\", \"adam\"). schedule: of the learning rate, such "
           "as CosineDecay(). ema_decay: fit leaves the moving average of the weights in the network. "
           "profile: a file for what takes how long, as PLEXUS_PROFILE; \"\": none.")
      .def("fit", &fit, py::arg("X"), py::arg("y") = py::none(), py::arg("epochs") = 1,
           py::arg("batch_size") = 32, py::arg("full_batch") = false, py::arg("validation_fraction") = 0.0,
           py::arg("validation") = py::none(), py::arg("shuffle") = true, py::arg("seed") = 0,
           py::arg("on_step") = py::none(), py::arg("on_epoch") = py::none(), py::arg("patience") = py::none(),
           py::arg("diagnosis") = true, py::arg("checkpoints") = py::none(), py::arg("checkpoint_steps") = 0,
           py::arg("checkpoint_epochs") = 0, py::arg("resume") = false,
           "Trains without the interpreter's lock. Ctrl-C stops it after a step; the weights stay as they "
           "are then. Functions "
           "that return True stop it. Whole numbers in y are classes, floats are regressed. A second call "
           "goes on. patience: ends after so many epochs in which the validation loss was no better, with the "
           "best weights. diagnosis: the first call logs a warning for each of the usual mistakes that it sees. "
           "checkpoints: a directory of this run alone, which gets one every 30 s, or every so many steps or "
           "epochs, and one at the end. resume: goes on from the newest there, to the bits of a run that was never "
           "interrupted; epochs counts from the beginning of the run.")
      .def(
          "evaluate",
          [](Trainer& t, const py::object& x, const py::object& y) {
            const Dataset data = make_dataset(x, y, t.network());
            py::gil_scoped_release unlocked;
            return t.evaluate(data);
          },
          py::arg("X"), py::arg("y") = py::none(), "Loss and metrics, without dropout.")
      .def(
          "predict",
          [](Trainer& t, const py::object& x) {
            return predict(x, [&](const auto& rows) { return t.predict(rows); });
          },
          py::arg("X"), "Outputs for raw rows, float32 [n, k]; logits after softmax cross entropy.")
      .def(
          "predict_classes",
          [](Trainer& t, const py::object& x) {
            return predict(x, [&](const auto& rows) { return t.predict_classes(rows); });
          },
          py::arg("X"), "Class numbers, int32 [n].")
      .def("plan", &Trainer::plan, py::arg("batch_size") = 32, py::call_guard<py::gil_scoped_release>(),
           "A training step as a table: operation, backend, kernel.")
      .def_property_readonly("backend", [](const Trainer& t) { return t.context().chosen().name(); })
      .def_property_readonly("threads", [](const Trainer& t) { return t.context().executor().threads(); });
}

}  // namespace

void define_training(py::module_& m) {
  define_backends(m);
  define_results(m);
  define_trainer(m);
  define_learning_rate_finder(m);
}

}  // namespace plexus::python
