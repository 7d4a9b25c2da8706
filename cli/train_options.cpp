#include "plexus/cli/train_options.h"

#include "plexus/cli/loss.h"
#include "plexus/cli/network.h"
#include "plexus/core/error.h"

namespace plexus::cli {

void refuse(bool given, const std::string& flag, const std::string& mode, const std::string& remedy) {
  if (given) throw ArgumentError(flag + " is for one training, not for " + mode + ": " + remedy);
}

void refuse_files(const TrainOptions& options, const std::string& mode, const std::string& remedy) {
  const CheckpointFlags& checkpoints = options.checkpoints;
  refuse(!options.run.empty(), "--run", mode, remedy);
  refuse(!checkpoints.directory.empty() || !checkpoints.every.empty() || checkpoints.resume, "a checkpoint",
         mode, remedy);
  refuse(!options.schedule.log.empty(), "--log", mode, remedy);
  refuse(options.show > 0, "--show", mode, remedy);
}

App add_train_command(App& parent, const std::shared_ptr<TrainOptions>& options) {
  App app = parent.add_subcommand("train", "Train a network on data and test it");
  app.add_option(
         "DATA", options->data,
         "fashion-mnist (Debian's dataset-fashion-mnist), a directory with the four MNIST-style IDX files, "
         "a .npy or .csv table")
      .required();
  app.add_option("--test", options->test, "Test data (default: the directory's own, else a part of DATA)")
      .type_name("DATA");
  app.add_option("--test-fraction", options->test_fraction, "Share of DATA to test on (default: 0.2)")
      .type_name("F")
      .check(fraction(false));
  app.add_option("--validation", options->validation,
                 "Share of the training data to validate on (default: 0.1)")
      .type_name("F")
      .check(fraction(true));
  app.add_option(
         "--label", options->label,
         "Label column of a table, by name or number; several, separated by commas, are regressed (default: "
         "the last)")
      .type_name("NAME|INDEX");
  app.add_option(
         "--missing", options->missing,
         "Rows with missing values: error, drop, or mean: the mean of the training rows fills them in "
         "(default: error)")
      .type_name("HOW")
      .check(one_of({"error", "drop", "mean"}));
  app.add_option(
         "--task", options->task,
         "classify or regress (default: classify for text and for at most 64 distinct whole numbers with two "
         "or more rows each)")
      .type_name("TASK")
      .check(one_of({"classify", "regress"}));
  app.add_option("--layers", options->layers,
                 "Hidden layers, separated by commas: " + layer_names() + " (default: 128,relu)")
      .type_name("LIST");
  app.add_option("--loss", options->loss,
                 "mse, mae, huber or cross-entropy (default: by task, mse or cross-entropy)")
      .type_name("NAME")
      .check(one_of(loss_names));
  app.add_option("--epochs", options->epochs,
                 "Passes over the training data (default: 10; up to 200 for small data)")
      .type_name("N")
      .check(whole_number(1));
  app.add_option("--batch", options->batch, "Rows of a batch, or full: all rows (default: 32)")
      .type_name("N|full")
      .check(batch_size());
  add_flags(app, options->optimizer);
  add_flags(app, options->schedule);
  add_flags(app, options->regularization);
  app.add_option("--label-smoothing", options->label_smoothing,
                 "Share of every target that all classes get alike (default: 0)")
      .type_name("F")
      .check(fraction(true));
  app.add_option(
         "--class-weights", options->class_weights,
         "How much rows count by class: balanced, or a list in the order of the classes (default: all alike)")
      .type_name("balanced|LIST");
  app.add_option(
         "--augment", options->augment,
         "Change images at random in every epoch, separated by commas: flip, crop=PIXELS, shift=PIXELS "
         "(default: nothing)")
      .type_name("LIST");
  app.add_flag("--map", options->map,
               "Leave the features of a .npy table in the file: more than memory holds");
  app.add_option("--seed", options->seed, "Seed of all that is random (default: 0)")
      .type_name("N")
      .check(whole_number(0));
  app.add_option("--seeds", options->seeds,
                 "Train N times, with seed, seed + 1, ...: the mean of what the test data say, and how much "
                 "it varies")
      .type_name("N")
      .check(whole_number(2));
  app.add_option("--folds", options->folds,
                 "Cross-validate: train K times, each time tested on another part of the training data")
      .type_name("K")
      .check(whole_number(2));
  app.add_flag("--find-lr", options->find_rate,
               "Look for a learning rate instead: a few steps, with a rate that grows from 1e-7 to 10");
  add_flags(app, options->backend);
  add_flags(app, options->checkpoints);
  app.add_option(
         "--run", options->run,
         "Leave all of the run in DIR: manifest, metrics, checkpoints, model; plexus replay repeats it")
      .type_name("DIR");
  app.add_option("--out", options->out, "Write the trained model to FILE (.safetensors)").type_name("FILE");
  app.add_flag("--no-diagnosis", options->no_diagnosis, "Do not look for the usual mistakes");
  app.add_flag("--plan", options->plan, "Print the plan of a training step first");
  app.add_option("--show", options->show, "Print N test predictions, images drawn (default: 0)")
      .type_name("N")
      .check(whole_number(0));
  app.add_option("--color", options->colour, "auto, always or never (default: auto)")
      .type_name("WHEN")
      .check(one_of({"auto", "always", "never"}));
  app.add_flag("--json", options->json,
               "Print one JSON object on standard output, all else on standard error");
  app.footer(
      "Examples:\n"
      "  plexus train fashion-mnist --layers 256,relu,128,relu --show 10\n"
      "  plexus train fashion-mnist --epochs 100 --schedule cosine --early-stopping 10 --log epochs.csv\n"
      "  plexus train iris.npy --layers 10,relu --epochs 1000 --lr 0.01 --out iris.safetensors\n"
      "  plexus train iris.csv --layers 10,relu --find-lr\n"
      "  plexus train iris.csv --layers 10,relu --lr 0.01 --folds 10\n"
      "  plexus train houses.csv --label price --task regress --loss huber --json > run.json");
  return app;
}

}  // namespace plexus::cli
