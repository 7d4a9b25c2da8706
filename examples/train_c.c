/* Trains a classifier from arrays, saves it, loads it and predicts, in C: train_c [MODEL.safetensors] */
#include <plexus/bindings/c_api.h>
#include <stdio.h>
#include <stdlib.h>

enum { ROWS = 400, COLUMNS = 2, CLASSES = 2 };

static void check(plexus_code code) {
  if (code == PLEXUS_SUCCESS) return;
  fprintf(stderr, "train_c: %s\n", plexus_last_error());
  exit(1);
}

static int32_t report(void* user, const plexus_epoch* epoch) {
  (void)user;
  if (epoch->epoch % 10 == 0) printf("epoch %d: loss %.4f\n", (int)epoch->epoch, epoch->train_loss);
  return 0; /* go on */
}

int main(int argc, char** argv) {
  const char* path = argc > 1 ? argv[1] : "model.safetensors";

  /* Points of a square; inside of a circle or not. */
  static float features[ROWS * COLUMNS];
  static int32_t labels[ROWS];
  for (int i = 0; i < ROWS; ++i) {
    const float x = (float)(i % 20) / 10 - 0.95f, y = (float)(i / 20) / 10 - 0.95f;
    features[2 * i] = x;
    features[2 * i + 1] = y;
    labels[i] = x * x + y * y < 0.5f;
  }
  const char* names[CLASSES] = {"outside", "inside"};
  plexus_dataset* data = NULL;
  check(plexus_dataset_classification(features, ROWS, COLUMNS, labels, CLASSES, names, &data));

  const plexus_model_options options = {.struct_size = sizeof options, .optimizer = "adam", .learning_rate = 0.01, .seed = 1};
  plexus_model* model = NULL;
  check(plexus_model_create(&options, &model));
  check(plexus_model_add(model, "standardize"));
  check(plexus_model_add_dense(model, 16));
  check(plexus_model_add(model, "tanh"));
  check(plexus_model_add_dense(model, CLASSES));

  const plexus_fit_options fit = {.struct_size = sizeof fit, .epochs = 50, .on_epoch = report};
  check(plexus_model_fit(model, data, &fit, NULL));
  plexus_evaluation result = {.struct_size = sizeof result};
  check(plexus_model_evaluate(model, data, &result));
  printf("accuracy %.3f (95 %%: %.3f to %.3f)\n", result.accuracy, result.accuracy_low, result.accuracy_high);
  check(plexus_model_save(model, path));
  plexus_model_free(model);
  plexus_dataset_free(data);

  check(plexus_model_load(path, NULL, &model));
  const float points[2 * COLUMNS] = {0.1f, 0.2f, 0.9f, -0.8f};
  int32_t classes[2];
  check(plexus_model_predict_classes(model, points, 2, COLUMNS, classes));
  for (int i = 0; i < 2; ++i)
    printf("(%.1f, %.1f) is %s\n", points[2 * i], points[2 * i + 1], plexus_model_class_name(model, classes[i]));
  plexus_model_free(model);
  return 0;
}
