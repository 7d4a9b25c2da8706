// plexus train: data in, a trained network's test result out.
#include "plexus/cli/train.h"

#include <cstdio>
#include <memory>
#include <sstream>

#include "plexus/cli/command.h"
#include "plexus/cli/exit_code.h"
#include "plexus/cli/interrupt.h"
#include "plexus/cli/model_data.h"
#include "plexus/cli/output.h"
#include "plexus/cli/predictions.h"
#include "plexus/cli/print_json.h"
#include "plexus/cli/rate_search.h"
#include "plexus/cli/repetition.h"
#include "plexus/cli/run_directory.h"
#include "plexus/cli/run_result.h"
#include "plexus/cli/session.h"
#include "plexus/cli/terminal.h"
#include "plexus/cli/train_options.h"
#include "plexus/layers/one_hot.h"
#include "plexus/trainer/model_file.h"

namespace plexus::cli {
namespace {

Manifest manifest_of(const TrainingSetup& setup, const Session& session) {
  const TrainOptions& options = setup.options();
  Manifest manifest = make_manifest(session.context(), setup.isa(), setup.data());
  manifest.automatic = session.automatic();
  manifest.arguments = options.arguments;
  manifest.seed = options.seed;
  manifest.data = options.data;
  manifest.training = session.training();
  manifest.task = setup.classify() ? "classify" : "regress";
  manifest.loss = to_string(session.loss());
  return manifest;
}

/// The data that the network was tested on, with its categories.
Dataset test_data(Session& session) {
  const auto* one_hot = dynamic_cast<const OneHot*>(&session.network()[0]);
  return one_hot ? session.parts().test.with_categories(one_hot->categories()) : session.parts().test;
}

void print(const TrainOptions& options, std::FILE* out, Session& session, const Evaluation& evaluation) {
  std::ostringstream text;
  text << evaluation << note(unknown_categories(test_data(session)));
  std::fprintf(out, "\ntest data\n%s", text.str().c_str());
  if (options.show > 0)
    show_predictions(out, session.trainer(), session.parts().test, options.show,
                     colours(options.colour, out));
}

// `observer`: null, or who looks on; then nothing is written.
int train(const TrainOptions& options, Observer* observer) {
  if (options.find_rate) return find_rate(options);
  if (options.seeds > 0 || options.folds > 0) return repeat(options);
  TrainingSetup setup(options);
  std::optional<RunDirectory> run;
  if (!options.run.empty()) run.emplace(options.run, options.checkpoints.resume);
  const CheckpointOptions checkpoints =
      checkpoint_options(options.checkpoints, run ? run->checkpoints() : "");
  const std::string model = options.out.empty() && run ? run->model() : options.out;

  catch_interrupts();
  setup.open();
  if (!model.empty()) check_names(options.data, setup.data().train);
  if (observer && !observer->on_data(setup.data())) return failed;
  Session session(setup, setup.divide(options.seed), options.seed);
  session.fit().checkpoints = checkpoints;
  session.tune();
  std::FILE* const out = setup.out();
  session.describe();
  if (run) {
    run->begin(manifest_of(setup, session));
    for (const auto& callback : run->callbacks()) session.fit().callbacks.push_back(callback.get());
  }
  if (observer) session.fit().callbacks.push_back(observer);
  if (options.plan) std::fprintf(out, "%s\n", session.trainer().plan(session.fit().batch_size).c_str());

  if (!options.no_diagnosis && !observer) session.diagnose();
  session.train(out);
  if (observer) {
    observer->on_network(session.network(), session.history().stopped);
    return interrupted() ? signalled + interrupted() : ok;
  }
  const TrainingResult finished = session.result();
  if (finished.best_epoch > 0)
    std::fprintf(out, "\nweights of epoch %lld, the best\n", (long long)finished.best_epoch);
  if (finished.test) print(options, out, session, *finished.test);
  const int signal = finished.test ? 0 : interrupted();
  // After Ctrl-C too: what was learnt until then is worth keeping.
  if (!model.empty() && !(run && signal)) {
    save(session.network(), model);
    std::fprintf(out, "\nmodel     %s\n", model.c_str());
  }
  if (run && finished.test) save_result(*run, session, finished, test_data(session));
  if (options.json) print_json(to_json(finished));
  if (signal)
    std::fprintf(stderr, "plexus: stopped by signal %d in epoch %zu%s\n", signal,
                 session.history().epochs.size(),
                 checkpoints.directory.empty() ? "" : "; --resume goes on from here");
  return signal ? signalled + signal : ok;
}

}  // namespace

int train_again(const std::vector<std::string>& arguments, Observer& observer) {
  App app;
  const auto options = std::make_shared<TrainOptions>();
  add_train_command(app, options);
  std::vector<std::string> words = {"train"};
  words.insert(words.end(), arguments.begin(), arguments.end());
  if (!app.parse(std::move(words))) return ok;
  options->run = options->out = options->schedule.log = "";
  options->checkpoints = {};
  options->plan = options->json = false;
  return train(*options, &observer);
}

Command train_command(App& parent) {
  const auto options = std::make_shared<TrainOptions>();
  const App app = add_train_command(parent, options);
  return {app, [options, app] {
            options->arguments = app.arguments();
            return train(*options, nullptr);
          }};
}

}  // namespace plexus::cli
