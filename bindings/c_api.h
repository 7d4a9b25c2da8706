/* The C API of Plexus, in C11: make or load a model, train it from arrays, evaluate, predict, save. Link -lplexus.
 * A whole program: examples/train_c.c.
 *
 * Rules
 * - Every function that can fail returns a plexus_code; plexus_last_error() of the same thread says in one line what is wrong
 *   and what to do. A failed call changes nothing that the caller can see, and sets no result.
 * - Handles are opaque and belong to the caller: free each once, with NULL allowed. Arrays are read, or written, during the
 *   call alone, row-major and without gaps. Strings are UTF-8, read during the call; those returned say how long they live.
 * - A handle is used by one thread at a time, different handles by many at once. To predict from several threads give each a
 *   plexus_model_clone. A function that is called back must not use the model that calls it.
 * - Structs start with their size, set by the caller: {.struct_size = sizeof options}. All else may stay zero, which is the
 *   default. Later versions append members only; a library reads and writes no more than struct_size says. */
#pragma once
#include <stddef.h>
#include <stdint.h>

#include "plexus/export.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef int32_t plexus_code;
enum {
  PLEXUS_SUCCESS = 0,
  PLEXUS_ERROR_SHAPE = 1,    /* sizes that do not fit together */
  PLEXUS_ERROR_ARGUMENT = 2, /* a value that it cannot have, a NULL pointer */
  PLEXUS_ERROR_DATA = 3,     /* data that cannot be trained on or predicted from */
  PLEXUS_ERROR_BACKEND = 4,  /* unknown, not built, not usable on this CPU, or it lacks an operation */
  PLEXUS_ERROR_FORMAT = 5,   /* a damaged file */
  PLEXUS_ERROR_IO = 6,       /* a file that cannot be opened, read or written */
  PLEXUS_ERROR_MEMORY = 7,
  PLEXUS_ERROR_OTHER = 8
};

/* What the last failed call on this thread said; "" before. Lives until the next failed call on this thread. */
PLEXUS_EXPORT const char* plexus_last_error(void);
/* "0.1.0": of the library, while the program runs. */
PLEXUS_EXPORT const char* plexus_version(void);

/* ---- Models: layers, their parameters, and how they are trained ---- */
typedef struct plexus_model plexus_model;

typedef struct plexus_model_options {
  size_t struct_size;
  const char* backend;   /* NULL: PLEXUS_BACKEND, else the default; "auto": the fastest, found by the first fit */
  int32_t threads;       /* 0: PLEXUS_NUM_THREADS, else all that the process may use */
  const char* loss;      /* softmax_cross_entropy (NULL; takes class numbers), binary_cross_entropy, mse, mae, huber */
  const char* optimizer; /* sgd (NULL), adam, adamw, rmsprop, adagrad, adamax, nadam, radam, adadelta */
  double learning_rate;  /* 0: the optimizer's default: sgd, rmsprop, adagrad 0.01, adam, adamw, radam 0.001,
                           adamax, nadam 0.002, adadelta 1 */
  double momentum;       /* sgd, rmsprop */
  double weight_decay;   /* 0: the optimizer's default: adamw 0.01, the others none */
  double clip_norm;      /* > 0: gradients are scaled down to this global norm */
  uint64_t seed;         /* of first values and dropout */
  void (*log)(void* user, int32_t level, const char* line); /* warnings (level 0) and more; NULL: to stderr */
  void* log_user;
} plexus_model_options;

/* A model without layers; `options` may be NULL. Layers are added in their order, before the first fit. */
PLEXUS_EXPORT plexus_code plexus_model_create(const plexus_model_options* options, plexus_model** model);
/* A trained model from a file of plexus_model_save, px::save or `plexus train`: it predicts, and can be trained on. */
PLEXUS_EXPORT plexus_code plexus_model_load(const char* path, const plexus_model_options* options, plexus_model** model);
/* The same layers, parameters and options; its optimizer starts afresh. */
PLEXUS_EXPORT plexus_code plexus_model_clone(const plexus_model* model, plexus_model** copy);
PLEXUS_EXPORT void plexus_model_free(plexus_model* model);
/* Complete, or the file stays as it was. */
PLEXUS_EXPORT plexus_code plexus_model_save(const plexus_model* model, const char* path);

/* `units` weighted sums of all inputs. The last layer of a classifier has a unit for each class, and no activation. */
PLEXUS_EXPORT plexus_code plexus_model_add_dense(plexus_model* model, int64_t units);
/* A share `rate` in [0, 1) of the values becomes zero, in training only. */
PLEXUS_EXPORT plexus_code plexus_model_add_dropout(plexus_model* model, double rate);
/* By name: impute, standardize, minmax (before all others, in this order); flatten; relu, leaky_relu, elu, selu, gelu, gelu_tanh,
 * silu, sigmoid, tanh, softplus, softmax, log_softmax. */
PLEXUS_EXPORT plexus_code plexus_model_add(plexus_model* model, const char* layer);

/* Values of a raw row, outputs for it, and trained parameters; each pointer may be NULL. The model must be fitted or loaded. */
PLEXUS_EXPORT plexus_code plexus_model_sizes(const plexus_model* model, int64_t* columns, int64_t* outputs, int64_t* parameters);
/* The name of a class; NULL where there is none of this number. Lives until the model is fitted again or freed. */
PLEXUS_EXPORT const char* plexus_model_class_name(const plexus_model* model, int64_t number);
/* A training step of so many rows as a table: operation, backend, kernel. Lives until the next call for this model. */
PLEXUS_EXPORT plexus_code plexus_model_plan(plexus_model* model, int64_t batch_size, const char** table);

/* ---- Data: features [rows, columns], copied, and a target for each row ---- */
typedef struct plexus_dataset plexus_dataset;
/* Class numbers 0..classes-1. `class_names` holds `classes` strings, or is NULL: "0", "1", ... */
PLEXUS_EXPORT plexus_code plexus_dataset_classification(const float* features, int64_t rows, int64_t columns, const int32_t* labels,
                                                        int64_t classes, const char* const* class_names, plexus_dataset** data);
/* Targets [rows, target_columns]. */
PLEXUS_EXPORT plexus_code plexus_dataset_regression(const float* features, int64_t rows, int64_t columns, const float* targets,
                                                    int64_t target_columns, plexus_dataset** data);
PLEXUS_EXPORT void plexus_dataset_free(plexus_dataset* data);

/* ---- Training ---- */
typedef struct plexus_epoch {
  size_t struct_size; /* in on_epoch set by the library */
  int64_t epoch;      /* from 1 */
  double train_loss;
  double validation_loss, validation_accuracy; /* NaN without validation; accuracy also for regression */
} plexus_epoch;

typedef struct plexus_fit_options {
  size_t struct_size;
  int64_t epochs;             /* 0: 1 */
  int64_t batch_size;         /* 0: 32 */
  double validation_fraction; /* in [0, 1): so much of the data is held back and evaluated after each epoch */
  int32_t keep_order;         /* not 0: rows are not shuffled */
  uint64_t seed;              /* of shuffling and of the validation split */
  int32_t (*on_epoch)(void* user, const plexus_epoch* epoch);                  /* not 0: stop */
  int32_t (*on_step)(void* user, int64_t epoch, int64_t step, double loss);    /* not 0: stop after this step */
  void* user;
  const char* checkpoints;    /* a directory of this run alone; NULL: none. One every 30 s, and one at the end */
  int64_t checkpoint_steps;   /* not 0: one every so many steps instead */
  int32_t resume;             /* not 0: go on from the newest checkpoint; epochs counts from the beginning of the run */
} plexus_fit_options;

/* Trains; `options` and `last`, the last epoch, may be NULL. Called again, it goes on where it stopped. On the first call
 * preprocessing learns from the data, and parameters get their first values. */
PLEXUS_EXPORT plexus_code plexus_model_fit(plexus_model* model, const plexus_dataset* data, const plexus_fit_options* options,
                                           plexus_epoch* last);

typedef struct plexus_evaluation {
  size_t struct_size;
  int64_t rows;
  double loss;
  double accuracy, accuracy_low, accuracy_high; /* with its 95 % interval; NaN for regression */
  double mae, rmse, r2;                         /* NaN for classification */
} plexus_evaluation;
PLEXUS_EXPORT plexus_code plexus_model_evaluate(plexus_model* model, const plexus_dataset* data, plexus_evaluation* result);

/* Outputs [rows, outputs] for raw rows [rows, columns]; after softmax_cross_entropy logits. */
PLEXUS_EXPORT plexus_code plexus_model_predict(plexus_model* model, const float* features, int64_t rows, int64_t columns,
                                               float* outputs, int64_t output_columns);
/* The number of the largest output, for every row; the lowest of equal ones. */
PLEXUS_EXPORT plexus_code plexus_model_predict_classes(plexus_model* model, const float* features, int64_t rows, int64_t columns,
                                                       int32_t* classes);

#ifdef __cplusplus
}
#endif
