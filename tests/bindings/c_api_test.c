/* The C API as a C program meets it. Prints what does not hold; exits with 1. */
#include <math.h>
#include <plexus/backends/abi/plexus_backend.h> /* the two headers of C get along */
#include <plexus/bindings/c_api.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int failures = 0;

#define EXPECT(condition) \
  ((condition) ? (void)0 : (void)(++failures, printf("%s:%d: %s; last error: %s\n", __FILE__, __LINE__, #condition, plexus_last_error())))

static void expect_error(int line, plexus_code code, plexus_code wanted, const char* message) {
  if (code == wanted && strcmp(plexus_last_error(), message) == 0) return;
  ++failures;
  printf("%s:%d: code %d, not %d: '%s', not '%s'\n", __FILE__, line, code, wanted, plexus_last_error(), message);
}
#define EXPECT_ERROR(call, code, message) expect_error(__LINE__, call, code, message)

/* Two clouds of points that a line separates: class 1 is where x + y > 0, with room between. */
enum { ROWS = 200, COLUMNS = 2 };
static float features[ROWS * COLUMNS];
static int32_t labels[ROWS];
static float targets[ROWS]; /* 2 x - 3 y + 1 */

static void make_data(void) {
  uint32_t state = 1;
  for (int i = 0; i < ROWS; ++i) {
    float point[COLUMNS];
    for (int j = 0; j < COLUMNS; ++j) {
      state = state * 1664525u + 1013904223u; /* Numerical Recipes' generator */
      point[j] = (float)(state >> 8) / (float)(1 << 24) - 0.5f;
    }
    labels[i] = i % 2;
    const float shift = labels[i] ? 1.0f : -1.0f;
    features[2 * i] = point[0] + shift;
    features[2 * i + 1] = point[1] + shift;
    targets[i] = 2 * features[2 * i] - 3 * features[2 * i + 1] + 1;
  }
}

typedef struct Record {
  int epochs, steps, warnings;
  int stop_at; /* epoch after which to stop; 0: never */
  double last_loss;
  char lines[4096];
} Record;

static int32_t on_epoch(void* user, const plexus_epoch* epoch) {
  Record* record = user;
  EXPECT(epoch->struct_size == sizeof(plexus_epoch));
  EXPECT(epoch->epoch == ++record->epochs);
  record->last_loss = epoch->train_loss;
  return record->stop_at == record->epochs;
}
static int32_t on_step(void* user, int64_t epoch, int64_t step, double loss) {
  Record* record = user;
  ++record->steps;
  EXPECT(epoch == record->epochs + 1 && step >= 1 && loss >= 0);
  return 0;
}
static void log_line(void* user, int32_t level, const char* line) {
  Record* record = user;
  record->warnings += level == 0;
  const size_t used = strlen(record->lines);
  snprintf(record->lines + used, sizeof record->lines - used, "%s\n", line);
}

static plexus_model* classifier(const plexus_model_options* options) {
  plexus_model* model = NULL;
  EXPECT(plexus_model_create(options, &model) == PLEXUS_SUCCESS);
  EXPECT(plexus_model_add(model, "standardize") == PLEXUS_SUCCESS);
  EXPECT(plexus_model_add_dense(model, 8) == PLEXUS_SUCCESS);
  EXPECT(plexus_model_add(model, "relu") == PLEXUS_SUCCESS);
  EXPECT(plexus_model_add_dense(model, 2) == PLEXUS_SUCCESS);
  return model;
}

static void classify(const plexus_dataset* data, const char* directory) {
  const plexus_model_options options = {.struct_size = sizeof options, .backend = "reference", .threads = 1, .learning_rate = 0.1, .seed = 3};
  plexus_model* model = classifier(&options);
  Record record = {0};
  const plexus_fit_options fit = {.struct_size = sizeof fit,
                                  .epochs = 20,
                                  .batch_size = 16,
                                  .validation_fraction = 0.2,
                                  .on_epoch = on_epoch,
                                  .on_step = on_step,
                                  .user = &record};
  plexus_epoch last = {.struct_size = sizeof last};
  EXPECT(plexus_model_fit(model, data, &fit, &last) == PLEXUS_SUCCESS);
  EXPECT(record.epochs == 20 && record.steps == 20 * 10); /* 160 rows remain: ten batches */
  EXPECT(last.epoch == 20 && last.train_loss == record.last_loss && last.train_loss < 0.2);
  EXPECT(last.validation_accuracy == 1);

  plexus_evaluation result = {.struct_size = sizeof result};
  EXPECT(plexus_model_evaluate(model, data, &result) == PLEXUS_SUCCESS);
  EXPECT(result.rows == ROWS && result.accuracy == 1 && result.loss < 0.2);
  EXPECT(fabs(result.accuracy_low - 0.98116) < 1e-5 && result.accuracy_high == 1); /* Wilson, 200 of 200 */
  EXPECT(isnan(result.r2));

  int64_t columns = 0, outputs = 0, parameters = 0;
  EXPECT(plexus_model_sizes(model, &columns, &outputs, &parameters) == PLEXUS_SUCCESS);
  EXPECT(columns == 2 && outputs == 2 && parameters == 2 * 8 + 8 + 8 * 2 + 2);
  EXPECT(strcmp(plexus_model_class_name(model, 1), "up") == 0 && !plexus_model_class_name(model, 2));
  const char* plan = "";
  EXPECT(plexus_model_plan(model, 16, &plan) == PLEXUS_SUCCESS);
  EXPECT(strstr(plan, "matmul/nn/f32/m16~/n8/k2/bias") && strstr(plan, "reference"));

  float logits[2 * ROWS], again[2 * ROWS];
  int32_t classes[ROWS];
  EXPECT(plexus_model_predict(model, features, ROWS, COLUMNS, logits, 2) == PLEXUS_SUCCESS);
  EXPECT(plexus_model_predict_classes(model, features, ROWS, COLUMNS, classes) == PLEXUS_SUCCESS);
  EXPECT(memcmp(classes, labels, sizeof labels) == 0);
  for (int i = 0; i < ROWS; ++i) EXPECT((logits[2 * i + 1] > logits[2 * i]) == (classes[i] == 1));

  /* A copy, and the file, predict the same bits. */
  char path[4096];
  snprintf(path, sizeof path, "%s/c_api.safetensors", directory);
  EXPECT(plexus_model_save(model, path) == PLEXUS_SUCCESS);
  plexus_model* others[2] = {NULL, NULL};
  EXPECT(plexus_model_load(path, &options, &others[0]) == PLEXUS_SUCCESS);
  EXPECT(plexus_model_clone(model, &others[1]) == PLEXUS_SUCCESS);
  plexus_model_free(model);
  for (int i = 0; i < 2; ++i) {
    memset(again, 0, sizeof again);
    EXPECT(plexus_model_predict(others[i], features, ROWS, COLUMNS, again, 2) == PLEXUS_SUCCESS);
    EXPECT(memcmp(logits, again, sizeof logits) == 0);
    EXPECT(strcmp(plexus_model_class_name(others[i], 0), "down") == 0);
    plexus_model_free(others[i]);
  }

  /* Stopped from outside. */
  model = classifier(&options);
  record = (Record){.stop_at = 3};
  EXPECT(plexus_model_fit(model, data, &fit, NULL) == PLEXUS_SUCCESS);
  EXPECT(record.epochs == 3);
  plexus_model_free(model);
}

static void regress(void) {
  Record record = {0};
  const plexus_model_options options = {.struct_size = sizeof options,
                                        .loss = "mse",
                                        .optimizer = "sgd",
                                        .learning_rate = 0.2,
                                        .momentum = 0.5,
                                        .log = log_line,
                                        .log_user = &record};
  plexus_dataset* data = NULL;
  EXPECT(plexus_dataset_regression(features, ROWS, COLUMNS, targets, 1, &data) == PLEXUS_SUCCESS);
  plexus_model* model = NULL;
  EXPECT(plexus_model_create(&options, &model) == PLEXUS_SUCCESS);
  EXPECT(plexus_model_add_dense(model, 1) == PLEXUS_SUCCESS);
  const plexus_fit_options fit = {.struct_size = sizeof fit, .epochs = 50, .keep_order = 1};
  EXPECT(plexus_model_fit(model, data, &fit, NULL) == PLEXUS_SUCCESS);
  plexus_evaluation result = {.struct_size = sizeof result};
  EXPECT(plexus_model_evaluate(model, data, &result) == PLEXUS_SUCCESS);
  EXPECT(result.r2 > 0.999 && result.mae < 0.05 && isnan(result.accuracy) && isnan(result.accuracy_low));
  const float point[2] = {0.25f, -0.5f};
  float value = 0;
  EXPECT(plexus_model_predict(model, point, 1, 2, &value, 1) == PLEXUS_SUCCESS);
  EXPECT(fabsf(value - 3) < 0.05f);
  EXPECT(!plexus_model_class_name(model, 0));
  EXPECT(plexus_model_predict(model, NULL, 0, 2, NULL, 1) == PLEXUS_SUCCESS); /* no rows */
  plexus_model_free(model);

  /* What the library has to say goes to the function. */
  float wide[4] = {1000, 1, 2000, 2};
  const float wanted[2] = {1, 2};
  plexus_dataset* raw = NULL;
  EXPECT(plexus_dataset_regression(wide, 2, 2, wanted, 1, &raw) == PLEXUS_SUCCESS);
  const plexus_model_options careful = {.struct_size = sizeof careful, .loss = "mae", .learning_rate = 1e-9, .log = log_line, .log_user = &record};
  EXPECT(plexus_model_create(&careful, &model) == PLEXUS_SUCCESS);
  EXPECT(plexus_model_add_dense(model, 1) == PLEXUS_SUCCESS);
  EXPECT(record.warnings == 0);
  EXPECT(plexus_model_fit(model, raw, NULL, NULL) == PLEXUS_SUCCESS);
  EXPECT(record.warnings >= 1 && strstr(record.lines, "Standardize"));
  plexus_model_free(model);
  plexus_dataset_free(raw);
  plexus_dataset_free(data);
}

static void refuse(const plexus_dataset* data, const char* no_model) {
  plexus_model* model = NULL;
  plexus_dataset* none = NULL;
  EXPECT_ERROR(plexus_model_create(NULL, NULL), PLEXUS_ERROR_ARGUMENT, "model: NULL");
  plexus_model_options options = {.struct_size = 0};
  EXPECT_ERROR(plexus_model_create(&options, &model), PLEXUS_ERROR_ARGUMENT,
               "model options: struct_size 0: set it to the size of the struct");
  options = (plexus_model_options){.struct_size = sizeof options, .loss = "l2"};
  EXPECT_ERROR(plexus_model_create(&options, &model), PLEXUS_ERROR_ARGUMENT,
               "no such loss: l2: choose one of binary_cross_entropy, huber, mae, mse, softmax_cross_entropy");
  options = (plexus_model_options){.struct_size = sizeof options, .optimizer = "adam", .momentum = 0.9};
  EXPECT_ERROR(plexus_model_create(&options, &model), PLEXUS_ERROR_ARGUMENT, "optimizer: no momentum but in sgd and rmsprop");
  options = (plexus_model_options){.struct_size = sizeof options, .backend = "no_such_backend"};
  EXPECT(plexus_model_create(&options, &model) == PLEXUS_ERROR_BACKEND && strstr(plexus_last_error(), "no_such_backend"));
  /* A caller of an older version, whose struct ended before the loss. */
  options = (plexus_model_options){.struct_size = offsetof(plexus_model_options, loss), .loss = "l2"};
  EXPECT(plexus_model_create(&options, &model) == PLEXUS_SUCCESS);

  EXPECT_ERROR(plexus_model_add(model, "swish"), PLEXUS_ERROR_ARGUMENT,
               "no such layer: swish: choose one of elu, flatten, gelu, gelu_tanh, impute, leaky_relu, log_softmax, minmax, "
               "relu, selu, sigmoid, silu, softmax, softplus, standardize, tanh");
  EXPECT(plexus_model_add_dense(model, 0) == PLEXUS_ERROR_ARGUMENT);
  EXPECT(plexus_model_add_dropout(model, 1) == PLEXUS_ERROR_ARGUMENT);
  EXPECT_ERROR(plexus_model_sizes(model, NULL, NULL, NULL), PLEXUS_ERROR_ARGUMENT, "sizes: the network is not built: fit it first");
  float value = 7;
  EXPECT_ERROR(plexus_model_predict(model, features, 1, 2, &value, 1), PLEXUS_ERROR_ARGUMENT,
               "predict: the network is not built: fit it first");
  EXPECT(plexus_model_add_dense(model, 1) == PLEXUS_SUCCESS); /* one output for two classes */
  EXPECT(plexus_model_fit(model, data, NULL, NULL) == PLEXUS_ERROR_DATA);
  EXPECT(plexus_model_add_dense(model, 2) == PLEXUS_SUCCESS);
  plexus_fit_options fit = {.struct_size = sizeof fit, .epochs = -1};
  EXPECT_ERROR(plexus_model_fit(model, data, &fit, NULL), PLEXUS_ERROR_ARGUMENT, "fit: -1 epochs: choose 0 or more");
  EXPECT(plexus_model_fit(model, data, NULL, NULL) == PLEXUS_SUCCESS);
  EXPECT_ERROR(plexus_model_predict(model, features, 1, 3, &value, 2), PLEXUS_ERROR_SHAPE,
               "predict: rows of 3 columns, the network takes 2: give the columns it was trained on");
  EXPECT_ERROR(plexus_model_predict(model, features, 1, 2, &value, 1), PLEXUS_ERROR_SHAPE,
               "predict: room for 1 outputs a row, the network has 2: see plexus_model_sizes");
  EXPECT(value == 7);
  EXPECT_ERROR(plexus_model_predict(model, NULL, 1, 2, &value, 2), PLEXUS_ERROR_ARGUMENT, "features: NULL");
  plexus_evaluation result = {.struct_size = 0};
  EXPECT_ERROR(plexus_model_evaluate(model, data, &result), PLEXUS_ERROR_ARGUMENT,
               "evaluation: struct_size 0: set it to the size of the struct");
  plexus_model_free(model);

  const int32_t outside[2] = {0, 2};
  EXPECT_ERROR(plexus_dataset_classification(features, 2, 2, outside, 2, NULL, &none), PLEXUS_ERROR_DATA,
               "dataset: row 1: label 2 is outside 0..1: number the 2 classes from 0");
  EXPECT(plexus_dataset_classification(features, INT64_MAX, 2, outside, 2, NULL, &none) == PLEXUS_ERROR_SHAPE);
  EXPECT(plexus_dataset_regression(features, -1, 2, targets, 1, &none) == PLEXUS_ERROR_ARGUMENT);
  EXPECT(!none);
  model = NULL;
  EXPECT(plexus_model_load("/no/such/model.safetensors", NULL, &model) == PLEXUS_ERROR_IO);
  EXPECT(plexus_model_load(no_model, NULL, &model) == PLEXUS_ERROR_FORMAT && !model);
  plexus_model_free(NULL);
  plexus_dataset_free(NULL);
}

int main(int argc, char** argv) {
  EXPECT(argc == 2);
  EXPECT(strcmp(plexus_last_error(), "") == 0);
  EXPECT(strcmp(plexus_version(), WANTED_VERSION) == 0);
  make_data();
  const char* names[] = {"down", "up"};
  plexus_dataset* data = NULL;
  EXPECT(plexus_dataset_classification(features, ROWS, COLUMNS, labels, 2, names, &data) == PLEXUS_SUCCESS);
  classify(data, argv[1]);
  regress();
  refuse(data, argv[0]);
  plexus_dataset_free(data);
  return failures > 0;
}
