#include "plexus/bindings/c_api.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <memory>
#include <new>
#include <optional>
#include <string>
#include <vector>

#include "plexus/backends/registry.h"
#include "plexus/bindings/names.h"
#include "plexus/core/error.h"
#include "plexus/layers/dense.h"
#include "plexus/layers/dropout.h"
#include "plexus/trainer/model_file.h"
#include "plexus/trainer/trainer.h"
#include "plexus/version.h"

using namespace plexus;

struct plexus_model {
  plexus_model(Sequential network_, TrainerOptions options_, const ContextOptions& context_)
      : network(std::move(network_)),
        options(options_),
        automatic(Environment::resolve(context_).backend == auto_backend ? std::optional(context_) : std::nullopt),
        trainer(network, std::move(options_), context_) {}
  /// With the same backend and threads, be they chosen already or not.
  explicit plexus_model(const plexus_model& other)
      : network(other.network.clone()),
        options(other.options),
        automatic(other.automatic),
        trainer(automatic ? Trainer(network, options, *automatic)
                          : Trainer(network, options, other.trainer.context())) {}

  Sequential network;
  TrainerOptions options;
  std::optional<ContextOptions> automatic;  // the backend is auto
  Trainer trainer;
  std::string plan;
};

struct plexus_dataset {
  Dataset data;
};

namespace {

thread_local std::string last_error;

plexus_code fail(plexus_code code, const char* message) noexcept {
  try {
    last_error = message;
  } catch (const std::bad_alloc&) {
    last_error.clear();
  }
  return code;
}

/// Runs `body`; what it throws becomes a code and the last error.
template <class Body>
plexus_code guarded(const Body& body) noexcept {
  try {
    body();
    return PLEXUS_SUCCESS;
  } catch (const ShapeError& error) {
    return fail(PLEXUS_ERROR_SHAPE, error.what());
  } catch (const ArgumentError& error) {
    return fail(PLEXUS_ERROR_ARGUMENT, error.what());
  } catch (const DataError& error) {
    return fail(PLEXUS_ERROR_DATA, error.what());
  } catch (const BackendError& error) {
    return fail(PLEXUS_ERROR_BACKEND, error.what());
  } catch (const FormatError& error) {
    return fail(PLEXUS_ERROR_FORMAT, error.what());
  } catch (const IoError& error) {
    return fail(PLEXUS_ERROR_IO, error.what());
  } catch (const std::bad_alloc&) {
    return fail(PLEXUS_ERROR_MEMORY, "out of memory");
  } catch (const std::exception& error) {
    return fail(PLEXUS_ERROR_OTHER, error.what());
  } catch (...) {
    return fail(PLEXUS_ERROR_OTHER, "an exception of an unknown type");
  }
}

template <class T>
T& given(T* pointer, const char* what) {
  if (!pointer) throw ArgumentError(std::string(what) + ": NULL");
  return *pointer;
}

/// What the caller's version of a struct holds; zero beyond.
template <class Options>
Options read(const Options* options, const char* what) {
  Options result{};
  if (!options) return result;
  if (options->struct_size < sizeof(size_t))
    throw ArgumentError(std::string(what) + ": struct_size " + std::to_string(options->struct_size) +
                        ": set it to the size of the struct");
  std::memcpy(&result, options, std::min(options->struct_size, sizeof result));
  return result;
}

/// Throws where `to` cannot be written; to be called before anything changes.
template <class Result>
void check_result(const Result* to, const char* what) {
  if (to && to->struct_size < sizeof(size_t))
    throw ArgumentError(std::string(what) + ": struct_size " + std::to_string(to->struct_size) +
                        ": set it to the size of the struct");
}

/// As much as the caller's version of a struct holds.
template <class Result>
void write(Result result, Result* to) {
  if (!to) return;
  result.struct_size = to->struct_size;
  std::memcpy(to, &result, std::min(to->struct_size, sizeof result));
}

TrainerOptions trainer_options(const plexus_model_options& options) {
  TrainerOptions result;
  if (options.loss) result.loss = bindings::make_loss(options.loss);
  if (options.optimizer) result.optimizer = make_optimizer(options.optimizer);
  bindings::set(result.optimizer, {.learning_rate = options.learning_rate,
                                   .momentum = options.momentum,
                                   .weight_decay = options.weight_decay});
  result.clip_norm = options.clip_norm;
  result.seed = options.seed;
  return result;
}

std::unique_ptr<plexus_model> make_model(Sequential network, const plexus_model_options* given_options) {
  const plexus_model_options options = read(given_options, "model options");
  ContextOptions context{.backend = options.backend ? options.backend : "", .threads = options.threads};
  if (options.log)
    context.sink = [log = options.log, user = options.log_user](LogLevel level, const std::string& line) {
      log(user, static_cast<int32_t>(level), line.c_str());
    };
  return std::make_unique<plexus_model>(std::move(network), trainer_options(options), context);
}

Tensor features_of(const float* features, int64_t rows, int64_t columns, const char* what) {
  if (rows < 0 || columns < 1)
    throw ArgumentError(std::string(what) + ": " + std::to_string(rows) + " rows of " +
                        std::to_string(columns) + " columns: choose 0 rows or more, 1 column or more");
  if (rows > 0) given(features, "features");
  const Shape shape{rows, columns};
  return Tensor::from(std::span(features, static_cast<size_t>(shape.elements())), shape);
}

/// The caller's rows, in the shape that the network takes.
Tensor rows_of(const plexus_model& model, const float* features, int64_t rows, int64_t columns) {
  if (!model.network.built()) throw ArgumentError("predict: the network is not built: fit it first");
  const Shape& wanted = model.network.input_shape();
  if (rows < 0) throw ArgumentError("predict: " + std::to_string(rows) + " rows: choose 0 or more");
  if (columns != wanted.elements())
    throw ShapeError("predict: rows of " + std::to_string(columns) + " columns, the network takes " +
                     std::to_string(wanted.elements()) + ": give the columns it was trained on");
  if (rows > 0) given(features, "features");
  auto* elements =
      reinterpret_cast<std::byte*>(const_cast<float*>(features));  // read, and no longer than this call
  return Tensor::adopt(elements, DType::f32, wanted.batched(rows), [] {});
}

plexus_epoch to_c(const Epoch& epoch) {
  return {.struct_size = sizeof(plexus_epoch),
          .epoch = epoch.epoch,
          .train_loss = epoch.train_loss,
          .validation_loss = epoch.validation_loss,
          .validation_accuracy = epoch.validation_accuracy};
}

/// The caller's functions as a callback.
class CallbackOfC final : public Callback {
 public:
  explicit CallbackOfC(const plexus_fit_options& options) : options_(options) {}
  bool on_step(const Progress& progress) override {
    return options_.on_step &&
           options_.on_step(options_.user, progress.epoch, progress.step, progress.loss) != 0;
  }
  bool on_epoch(const Epoch& epoch) override {
    if (!options_.on_epoch) return false;
    const plexus_epoch record = to_c(epoch);
    return options_.on_epoch(options_.user, &record) != 0;
  }

 private:
  const plexus_fit_options& options_;
};

}  // namespace

extern "C" {

const char* plexus_last_error(void) { return last_error.c_str(); }
const char* plexus_version(void) { return PLEXUS_VERSION; }

plexus_code plexus_model_create(const plexus_model_options* options, plexus_model** model) {
  return guarded([&] {
    given(model, "model");
    *model = make_model(Sequential(), options).release();
  });
}

plexus_code plexus_model_load(const char* path, const plexus_model_options* options, plexus_model** model) {
  return guarded([&] {
    given(model, "model");
    *model = make_model(load_model(&given(path, "path")), options).release();
  });
}

plexus_code plexus_model_clone(const plexus_model* model, plexus_model** copy) {
  return guarded([&] {
    const plexus_model& m = given(model, "model");
    given(copy, "copy");
    *copy = new plexus_model(m);
  });
}

void plexus_model_free(plexus_model* model) { delete model; }

plexus_code plexus_model_save(const plexus_model* model, const char* path) {
  return guarded([&] { save(given(model, "model").network, &given(path, "path")); });
}

plexus_code plexus_model_add_dense(plexus_model* model, int64_t units) {
  return guarded([&] { given(model, "model").network.add(std::make_unique<Dense>(units)); });
}
plexus_code plexus_model_add_dropout(plexus_model* model, double rate) {
  return guarded([&] { given(model, "model").network.add(std::make_unique<Dropout>(rate)); });
}
plexus_code plexus_model_add(plexus_model* model, const char* layer) {
  return guarded([&] { given(model, "model").network.add(bindings::make_layer(&given(layer, "layer"))); });
}

plexus_code plexus_model_sizes(const plexus_model* model, int64_t* columns, int64_t* outputs,
                               int64_t* parameters) {
  return guarded([&] {
    const Sequential& network = given(model, "model").network;
    if (!network.built()) throw ArgumentError("sizes: the network is not built: fit it first");
    if (columns) *columns = network.input_shape().elements();
    if (outputs) *outputs = network.output_shape().elements();
    if (parameters) *parameters = network.parameter_count();
  });
}

const char* plexus_model_class_name(const plexus_model* model, int64_t number) {
  if (!model) return nullptr;
  const std::vector<std::string>& names = model->network.schema().classes;
  return number >= 0 && number < static_cast<int64_t>(names.size())
             ? names[static_cast<size_t>(number)].c_str()
             : nullptr;
}

plexus_code plexus_model_plan(plexus_model* model, int64_t batch_size, const char** table) {
  return guarded([&] {
    plexus_model& m = given(model, "model");
    given(table, "table");
    m.plan = m.trainer.plan(batch_size);
    *table = m.plan.c_str();
  });
}

plexus_code plexus_dataset_classification(const float* features, int64_t rows, int64_t columns,
                                          const int32_t* labels, int64_t classes,
                                          const char* const* class_names, plexus_dataset** data) {
  return guarded([&] {
    given(data, "data");
    Tensor matrix = features_of(features, rows, columns, "dataset");
    if (rows > 0) given(labels, "labels");
    if (classes < 1)
      throw ArgumentError("dataset: " + std::to_string(classes) + " classes: choose 1 or more");
    std::vector<std::string> names;
    for (int64_t c = 0; c < classes; ++c)
      names.push_back(class_names ? &given(class_names[c], "class name") : std::to_string(c));
    Tensor numbers = Tensor::from(std::span(labels, static_cast<size_t>(rows)), {rows});
    *data =
        new plexus_dataset{Dataset::classification(std::move(matrix), std::move(numbers), std::move(names))};
  });
}

plexus_code plexus_dataset_regression(const float* features, int64_t rows, int64_t columns,
                                      const float* targets, int64_t target_columns, plexus_dataset** data) {
  return guarded([&] {
    given(data, "data");
    Tensor matrix = features_of(features, rows, columns, "dataset");
    Tensor values = features_of(targets, rows, target_columns, "targets");
    *data = new plexus_dataset{Dataset::regression(std::move(matrix), std::move(values))};
  });
}

void plexus_dataset_free(plexus_dataset* data) { delete data; }

plexus_code plexus_model_fit(plexus_model* model, const plexus_dataset* data,
                             const plexus_fit_options* options, plexus_epoch* last) {
  return guarded([&] {
    plexus_model& m = given(model, "model");
    const Dataset& rows = given(data, "data").data;
    const plexus_fit_options o = read(options, "fit options");
    check_result(last, "last epoch");
    CallbackOfC callback(o);
    FitOptions fit{.validation_fraction = o.validation_fraction,
                   .shuffle = o.keep_order == 0,
                   .seed = o.seed,
                   .callbacks = {&callback}};
    if (o.checkpoints) fit.checkpoints.directory = o.checkpoints;
    fit.checkpoints.steps = o.checkpoint_steps;
    fit.checkpoints.resume = o.resume != 0;
    if (o.epochs != 0) fit.epochs = o.epochs;
    if (o.batch_size != 0) fit.batch_size = o.batch_size;
    const History history = m.trainer.fit(rows, fit);
    if (!history.epochs.empty()) write(to_c(history.epochs.back()), last);
  });
}

plexus_code plexus_model_evaluate(plexus_model* model, const plexus_dataset* data,
                                  plexus_evaluation* result) {
  return guarded([&] {
    plexus_model& m = given(model, "model");
    check_result(&given(result, "result"), "evaluation");
    const Evaluation e = m.trainer.evaluate(given(data, "data").data);
    const double none = std::nan("");
    write<plexus_evaluation>({.struct_size = 0,
                              .rows = e.rows,
                              .loss = e.loss,
                              .accuracy = e.accuracy,
                              .accuracy_low = e.classification ? e.interval.low : none,
                              .accuracy_high = e.classification ? e.interval.high : none,
                              .mae = e.mae,
                              .rmse = e.rmse,
                              .r2 = e.r2},
                             result);
  });
}

plexus_code plexus_model_predict(plexus_model* model, const float* features, int64_t rows, int64_t columns,
                                 float* outputs, int64_t output_columns) {
  return guarded([&] {
    plexus_model& m = given(model, "model");
    const Tensor matrix = rows_of(m, features, rows, columns);
    if (output_columns != m.network.output_shape().elements())
      throw ShapeError("predict: room for " + std::to_string(output_columns) +
                       " outputs a row, the network has " +
                       std::to_string(m.network.output_shape().elements()) + ": see plexus_model_sizes");
    if (rows > 0) given(outputs, "outputs");
    const Tensor result = m.trainer.predict(matrix);
    if (result.byte_count() > 0) std::memcpy(outputs, result.bytes(), result.byte_count());
  });
}

plexus_code plexus_model_predict_classes(plexus_model* model, const float* features, int64_t rows,
                                         int64_t columns, int32_t* classes) {
  return guarded([&] {
    plexus_model& m = given(model, "model");
    const Tensor matrix = rows_of(m, features, rows, columns);
    if (rows > 0) given(classes, "classes");
    const Tensor result = m.trainer.predict_classes(matrix);
    if (result.byte_count() > 0) std::memcpy(classes, result.bytes(), result.byte_count());
  });
}

}  // extern "C"
