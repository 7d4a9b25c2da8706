// plexus train: data in, a trained network's test result out.
#include "plexus/cli/train.h"

#include <cstdio>
#include <cstdlib>
#include <memory>
#include <sstream>

#include "plexus/cli/checkpoints.h"
#include "plexus/cli/command.h"
#include "plexus/cli/data.h"
#include "plexus/cli/diagnosis.h"
#include "plexus/cli/exit_code.h"
#include "plexus/cli/flags.h"
#include "plexus/cli/interrupt.h"
#include "plexus/cli/loss.h"
#include "plexus/cli/model_data.h"
#include "plexus/cli/network.h"
#include "plexus/cli/output.h"
#include "plexus/cli/predictions.h"
#include "plexus/cli/progress.h"
#include "plexus/cli/result.h"
#include "plexus/cli/run_directory.h"
#include "plexus/cli/schedule.h"
#include "plexus/cli/suggestion.h"
#include "plexus/cli/terminal.h"
#include "plexus/core/error.h"
#include "plexus/trainer/model_file.h"
#include "plexus/trainer/split.h"
#include "plexus/trainer/target_scaling.h"
#include "plexus/trainer/trainer.h"

namespace plexus::cli {
namespace {

struct Options {
  std::string data, test, label, task, missing = "error", layers = "128,relu", loss, batch = "32", out,
                                       colour = "auto";
  std::optional<double> test_fraction;
  double validation = 0.1;
  std::optional<int64_t> epochs;
  int64_t show = 0;
  uint64_t seed = 0;
  OptimizerFlags optimizer;
  ScheduleFlags schedule;
  RegularizationFlags regularization;
  double label_smoothing = 0;
  std::string class_weights;
  BackendFlags backend;
  CheckpointFlags checkpoints;
  std::string run;
  std::vector<std::string> arguments;  // as parsed
  std::string augment;
  bool plan = false, json = false, map = false, no_diagnosis = false;
};

Task make_task(const std::string& name) {
  return name.empty() ? Task::automatic : name == "classify" ? Task::classify : Task::regress;
}

Missing make_missing(const std::string& name) {
  return name == "drop" ? Missing::drop : name == "mean" ? Missing::keep : Missing::error;
}

// "flip,crop=2,shift=2"
Augmentation parse_augmentation(const std::string& text) {
  Augmentation result;
  std::istringstream list(text);
  for (std::string item; std::getline(list, item, ',');) {
    const size_t equals = std::min(item.find('='), item.size());
    const std::string name = item.substr(0, equals), value = item.substr(std::min(equals + 1, item.size()));
    const bool number =
        !value.empty() && value.find_first_not_of("0123456789") == std::string::npos && value.size() < 7;
    if (name == "flip" && equals == item.size())
      result.flip = true;
    else if ((name == "crop" || name == "shift") && number)
      (name == "crop" ? result.crop : result.shift) = std::stoll(value);
    else
      throw ArgumentError("--augment: expected flip, crop=PIXELS or shift=PIXELS, found '" + item + "'" +
                          did_you_mean(name, {"flip", "crop", "shift"}));
  }
  return result;
}

// The parts of the data, each with its job.
struct Parts {
  Dataset train;
  std::optional<Dataset> validation;
  Dataset test;
};

Parts divide(const Data& data, const Options& options) {
  Dataset train = data.train;
  Dataset test;
  if (data.test) {
    test = *data.test;
  } else {
    const Split parts =
        split(train, {.test_fraction = options.test_fraction.value_or(0.2), .seed = options.seed});
    train = parts.train, test = parts.test;
  }
  if (options.validation == 0) return {train, std::nullopt, test};
  const Split parts = split(train, {.test_fraction = options.validation, .seed = options.seed});
  return {parts.train, parts.test, test};
}

/// Small data need more passes to learn as much: 200 as scikit-learn's MLPClassifier, fewer where that is
/// more than 10000 steps, 10 where there is plenty.
int64_t default_epochs(int64_t rows, int64_t batch) {
  constexpr int64_t fewest = 10, most = 200, steps = 10000;
  const int64_t steps_of_epoch = std::max<int64_t>(1, (rows + batch - 1) / batch);
  return std::clamp(steps / steps_of_epoch, fewest, most);
}

void describe(std::FILE* out, const Options& options, const Data& data, const Parts& parts,
              const Context& context, const Sequential& network, const std::string& training) {
  std::fprintf(out, "data      %s: %lld rows to train, %lld to validate, %lld to test\n",
               options.data.c_str(), (long long)parts.train.size(),
               (long long)(parts.validation ? parts.validation->size() : 0), (long long)parts.test.size());
  const int64_t dropped = data.train.dropped() + (data.test ? data.test->dropped() : 0);
  if (dropped > 0)
    std::fprintf(out, "missing   %lld row%s with missing values left out\n", (long long)dropped,
                 dropped == 1 ? "" : "s");
  std::fprintf(out, "task      %s\n", data.reason.c_str());
  std::fprintf(out, "training  %s\n", training.c_str());
  std::fprintf(out, "backend   %s, %d thread%s, seed %llu\n\n", context.chosen().name().c_str(),
               context.executor().threads(), context.executor().threads() == 1 ? "" : "s",
               (unsigned long long)options.seed);
  std::fprintf(out, "%s\n", network.summary().c_str());
  std::fflush(out);
}

// `observer`: null, or who looks on; then nothing is written.
int train(const Options& options, Observer* observer) {
  // The backend first: nobody wants to wait for data to be read to learn that it is misspelt.
  const ContextOptions resolved = context_options(options.backend);
  const Context context = make_context(resolved);
  const std::string isa = to_string(Environment::resolve(resolved).max_isa);

  const Optimizer chosen = optimizer(options.optimizer);
  ChosenSchedule schedule(options.schedule, options.validation > 0);
  TrainerOptions settings;
  set(settings, options.regularization);
  auto hidden = parse_layers(options.layers);
  const Task task = make_task(options.task);
  make_loss(options.loss, task, "--task " + options.task);
  if (options.test_fraction && !options.test.empty())
    throw ArgumentError("--test-fraction and --test exclude each other: the test data is there already");
  if (options.test_fraction && has_test_part(options.data))
    throw ArgumentError("--test-fraction: " + options.data + " has test data of its own");
  if (!options.out.empty()) check_output(options.out);
  if (!options.schedule.log.empty()) check_output(options.schedule.log);
  parse_augmentation(options.augment);
  std::optional<RunDirectory> run;
  if (!options.run.empty()) run.emplace(options.run, options.checkpoints.resume);
  const CheckpointOptions checkpoints =
      checkpoint_options(options.checkpoints, run ? run->checkpoints() : "");
  const std::string model = options.out.empty() && run ? run->model() : options.out;

  catch_interrupts();
  const Missing missing = make_missing(options.missing);
  const Data data = open_data({options.data, options.test, options.label, task, missing, options.map});
  if (!model.empty()) check_names(options.data, data.train);
  if (observer && !observer->on_data(data)) return failed;
  const bool classify = data.train.labels();
  Loss loss = make_loss(options.loss, classify ? Task::classify : Task::regress, data.reason);
  Parts parts = divide(data, options);
  const Dataset measured = parts.train;
  std::optional<TargetScaling> scaling;
  if (!classify) {
    scaling.emplace(parts.train);
    parts.train = scaling->apply(parts.train);
    if (parts.validation) parts.validation = scaling->apply(*parts.validation);
  }
  if (auto* entropy = std::get_if<SoftmaxCrossEntropy>(&loss)) {
    entropy->label_smoothing = options.label_smoothing;
    entropy->class_weights = make_class_weights(options.class_weights, parts.train);
  } else if (options.label_smoothing > 0 || !options.class_weights.empty()) {
    throw ArgumentError(std::string(options.label_smoothing > 0 ? "--label-smoothing" : "--class-weights") +
                        " needs classes and --loss cross-entropy, but the loss is " + to_string(loss));
  }

  const int64_t outputs = classify ? data.train.classes() : data.train.target_shape().elements();
  Sequential network = make_network(std::move(hidden), data.train.feature_shape(), outputs, options.seed,
                                    {parts.train.categories(), missing == Missing::keep});
  settings.loss = loss;
  settings.optimizer = chosen;
  settings.schedule = schedule.schedule();
  settings.warmup_steps = options.schedule.warmup_steps;
  settings.seed = options.seed;
  settings.ema_decay = options.schedule.ema_decay;
  Trainer trainer(network, settings, context);
  FitOptions fit{.validation = parts.validation, .seed = options.seed, .diagnosis = false};
  fit.augmentation = parse_augmentation(options.augment);
  check_augmentation(fit.augmentation, data.train.feature_shape());
  fit.full_batch = options.batch == "full";
  fit.batch_size = fit.full_batch ? parts.train.size() : std::stoll(options.batch);
  fit.epochs = options.epochs.value_or(default_epochs(parts.train.size(), fit.batch_size));
  fit.checkpoints = checkpoints;

  std::FILE* out = options.json ? stderr : stdout;
  std::ostringstream training;
  training << fit.epochs << (fit.epochs == 1 ? " epoch" : " epochs") << ", batches of " << fit.batch_size
           << ", " << to_string(loss) << (scaling ? " of standardised targets" : "") << ", "
           << to_string(chosen) << schedule.describe();
  describe(out, options, data, parts, context, network, training.str());
  if (run) {
    Manifest manifest = make_manifest(context, isa, data);
    manifest.arguments = options.arguments;
    manifest.seed = options.seed;
    manifest.data = options.data;
    manifest.training = training.str();
    run->begin(manifest);
    for (const auto& callback : run->callbacks()) fit.callbacks.push_back(callback.get());
  }
  if (observer) fit.callbacks.push_back(observer);
  for (Callback* callback : schedule.callbacks()) fit.callbacks.push_back(callback);
  if (options.plan) std::fprintf(out, "%s\n", trainer.plan(fit.batch_size).c_str());

  Diagnosis diagnosis;
  if (!options.no_diagnosis && !observer)
    diagnosis.begin(network, settings, measured, parts.train, parts.test, context, fit);
  History history;
  {
    ProgressDisplay display(out, is_terminal(stderr) ? stderr : nullptr, parts.train.size(), fit.epochs);
    fit.callbacks.push_back(&display);
    history = trainer.fit(parts.train, fit);
  }
  if (scaling) scaling->fold_into(network);

  if (observer) {
    observer->on_network(network, history.stopped);
    return interrupted() ? signalled + interrupted() : ok;
  }
  TrainingResult finished{
      .backend = context.chosen().name(),
      .isa = isa,
      .threads = context.executor().threads(),
      .seed = options.seed,
      .classification = classify,
      .parameters = network.parameter_count(),
      .history = history,
      .best_epoch = schedule.early_stopping() ? schedule.early_stopping()->best_epoch() : 0,
      .test = {},
      .findings = diagnosis.findings()};
  if (finished.best_epoch > 0)
    std::fprintf(out, "\nweights of epoch %lld, the best\n", (long long)finished.best_epoch);
  const int signal = interrupted();
  if (!signal) {
    finished.test = trainer.evaluate(parts.test);
    std::ostringstream result;
    result << *finished.test;
    std::fprintf(out, "\ntest data\n%s", result.str().c_str());
    if (const auto* one_hot = dynamic_cast<const OneHot*>(&network[0])) {
      const Dataset seen = parts.test.with_categories(one_hot->categories());
      std::fputs(note(unknown_categories(seen)).c_str(), out);
    }
    if (options.show > 0)
      show_predictions(out, trainer, parts.test, options.show, colours(options.colour, out));
  }
  // After Ctrl-C too: what was learnt until then is worth keeping.
  if (!model.empty() && !(run && signal)) {
    save(network, model);
    std::fprintf(out, "\nmodel     %s\n", model.c_str());
  }
  if (options.json) std::puts(to_json(finished).c_str());
  if (signal)
    std::fprintf(stderr, "plexus: stopped by signal %d in epoch %zu%s\n", signal, history.epochs.size(),
                 checkpoints.directory.empty() ? "" : "; --resume goes on from here");
  return signal ? signalled + signal : ok;
}

// Adds the command; its options are what is parsed.
CLI::App* add_command(CLI::App& parent, const std::shared_ptr<Options>& options) {
  CLI::App* app = parent.add_subcommand("train", "Train a network on data and test it");
  app->add_option(
         "DATA", options->data,
         "fashion-mnist (Debian's dataset-fashion-mnist), a directory with the four MNIST-style IDX files, "
         "a .npy or .csv table")
      ->required();
  app->add_option("--test", options->test, "Test data (default: the directory's own, else a part of DATA)")
      ->type_name("DATA");
  app->add_option("--test-fraction", options->test_fraction, "Share of DATA to test on (default: 0.2)")
      ->type_name("F")
      ->check(fraction(false));
  app->add_option("--validation", options->validation,
                  "Share of the training data to validate on (default: 0.1)")
      ->type_name("F")
      ->check(fraction(true));
  app->add_option(
         "--label", options->label,
         "Label column of a table, by name or number; several, separated by commas, are regressed (default: "
         "the last)")
      ->type_name("NAME|INDEX");
  app->add_option(
         "--missing", options->missing,
         "Rows with missing values: error, drop, or mean: the mean of the training rows fills them in "
         "(default: error)")
      ->type_name("HOW")
      ->check(one_of({"error", "drop", "mean"}));
  app->add_option(
         "--task", options->task,
         "classify or regress (default: classify for text and for at most 64 distinct whole numbers with two "
         "or more rows each)")
      ->type_name("TASK")
      ->check(one_of({"classify", "regress"}));
  app->add_option("--layers", options->layers,
                  "Hidden layers, separated by commas: " + layer_names() + " (default: 128,relu)")
      ->type_name("LIST");
  app->add_option("--loss", options->loss,
                  "mse, mae, huber or cross-entropy (default: by task, mse or cross-entropy)")
      ->type_name("NAME")
      ->check(one_of(loss_names));
  app->add_option("--epochs", options->epochs,
                  "Passes over the training data (default: 10; up to 200 for small data)")
      ->type_name("N")
      ->check(whole_number(1));
  app->add_option("--batch", options->batch, "Rows of a batch, or full: all rows (default: 32)")
      ->type_name("N|full")
      ->check(batch_size());
  add_flags(*app, options->optimizer);
  add_flags(*app, options->schedule);
  add_flags(*app, options->regularization);
  app->add_option("--label-smoothing", options->label_smoothing,
                  "Share of every target that all classes get alike (default: 0)")
      ->type_name("F")
      ->check(fraction(true));
  app->add_option(
         "--class-weights", options->class_weights,
         "How much rows count by class: balanced, or a list in the order of the classes (default: all alike)")
      ->type_name("balanced|LIST");
  app->add_option(
         "--augment", options->augment,
         "Change images at random in every epoch, separated by commas: flip, crop=PIXELS, shift=PIXELS "
         "(default: nothing)")
      ->type_name("LIST");
  app->add_flag("--map", options->map,
                "Leave the features of a .npy table in the file: more than memory holds");
  app->add_option("--seed", options->seed, "Seed of all that is random (default: 0)")
      ->type_name("N")
      ->check(whole_number(0));
  add_flags(*app, options->backend);
  add_flags(*app, options->checkpoints);
  app->add_option(
         "--run", options->run,
         "Leave all of the run in DIR: manifest, metrics, checkpoints, model; plexus replay repeats it")
      ->type_name("DIR");
  app->add_option("--out", options->out, "Write the trained model to FILE (.safetensors)")->type_name("FILE");
  app->add_flag("--no-diagnosis", options->no_diagnosis, "Do not look for the usual mistakes");
  app->add_flag("--plan", options->plan, "Print the plan of a training step first");
  app->add_option("--show", options->show, "Print N test predictions, images drawn (default: 0)")
      ->type_name("N")
      ->check(whole_number(0));
  app->add_option("--color", options->colour, "auto, always or never (default: auto)")
      ->type_name("WHEN")
      ->check(one_of({"auto", "always", "never"}));
  app->add_flag("--json", options->json,
                "Print one JSON object on standard output, all else on standard error");
  app->footer(
      "Examples:\n"
      "  plexus train fashion-mnist --layers 256,relu,128,relu --show 10\n"
      "  plexus train fashion-mnist --epochs 100 --schedule cosine --early-stopping 10 --log epochs.csv\n"
      "  plexus train iris.npy --layers 10,relu --epochs 1000 --lr 0.01 --out iris.safetensors\n"
      "  plexus train houses.csv --label price --task regress --loss huber --json > run.json");
  app->final_callback([app, options] { options->arguments = arguments_of(*app); });
  return app;
}

}  // namespace

int train_again(const std::vector<std::string>& arguments, Observer& observer) {
  CLI::App app;
  const auto options = std::make_shared<Options>();
  add_command(app, options);
  std::vector<std::string> words(arguments.rbegin(), arguments.rend());
  words.push_back("train");
  app.parse(std::move(words));  // the last one first
  options->run = options->out = options->schedule.log = "";
  options->checkpoints = {};
  options->plan = options->json = false;
  return train(*options, &observer);
}

Command train_command(CLI::App& parent) {
  const auto options = std::make_shared<Options>();
  return {add_command(parent, options), [options] { return train(*options, nullptr); }};
}

}  // namespace plexus::cli
